package relay

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// mtu is the largest datagram or frame accepted; pion's buffers have this size,
// and it takes a read that fills one for truncated.
const mtu = 1600

// allocation is one relayed transport address: what pion takes for a UDP
// socket is a place in memory.
//
// It ends in two steps. It leaves its call when pion closes it, or when the server takes
// it away: from then on nothing goes through it. It counts for the limits until
// pion has closed it, so that these bound pion's memory, too.
type allocation struct {
	loop   *loop
	call   *call
	client client
	account
	addr *net.UDPAddr // relayed transport address; never changed
	left bool         // its call; guarded by loop.mu

	// Both ways: one side may have many allocations, and all know where the other's are.
	sent, received flow

	// How the client is reached by the fast path; nil over TCP. Never changed.
	table     *table
	permitted atomic.Bool // may be sent to by the other allocations
	mu        sync.Mutex  // of whoever changes channels
	channels  atomic.Pointer[[]*binding]
	granting  granting

	// How the client is reached past it: the same socket and address as pion has. Set
	// before there is a permission or channel, and then never changed.
	outlet outlet
	near   net.Addr
	mail   mail
	reader *reader // instead of all that: of the near end of a check
}

func newAllocation(l *loop, c *call, acc account, near client, port int) *allocation {
	return &allocation{
		loop: l, call: c, client: near, account: acc,
		addr:  &net.UDPAddr{IP: l.relayIP, Port: port},
		table: l.fronts[near.listener].table,
	}
}

// ReadFrom ends the goroutine in which pion would wait for packets to the client.
//
// pion/turn (5.1, packetConnHandler) starts one for each allocation. All that it does is to
// read here and to write to the client, without locks or deferred calls, and when
// reading fails, to delete the allocation. Its stack and buffer are nearly half of what
// an unused allocation would take. So it ends here, which pion does not notice;
// [allocation.hand] does its work when there is some.
//
// What is lost is the way to tell pion that an allocation is over. One that the server
// takes away stays pion's until its lifetime is over, which then nothing makes longer,
// the client gives it up, or asks for another (see [gate.request]).
func (a *allocation) ReadFrom([]byte) (int, net.Addr, error) {
	runtime.Goexit()
	return 0, nil, net.ErrClosed
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
	pkt.fill(p, a.addr)
	if !peer.put(pkt) {
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

// leave takes the allocation out of its call.
func (a *allocation) leave() {
	a.mail.shut(a.loop) // first: whoever is in no call has no goroutine either
	if a.loop.leave(a) && a.reader != nil {
		close(a.reader.done)
	}
}

// Close is called by pion when it forgets the allocation.
func (a *allocation) Close() error {
	a.leave()
	a.loop.forget(a)
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
