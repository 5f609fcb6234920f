package call

import (
	"context"
	"fmt"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// run is the actor. Its first act is to look the call up, so that every call
// costs the same, known or not.
func (c *Call) run(ctx context.Context) {
	defer func() {
		close(c.done)
		if c.cfg.Stopped != nil {
			c.cfg.Stopped(c)
		}
	}()
	loadErr := c.load(ctx)
	var idle <-chan time.Time // nil while somebody is seated
	var expiry <-chan time.Time
	for {
		if idle == nil && c.empty() {
			idle = time.After(linger)
		}
		if expiry == nil && c.state.phase == Registered {
			expiry = time.After(time.Until(c.state.expires))
		}
		select {
		case r := <-c.inbox:
			if loadErr != nil {
				r.refuse(loadErr)
				return // the next request starts another actor, which tries again
			}
			c.take(ctx, r)
			if !c.empty() {
				idle = nil
			}
		case <-expiry:
			c.take(ctx, request{event: expire{}})
			expiry = nil
		case <-idle:
			return
		case <-ctx.Done():
			return
		}
	}
}

// take, refuse and empty are apart from run, whose stack is kept as long as the call
// is: what answers and states take on it would double that.
//
//go:noinline
func (c *Call) take(ctx context.Context, r request) { r.answer(c.handle(ctx, r)) }

//go:noinline
func (r request) refuse(err error) { r.answer(answer{err: err}) }

//go:noinline
func (c *Call) empty() bool { return c.state.empty() }

func (r request) answer(a answer) {
	if r.reply != nil {
		r.reply <- a
	}
}

func (c *Call) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	record, found, err := c.cfg.Registry.Lookup(ctx, c.id)
	if err != nil {
		return fmt.Errorf("look up call: %w", err)
	}
	if found {
		c.state, _, _ = next(c.state, registered{record})
	}
	return nil
}

// handle gives one event to next and carries out the effects.
func (c *Call) handle(ctx context.Context, r request) answer {
	switch e := r.event.(type) {
	case create:
		return c.create(ctx, e)
	case hostJoin:
		e.conn = c.last + 1
		r.event = e
	case guestJoin:
		e.conn = c.last + 1
		r.event = e
	}
	was := c.state
	state, effects, err := next(was, r.event)
	if err != nil {
		return answer{err: err}
	}
	for _, e := range effects { // first what can fail: then nothing has been said yet
		if o, ok := e.(over); ok {
			if err := c.finish(ctx, o); err != nil {
				return answer{err: err}
			}
		}
	}
	c.state = state
	a := answer{record: Record{Key: state.key, Expires: state.expires}}
	if state.granted != 0 {
		a.granted = c.parties[state.guest(state.granted).conn]
	}
	if r.party != nil {
		c.last++
		a.conn = c.last
		c.parties[a.conn] = r.party
	}
	for _, e := range effects {
		c.perform(e)
	}
	if l, ok := r.event.(leave); ok {
		delete(c.parties, l.conn)
	}
	c.report(was, state)
	return a
}

// create binds the id to a key, once. Repeating the same is harmless: the
// answer may have been lost.
func (c *Call) create(ctx context.Context, e create) answer {
	gone := answer{err: &protocol.WireError{Code: protocol.ErrorCodeGone}}
	if c.state.phase == Unknown {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		record, err := c.cfg.Registry.Register(ctx, c.id, Record{Key: e.key, Expires: e.expires})
		if err != nil {
			return answer{err: fmt.Errorf("register call: %w", err)}
		}
		was := c.state
		c.state, _, _ = next(c.state, registered{record})
		c.report(was, c.state)
	}
	if c.state.phase == Ended || c.state.key != e.key {
		return gone
	}
	return answer{record: Record{Key: c.state.key, Expires: c.state.expires}}
}

// finish makes the end of the call last.
func (c *Call) finish(ctx context.Context, o over) error {
	c.cfg.EndRelay(c.id)
	if !o.byHost {
		return nil // the registry knows the expiry
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	if err := c.cfg.Registry.End(ctx, c.id); err != nil {
		return fmt.Errorf("end call: %w", err)
	}
	return nil
}

func (c *Call) perform(e effect) {
	switch e := e.(type) {
	case send:
		if p := c.parties[e.conn]; p != nil {
			p.Send(e.message)
		}
	case forward:
		if p := c.parties[e.conn]; p != nil {
			c.cfg.Forward(len(e.outer))
			p.Forward(e.slot, e.outer)
		}
	case grantRelay:
		if p := c.parties[e.conn]; p != nil {
			p.GrantRelay()
		}
	case revokeRelay:
		c.cfg.RevokeRelay(c.id)
	case closeConn:
		if p := c.parties[e.conn]; p != nil {
			p.Close(e.code)
			delete(c.parties, e.conn)
		}
	case dropFrame:
		c.cfg.Drop(e.reason)
	}
}

// report logs one line per change of a call's life, and nothing about seats.
func (c *Call) report(was, is State) {
	switch {
	case was.phase != is.phase && is.phase == Registered:
		c.cfg.Log.Info("call registered")
	case was.phase != is.phase:
		c.cfg.Log.Info("call ended")
	case !was.admitted() && is.admitted():
		c.cfg.Log.Info("guest admitted")
	case was.host.conn == 0 && is.host.conn != 0:
		c.cfg.Log.Info("host joined")
	case was.host.conn != 0 && is.host.conn == 0:
		c.cfg.Log.Info("host left")
	}
}
