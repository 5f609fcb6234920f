package signaling

import (
	"bytes"
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
)

const (
	// writeTimeout bounds one write to a client that does not read.
	writeTimeout = 10 * time.Second
	// frameTimeout bounds the arrival of one frame, from its first byte.
	frameTimeout = 10 * time.Second
	// pongTimeout bounds the answer to a ping.
	pongTimeout = 10 * time.Second
	// goodbyeTimeout bounds the wait for a client's answer to our goodbye.
	goodbyeTimeout = 5 * time.Second
	// probeTimeout is how long a seat is kept for its holder when somebody who may
	// be the same person waits for it: a round trip on a bad network.
	probeTimeout = 2 * time.Second
)

// session is one connection. It is the [call.Party] of its call.
type session struct {
	server *Server
	site   site
	from   netip.Prefix
	nonce  [32]byte
	out    outbox
	left   chan struct{} // closed when the seat has been given back

	// Set by run, before anything else starts; but cut may come earlier.
	conn  *websocket.Conn
	under *restingConn // of conn; written under mu
	mu    sync.Mutex
	isCut bool // guarded by mu

	// Owned by the keeper.
	kept   *list.Element
	pingAt time.Time
	pings  sync.WaitGroup // those under way

	// Owned by the reader.
	frames, bytes *rate.Limiter // safe for concurrent use: at the end the writer reads, too
	callID        protocol.ID
	role          protocol.Role // empty before the join
	call          *call.Call
	seat          call.Conn
	joinTimer     *time.Timer
	finishing     bool
}

var _ call.Party = (*session)(nil)

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

// begin serves the session. Its goroutine is the reader; [session.finish] is called
// when the connection is gone. Between frames there is no other goroutine, and after
// a while of silence only one that rests: a server has many connections, and most of
// them are silent.
func (s *session) begin(conn *websocket.Conn, under *restingConn) {
	defer s.recovered()
	conn.SetReadLimit(protocol.LimitFrameBytes + 1) // one more, to tell too long from just right
	s.conn = conn
	s.mu.Lock()
	s.under = under
	cut := s.isCut
	s.mu.Unlock()
	if cut {
		_ = under.Close() // asked for before there was anything to cut
	}
	s.server.cfg.Metrics.Connections.WithLabelValues("none").Inc()
	s.server.keeper.add(s)
	s.joinTimer = time.AfterFunc(protocol.LimitJoinMS*time.Millisecond, func() {
		s.hangUp("", protocol.ErrorCodeTimeout, protocol.CloseJoin)
	})
	s.Send(s.welcome())
	s.out.open(s.write)
	s.work()
}

// work reads until the connection is gone, or silent.
func (s *session) work() {
	decided, quiet := s.read()
	if quiet {
		go s.rest() // a new stack is a small one
		return
	}
	s.finish(decided)
}

// rest waits until there is something to read.
func (s *session) rest() {
	defer s.recovered()
	s.under.rest()
	s.work()
}

// finish ends the session. If that is a decision of ours the writer first says so.
func (s *session) finish(decided bool) {
	s.finishing = true
	defer s.server.release(s)
	s.joinTimer.Stop()
	s.leave()
	s.server.keeper.remove(s)
	if !decided {
		s.cut()
	}
	s.out.finish()
	s.cut()
	_ = s.conn.CloseNow() // what the library keeps; closed already
	s.pings.Wait()
	s.server.cfg.Metrics.Connections.WithLabelValues(s.label()).Dec()
}

// recovered ends the session after a panic of its reader: nobody above would catch it,
// and one session must not end the others.
func (s *session) recovered() {
	v := recover()
	if v == nil {
		return
	}
	s.server.cfg.Log.Error("session panicked", "panic", v, "stack", string(debug.Stack()))
	if !s.finishing {
		s.finish(false)
	}
}

func (s *session) label() string {
	if s.role == "" {
		return "none"
	}
	return string(s.role)
}

func (s *session) leave() {
	if s.call != nil {
		s.call.Leave(s.seat)
	}
	close(s.left)
}

// Probe implements [call.Party].
func (s *session) Probe(ctx context.Context) {
	ping, done := context.WithTimeout(ctx, probeTimeout)
	defer done()
	if s.conn.Ping(ping) == nil {
		return
	}
	s.cut()
	select {
	case <-s.left:
	case <-ctx.Done():
	}
}

// write does what is in the outbox.
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
			s.close(o.code)
			s.out.end()
			return
		case s.writeFrame(o) != nil:
			s.cut()
			s.out.end()
			return
		}
	}
}

// writeFrame writes one frame. The connection's own deadline bounds it: a context
// would cost the library another goroutine's start for each.
func (s *session) writeFrame(o outgoing) error {
	if err := s.under.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	scratch := s.server.scratch.Get().(*bytes.Buffer)
	defer s.server.scratch.Put(scratch)
	s.under.cork(scratch)
	err := s.conn.Write(context.Background(), o.kind, o.frame)
	if err = errors.Join(err, s.under.uncork()); err != nil {
		return err
	}
	return s.under.SetWriteDeadline(time.Time{})
}

// close waits for the client's goodbye, but not for long.
func (s *session) close(code websocket.StatusCode) {
	s.under.awake.Store(true) // the library reads on, and takes whatever it gets for the answer
	late := time.AfterFunc(goodbyeTimeout, s.cut)
	defer late.Stop()
	if err := s.conn.Close(code, ""); err != nil {
		s.server.cfg.Log.Debug("close handshake incomplete", telemetry.FieldCloseCode, int(code))
	}
}

// ping asks the client for a sign of life, and cuts the connection without one.
func (s *session) ping() {
	ctx, done := context.WithTimeout(context.Background(), pongTimeout)
	defer done()
	if s.conn.Ping(ctx) != nil {
		s.cut()
	}
}

// cut ends the session without a goodbye.
func (s *session) cut() {
	s.mu.Lock()
	under := s.under
	s.isCut = true
	s.mu.Unlock()
	if under != nil {
		_ = under.Close() // closed twice, mostly
	}
}

// readFrame returns the next frame. One that is too long comes as an error with
// [protocol.ErrorCodeSize].
func (s *session) readFrame() (websocket.MessageType, []byte, error) {
	kind, r, err := s.conn.Reader(context.Background()) // cut ends it
	if err != nil {
		return 0, nil, err
	}
	limit := int64(protocol.LimitFrameBytes)
	if kind == websocket.MessageText {
		limit = protocol.LimitControlBytes
	}
	if err := s.under.SetReadDeadline(time.Now().Add(frameTimeout)); err != nil {
		return 0, nil, err
	}
	scratch := s.server.scratch.Get().(*bytes.Buffer)
	defer s.server.scratch.Put(scratch)
	scratch.Reset()
	n, err := scratch.ReadFrom(io.LimitReader(r, limit+1))
	if n > limit {
		return 0, nil, &protocol.WireError{Code: protocol.ErrorCodeSize}
	}
	if err != nil {
		return 0, nil, err
	}
	return kind, bytes.Clone(scratch.Bytes()), s.under.SetReadDeadline(time.Time{})
}

// read serves the client's frames. decided says that the end is our decision: else
// the connection failed or the client left. quiet says that it is not the end.
func (s *session) read() (decided, quiet bool) {
	ctx := s.server.ctx
	for {
		kind, data, err := s.readFrame()
		if wire, ok := errors.AsType[*protocol.WireError](err); ok {
			s.hangUp("", wire.Code, protocol.CloseSize)
			return true, false
		}
		if errors.Is(err, errParts) {
			s.server.cfg.Metrics.Refused(protocol.ErrorCodeRate)
		}
		if err != nil {
			return false, errors.Is(err, errQuiet)
		}
		now := time.Now()
		if !s.frames.AllowN(now, 1) || !s.bytes.AllowN(now, len(data)) {
			s.hangUp("", protocol.ErrorCodeRate, protocol.CloseRate)
			return true, false
		}
		if kind == websocket.MessageText {
			if !s.control(ctx, data) {
				return true, false
			}
			continue
		}
		s.forward(ctx, data)
	}
}

// mayControl counts the client's pings and pongs among its frames: the library deals with
// them by itself, and would answer as many as come.
func (s *session) mayControl() bool {
	if s.frames.Allow() {
		return true
	}
	s.server.cfg.Metrics.Refused(protocol.ErrorCodeRate)
	s.cut()
	return false
}

func (s *session) forward(ctx context.Context, data []byte) {
	slot, outer, ok := protocol.SplitFrame(data)
	switch {
	case !ok:
		s.server.cfg.Metrics.Drop("short")
	case s.call == nil:
		s.server.cfg.Metrics.Drop("not_seated")
	default:
		if err := s.call.Forward(ctx, s.seat, slot, outer); err != nil {
			s.server.cfg.Metrics.Drop("stopping")
		}
	}
}

// The methods of [call.Party] only queue.

// Send implements [call.Party].
func (s *session) Send(m protocol.ServerMessage) {
	s.out.push(outgoing{kind: websocket.MessageText, frame: protocol.EncodeServer(m)})
}

// Forward implements [call.Party]. Too many of a guest's frames at once are lost,
// which its own session with the host finds out.
func (s *session) Forward(slot uint16, outer []byte) {
	if !s.out.room(slot) {
		s.server.cfg.Metrics.Drop("share")
		return
	}
	s.out.push(outgoing{kind: websocket.MessageBinary, slot: slot, frame: protocol.AppendFrame(nil, slot, outer)})
}

// GrantRelay implements [call.Party].
func (s *session) GrantRelay() { s.Send(protocol.ICE{ICE: s.servers()}) }

// Close implements [call.Party].
func (s *session) Close(code int) { s.out.push(outgoing{code: websocket.StatusCode(code)}) }
