package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// socketBuffer is in bytes: some 1700 full datagrams that come or leave at once.
	socketBuffer = 4 << 20
	// writeWait is how long pion waits for a socket that is full, in seconds.
	writeWait = 1
)

// fastConn is a UDP socket whose ReadFrom returns only what pion has to see;
// what the table can forward goes out on the same socket.
//
// The goroutine that reads waits in the kernel, and the runtime's poller does not
// know the socket: it would wake up for each datagram, to tell somebody who knows.
type fastConn struct {
	file   *os.File // counts who uses the descriptor
	raw    syscall.RawConn
	local  net.Addr
	table  *table
	closed atomic.Bool

	// All of these belong to the goroutine that reads.
	in      *inbox
	out     outbox
	next    int             // of in, not looked at yet by ReadFrom
	slow    [batchSize]bool // of in, for pion
	origins origins
	errno   syscall.Errno
	read    func(fd uintptr)
	write   func(fd uintptr)
	packets int // sent in this batch
	bytes   int
}

// withFastPath takes over the socket of pc, which withOrigin has seen, and closes pc. It
// returns nil, nil, and leaves pc alone, where there is no fast path.
func withFastPath(pc net.PacketConn, m *metrics) (net.PacketConn, *table) {
	var udp *net.UDPConn
	switch c := pc.(type) {
	case *originConn:
		udp = c.UDPConn
	case *net.UDPConn:
		udp = c
	default:
		return nil, nil
	}
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, nil
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, nil
	}
	v6, err := speaksIPv6(raw)
	if err != nil {
		return nil, nil
	}
	file, err := takeOver(raw)
	if err != nil {
		return nil, nil
	}
	if raw, err = file.SyscallConn(); err != nil {
		_ = file.Close() // nothing was written
		return nil, nil
	}
	_ = udp.Close() // the socket lives on in file
	t := &table{metrics: m, bound: bound.AddrPort(), v6: v6, clients: make(map[netip.AddrPort]*allocation)}
	return newFastConn(file, raw, bound, t), t
}

// enlarge asks for large buffers. Root gets them, others what the system's limits
// allow (net.core.rmem_max, net.core.wmem_max).
func enlarge(fd int) {
	for option, limited := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, limited, socketBuffer) // a wish
		}
	}
}

// takeOver returns a descriptor of the same socket that the runtime's poller does not know.
func takeOver(raw syscall.RawConn) (*os.File, error) {
	var own int
	var failed error
	err := raw.Control(func(fd uintptr) {
		if own, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); failed != nil {
			return
		}
		failed = errors.Join(unix.SetNonblock(own, false),
			unix.SetsockoptTimeval(own, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: writeWait}))
		if failed != nil {
			failed = errors.Join(failed, unix.SetNonblock(own, true), unix.Close(own))
			return
		}
		enlarge(own)
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(own), "udp"), nil
}

func newFastConn(file *os.File, raw syscall.RawConn, local net.Addr, t *table) *fastConn {
	c := &fastConn{file: file, raw: raw, local: local, table: t, in: newInbox(), origins: origins{}}
	c.read = func(fd uintptr) { c.errno = c.in.receive(fd) }
	c.write = func(fd uintptr) { c.packets, c.bytes = c.out.send(fd) }
	c.next = c.in.got // nothing yet
	return c
}

// ReadFrom implements [net.PacketConn], for one goroutine.
func (c *fastConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		for ; c.next < c.in.got; c.next++ {
			if i := c.next; c.slow[i] {
				c.next++
				from := c.origins.addr(withZone(&c.in.names[i]), destination(c.in.controlOf(i)))
				return copy(p, c.in.frame(i)), from, nil
			}
		}
		err := c.raw.Control(c.read)
		c.next = 0
		switch {
		case c.closed.Load():
			c.in.got = 0
			return 0, nil, net.ErrClosed
		case err != nil:
			return 0, nil, err
		case c.errno == syscall.EINTR:
		case c.errno != 0:
			return 0, nil, c.errno
		default:
			c.forward()
		}
	}
}

// forward sorts what has come in and sends on what goes on.
func (c *fastConn) forward() {
	now := time.Now()
	c.table.mu.RLock()
	for i := range c.in.got {
		frame := c.in.frame(i)
		to, size, why := c.table.forward(frame, addrPort(&c.in.names[i]), now)
		c.slow[i] = to == nil && why == ""
		switch {
		case to != nil:
			c.out.add(frame[:size], &to.wire)
		case why != "":
			c.table.metrics.drop(why)
		}
	}
	c.table.mu.RUnlock()
	n := c.out.n
	if n == 0 {
		return
	}
	c.packets, c.bytes = 0, 0
	_ = c.raw.Control(c.write) // if the socket is closed, nothing was sent
	c.out.n = 0
	c.table.metrics.forwarded(c.packets, c.bytes, n-c.packets)
}

// WriteTo implements [net.PacketConn], for anybody.
func (c *fastConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok || len(p) == 0 {
		return 0, net.InvalidAddrError("not a UDP address, or nothing to send")
	}
	to, local := split(udp)
	if ip := to.Addr(); !ip.IsValid() || ip.Unmap().Is6() && !c.table.v6 {
		return 0, net.InvalidAddrError("not of this socket's family")
	}
	w := newWire(to, local, c.table.v6)
	var errno syscall.Errno
	err := c.raw.Control(func(fd uintptr) { errno = sendOne(fd, p, &w) })
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close implements [net.PacketConn].
func (c *fastConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	// Wakes the reader, though it says that there is no connection to shut down.
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	return c.file.Close()
}

// LocalAddr implements [net.PacketConn].
func (c *fastConn) LocalAddr() net.Addr { return c.local }

// SetDeadline implements [net.PacketConn]; pion sets none.
func (c *fastConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements [net.PacketConn]; pion sets none.
func (c *fastConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements [net.PacketConn]; pion sets none.
func (c *fastConn) SetWriteDeadline(time.Time) error { return nil }
