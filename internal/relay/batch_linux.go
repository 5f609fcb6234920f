package relay

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many datagrams one system call takes at most.
const batchSize = 64

// controlSize has room for a PKTINFO of either family.
const controlSize = 64

// sendWait is how long, in milliseconds, a full socket may take to send what is in it.
const sendWait = 5

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
}

// wire is an address and where to send from, as the kernel wants them.
type wire struct {
	name    unix.RawSockaddrInet6 // of either family
	size    uint32
	control []byte // nil: the kernel chooses
}

func newWire(to netip.AddrPort, local netip.Addr, v6 bool) wire {
	var w wire
	port := (*[2]byte)(unsafe.Pointer(&w.name.Port))
	binary.BigEndian.PutUint16(port[:], to.Port())
	if v6 {
		w.name.Family, w.name.Addr = unix.AF_INET6, to.Addr().As16()
		w.size = unix.SizeofSockaddrInet6
		if zone, err := strconv.ParseUint(to.Addr().Zone(), 10, 32); err == nil {
			w.name.Scope_id = uint32(zone) // as withZone writes it
		}
	} else {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&w.name))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().As4()
		w.size = unix.SizeofSockaddrInet4
	}
	if local.IsValid() {
		w.control = source(local, v6)
	}
	return w
}

// withZone is addrPort, with the zone of a link-local address.
func withZone(name *unix.RawSockaddrInet6) netip.AddrPort {
	a := addrPort(name)
	if name.Family == unix.AF_INET6 && name.Scope_id != 0 && a.Addr().IsLinkLocalUnicast() {
		return netip.AddrPortFrom(a.Addr().WithZone(strconv.FormatUint(uint64(name.Scope_id), 10)), a.Port())
	}
	return a
}

// addrPort reads an address that the kernel wrote; a zone is left out.
func addrPort(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	var ip netip.Addr
	switch name.Family {
	case unix.AF_INET:
		ip = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr)
	case unix.AF_INET6:
		ip = netip.AddrFrom16(name.Addr).Unmap()
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port[:]))
}

// inbox is what one call of recvmmsg brings. Its memory is used again and again.
type inbox struct {
	got     int
	heads   [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet6
	control [batchSize][controlSize]byte
	data    [batchSize][mtu]byte
}

func newInbox() *inbox {
	in := &inbox{got: batchSize}
	for i := range in.heads {
		in.vectors[i].Base = &in.data[i][0]
		in.vectors[i].SetLen(mtu)
		h := &in.heads[i].header
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Control = &in.control[i][0]
	}
	return in
}

// receive waits for a datagram and takes what more there is.
func (in *inbox) receive(fd uintptr) syscall.Errno {
	for i := range in.got { // the others are as they were
		h := &in.heads[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	n, errno := mmsg(unix.SYS_RECVMMSG, fd, in.heads[:], unix.MSG_WAITFORONE)
	in.got = n
	return errno
}

func (in *inbox) frame(i int) []byte { return in.data[i][:min(in.heads[i].size, mtu)] }

func (in *inbox) controlOf(i int) []byte {
	return in.control[i][:min(in.heads[i].header.Controllen, controlSize)]
}

// outbox is what the next calls of sendmmsg take away.
type outbox struct {
	n       int
	heads   [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
}

// add takes a frame, which must stay as it is until send.
func (out *outbox) add(frame []byte, w *wire) {
	out.heads[out.n].address(&out.vectors[out.n], frame, w)
	out.n++
}

func (m *mmsghdr) address(v *unix.Iovec, frame []byte, w *wire) {
	v.Base = &frame[0]
	v.SetLen(len(frame))
	h := &m.header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&w.name)), w.size
	h.Iov = v
	h.SetIovlen(1)
	h.Control = nil
	if len(w.control) > 0 {
		h.Control = &w.control[0]
	}
	h.SetControllen(len(w.control))
}

// send sends everything, or waits a moment and gives up. It returns how many packets
// went, and how many bytes of channel data were in them.
func (out *outbox) send(fd uintptr) (packets, size int) {
	waited := false
	for from := 0; from < out.n; {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, out.heads[from:out.n], unix.MSG_DONTWAIT)
		for i := range n {
			packets++
			size += int(out.heads[from+i].size) - channelHeader
		}
		from += n
		switch {
		case n > 0 || errno == syscall.EINTR:
		case errno == syscall.EAGAIN && !waited:
			waited = true
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, sendWait) // the next try tells
		case errno == syscall.EAGAIN:
			from = out.n
		default:
			from++ // this one cannot be sent: no way there, or forbidden
		}
	}
	clear(out.heads[:out.n]) // no pointers to closed calls
	out.n = 0
	return packets, size
}

// sendOne sends one packet. It waits for a full socket as long as that has been told to.
func sendOne(fd uintptr, p []byte, w *wire) syscall.Errno {
	var heads [1]mmsghdr
	heads[0].address(new(unix.Iovec), p, w)
	for {
		if _, errno := mmsg(unix.SYS_SENDMMSG, fd, heads[:], 0); errno != syscall.EINTR {
			return errno
		}
	}
}

// mmsg calls recvmmsg or sendmmsg.
func mmsg(call, fd uintptr, heads []mmsghdr, flags uintptr) (int, syscall.Errno) {
	n, _, errno := unix.Syscall6(call, fd, uintptr(unsafe.Pointer(&heads[0])), uintptr(len(heads)), flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
