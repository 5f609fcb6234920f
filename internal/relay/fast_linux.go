package relay

import (
	"net"
	"net/netip"
	"syscall"
	"time"
)

// socketBuffer is asked for in bytes; the kernel gives what its limits allow
// (net.core.rmem_max, net.core.wmem_max).
const socketBuffer = 4 << 20

// fastConn is a UDP socket whose ReadFrom returns only what pion has to see;
// what the table can forward goes out on the same socket.
type fastConn struct {
	net.PacketConn // for everything but reading
	raw            syscall.RawConn
	table          *table

	// All of these belong to the goroutine that reads.
	in      *inbox
	out     outbox
	next    int             // of in, not looked at yet by ReadFrom
	slow    [batchSize]bool // of in, for pion
	origins origins
	errno   syscall.Errno
	read    func(fd uintptr) bool
	write   func(fd uintptr) bool
	packets int // sent in this batch
	bytes   int
}

// withFastPath returns nil, nil where there is none. pc is what withOrigin
// made of the socket, if it made anything.
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
	_ = udp.SetReadBuffer(socketBuffer)  // a wish
	_ = udp.SetWriteBuffer(socketBuffer) // a wish
	t := &table{metrics: m, bound: bound.AddrPort(), v6: v6, clients: make(map[netip.AddrPort]*allocation)}
	c := &fastConn{PacketConn: pc, raw: raw, table: t, in: newInbox(), origins: origins{}}
	c.read = func(fd uintptr) bool {
		c.errno = c.in.receive(fd)
		return c.errno != syscall.EAGAIN // wait until there is something
	}
	c.write = func(fd uintptr) bool {
		c.packets, c.bytes = c.out.send(fd)
		return true
	}
	c.next = c.in.got // nothing yet
	return c, t
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
		if err := c.raw.Read(c.read); err != nil {
			return 0, nil, err
		}
		c.next = 0
		if c.errno != 0 {
			return 0, nil, c.errno
		}
		c.forward()
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
	_ = c.raw.Write(c.write) // if the socket is closed, nothing was sent
	c.out.n = 0
	c.table.metrics.forwarded(c.packets, c.bytes, n-c.packets)
}
