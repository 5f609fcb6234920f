package relay

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/turn/v5"

	"github.com/visavis-call/visavis/protocol"
)

// callMemory is how long a call without allocations is remembered: longer than
// its last credential lives, so that neither its volume nor its end is forgotten early.
const callMemory = credentialTTL + 5*time.Minute

// Relayed ports are numbers only; these look like what other servers give out
// (RFC 8656 §7.2).
const portMin, portMax = 49152, 65535

var (
	errRefused = errors.New("refused: closed loop")
	errQuota   = errors.New("refused: quota")
)

// client is the near end of a five-tuple.
type client struct {
	listener uint32
	addr     netip.AddrPort
}

func clientOf(listener uint32, addr net.Addr) (client, bool) {
	a, ok := addr.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return client{}, false
	}
	ap := a.AddrPort()
	ip := ap.Addr().Unmap()
	if !ip.IsLinkLocalUnicast() {
		ip = ip.WithZone("") // see origins
	}
	return client{listener, netip.AddrPortFrom(ip, ap.Port())}, true
}

func (c client) String() string {
	return strconv.FormatUint(uint64(c.listener), 10) + "/" + c.addr.String()
}

func parseClient(s string) (client, bool) {
	left, right, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(left, 10, 32)
	if err != nil {
		return client{}, false
	}
	addr, err := netip.ParseAddrPort(right)
	return client{uint32(n), addr}, err == nil
}

// loop is all calls that use the relay, and pion's source of relayed transport
// addresses. An allocation knows only its own call, so packets cannot leave it.
type loop struct {
	ip       netip.Addr
	relayIP  net.IP // the same, for pion
	limits   Limits
	metrics  *metrics
	packets  sync.Pool              // of *packet
	kernel   atomic.Pointer[kernel] // nil: nothing is offloaded
	epochs   atomic.Uint64          // of all kernels so far
	carriers sync.WaitGroup

	mu      sync.RWMutex
	closed  bool
	calls   map[string]*call       // by handle
	clients map[client]*allocation // until pion forgets them
	fronts  map[uint32]front       // by listener
	perIP   map[netip.Prefix]int   // of clients
	swept   time.Time
}

// front is what allocations of its clients see of a listener.
type front struct {
	table  *table                            // nil: no fast path
	outlet func(near, local net.Addr) outlet // what writes to a client; nil: it is gone
}

func newLoop(ip netip.Addr, limits Limits, m *metrics) *loop {
	return &loop{
		ip: ip, relayIP: ip.AsSlice(), limits: limits, metrics: m,
		packets: sync.Pool{New: func() any { return new(packet) }},
		calls:   make(map[string]*call),
		clients: make(map[client]*allocation),
		fronts:  make(map[uint32]front),
		perIP:   make(map[netip.Prefix]int),
	}
}

// Validate implements [turn.RelayAddressGenerator].
func (l *loop) Validate() error { return nil }

// AllocatePacketConn implements [turn.RelayAddressGenerator].
func (l *loop) AllocatePacketConn(cfg turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	// An empty user asks for a spare port (EVEN-PORT), which has no use here.
	acc, c, ok := parseUserID(cfg.UserID)
	if !ok || cfg.Network != "udp4" {
		return nil, nil, errRefused
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	if l.closed || !l.room(acc, c) {
		l.metrics.drop(dropQuota)
		return nil, nil, errQuota
	}
	room := l.calls[acc.handle]
	if room == nil {
		room = &call{}
		l.calls[acc.handle] = room
	}
	a := newAllocation(l, room, acc, c, l.freePort(room))
	members := append(slices.Clone(room.list()), a)
	room.members.Store(&members)
	l.changed(room)
	l.clients[c] = a
	a.table.add(a)
	l.perIP[network(c.addr.Addr(), 32)]++
	l.metrics.allocations.Inc()
	return a, a.addr, nil
}

// AllocateListener implements [turn.RelayAddressGenerator] by refusing.
func (l *loop) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errRefused
}

// AllocateConn implements [turn.RelayAddressGenerator] by refusing.
func (l *loop) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errRefused }

// permit is pion's question whether a client of this listener may name this peer.
func (l *loop) permit(listener uint32) turn.PermissionHandler {
	return func(near net.Addr, peer net.IP) bool {
		if !l.inside(peer) {
			l.metrics.drop(dropForeign)
			return false
		}
		if c, ok := clientOf(listener, near); ok {
			if a, _ := l.kept(c); a != nil {
				a.ask()
			}
		}
		return true
	}
}

func (l *loop) inside(peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	return ok && ip.Unmap() == l.ip
}

// quota is pion's question whether a user may have one more allocation. It
// only makes the refusal a 486; AllocatePacketConn decides.
func (l *loop) quota(user, _ string, _ net.Addr) bool {
	acc, c, ok := parseUserID(user)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.room(acc, c) {
		l.metrics.drop(dropQuota)
		return false
	}
	return true
}

// room reports whether one more allocation is within the limits. l.mu is held.
func (l *loop) room(acc account, c client) bool {
	if len(l.clients) >= l.limits.Allocations || l.clients[c] != nil {
		return false
	}
	if l.perIP[network(c.addr.Addr(), 32)] >= l.limits.AllocationsPerIP {
		return false
	}
	call := l.calls[acc.handle]
	if call == nil {
		// A check is made by its near end, or it is over.
		return acc.role != roleProbe && len(l.calls) < l.maxCalls()
	}
	n := 0
	for _, a := range call.list() {
		if a.role == acc.role {
			n++
		}
	}
	return !call.over && n < call.perRole(l.limits)
}

// maxCalls bounds the calls remembered, most of them idle.
func (l *loop) maxCalls() int { return 8 * l.limits.Allocations }

func (l *loop) freePort(c *call) int {
	for {
		// The number protects nothing; it only has to be free in this call.
		if port := portMin + rand.IntN(portMax-portMin+1); c.at(port) == nil { //nolint:gosec // see above
			return port
		}
	}
}

// sweep forgets calls that nobody can come back to. l.mu is held.
func (l *loop) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for handle, c := range l.calls {
		if len(c.list()) == 0 && now.Sub(c.idle) > callMemory {
			delete(l.calls, handle)
		}
	}
}

// changed is called after members of a call, their channels or permissions have changed:
// what was known of the ways in it is not good any more.
func (l *loop) changed(c *call) {
	c.version.Add(1)
	l.kernel.Load().drop(c)
}

// leave takes an allocation out of its call, unless it has left.
func (l *loop) leave(a *allocation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.left {
		return false
	}
	a.left = true
	members := slices.DeleteFunc(slices.Clone(a.call.list()), func(m *allocation) bool { return m == a })
	a.call.members.Store(&members)
	l.changed(a.call)
	a.table.remove(a)
	a.call.idle = time.Now()
	if a.reader == nil {
		l.metrics.allocations.Dec()
	}
	return true
}

// forget gives its place to another.
func (l *loop) forget(a *allocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[a.client] != a {
		return
	}
	delete(l.clients, a.client)
	ip := network(a.client.addr.Addr(), 32)
	if l.perIP[ip]--; l.perIP[ip] == 0 {
		delete(l.perIP, ip)
	}
}

// end closes a call for good and returns how many allocations it had.
func (l *loop) end(handle string, now time.Time) int {
	l.mu.Lock()
	l.sweep(now)
	c := l.calls[handle]
	if c == nil {
		if len(l.calls) >= l.maxCalls() {
			l.mu.Unlock()
			return 0 // nothing to delete, and its credentials reach nobody
		}
		c = &call{}
		l.calls[handle] = c
	}
	c.over, c.idle = true, now
	members := c.list()
	l.mu.Unlock()
	leaveAll(members)
	return len(members)
}

// expiry is when credentials given out now expire: in whole seconds, and later
// than all that were revoked.
func (l *loop) expiry(acc account, now time.Time) time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.calls[acc.handle].expiry(acc.role, now)
}

// revoke takes away the allocations of one role and returns how many it had. The
// credentials it was given so far are not good for another. What a guest has sent
// is not held against the next one, or a visitor could use up the call.
func (l *loop) revoke(acc account, now time.Time) int {
	l.mu.Lock()
	l.sweep(now)
	c := l.calls[acc.handle]
	if c == nil {
		if len(l.calls) >= l.maxCalls() {
			l.mu.Unlock()
			return 0 // as in end
		}
		c = &call{}
		l.calls[acc.handle] = c
	}
	if c.floor == nil {
		c.floor = make(map[protocol.Role]time.Time)
	}
	c.floor[acc.role] = c.expiry(acc.role, now)
	c.idle = now
	members := slices.DeleteFunc(slices.Clone(c.list()), func(a *allocation) bool { return a.role != acc.role })
	l.mu.Unlock()
	leaveAll(members)
	if acc.role == protocol.RoleGuest {
		c.volume.Add(-c.guests.Swap(0))
	}
	return len(members)
}

// refuses reports whether a credential is not good any more, though it has not expired.
func (l *loop) refuses(acc account, expires time.Time) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.calls[acc.handle]
	if c == nil {
		return acc.role == roleProbe // the check is over
	}
	return c.over || !expires.After(c.floor[acc.role])
}

// of returns the allocation of a client, or nil if it has none, or none any more.
func (l *loop) of(c client) *allocation {
	if a, live := l.kept(c); live {
		return a
	}
	return nil
}

// kept returns the allocation that pion has for a client, or nil, and whether it
// is in its call.
func (l *loop) kept(c client) (a *allocation, live bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a = l.clients[c]
	return a, a != nil && !a.left
}

// close ends everything, and waits for what is being written to clients.
func (l *loop) close() {
	l.mu.Lock()
	l.closed = true
	var all []*allocation
	for _, c := range l.calls {
		all = append(all, c.list()...)
	}
	for _, a := range l.clients { // also of a check that ends just now
		all = append(all, a)
	}
	l.mu.Unlock()
	leaveAll(all)
	l.carriers.Wait() // nobody is added: who has left gets no packet
}

func leaveAll(list []*allocation) {
	for _, a := range list {
		a.leave()
	}
}

var _ turn.RelayAddressGenerator = (*loop)(nil)
