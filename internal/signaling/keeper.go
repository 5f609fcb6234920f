package signaling

import (
	"container/list"
	"sync"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

const pingInterval = protocol.LimitPingMS * time.Millisecond

// keeper has all clients of a server pinged, each every pingInterval, by one timer. It
// begins a ping and does not wait for it: that is the session's.
type keeper struct {
	mu    sync.Mutex // guards what follows
	due   list.List  // of *session; all wait equally long, so the first is due first
	timer *time.Timer
}

// add keeps a session from now on.
func (k *keeper) add(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.pingAt = time.Now().Add(pingInterval)
	s.kept = k.due.PushBack(s)
	if k.due.Len() > 1 {
		return
	}
	if k.timer == nil {
		k.timer = time.AfterFunc(pingInterval, k.tick)
	} else {
		k.timer.Reset(pingInterval)
	}
}

// remove lets a session go: after it no ping begins.
func (k *keeper) remove(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.due.Remove(s.kept)
	if k.due.Len() == 0 {
		k.timer.Stop()
	}
}

// tick begins the pings that are due.
func (k *keeper) tick() {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	for e := k.due.Front(); e != nil; e = k.due.Front() {
		s := e.Value.(*session)
		if wait := s.pingAt.Sub(now); wait > 0 {
			k.timer.Reset(wait)
			return
		}
		s.pingAt = now.Add(pingInterval)
		k.due.MoveToBack(e)
		s.pings.Go(s.ping)
	}
}
