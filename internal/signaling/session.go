package signaling

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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
	// guestShare is how many frames of one guest may wait for its host in any case.
	// A guest with more waiting gets none of the last reserve places in the queue:
	// strangers who send as much as they may must not cost the host its connection.
	guestShare = protocol.LimitWriteQueue / (protocol.LimitWaiting + 2)
	reserve    = guestShare + 8
)

// session is one connection. It is the [call.Party] of its call.
type session struct {
	server *Server
	site   site
	from   netip.Prefix
	nonce  [32]byte
	queue  chan outgoing // to write; never closed
	// waiting counts the frames in queue by the slot of the guest they are from.
	waiting [protocol.LimitWaiting + 2]atomic.Int32

	cutOff   chan struct{} // closed by cut
	cutOnce  sync.Once
	left     chan struct{} // closed when the seat has been given back
	slow     chan struct{} // closed when the queue has overflowed
	slowOnce sync.Once

	conn  *websocket.Conn // set by run, before anything else starts
	under net.Conn        // of conn, likewise

	// Owned by the reader.
	frames, bytes *rate.Limiter
	callID        protocol.ID
	role          protocol.Role // empty before the join
	call          *call.Call
	seat          call.Conn
	joinTimer     *time.Timer
}

var _ call.Party = (*session)(nil)

// outgoing is one thing for the writer to do: a frame, or, if code is set, the
// end of the connection.
type outgoing struct {
	kind  websocket.MessageType
	slot  uint16 // of the guest it is from; 0: nobody's share
	frame []byte
	code  websocket.StatusCode
}

func newSession(s *Server, at site, from netip.Prefix) *session {
	sess := &session{
		server: s,
		site:   at,
		from:   from,
		queue:  make(chan outgoing, protocol.LimitWriteQueue),
		cutOff: make(chan struct{}),
		left:   make(chan struct{}),
		slow:   make(chan struct{}),
		frames: rate.NewLimiter(protocol.LimitFramesPerSecond, protocol.LimitFramesBurst),
		bytes:  rate.NewLimiter(protocol.LimitBytesPerMinute/60, protocol.LimitBytesPerMinute),
	}
	rand.Read(sess.nonce[:]) // never fails: crypto/rand would end the program
	return sess
}

// run serves the session until the connection is gone. The reader runs here; if
// it ends because of the connection the others are stopped, and if it ends by a
// decision of ours the writer first says so.
func (s *session) run(ctx context.Context, conn *websocket.Conn, under net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.conn, s.under = conn, under
	defer func() { _ = conn.CloseNow() }()          // mostly closed already
	conn.SetReadLimit(protocol.LimitFrameBytes + 1) // one more, to tell too long from just right

	gauge := s.server.cfg.Metrics.Connections
	gauge.WithLabelValues("none").Inc()
	s.Send(s.welcome())
	written := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { defer close(written); s.write(ctx); cancel() })
	others.Go(func() { s.keep(ctx, cancel) })
	s.joinTimer = time.AfterFunc(protocol.LimitJoinMS*time.Millisecond, func() {
		s.hangUp("", protocol.ErrorCodeTimeout, protocol.CloseJoin)
	})

	decided := s.read(ctx)
	s.joinTimer.Stop()
	s.leave()
	if !decided {
		cancel()
	}
	<-written
	cancel()
	others.Wait()
	gauge.WithLabelValues(s.label()).Dec()
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

// write empties the queue. It returns when the connection is closed or ctx ends.
func (s *session) write(ctx context.Context) {
	for {
		select { // a slow client is told so at once, not after the backlog
		case <-s.slow:
			s.server.cfg.Metrics.Drop("slow")
			s.close(protocol.CloseSlow)
			return
		default:
		}
		select {
		case o := <-s.queue:
			if o.code != 0 {
				s.close(o.code)
				return
			}
			if o.slot != 0 {
				s.waiting[o.slot].Add(-1)
			}
			if err := s.writeFrame(ctx, o); err != nil {
				return
			}
		case <-s.slow:
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) writeFrame(ctx context.Context, o outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, o.kind, o.frame)
}

// close waits for the client's goodbye, but not for long.
func (s *session) close(code websocket.StatusCode) {
	late := time.AfterFunc(goodbyeTimeout, func() { _ = s.under.Close() })
	defer late.Stop()
	if err := s.conn.Close(code, ""); err != nil {
		s.server.cfg.Log.Debug("close handshake incomplete", telemetry.FieldCloseCode, int(code))
	}
}

// keep pings, and cuts the connection when asked to or when nothing comes back.
func (s *session) keep(ctx context.Context, cancel context.CancelFunc) {
	ticker := time.NewTicker(protocol.LimitPingMS * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			ping, done := context.WithTimeout(ctx, pongTimeout)
			err := s.conn.Ping(ping)
			done()
			if err != nil {
				cancel()
				return
			}
		case <-s.cutOff:
			cancel()
			return
		case <-ctx.Done():
			return
		}
	}
}

// cut ends the session without a goodbye.
func (s *session) cut() { s.cutOnce.Do(func() { close(s.cutOff) }) }

// readFrame returns the next frame. One that is too long comes as an error with
// [protocol.ErrorCodeSize].
func (s *session) readFrame(ctx context.Context) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	limit := int64(protocol.LimitFrameBytes)
	if kind == websocket.MessageText {
		limit = protocol.LimitControlBytes
	}
	late := time.AfterFunc(frameTimeout, cancel)
	defer late.Stop()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(data)) > limit {
		return 0, nil, &protocol.WireError{Code: protocol.ErrorCodeSize}
	}
	return kind, data, err
}

// read serves the client's frames. It returns true if the end is our decision,
// and false if the connection failed or the client left.
func (s *session) read(ctx context.Context) (decided bool) {
	for {
		kind, data, err := s.readFrame(ctx)
		if wire, ok := errors.AsType[*protocol.WireError](err); ok {
			s.hangUp("", wire.Code, protocol.CloseSize)
			return true
		}
		if err != nil {
			return false
		}
		now := time.Now()
		if !s.frames.AllowN(now, 1) || !s.bytes.AllowN(now, len(data)) {
			s.hangUp("", protocol.ErrorCodeRate, protocol.CloseRate)
			return true
		}
		if kind == websocket.MessageText {
			if !s.control(ctx, data) {
				return true
			}
			continue
		}
		s.forward(ctx, data)
	}
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
	s.push(outgoing{kind: websocket.MessageText, frame: protocol.EncodeServer(m)})
}

// Forward implements [call.Party]. Too many of a guest's frames at once are lost,
// which its own session with the host finds out.
func (s *session) Forward(slot uint16, outer []byte) {
	if slot != 0 && s.waiting[slot].Load() >= guestShare && len(s.queue) >= cap(s.queue)-reserve {
		s.server.cfg.Metrics.Drop("share")
		return
	}
	if slot != 0 {
		s.waiting[slot].Add(1)
	}
	s.push(outgoing{kind: websocket.MessageBinary, slot: slot, frame: protocol.AppendFrame(nil, slot, outer)})
}

// GrantRelay implements [call.Party].
func (s *session) GrantRelay() { s.Send(protocol.ICE{ICE: s.servers()}) }

// Close implements [call.Party].
func (s *session) Close(code int) { s.push(outgoing{code: websocket.StatusCode(code)}) }

func (s *session) push(o outgoing) {
	select {
	case s.queue <- o:
	default:
		s.slowOnce.Do(func() { close(s.slow) })
	}
}
