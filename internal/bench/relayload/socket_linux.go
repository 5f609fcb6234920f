package relayload

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch = 64
	// headMax is what a message has of its own; the rest is filler that all share.
	headMax = 512
	// receiveMax is the largest answer; of media only the head is copied.
	receiveMax = 1600
	// bufferBytes is asked for each way, so that what is lost was lost in the server.
	bufferBytes = 64 << 20

	pktinfoSpace = 32 // unix.CmsgSpace of in_pktinfo, 12 bytes
	stampSpace   = 32 // unix.CmsgSpace of timespec, 16 bytes
)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// socket sends and receives in batches. What its system calls point to is part of it
// and stays where it is.
type socket struct {
	fd    int
	port  uint16
	out   *outbox
	in    *inbox
	spare unix.Timespec
}

type outbox struct {
	to     unix.RawSockaddrInet4
	msgs   [batch]mmsghdr
	vecs   [batch][2]unix.Iovec
	ctrl   [batch][pktinfoSpace]byte
	heads  [batch][headMax]byte
	filler [receiveMax]byte
	n      int
}

type inbox struct {
	msgs  [batch]mmsghdr
	vecs  [batch]unix.Iovec
	ctrl  [batch][stampSpace]byte
	bytes [batch][receiveMax]byte
}

func openSocket(server netip.AddrPort) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd, out: &outbox{}, in: &inbox{}}
	if err := s.prepare(server); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *socket) prepare(server netip.AddrPort) error {
	for _, o := range []struct{ level, name, value int }{
		{unix.IPPROTO_IP, unix.IP_FREEBIND, 1},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
	} {
		if err := unix.SetsockoptInt(s.fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	for force, plain := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, force, bufferBytes) != nil { // only root may
			_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, plain, bufferBytes) // as much as there is
		}
	}
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	s.port = uint16(name.(*unix.SockaddrInet4).Port)
	s.out.init()
	s.in.init()
	s.aim(server)
	return nil
}

// aim says where datagrams go from now on.
func (s *socket) aim(to netip.AddrPort) {
	s.out.to = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.out.to.Port))[:], to.Port())
}

func (o *outbox) init() {
	for i := range o.msgs {
		cmsg := (*unix.Cmsghdr)(unsafe.Pointer(&o.ctrl[i]))
		cmsg.Level, cmsg.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		cmsg.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		o.vecs[i][0].Base, o.vecs[i][1].Base = &o.heads[i][0], &o.filler[0]
		h := &o.msgs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&o.to)), unix.SizeofSockaddrInet4
		h.Iov, h.Control = &o.vecs[i][0], &o.ctrl[i][0]
		h.SetIovlen(2)
		h.SetControllen(pktinfoSpace)
	}
}

func (in *inbox) init() {
	for i := range in.msgs {
		in.vecs[i].Base = &in.bytes[i][0]
		in.msgs[i].hdr.Iov, in.msgs[i].hdr.Control = &in.vecs[i], &in.ctrl[i][0]
		in.msgs[i].hdr.SetIovlen(1)
	}
}

// put adds a datagram to the batch, from this address: head, and filler up to size.
// It returns where the head is, until the next flush.
func (s *socket) put(from [4]byte, head []byte, size int) []byte {
	o := s.out
	i := o.n
	o.n++
	copy(o.ctrl[i][unix.CmsgLen(4):], from[:]) // in_pktinfo: interface, source, destination
	n := copy(o.heads[i][:], head)
	o.vecs[i][0].SetLen(n)
	o.vecs[i][1].SetLen(max(size-n, 0))
	return o.heads[i][:n]
}

// full says that the batch must be flushed before the next put.
func (s *socket) full() bool { return s.out.n == batch }

// flush sends the batch. A datagram that the kernel refuses is lost.
func (s *socket) flush() {
	for sent := 0; sent < s.out.n; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd),
			uintptr(unsafe.Pointer(&s.out.msgs[sent])), uintptr(s.out.n-sent), 0, 0, 0)
		if errno != 0 {
			n = 1
		}
		sent += int(n)
	}
	s.out.n = 0
}

// arrival is a datagram; its bytes are good until the next receive.
type arrival struct {
	data []byte
	at   time.Time
}

// receive takes what is there, without waiting, cut to size, and returns how many
// there were.
func (s *socket) receive(size int) int {
	for i := range s.in.msgs {
		s.in.vecs[i].SetLen(size)
		s.in.msgs[i].hdr.SetControllen(stampSpace)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd),
		uintptr(unsafe.Pointer(&s.in.msgs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0 // nothing is there, or an ICMP message was
	}
	return int(n)
}

func (s *socket) arrival(i int) arrival {
	a := arrival{data: s.in.bytes[i][:s.in.msgs[i].len]}
	cmsg := (*unix.Cmsghdr)(unsafe.Pointer(&s.in.ctrl[i]))
	if s.in.msgs[i].hdr.Controllen > 0 && cmsg.Level == unix.SOL_SOCKET && cmsg.Type == unix.SO_TIMESTAMPNS {
		stamp := (*unix.Timespec)(unsafe.Pointer(&s.in.ctrl[i][unix.CmsgLen(0)]))
		a.at = time.Unix(stamp.Unix())
	}
	return a
}

// pause sleeps for less than Go's timers can.
func (s *socket) pause(d time.Duration) {
	s.spare = unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&s.spare)), 0, 0) // cut short by a signal is fine
}

// sharpen makes pauses of this thread as short as they are asked to be.
func (s *socket) sharpen() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("load: %w", os.NewSyscallError("prctl", err))
	}
	return nil
}

func (s *socket) close() error { return unix.Close(s.fd) }
