package call

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// load looks the call up, before anything else, so that every call costs the same,
// known or not. A call that cannot be looked up ends: the next request starts another
// actor, which tries again.
func (c *Call) load() error {
	if c.loaded {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, lookupTimeout)
	defer cancel()
	record, found, err := c.cfg.Registry.Lookup(ctx, c.id)
	if err != nil {
		c.stop()
		return fmt.Errorf("look up call: %w", err)
	}
	if found {
		c.state, _, _ = next(c.state, registered{record})
	}
	c.loaded = true
	return nil
}

// schedule has the timer ring when the call has been empty for long enough, or expires.
func (c *Call) schedule() {
	switch empty := c.state.empty(); {
	case !empty:
		c.idle = time.Time{}
	case c.idle.IsZero():
		c.idle = time.Now().Add(linger)
	}
	at := c.idle
	if c.state.phase == Registered && (at.IsZero() || c.state.expires.Before(at)) {
		at = c.state.expires
	}
	switch {
	case c.stopped, at.IsZero():
		c.rest()
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(at), c.ring)
	default:
		c.timer.Reset(time.Until(at))
	}
}

func (c *Call) rest() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// ring is called by the timer. It may have been set anew in the meantime.
func (c *Call) ring() {
	c.turn <- struct{}{}
	defer c.end()
	if c.stopped {
		return
	}
	now := time.Now()
	if c.state.phase == Registered && !now.Before(c.state.expires) {
		c.handle(request{event: expire{}})
	}
	if !c.idle.IsZero() && !now.Before(c.idle) {
		c.stop()
		return
	}
	c.schedule()
}

// stop ends the actor; once is enough.
func (c *Call) stop() {
	if c.stopped {
		return
	}
	c.stopped = true
	c.rest()
	close(c.done)
	if c.cfg.Stopped != nil {
		c.cfg.Stopped(c)
	}
}

// handle gives one event to next and carries out the effects.
func (c *Call) handle(r request) answer {
	switch e := r.event.(type) {
	case create:
		return c.create(e)
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
			if err := c.finish(o); err != nil {
				return answer{err: err}
			}
		}
	}
	c.state = state
	a := answer{record: Record{Key: state.key, Expires: state.expires}}
	if state.granted != 0 {
		a.granted = c.party(state.guest(state.granted).conn)
	}
	if r.party != nil {
		c.last++
		a.conn = c.last
		c.parties = append(c.parties, place{a.conn, r.party})
	}
	for _, e := range effects {
		c.perform(e)
	}
	if l, ok := r.event.(leave); ok {
		c.forget(l.conn)
	}
	c.report(was, state)
	return a
}

// create binds the id to a key, once. Repeating the same is harmless: the
// answer may have been lost.
func (c *Call) create(e create) answer {
	gone := answer{err: &protocol.WireError{Code: protocol.ErrorCodeGone}}
	if c.state.phase == Unknown {
		ctx, cancel := context.WithTimeout(c.ctx, lookupTimeout)
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
func (c *Call) finish(o over) error {
	c.cfg.EndRelay(c.id)
	if !o.byHost {
		return nil // the registry knows the expiry
	}
	ctx, cancel := context.WithTimeout(c.ctx, lookupTimeout)
	defer cancel()
	if err := c.cfg.Registry.End(ctx, c.id); err != nil {
		return fmt.Errorf("end call: %w", err)
	}
	return nil
}

func (c *Call) perform(e effect) {
	switch e := e.(type) {
	case send:
		if p := c.party(e.conn); p != nil {
			p.Send(e.message)
		}
	case forward:
		c.forward(e)
	case grantRelay:
		if p := c.party(e.conn); p != nil {
			p.GrantRelay()
		}
	case revokeRelay:
		c.cfg.RevokeRelay(c.id)
	case closeConn:
		if p := c.party(e.conn); p != nil {
			p.Close(e.code)
			c.forget(e.conn)
		}
	case dropFrame:
		c.cfg.Drop(e.reason)
	}
}

// pass is what next and perform do with a frame, without the garbage: most of what
// happens to a call is frames.
func (c *Call) pass(e frame) {
	to, why := c.state.route(e)
	if why != "" {
		c.cfg.Drop(why)
		return
	}
	c.forward(to)
}

func (c *Call) forward(e forward) {
	if p := c.party(e.conn); p != nil {
		c.cfg.Forward(len(e.outer))
		p.Forward(e.slot, e.outer)
	}
}

// party is who conn is; nil: nobody, any more.
func (c *Call) party(conn Conn) Party {
	for _, p := range c.parties {
		if p.conn == conn {
			return p.party
		}
	}
	return nil
}

func (c *Call) forget(conn Conn) {
	c.parties = slices.DeleteFunc(c.parties, func(p place) bool { return p.conn == conn })
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
