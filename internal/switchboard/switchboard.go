// Package switchboard finds the actor of a call id on this node, or starts it.
//
// Known and unknown ids take the same way through it. The number of actors is
// bounded; the last quarter is kept for hosts, so that strangers who wait for
// calls that do not exist cannot keep real ones from starting.
package switchboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/protocol"
)

// ErrClosed says that the node is shutting down.
var ErrClosed = errors.New("switchboard is closed")

// attempts bounds how often a request chases an actor that is just ending.
const attempts = 3

// Config is what a switchboard needs.
type Config struct {
	// MaxCalls bounds the calls that are open at once.
	MaxCalls int
	Call     call.Config
	// Log gives the logger for a call; it adds the pseudonym.
	Log func(protocol.ID) *slog.Logger
	// Open is told the number of open calls when it changes.
	Open func(n int)
}

// Switchboard owns the actors of this node, from [New] until Close returns. All
// methods are safe for concurrent use.
type Switchboard struct {
	cfg    Config
	ctx    context.Context // the actors'
	cancel context.CancelFunc
	actors sync.WaitGroup

	mu     sync.Mutex // guards what follows; never held across a call out
	closed bool
	calls  map[protocol.ID]*call.Call
}

// New returns an empty switchboard.
func New(cfg Config) *Switchboard {
	ctx, cancel := context.WithCancel(context.Background())
	return &Switchboard{cfg: cfg, ctx: ctx, cancel: cancel, calls: make(map[protocol.ID]*call.Call)}
}

// With runs f with the actor of id, which it starts if there is none. If the
// actor ends before f has reached it, f runs again with a new one.
func (s *Switchboard) With(id protocol.ID, role protocol.Role, f func(*call.Call) error) error {
	for range attempts {
		c, err := s.open(id, role)
		if err != nil {
			return err
		}
		if err := f(c); !errors.Is(err, call.ErrStopped) {
			return err
		}
	}
	return fmt.Errorf("call did not start: %w", call.ErrStopped)
}

func (s *Switchboard) open(id protocol.ID, role protocol.Role) (*call.Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if c := s.calls[id]; c != nil {
		select {
		case <-c.Done(): // forget has not come round yet
		default:
			return c, nil
		}
	}
	limit := s.cfg.MaxCalls
	if role == protocol.RoleGuest {
		limit -= limit / 4
	}
	if len(s.calls) >= limit {
		return nil, &protocol.WireError{Code: protocol.ErrorCodeRate, Detail: "too many open calls"}
	}
	cfg := s.cfg.Call
	cfg.Log = s.cfg.Log(id)
	cfg.Stopped = func(c *call.Call) { s.forget(id, c) }
	s.actors.Add(1)
	c := call.Start(s.ctx, id, cfg)
	s.calls[id] = c
	s.cfg.Open(len(s.calls))
	return c, nil
}

// forget takes an actor that has ended off the board.
func (s *Switchboard) forget(id protocol.ID, c *call.Call) {
	defer s.actors.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[id] == c {
		delete(s.calls, id)
		s.cfg.Open(len(s.calls))
	}
}

// Close ends all actors and waits for them. Their connections are not told:
// whoever owns those closes them first.
func (s *Switchboard) Close() {
	s.mu.Lock()
	s.closed = true
	open := slices.Collect(maps.Values(s.calls))
	s.mu.Unlock()
	s.cancel()
	for _, c := range open {
		c.Stop()
	}
	s.actors.Wait()
}
