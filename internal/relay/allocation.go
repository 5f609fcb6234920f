package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// mtu is the largest datagram or frame accepted; pion's buffers have this size,
// and it takes a read that fills one for truncated.
const mtu = 1600

// queueLength is in packets, about 100 ms at the packet limit. When a client
// (over TCP) does not take them, new packets are dropped.
const queueLength = 256

// allocation is one relayed transport address: what pion takes for a UDP
// socket is a queue in memory.
type allocation struct {
	loop   *loop
	call   *call
	client client
	role   protocol.Role
	addr   *net.UDPAddr // relayed transport address; never changed

	in   chan *packet // bounded; overflow drops the newest
	done chan struct{}
	once sync.Once
	// Both ways: one side may have many allocations, and all know where the other's are.
	sent, received flow

	// How the client is reached by the fast path; nil over TCP. Never changed.
	table     *table
	permitted atomic.Bool // may be sent to by the other allocations
	mu        sync.Mutex  // of whoever changes channels
	channels  atomic.Pointer[[]*binding]
}

// packet comes from loop.packets and goes back there.
type packet struct {
	data [mtu]byte
	size int
	from *net.UDPAddr
}

func newAllocation(l *loop, c *call, acc account, near client, port int) *allocation {
	return &allocation{
		loop: l, call: c, client: near, role: acc.role,
		addr:  &net.UDPAddr{IP: net.IP(l.ip.AsSlice()), Port: port},
		in:    make(chan *packet, queueLength),
		done:  make(chan struct{}),
		table: l.tables[near.listener],
	}
}

// ReadFrom gives pion the next packet for the client.
func (a *allocation) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case <-a.done:
		return 0, nil, net.ErrClosed
	case pkt := <-a.in:
		n := copy(p, pkt.data[:pkt.size])
		from := pkt.from
		a.loop.packets.Put(pkt)
		return n, from, nil
	}
}

// WriteTo takes a packet from the client to another allocation of its call.
// Like a datagram socket it has no opinion about what happens then.
func (a *allocation) WriteTo(p []byte, to net.Addr) (int, error) {
	if why := a.deliver(p, to); why != "" {
		a.loop.metrics.drop(why)
	}
	return len(p), nil
}

// deliver returns why the packet was dropped, or "".
func (a *allocation) deliver(p []byte, to net.Addr) string {
	addr, ok := to.(*net.UDPAddr)
	if !ok || !addr.IP.Equal(a.addr.IP) {
		return dropForeign
	}
	peer := a.call.at(addr.Port)
	if peer == nil || peer == a {
		return dropNoPeer
	}
	if len(p) > mtu {
		return dropSize
	}
	if why := a.police(peer, len(p), time.Now()); why != "" {
		return why
	}
	l := a.loop
	pkt := l.packets.Get().(*packet)
	pkt.size, pkt.from = copy(pkt.data[:], p), a.addr
	select {
	case peer.in <- pkt:
	default:
		l.packets.Put(pkt)
		return dropQueue
	}
	l.metrics.packets.Inc()
	l.metrics.bytes.Add(float64(len(p)))
	return ""
}

// police counts a packet to another allocation, whichever way it goes, and returns
// why it is too much, or "".
func (a *allocation) police(peer *allocation, size int, now time.Time) string {
	limits := &a.loop.limits
	if why := a.sent.take(size, limits, now); why != "" {
		return why
	}
	if why := peer.received.take(size, limits, now); why != "" {
		return why
	}
	if !a.call.carries(int64(size), a.role, limits) {
		return dropVolume
	}
	return ""
}

// Close ends the allocation; pion then forgets it.
func (a *allocation) Close() error {
	a.once.Do(func() {
		close(a.done)
		a.loop.remove(a)
	})
	return nil
}

// LocalAddr implements [net.PacketConn].
func (a *allocation) LocalAddr() net.Addr { return a.addr }

// SetDeadline implements [net.PacketConn]; pion sets none.
func (a *allocation) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements [net.PacketConn]; pion sets none.
func (a *allocation) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements [net.PacketConn]; pion sets none.
func (a *allocation) SetWriteDeadline(time.Time) error { return nil }
