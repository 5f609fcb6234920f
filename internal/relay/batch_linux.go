package relay

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many messages one system call takes at most.
	batchSize = 64
	// gathered is the largest message that the kernel makes of several datagrams (UDP_GRO, udp(7)): one of an IP packet's size.
	gathered = 1 << 16
	// cacheLines is added to the distance of messages: their beginnings would all fall into
	// the same few lines of the processor's cache if they were a power of two apart.
	cacheLines = 3 * 64
	// controlSize has room for a PKTINFO of either family and the size of segments.
	controlSize = 96
)

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
	slot    uint8  // of outbox.latest
	// The way does not take messages of several datagrams. Of the goroutine that reads.
	small bool
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
	for _, b := range (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(&w.name)) {
		w.slot = w.slot*31 + b
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
	room    int // for a message
	heads   [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet6
	control [batchSize][controlSize]byte
	// Of room and cacheLines for each message. What no message has ever filled, the kernel has not given us yet.
	data []byte
}

func newInbox(room int) *inbox {
	in := &inbox{got: batchSize, room: room, data: make([]byte, batchSize*(room+cacheLines))}
	for i := range in.heads {
		in.vectors[i].Base = &in.message(i)[0]
		in.vectors[i].SetLen(room)
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

// message is where message i goes.
func (in *inbox) message(i int) []byte { return in.data[i*(in.room+cacheLines):][:in.room] }

// datagrams returns what message i brought: one datagram, or several of the same sender that
// are segment bytes long, but for the last one, which may be shorter. Whether the end is missing, is cut.
func (in *inbox) datagrams(i int) (data []byte, segment int, cut bool) {
	data = in.message(i)[:min(int(in.heads[i].size), in.room)]
	segment = segmentSize(in.controlOf(i))
	if segment <= 0 || segment >= len(data) {
		return data, max(len(data), 1), false // cut or not: what fills a datagram's room is too large
	}
	if in.heads[i].header.Flags&unix.MSG_TRUNC != 0 {
		return data[:(len(data)-1)/segment*segment], segment, true
	}
	return data, segment, false
}

func (in *inbox) controlOf(i int) []byte {
	return in.control[i][:min(in.heads[i].header.Controllen, controlSize)]
}

// segmentSize reads how long the datagrams in a message are; 0: there is only one.
func segmentSize(oob []byte) int {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0
		}
		if h.Level == unix.SOL_UDP && h.Type == unix.UDP_GRO && len(data) >= 4 {
			return int(int32(binary.NativeEndian.Uint32(data)))
		}
		oob = rest
	}
	return 0
}

// sendOne sends one packet. Without MSG_DONTWAIT it waits for a full socket as long as that has been told to.
func sendOne(fd uintptr, p []byte, w *wire, flags uintptr) syscall.Errno {
	vector := unix.Iovec{Base: &p[0]}
	vector.SetLen(len(p))
	var heads [1]mmsghdr
	h := &heads[0].header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&w.name)), w.size
	h.Iov = &vector
	h.SetIovlen(1)
	if len(w.control) > 0 {
		h.Control = &w.control[0]
	}
	h.SetControllen(len(w.control))
	for {
		if _, errno := mmsg(unix.SYS_SENDMMSG, fd, heads[:], flags); errno != syscall.EINTR {
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
