package signaling

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/sockets"
	"github.com/visavis-call/visavis/protocol"
)

const (
	// writeTimeout bounds one write to a client that does not read.
	writeTimeout = 10 * time.Second
	// goodbyeTimeout bounds the wait for a client's answer to our goodbye.
	goodbyeTimeout = 5 * time.Second
	// slotSize is what protocol.AppendFrame puts before an outer frame.
	slotSize = 2
)

// session is one connection. It is the [call.Party] of its call.
type session struct {
	server *Server
	site   site
	from   netip.Prefix
	nonce  [32]byte
	out    outbox
	kept   kept          // the keeper's
	left   chan struct{} // closed when the seat has been given back
	// parting says that the end is decided, and that only the client's goodbye is waited for.
	parting atomic.Bool
	chores  sync.WaitGroup // what the keeper has begun

	mu    sync.Mutex    // guards what follows; never held across a call out
	conn  *sockets.Conn // nil until begin; after that it stays
	isCut bool
	pings pings
	late  *time.Timer // cuts a client that does not answer our goodbye

	// Owned by the reader: who is in Take or Gone.
	frames, bytes *rate.Limiter
	counted       bool // the frame at hand has been counted,
	excess        bool // and is too much
	callID        protocol.ID
	role          protocol.Role // empty before the join
	call          *call.Call
	seat          call.Conn
	joinTimer     *time.Timer // nil after the join
	gaveBack      bool        // the seat
	answers       bool        // the client's last words, and that answer may still be on its way
}

var (
	_ call.Party      = (*session)(nil)
	_ sockets.Handler = (*session)(nil)
	_ sink            = (*session)(nil)
)

func newSession(s *Server, at site, from netip.Prefix) *session {
	sess := &session{
		server: s, site: at, from: from,
		left:   make(chan struct{}),
		frames: rate.NewLimiter(protocol.LimitFramesPerSecond, protocol.LimitFramesBurst),
		bytes:  rate.NewLimiter(protocol.LimitBytesPerMinute/60, protocol.LimitBytesPerMinute),
	}
	rand.Read(sess.nonce[:]) // never fails: crypto/rand would end the program
	return sess
}

// begin starts the session. From then on it is told what comes ([session.Take]), and that
// nothing more does ([session.Gone]).
func (s *session) begin(conn *sockets.Conn) {
	s.mu.Lock()
	s.conn = conn
	cut := s.isCut
	s.mu.Unlock()
	if cut {
		conn.Cut() // asked for before there was anything to cut
	}
	s.server.cfg.Metrics.Connections.WithLabelValues("none").Inc()
	s.server.keeper.add(s)
	s.joinTimer = time.AfterFunc(protocol.LimitJoinMS*time.Millisecond, func() {
		s.hangUp(protocol.ErrorCodeTimeout, protocol.CloseJoin)
	})
	s.out.open(s)
	s.Send(s.welcome())
	conn.Serve(s, sockets.Limits{Text: protocol.LimitControlBytes, Binary: protocol.LimitFrameBytes})
}

// Take implements [sockets.Handler].
func (s *session) Take(f sockets.Frame, mayWait bool) (v sockets.Verdict) {
	defer func() {
		if r := recover(); r != nil {
			s.panicked(r)
			v = sockets.End
		}
	}()
	switch {
	case errors.Is(f.Err, sockets.ErrParts):
		s.server.cfg.Metrics.Refused(protocol.ErrorCodeRate)
		return sockets.End
	case s.parting.Load():
		if f.Op == sockets.OpClose || errors.Is(f.Err, sockets.ErrProtocol) {
			s.answers = true // what it was told last
			return sockets.End
		}
		return sockets.Next
	case f.Err != nil:
		return s.broken(f.Err, mayWait)
	}
	switch f.Op {
	case sockets.OpText, sockets.OpBinary:
		return s.message(f, mayWait)
	case sockets.OpPing, sockets.OpPong:
		return s.sign(f)
	}
	code, ok := f.Code()
	if !ok {
		return s.broken(sockets.ErrProtocol, mayWait)
	}
	return s.answer(code)
}

// answer ends a session whose client has said its last words.
func (s *session) answer(code int) sockets.Verdict {
	s.answers = true
	s.out.push(outgoing{wire: sockets.AppendClose(nil, code), last: true})
	return sockets.End
}

// broken ends a session whose client sends what it may not. Whose goodbye could not be
// told from the rest is not waited for.
func (s *session) broken(err error, mayWait bool) sockets.Verdict {
	switch {
	case !errors.Is(err, sockets.ErrTooLong):
		return s.answer(sockets.CloseProtocol)
	case !mayWait:
		return sockets.Wait
	}
	s.dismiss(protocol.ErrorCodeSize, protocol.CloseSize)
	return sockets.Next
}

// message acts on a message, if the client may send one more.
func (s *session) message(f sockets.Frame, mayWait bool) sockets.Verdict {
	if !s.counted {
		now := time.Now()
		s.counted, s.excess = true, !s.frames.AllowN(now, 1) || !s.bytes.AllowN(now, len(f.Payload))
	}
	switch {
	case !mayWait && (s.excess || f.Op == sockets.OpText || !s.pass(f.Payload)):
		return sockets.Wait
	case !mayWait:
	case s.excess:
		s.dismiss(protocol.ErrorCodeRate, protocol.CloseRate)
	case f.Op == sockets.OpText:
		s.control(f.Payload)
	default:
		s.forward(f.Payload)
	}
	s.counted = false
	return sockets.Next
}

// pass is forward where nobody may wait; false: it has done nothing.
func (s *session) pass(data []byte) bool {
	slot, outer, ok := protocol.SplitFrame(data)
	return ok && s.call != nil && s.call.TryForward(s.seat, slot, outer)
}

func (s *session) forward(data []byte) {
	slot, outer, ok := protocol.SplitFrame(data)
	switch {
	case !ok:
		s.server.cfg.Metrics.Drop("short")
	case s.call == nil:
		s.server.cfg.Metrics.Drop("not_seated")
	default:
		if err := s.call.Forward(s.server.ctx, s.seat, slot, outer); err != nil {
			s.server.cfg.Metrics.Drop("stopping")
		}
	}
}

// sign is for pings and pongs. They are counted among the client's frames: else as many
// would be answered as come.
func (s *session) sign(f sockets.Frame) sockets.Verdict {
	switch {
	case !s.frames.Allow():
		s.server.cfg.Metrics.Refused(protocol.ErrorCodeRate)
		return sockets.End
	case f.Op == sockets.OpPing:
		s.out.push(outgoing{wire: sockets.AppendFrame(nil, sockets.OpPong, f.Payload)})
	default:
		s.pong(f.Payload)
	}
	return sockets.Next
}

// Gone implements [sockets.Handler].
func (s *session) Gone() {
	defer s.server.release(s)
	defer func() {
		if r := recover(); r != nil {
			s.panicked(r)
		}
	}()
	s.seated()
	s.quit()
	s.server.keeper.remove(s)
	if s.answers {
		soon := time.AfterFunc(goodbyeTimeout, s.cut)
		s.out.finish()
		soon.Stop()
	}
	s.cut()
	s.out.finish()
	s.mu.Lock()
	late := s.late
	s.mu.Unlock()
	if late != nil {
		late.Stop()
	}
	s.conn.Close()
	s.chores.Wait()
	s.server.cfg.Metrics.Connections.WithLabelValues(s.label()).Dec()
}

// panicked is for what nobody above would catch: one session must not end the others.
func (s *session) panicked(v any) {
	s.server.cfg.Log.Error("session panicked", "panic", v, "stack", string(debug.Stack()))
}

func (s *session) label() string {
	if s.role == "" {
		return "none"
	}
	return string(s.role)
}

// seated ends the wait for a join.
func (s *session) seated() {
	if s.joinTimer != nil {
		s.joinTimer.Stop()
		s.joinTimer = nil
	}
}

// quit gives the seat back, once; nothing that the client says is heard any more. It may
// wait for the call.
func (s *session) quit() {
	s.parting.Store(true)
	if s.gaveBack {
		return
	}
	s.gaveBack = true
	if s.call != nil {
		s.call.Leave(s.seat)
	}
	close(s.left)
}

// try implements [sink].
func (s *session) try(wire []byte) int { return s.conn.TryWrite(wire) }

// write implements [sink].
func (s *session) write() {
	for {
		o, ok := s.out.next()
		switch {
		case !ok:
			return
		case o.code != 0:
			if o.code == protocol.CloseSlow {
				s.server.cfg.Metrics.Drop("slow")
			}
			s.goodbye(o.code)
			s.out.end()
			return
		case s.conn.Write(o.wire, writeTimeout) != nil:
			s.cut()
			s.out.end()
			return
		}
	}
}

// goodbye says why, and waits for the client's answer, but not for long.
func (s *session) goodbye(code int) {
	s.parting.Store(true)
	s.mu.Lock()
	s.late = time.AfterFunc(goodbyeTimeout, s.cut)
	s.mu.Unlock()
	if s.conn.Write(sockets.AppendClose(nil, code), writeTimeout) != nil {
		s.cut()
	}
}

// cut ends the session without a goodbye.
func (s *session) cut() {
	s.mu.Lock()
	conn := s.conn
	s.isCut = true
	s.mu.Unlock()
	if conn != nil {
		conn.Cut()
	}
}

// The methods of [call.Party] only queue.

// Send implements [call.Party].
func (s *session) Send(m protocol.ServerMessage) {
	s.out.push(outgoing{wire: sockets.AppendFrame(nil, sockets.OpText, protocol.EncodeServer(m))})
}

// Forward implements [call.Party]. Too many of a guest's frames at once are lost,
// which its own session with the host finds out.
func (s *session) Forward(slot uint16, outer []byte) {
	if !s.out.room(slot, slotSize+len(outer)) {
		s.server.cfg.Metrics.Drop("share")
		return
	}
	scratch := s.server.scratch.Get().(*[]byte)
	defer s.server.scratch.Put(scratch)
	wire := sockets.AppendHead((*scratch)[:0], sockets.OpBinary, slotSize+len(outer))
	*scratch = protocol.AppendFrame(wire, slot, outer)
	s.out.push(outgoing{slot: slot, wire: *scratch})
}

// GrantRelay implements [call.Party].
func (s *session) GrantRelay() { s.Send(protocol.ICE{ICE: s.servers()}) }

// Close implements [call.Party].
func (s *session) Close(code int) { s.out.push(outgoing{code: code}) }
