package call

import (
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// event is something that happens to a call.
type event any

// The events.
type (
	// create asks for a registration; run answers it, by way of registered.
	create struct {
		key     [32]byte
		expires time.Time
	}
	registered struct{ record Record }
	inquire    struct{}
	hostJoin   struct {
		conn Conn
		cid  protocol.ID
		req  string
		ice  *protocol.Servers
	}
	guestJoin struct {
		conn  Conn
		cid   protocol.ID
		req   string
		claim Claim // to a seat it had
		fresh Claim // to the seat it gets
	}
	command struct {
		conn    Conn
		message protocol.ClientMessage
	}
	frame struct {
		conn  Conn
		slot  uint16
		outer []byte
	}
	leave  struct{ conn Conn }
	expire struct{}
)

// effect is something that the actor must do.
type effect any

// The effects.
type (
	send struct {
		conn    Conn
		message protocol.ServerMessage
	}
	forward struct {
		conn  Conn
		slot  uint16
		outer []byte
	}
	grantRelay struct{ conn Conn }
	// revokeRelay takes the relay away from the guest who had it.
	revokeRelay struct{}
	closeConn   struct {
		conn Conn
		code int
	}
	dropFrame struct{ reason string }
	// over ends the call outside: relay and, if the host wanted it, registry.
	over struct{ byHost bool }
)
