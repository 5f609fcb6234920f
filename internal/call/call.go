// Package call is the life of one call, seen from the server: who holds a seat,
// who may have a relay, when it is over.
//
//	            create                    host's end, or expiry
//	unknown ──────────────▶ registered ──────────────────────────▶ ended
//	   │                      │    ▲
//	   └──── guests wait ─────┘    │ host joins and leaves, guests come and go,
//	                               └ grant locks, unlock opens
//
// An unknown call and a registered one whose host is away are the same to a
// guest: it gets a seat and is told that the host is offline. So nobody can find
// out which calls exist by asking.
//
// next (next.go) is the whole state machine: pure, no clock, no I/O. [Call] is
// the actor around it. It has no goroutine of its own, for a server has many calls
// in which nothing happens: whoever brings an event waits for its turn, and carries
// the event out. The actor ends when nobody has been seated for a while; what must
// outlive it is in the [Registry].
package call

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

const (
	// linger is how long an empty call keeps its lock and its grant: long enough
	// for both sides to come back after a lost network.
	linger = time.Minute
	// lookupTimeout bounds each question to the registry.
	lookupTimeout = 5 * time.Second
)

// ErrStopped says that the actor has ended; the call itself may live. Start
// another.
var ErrStopped = errors.New("call actor has stopped")

// Party is one connection, as its call sees it. The methods are called by the
// actor, in order, and must not block; after Close none is called.
type Party interface {
	// Send queues a message.
	Send(protocol.ServerMessage)
	// Forward queues a binary frame. outer is the caller's again when it returns.
	Forward(slot uint16, outer []byte)
	// GrantRelay queues fresh relay credentials.
	GrantRelay()
	// Close says goodbye with a close code, after everything queued before.
	Close(code int)
	// Probe, alone among these, is not called by the actor and may block: it asks
	// the client for a sign of life. Without one it cuts the connection, and returns
	// when the seat has been given back.
	Probe(ctx context.Context)
}

// Record is what is known of a call beyond its connections.
type Record struct {
	Key     [32]byte // Ed25519 key of the host for this server
	Expires time.Time
	Over    bool // ended or expired: the id is a tombstone
}

// Registry remembers calls. Both a missing call and a failing registry are
// errors; found is false only for the former.
type Registry interface {
	Lookup(ctx context.Context, id protocol.ID) (r Record, found bool, err error)
	// Register binds id to a key. If it is bound already, the existing record is returned.
	Register(ctx context.Context, id protocol.ID, r Record) (Record, error)
	End(ctx context.Context, id protocol.ID) error
}

// Config is what a call needs.
type Config struct {
	Registry Registry
	// EndRelay removes the relay allocations of a call that is over.
	EndRelay func(protocol.ID)
	// RevokeRelay removes the guest's allocations and voids its credentials.
	RevokeRelay func(protocol.ID)
	// Drop counts a frame that was not forwarded, by reason.
	Drop func(reason string)
	// Forward counts a forwarded frame.
	Forward func(bytes int)
	// Stopped is called once, when the actor has ended. It may be nil.
	Stopped func(*Call)
	// Log must already carry the call's pseudonym.
	Log *slog.Logger
}

// Call is the actor that owns one call. Create it with [Start].
type Call struct {
	id  protocol.ID
	cfg Config
	ctx context.Context // the actor's own: what it asks the registry in
	// turn holds a token while somebody acts. Those who wait get it in the order of
	// their coming; none waits longer than the registry takes.
	turn chan struct{}
	done chan struct{} // closed when the actor has ended

	// Owned by whose turn it is.
	loaded  bool
	stopped bool
	state   State
	parties []place
	last    Conn
	timer   *time.Timer // for idle or the expiry, whichever is first; nil: neither
	idle    time.Time   // when an empty call ends; zero while somebody is seated
}

// place is a connection and who it is.
type place struct {
	conn  Conn
	party Party
}

// request is an event on its way to the actor. party is set for events that
// bring a new connection.
type request struct {
	event event
	party Party
}

type answer struct {
	conn    Conn
	record  Record
	granted Party // the guest with the grant, if it is seated
	err     error
}

// Start returns the actor of call id. It ends by Stop, or when it has been empty for
// a while. What it asks the registry is bounded by ctx.
func Start(ctx context.Context, id protocol.ID, cfg Config) *Call {
	c := &Call{
		id:   id,
		cfg:  cfg,
		ctx:  ctx,
		turn: make(chan struct{}, 1),
		done: make(chan struct{}),
		idle: time.Now().Add(linger),
	}
	c.turn <- struct{}{}
	c.schedule()
	<-c.turn
	return c
}

// Done is closed when the actor has ended.
func (c *Call) Done() <-chan struct{} { return c.done }

// Stop ends the actor, once whoever acts is done. Connections are not told.
func (c *Call) Stop() {
	c.turn <- struct{}{}
	c.stop()
	<-c.turn
}

// Register makes the call known, bound to key, and returns when it expires. It
// fails with [protocol.ErrorCodeGone] if the id is, or was, somebody else's.
func (c *Call) Register(ctx context.Context, key [32]byte, expires time.Time) (time.Time, error) {
	a, err := c.do(ctx, request{event: create{key, expires}})
	return a.record.Expires, err
}

// Key returns the key that the call is bound to; known is false, and the key
// zero, if there is none.
func (c *Call) Key(ctx context.Context) (key [32]byte, known bool, err error) {
	a, err := c.do(ctx, request{event: inquire{}})
	return a.record.Key, a.record.Key != [32]byte{}, err
}

// JoinHost seats a host. The caller has checked its signature with [Call.Key].
// An older connection of the host is closed with [protocol.CloseReplaced].
// The answer carries ice.
func (c *Call) JoinHost(ctx context.Context, p Party, cid protocol.ID, req string, ice *protocol.Servers) (Conn, error) {
	a, err := c.do(ctx, request{event: hostJoin{cid: cid, req: req, ice: ice}, party: p})
	return a.conn, err
}

// JoinGuest seats a guest. The connection whose seat it claims, if any, is closed
// with [protocol.CloseReplaced]. It fails with [protocol.ErrorCodeBusy], Locked or
// Gone.
func (c *Call) JoinGuest(ctx context.Context, p Party, cid protocol.ID, req string, claim Claim) (Conn, error) {
	e := guestJoin{cid: cid, req: req, claim: claim}
	rand.Read(e.fresh[:]) // never fails: crypto/rand would end the program
	a, err := c.do(ctx, request{event: e, party: p})
	return a.conn, err
}

// ProbeGranted makes sure that the granted guest is still there. A guest whose
// network has changed comes back on a new connection long before the old one is
// known to be dead; its seat must not keep it out, even if it has no claim to it.
func (c *Call) ProbeGranted(ctx context.Context) error {
	a, err := c.do(ctx, request{event: inquire{}})
	if err == nil && a.granted != nil {
		a.granted.Probe(ctx)
	}
	return err
}

// Handle acts on a message of a seated connection.
func (c *Call) Handle(ctx context.Context, from Conn, m protocol.ClientMessage) error {
	_, err := c.do(ctx, request{event: command{from, m}})
	return err
}

// Forward passes a binary frame on; slot is the one in the frame. What cannot be
// delivered is dropped and counted. The parties keep nothing of outer.
func (c *Call) Forward(ctx context.Context, from Conn, slot uint16, outer []byte) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.end()
	if err := c.load(); err != nil {
		return err
	}
	c.pass(frame{from, slot, outer})
	return nil
}

// TryForward is Forward, if that need not wait. Else it does nothing and returns false.
func (c *Call) TryForward(from Conn, slot uint16, outer []byte) bool {
	select {
	case c.turn <- struct{}{}:
	default:
		return false
	}
	defer c.end()
	if c.stopped || !c.loaded {
		return false
	}
	c.pass(frame{from, slot, outer})
	return true
}

// Leave gives the seat back. It never fails: a call that has stopped has no seats.
func (c *Call) Leave(from Conn) {
	_, _ = c.do(context.Background(), request{event: leave{from}}) // it waits no longer than the registry takes
}

// do carries out an event. ctx bounds the wait for the turn, and no more: what the
// call itself has to do is not undone because somebody has gone.
func (c *Call) do(ctx context.Context, r request) (answer, error) {
	if err := c.begin(ctx); err != nil {
		return answer{}, err
	}
	defer c.end()
	if err := c.load(); err != nil {
		return answer{}, err
	}
	a := c.handle(r)
	c.schedule()
	return a, a.err
}

// begin waits for the turn; end gives it on.
func (c *Call) begin(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
	case <-c.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.ctx.Err() != nil {
		c.stop()
	}
	if c.stopped {
		c.end()
		return ErrStopped
	}
	return nil
}

func (c *Call) end() { <-c.turn }
