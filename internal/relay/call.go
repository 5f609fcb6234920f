package relay

import (
	"sync/atomic"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// call is the allocations that may talk to each other.
type call struct {
	members atomic.Pointer[[]*allocation] // replaced as a whole, under loop.mu
	volume  atomic.Int64                  // bytes relayed
	guests  atomic.Int64                  // of these, from the guest who has the relay now
	version atomic.Uint64                 // changes after members, their channels or permissions do

	check bool // never changed
	over  bool // guarded by loop.mu
	// floor is the latest expiry, by role, of the credentials that were taken
	// back; guarded by loop.mu.
	floor map[protocol.Role]time.Time
	idle  time.Time // when the last allocation went; guarded by loop.mu
}

func (c *call) list() []*allocation {
	if p := c.members.Load(); p != nil {
		return *p
	}
	return nil
}

// bytes is how many may be relayed in the call.
func (c *call) bytes(l *Limits) int64 {
	if c.check {
		return l.CheckBytes
	}
	return l.CallBytes
}

// carries counts a packet of this many bytes, unless it is one too many.
func (c *call) carries(size int64, from protocol.Role, l *Limits) bool {
	if c.volume.Add(size) > c.bytes(l) {
		c.volume.Add(-size)
		return false
	}
	if from == protocol.RoleGuest {
		c.guests.Add(size)
	}
	return true
}

// charge counts bytes that have been carried, and reports whether more may follow.
func (c *call) charge(size int64, from protocol.Role, l *Limits) bool {
	if from == protocol.RoleGuest {
		c.guests.Add(size)
	}
	return c.volume.Add(size) < c.bytes(l)
}

// perRole is how many allocations one side of the call may have.
func (c *call) perRole(l Limits) int {
	if c.check {
		return l.CheckAllocations
	}
	return l.AllocationsPerRole
}

// at returns the allocation with this relayed port.
func (c *call) at(port int) *allocation {
	for _, a := range c.list() {
		if a.addr.Port == port {
			return a
		}
	}
	return nil
}

func (c *call) expiry(role protocol.Role, now time.Time) time.Time {
	at := now.Add(credentialTTL).Truncate(time.Second)
	if c != nil && !at.After(c.floor[role]) {
		return c.floor[role].Add(time.Second)
	}
	return at
}
