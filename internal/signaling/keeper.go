package signaling

import (
	"sync"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

const (
	// pongTimeout bounds the answer to a ping. It is the keeper's beat: at every other
	// one it asks, at the one between it looks for the answer.
	pongTimeout = protocol.LimitPingMS * time.Millisecond / 2
	// together is how much later a beat may be, so that many are done at once.
	together = time.Millisecond
	// stalled is how much later it is when the server was away itself: stopped, starved or
	// asleep. What clients have answered then may be there and not have been read.
	stalled = pongTimeout / 2
)

// keeper has all clients of a server asked for a sign of life, each every LimitPingMS,
// by one timer.
type keeper struct {
	mu          sync.Mutex // guards what follows, and each session's kept
	first, last *session   // in the order in which they are due: all wait equally long
	timer       *time.Timer
}

// kept is what the keeper knows of a session.
type kept struct {
	before, after *session
	at            time.Time // of its next beat; zero: it is not kept
	asked         uint64    // the ping to be answered by then; 0: none
	odd           bool
}

// add keeps a session from now on.
func (k *keeper) add(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	alone := k.first == nil
	k.push(s, time.Now())
	switch {
	case !alone:
	case k.timer == nil:
		k.timer = time.AfterFunc(pongTimeout, k.tick)
	default:
		k.timer.Reset(pongTimeout)
	}
}

// remove lets a session go.
func (k *keeper) remove(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pull(s)
	if k.first == nil && k.timer != nil {
		k.timer.Stop()
	}
}

// push puts s last, a beat from now. k.mu is held.
func (k *keeper) push(s *session, now time.Time) {
	s.kept.at, s.kept.before, s.kept.after = now.Add(pongTimeout), k.last, nil
	if k.last != nil {
		k.last.kept.after = s
	} else {
		k.first = s
	}
	k.last = s
}

// pull takes s out of the line. k.mu is held.
func (k *keeper) pull(s *session) {
	if s.kept.at.IsZero() {
		return
	}
	before, after := s.kept.before, s.kept.after
	if before != nil {
		before.kept.after = after
	} else {
		k.first = after
	}
	if after != nil {
		after.kept.before = before
	} else {
		k.last = before
	}
	s.kept.at, s.kept.before, s.kept.after = time.Time{}, nil, nil
}

// tick does the beats that are due.
func (k *keeper) tick() {
	now := time.Now()
	for s, ask := k.due(now); s != nil; s, ask = k.due(now) {
		if !ask {
			continue
		}
		n := s.ping()
		k.mu.Lock()
		s.kept.asked = n
		k.mu.Unlock()
	}
}

// due is the next session whose turn it is, and whether it is to be pinged. One that has
// not answered the last ping is cut; after a stall only a beat later. If there is none the
// timer is set.
func (k *keeper) due(now time.Time) (s *session, ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s = k.first
	if s == nil {
		return nil, false
	}
	wait := s.kept.at.Sub(now)
	if wait > 0 {
		k.timer.Reset(max(time.Until(s.kept.at), together)) // the beats before took their time
		return nil, false
	}
	k.pull(s)
	k.push(s, now)
	if !s.kept.odd && wait < -stalled {
		return s, false
	}
	s.kept.odd = !s.kept.odd
	if s.kept.odd && !s.answered(s.kept.asked) {
		s.chores.Go(s.cut)
	}
	return s, !s.kept.odd
}
