package signaling

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/visavis-call/visavis/internal/sockets"
)

// probeTimeout is how long a seat is kept for its holder when somebody who may
// be the same person waits for it: a round trip on a bad network.
const probeTimeout = 2 * time.Second

// pings are what a client was asked, and has answered, by number.
type pings struct {
	asked, answered uint64
	heard           chan struct{} // closed with the next answer; nil: nobody waits
}

// Probe implements [call.Party].
func (s *session) Probe(ctx context.Context) {
	soon, done := context.WithTimeout(ctx, probeTimeout)
	defer done()
	for n := s.ping(); ; {
		heard := s.hear()
		if s.answered(n) {
			return
		}
		select {
		case <-heard:
		case <-soon.Done():
			s.cut()
			select {
			case <-s.left:
			case <-ctx.Done():
			}
			return
		}
	}
}

// ping asks the client for a sign of life, and returns the number that its answer has.
func (s *session) ping() uint64 {
	s.mu.Lock()
	s.pings.asked++
	n := s.pings.asked
	s.mu.Unlock()
	s.out.push(outgoing{wire: sockets.AppendFrame(nil, sockets.OpPing, binary.BigEndian.AppendUint64(nil, n))})
	return n
}

// pong notes an answer. One to a ping that was not sent is none (RFC 6455 §5.5.3).
func (s *session) pong(payload []byte) {
	if len(payload) != 8 {
		return
	}
	n := binary.BigEndian.Uint64(payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n <= s.pings.answered || n > s.pings.asked {
		return
	}
	s.pings.answered = n
	if s.pings.heard != nil {
		close(s.pings.heard)
		s.pings.heard = nil
	}
}

// answered reports whether the client has answered ping n, or a later one.
func (s *session) answered(n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pings.answered >= n
}

// hear returns what is closed with the next answer.
func (s *session) hear() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pings.heard == nil {
		s.pings.heard = make(chan struct{})
	}
	return s.pings.heard
}
