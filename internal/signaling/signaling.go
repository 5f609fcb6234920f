// Package signaling is the server's end of the WebSocket: it checks who may
// connect, keeps each connection to its limits, and joins it to its call.
//
// # One session
//
// A [Server] runs one session per connection. It is told what comes ([sockets.Handler]),
// polices and passes on; what goes out is written at once or, if the client does not take
// it, waits in a bounded queue; one keeper pings them all. A session of which nothing
// is heard has no goroutine. One that reads too slowly, sends too much or does not join
// in time is closed with a code that says so (protocol.Close…). Sealed frames pass
// through unread and are never kept.
//
// # Who may connect
//
// A browser must come from this server's own origin, compared exactly: scheme,
// host and port. A client without Origin must speak the native subprotocol,
// which no browser sends by itself. No cookie is ever read. Connections are
// counted per source address (IPv6: per /64); addresses stay in memory.
//
// [Server.Check] is the one thing beside the WebSocket: it begins a network check.
package signaling

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/visavis-call/visavis/internal/mirror"
	"github.com/visavis-call/visavis/internal/sockets"
	"github.com/visavis-call/visavis/internal/switchboard"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
)

// Relay mints credentials for the relay of a call.
type Relay interface {
	Credentials(call [16]byte, role protocol.Role, now time.Time) (username, password string, expires time.Time)
}

// Config is what a [Server] needs.
type Config struct {
	Switchboard *switchboard.Switchboard
	Relay       Relay
	// Mirror answers network checks.
	Mirror *mirror.Mirror
	// PublicURL is the origin of call links, scheme://host[:port]; empty: the one
	// that each client connects to.
	PublicURL string
	// RelayPort is where STUN and TURN listen, UDP and TCP.
	RelayPort int
	// RelayTLS says that TURN over TLS is served on the same port.
	RelayTLS bool
	// Token, if set, must come with every create.
	Token string
	// Per source address and minute.
	ConnectsPerMinute, CreatesPerMinute int
	// Connections open at once, per source address and in all.
	ConnectionsPerAddress, Connections int

	Pseudonyms *telemetry.Pseudonyms
	Metrics    *telemetry.Metrics
	Log        *slog.Logger
}

// retryAfter is what clients are told to wait when the server stops: about what
// a restart takes.
const retryAfter = 2 * time.Second

// Server accepts WebSockets. It owns its sessions until Shutdown returns.
type Server struct {
	cfg      Config
	connects *limiter
	creates  *limiter
	checks   *limiter
	// decoy is the key that signatures for unknown calls are checked against, so
	// that refusing them takes as long as for known ones.
	decoy  ed25519.PublicKey
	keeper keeper
	hub    sockets.Hub
	// scratch has buffers (*[]byte) for one frame, while it is written.
	scratch sync.Pool
	// ctx is what sessions do anything in; it ends when they are cut off.
	ctx    context.Context
	cancel context.CancelFunc

	sessions sync.WaitGroup
	mu       sync.Mutex // guards what follows; never held across a call out
	closed   bool
	open     map[*session]struct{}
	perAddr  map[netip.Prefix]int
}

// New returns a server.
func New(cfg Config) (*Server, error) {
	decoy, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		ctx: ctx, cancel: cancel,
		scratch:  sync.Pool{New: func() any { return new([]byte) }},
		cfg:      cfg,
		connects: newLimiter(cfg.ConnectsPerMinute),
		creates:  newLimiter(cfg.CreatesPerMinute),
		checks:   newLimiter(protocol.LimitChecksPerMinute),
		decoy:    decoy,
		open:     make(map[*session]struct{}),
		perAddr:  make(map[netip.Prefix]int),
	}, nil
}

// ServeHTTP upgrades the request, and begins the session.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := sourceOf(r)
	if !s.connects.allow(from, time.Now()) {
		s.cfg.Metrics.Drop("connect_rate")
		w.Header().Set("Retry-After", "60")
		http.Error(w, string(protocol.ErrorCodeRate), http.StatusTooManyRequests)
		return
	}
	site, err := s.siteOf(r)
	if err != nil {
		s.cfg.Metrics.Refused(protocol.ErrorCodeOrigin)
		http.Error(w, string(protocol.ErrorCodeOrigin), http.StatusForbidden)
		return
	}
	sess := newSession(s, site, from)
	if !s.admit(sess) {
		s.cfg.Metrics.Drop("connections")
		w.Header().Set("Retry-After", "10")
		http.Error(w, string(protocol.ErrorCodeBusy), http.StatusServiceUnavailable)
		return
	}
	conn, err := s.hub.Upgrade(w, r, protocol.SubprotocolWeb, protocol.SubprotocolNative)
	if err != nil {
		s.cfg.Log.Debug("upgrade refused", telemetry.FieldError, err)
		s.release(sess)
		return
	}
	sess.begin(conn)
}

// admit enters a session in the books, unless there are too many.
func (s *Server) admit(sess *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= s.cfg.Connections || s.perAddr[sess.from] >= s.cfg.ConnectionsPerAddress {
		return false
	}
	s.open[sess] = struct{}{}
	s.perAddr[sess.from]++
	s.sessions.Add(1)
	return true
}

func (s *Server) release(sess *session) {
	s.mu.Lock()
	delete(s.open, sess)
	if s.perAddr[sess.from]--; s.perAddr[sess.from] <= 0 {
		delete(s.perAddr, sess.from)
	}
	s.mu.Unlock()
	s.sessions.Done()
}

// Shutdown tells every client to come back in a moment, closes the connections
// and waits for the sessions; those that are not done when ctx ends are cut off.
func (s *Server) Shutdown(ctx context.Context) {
	defer func() {
		if err := s.hub.Close(); err != nil {
			s.cfg.Log.Debug("stop waiting for clients", telemetry.FieldError, err)
		}
	}()
	s.mu.Lock()
	s.closed = true
	open := make([]*session, 0, len(s.open))
	for sess := range s.open {
		open = append(open, sess)
	}
	s.mu.Unlock()
	for _, sess := range open {
		sess.Send(protocol.GoingAway{RetryMS: retryAfter.Milliseconds()})
		sess.Close(protocol.CloseRestart)
	}
	done := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.cancel()
		for _, sess := range open {
			sess.cut()
		}
		<-done
	}
	s.cancel()
}
