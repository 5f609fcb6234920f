package relay

import (
	"crypto/rand"
	"encoding/base32"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// The two ends of a check. A mirror has no client and no credentials: it is in
// this process.
const (
	roleProbe  protocol.Role = "probe"
	roleMirror protocol.Role = "mirror"
)

// checkTTL is how long a check's credentials are good for a new allocation.
const checkTTL = time.Minute

// Check is a call with the server itself, to find out what the way to it can
// carry. It has its own handle, tiny quotas, and lives as long as its near end:
// its credentials open nothing before and nothing after. What the near end
// writes can only arrive at an allocation of the same check.
type Check struct {
	loop     *loop
	keys     *keys
	account  account
	near     *allocation
	username string
	expires  time.Time
	once     sync.Once
}

// OpenCheck opens a check. It is the caller's to close.
func (s *Server) OpenCheck(now time.Time) (*Check, error) {
	var id [10]byte // 80 bits, as handles of calls have
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	acc := account{strings.ToLower(base32.StdEncoding.EncodeToString(id[:])), roleProbe}
	near, err := s.loop.openCheck(acc.handle)
	if err != nil {
		return nil, err
	}
	expires := now.Add(checkTTL).Truncate(time.Second)
	return &Check{loop: s.loop, keys: &s.keys, account: acc, near: near, username: formatUsername(expires, acc), expires: expires}, nil
}

// Credentials are for the client's end.
func (c *Check) Credentials() (username, password string, expires time.Time) {
	return c.username, c.keys.password(c.username), c.expires
}

// Conn is the near end. Its local address is what the client's peer address has
// to be; packets come from relayed addresses.
func (c *Check) Conn() net.PacketConn { return nearEnd{c.near} }

// nearEnd is an allocation without a client.
type nearEnd struct{ *allocation }

// ReadFrom implements [net.PacketConn].
func (e nearEnd) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case <-e.reader.done:
		return 0, nil, net.ErrClosed
	case pkt := <-e.reader.in:
		n := copy(p, pkt.data())
		from := pkt.from
		e.loop.packets.Put(pkt)
		return n, from, nil
	}
}

// Close ends the check: both ends' allocations are deleted.
func (c *Check) Close() error {
	c.once.Do(func() { c.loop.closeCheck(c.account.handle) })
	return nil
}

// openCheck makes the call of a check and its near end, which counts for nobody's
// quota: whoever opens checks bounds them.
func (l *loop) openCheck(handle string) (*allocation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.calls) >= l.maxCalls() {
		l.metrics.drop(dropQuota)
		return nil, errQuota
	}
	c := &call{check: true}
	near := newAllocation(l, c, account{handle, roleMirror}, client{}, l.freePort(c))
	near.reader = newReader()
	c.members.Store(&[]*allocation{near})
	l.calls[handle] = c
	return near, nil
}

// closeCheck forgets the call at once: unlike a real one it cannot be opened
// again by its credentials (see room), so there is nothing to remember.
func (l *loop) closeCheck(handle string) {
	l.mu.Lock()
	c := l.calls[handle]
	delete(l.calls, handle)
	c.over = true
	members := c.list()
	l.mu.Unlock()
	leaveAll(members)
}
