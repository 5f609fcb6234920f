package relay

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Path says what carries ChannelData from one client to another.
type Path int

// The paths.
const (
	// PathFast goes past pion/turn where both clients are on UDP and have a channel
	// to each other, and where the system can (Linux): a datagram comes in, has its
	// channel number changed, and leaves. All else goes by PathSlow.
	PathFast Path = iota
	// PathSlow goes through pion/turn.
	PathSlow
	// PathOffload is PathFast, and what went that way once the kernel forwards from
	// then on (package offload), if it can.
	PathOffload
)

// table is the clients of one UDP socket, for the goroutine that reads it. It
// is nil for a listener without a fast path.
type table struct {
	metrics *metrics
	bound   netip.AddrPort // a client of another socket that is bound here can be reached from this one
	v6      bool           // the socket speaks IPv6, and IPv4 in addresses mapped to that

	mu      sync.RWMutex // the reader has it for a batch at a time
	clients map[netip.AddrPort]*allocation
}

// open takes in what allocations need of a new listener.
func (l *loop) open(listener uint32, f front) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fronts[listener] = f
}

func (l *loop) shut(listener uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.fronts, listener)
}

func (t *table) add(a *allocation) {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.clients[a.client.addr] = a
	}
}

func (t *table) remove(a *allocation) {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.clients[a.client.addr] == a {
			delete(t.clients, a.client.addr)
		}
	}
}

// reaches reports whether what comes in at t can go out to clients of o.
func (t *table) reaches(o *table) bool {
	return o != nil && t.bound == o.bound && t.v6 == o.v6
}

// hop is where a channel leads, as long as the call's version is that.
type hop struct {
	version uint64
	peer    *allocation // nil: this is for pion
	number  uint16      // the peer's channel for the sender
	wire    wire
	wished  atomic.Uint64 // to be offloaded: in which epoch of the kernel's
}

// hop finds out where a channel of a leads, once for each version of the call.
func (a *allocation) hop(b *binding) *hop {
	version := a.call.version.Load() // before what is read: what changes meanwhile is read again
	if h := b.hop.Load(); h != nil && h.version == version {
		return h
	}
	h := &hop{version: version}
	if peer := a.call.at(b.port); peer != nil && peer != a && peer.permitted.Load() && a.table.reaches(peer.table) {
		if back := peer.channelTo(a.addr.Port); back != nil {
			h.peer, h.number = peer, back.number
			h.wire = newWire(peer.client.addr, back.local, a.table.v6)
		}
	}
	b.hop.Store(h)
	return h
}

// forward is that of the client.
func (t *table) forward(frame []byte, from netip.AddrPort, now time.Time) (to *hop, size int, why string) {
	return t.clients[from].forward(frame, now)
}

// forward decides about a datagram from a client, whose allocation a is; nil: it has none here. If
// it goes on to another, that is hop, and size bytes of the frame are to be sent, its first bytes
// changed. If it is dropped, why is the reason. If neither, pion has to see it. The mutex of the
// client's table is held for reading.
func (a *allocation) forward(frame []byte, now time.Time) (to *hop, size int, why string) {
	if a == nil || len(frame) < channelHeader || len(frame) >= mtu || !isChannelData(frame) {
		return nil, 0, ""
	}
	data := int(binary.BigEndian.Uint16(frame[2:]))
	if channelHeader+data > len(frame) {
		return nil, 0, ""
	}
	b := a.channel(binary.BigEndian.Uint16(frame))
	if b == nil {
		return nil, 0, ""
	}
	h := a.hop(b)
	if h.peer == nil {
		return nil, 0, ""
	}
	if why := a.police(h.peer, data, now); why != "" {
		return nil, 0, why
	}
	a.loop.kernel.Load().wish(a, b, h)
	binary.BigEndian.PutUint16(frame, h.number)
	return h, channelHeader + data, ""
}
