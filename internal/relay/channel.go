package relay

import (
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/pion/turn/v5"
)

// binding is a channel of an allocation: to another relayed transport address. It
// is there from the moment in which pion makes it to that in which pion lets it expire.
type binding struct {
	number uint16
	port   int        // of the other address
	local  netip.Addr // the server's address that the client talks to, if the server has several
	hop    atomic.Pointer[hop]
}

// events follows what pion does to channels and permissions.
func (l *loop) events() turn.EventHandler {
	// By its address an allocation is told from a later one of the same client. What the server
	// has taken away is still pion's.
	change := func(user string, relayed net.Addr, change func(*allocation)) {
		_, c, ok := parseUserID(user)
		if !ok {
			return
		}
		if a, _ := l.kept(c); a != nil && net.Addr(a.addr) == relayed {
			change(a)
			l.changed(a.call)
		}
	}
	return turn.EventHandler{
		OnAllocationCreated: func(near, local net.Addr, _, user, _ string, relayed net.Addr, _ int) {
			l.created(user, near, local, relayed)
		},
		OnChannelCreated: func(near, _ net.Addr, _, user, _ string, relayed, peer net.Addr, number uint16) {
			change(user, relayed, func(a *allocation) { a.bind(near, peer, number) })
		},
		OnChannelDeleted: func(_, _ net.Addr, _, user, _ string, relayed, peer net.Addr, _ uint16) {
			change(user, relayed, func(a *allocation) { a.unbind(peer) })
		},
		OnPermissionCreated: func(_, _ net.Addr, _, user, _ string, relayed net.Addr, _ net.IP) {
			change(user, relayed, func(a *allocation) {
				a.granting.begin()
				a.permitted.Store(true)
			})
		},
		OnPermissionDeleted: func(_, _ net.Addr, _, user, _ string, relayed net.Addr, _ net.IP) {
			change(user, relayed, func(a *allocation) {
				a.granting.wait()
				a.permitted.Store(false)
			})
		},
		OnAllocationError: func(net.Addr, net.Addr, string, string) { l.metrics.drop(dropRefused) },
	}
}

// created tells an allocation how pion reaches its client. There is no permission yet.
func (l *loop) created(user string, near, local, relayed net.Addr) {
	_, c, ok := parseUserID(user)
	if !ok {
		return
	}
	l.mu.RLock()
	a, f := l.clients[c], l.fronts[c.listener]
	l.mu.RUnlock()
	if a != nil && net.Addr(a.addr) == relayed && f.outlet != nil {
		a.outlet, a.near = f.outlet(near, local), near
	}
}

func (a *allocation) bindings() []*binding {
	if p := a.channels.Load(); p != nil {
		return *p
	}
	return nil
}

// channel returns the channel with this number, or nil.
func (a *allocation) channel(number uint16) *binding {
	for _, b := range a.bindings() {
		if b.number == number {
			return b
		}
	}
	return nil
}

// channelTo returns the channel to this port, or nil.
func (a *allocation) channelTo(port int) *binding {
	for _, b := range a.bindings() {
		if b.port == port {
			return b
		}
	}
	return nil
}

// mayBind reports whether the allocation may have a channel to this port:
// because it has it, or has fewer than the limit. Pion has no limit.
func (a *allocation) mayBind(port int) bool {
	return a.channelTo(port) != nil || len(a.bindings()) < a.loop.limits.Channels
}

func (a *allocation) bind(near, peer net.Addr, number uint16) {
	u, ok := peer.(*net.UDPAddr)
	if !ok {
		return
	}
	b := &binding{number: number, port: u.Port}
	if n, ok := near.(*net.UDPAddr); ok {
		_, b.local = split(n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := append(slices.Clone(a.bindings()), b)
	a.channels.Store(&list)
}

func (a *allocation) unbind(peer net.Addr) {
	u, ok := peer.(*net.UDPAddr)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(a.bindings()), func(b *binding) bool { return b.port == u.Port })
	a.channels.Store(&list)
}
