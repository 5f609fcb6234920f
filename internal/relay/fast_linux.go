package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// socketBuffer is in bytes: some 1700 full datagrams that come or leave at once.
	socketBuffer = 4 << 20
	// yieldEvery is how often the goroutine that reads lets others have its turn. A goroutine that keeps it for 10 ms
	// (forcePreemptNS, runtime/proc.go) is asked to give it up, and then the runtime's monitor looks after it every 20 µs:
	// under load that was a tenth of the server's processor time.
	yieldEvery = 8 * time.Millisecond
	// A socket with more datagrams a second than gatherFrom is left alone for a moment after each look, so that more of
	// them come together and fewer calls are made: gatherFor, and what the kernel adds (50 µs, prctl(2), PR_SET_TIMERSLACK).
	gatherFrom = 30_000
	gatherFor  = 100 * time.Microsecond
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
	slow    []slow // of in, for pion
	next    int    // of slow
	origins origins
	yielded time.Time
	count   int  // of datagrams sent since then
	busy    bool // more than gatherFrom
	errno   syscall.Errno
	read    func(fd uintptr)
	write   func(fd uintptr)
	packets int // sent in this batch
	bytes   int
}

// slow is a datagram for pion, and the message that brought it.
type slow struct {
	message int
	data    []byte
}

// slowRoom is how many of them there is room for from the beginning.
const slowRoom = 2 * batchSize

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
	c := &fastConn{file: file, raw: raw, local: local, table: t, slow: make([]slow, 0, slowRoom), origins: origins{}}
	room := mtu
	_ = raw.Control(func(fd uintptr) { // it is open
		if gather(int(fd)) {
			room = gathered
		}
		c.out.segmented = cuts(int(fd))
	})
	c.in = newInbox(room)
	c.read = func(fd uintptr) { c.errno = c.in.receive(fd) }
	c.write = func(fd uintptr) { c.packets, c.bytes = c.out.send(fd) }
	return c
}

// gather lets the kernel hand over as one message what one client has sent in a row, if it can (Linux 5.0).
func gather(fd int) bool { return unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1) == nil }

// cuts reports whether the kernel can cut a message into datagrams (Linux 4.18). Where it
// cannot it would send it as it is.
func cuts(fd int) bool { return unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, 0) == nil }

// ReadFrom implements [net.PacketConn], for one goroutine.
func (c *fastConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		if c.next < len(c.slow) {
			one := c.slow[c.next]
			c.next++
			from := c.origins.addr(withZone(&c.in.names[one.message]), destination(c.in.controlOf(one.message)))
			return copy(p, one.data), from, nil
		}
		if c.busy && c.in.got < batchSize {
			wait := unix.NsecToTimespec(int64(gatherFor))
			_ = unix.Nanosleep(&wait, nil) // a signal may end it
		}
		err := c.raw.Control(c.read)
		c.slow, c.next = c.slow[:0], 0
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
	for i := 0; i < c.in.got; {
		c.table.mu.RLock()
		for ; i < c.in.got && c.out.n+segments <= outSize; i++ {
			c.sort(i, now)
		}
		c.table.mu.RUnlock()
		c.flush()
	}
	if since := now.Sub(c.yielded); since > yieldEvery {
		c.busy = float64(c.count) > gatherFrom*since.Seconds()
		c.yielded, c.count = now, 0
		runtime.Gosched()
	}
}

// sort decides about each datagram of message i. c.table.mu is held for reading.
func (c *fastConn) sort(i int, now time.Time) {
	data, segment, cut := c.in.datagrams(i)
	if cut {
		c.table.metrics.drop(dropSize)
	}
	from := c.table.clients[addrPort(&c.in.names[i])]
	for more := true; more; more = len(data) > 0 {
		frame := data[:min(segment, len(data))]
		data = data[len(frame):]
		var to *hop
		var size int
		var why string
		if !c.out.full() {
			to, size, why = from.forward(frame, now)
		}
		switch {
		case to != nil:
			c.out.add(frame[:size], &to.wire)
		case why != "":
			c.table.metrics.drop(why)
		default:
			c.slow = append(c.slow, slow{i, frame})
		}
	}
}

// flush sends what there is to send.
func (c *fastConn) flush() {
	n := c.out.n
	if n == 0 {
		return
	}
	c.count += n
	c.packets, c.bytes = 0, 0
	if c.raw.Control(c.write) != nil { // the socket is closed, nothing was sent
		c.out.clear()
	}
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
	err := c.raw.Control(func(fd uintptr) { errno = sendOne(fd, p, &w, 0) })
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
