// Package testkit starts a whole server and native parties in one process, for
// tests of the system: real sockets on loopback, a real store in a temporary
// directory, real media connections. It waits for events, never for time to pass.
package testkit

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/httpd"
	"github.com/visavis-call/visavis/internal/mirror"
	"github.com/visavis-call/visavis/internal/relay"
	"github.com/visavis-call/visavis/internal/signaling"
	"github.com/visavis-call/visavis/internal/store"
	"github.com/visavis-call/visavis/internal/store/sqlstore"
	"github.com/visavis-call/visavis/internal/switchboard"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// Timeout is how long anything may take before a test gives up. It is generous,
// because it only matters when something is broken.
const Timeout = 30 * time.Second

// Server is a visavis server on a free port of 127.0.0.1.
type Server struct {
	Origin string
	Relay  *relay.Server
	Mirror *mirror.Mirror

	t         testing.TB
	data      string
	address   string
	log       *slog.Logger
	store     *sqlstore.DB
	boards    *switchboard.Switchboard
	signaling *signaling.Server
	splitter  *httpd.Splitter
	http      *http.Server
	serving   sync.WaitGroup
	stopped   bool
}

// StartServer starts a server; it is stopped when the test ends.
func StartServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, data: t.TempDir(), address: "127.0.0.1:0", log: slog.New(slog.DiscardHandler)}
	s.start()
	t.Cleanup(s.Stop)
	return s
}

// Restart stops the server if it runs, and starts it again on the same port
// with the same store, like a new process: relay keys and seats are gone.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start()
}

func (s *Server) start() {
	s.t.Helper()
	ctx := s.t.Context()
	tcp, udp, err := httpd.Listen(ctx, s.address)
	s.check(err)
	s.address = tcp.Addr().String()
	s.Origin = "http://" + s.address
	s.store, err = sqlstore.Open(ctx, s.data)
	s.check(err)
	registry := telemetry.NewRegistry()
	metrics := telemetry.NewMetrics(registry)
	s.Relay, err = relay.New(relay.Config{Log: s.log, Registerer: registry})
	s.check(err)
	current := s.Relay
	s.Mirror, err = mirror.New(mirror.Config{
		Open:   func(now time.Time) (mirror.Line, error) { return current.OpenCheck(now) },
		Checks: 8, ChecksPerSource: 8, Registerer: registry, Log: s.log,
	})
	s.check(err)
	s.boards = switchboard.New(switchboard.Config{
		MaxCalls: 100,
		Call: call.Config{
			Registry:    switchboard.Registry{Store: s.store},
			EndRelay:    func(id protocol.ID) { current.EndCall(id) },
			RevokeRelay: func(id protocol.ID) { current.Revoke(id, protocol.RoleGuest) },
			Drop:        metrics.Drop,
			Forward:     metrics.Forwarded,
		},
		Log:  func(protocol.ID) *slog.Logger { return s.log },
		Open: func(int) {},
	})
	s.splitter = httpd.NewSplitter(tcp, nil, s.log)
	s.signaling, err = signaling.New(signaling.Config{
		Switchboard: s.boards, Relay: s.Relay, Mirror: s.Mirror, RelayPort: tcp.Addr().(*net.TCPAddr).Port,
		ConnectsPerMinute: 10_000, CreatesPerMinute: 1000, ConnectionsPerAddress: 100, Connections: 100,
		Pseudonyms: telemetry.NewPseudonyms(), Metrics: metrics, Log: s.log,
	})
	s.check(err)
	s.http, err = httpd.NewServer(httpd.Config{
		App:       fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>visavis</title>")}},
		Signaling: s.signaling,
		Check:     s.signaling.Check,
		Ready:     s.store.Ping,
		Log:       s.log,
	})
	s.check(err)
	s.stopped = false
	s.serve(func() error { return current.ServePacket(udp) })
	s.serve(func() error { return current.ServeListener(s.splitter.Relay()) })
	s.serve(s.splitter.Serve)
	s.serve(func() error { return s.http.Serve(s.splitter.HTTP()) })
}

func (s *Server) serve(f func() error) {
	s.serving.Go(func() {
		if err := f(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.t.Errorf("server: %v", err)
		}
	})
}

// Stop shuts down as the serve command does: clients are told to come back.
func (s *Server) Stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	s.signaling.Shutdown(ctx)
	err := errors.Join(s.http.Shutdown(ctx), s.splitter.Close())
	s.Mirror.Close()
	err = errors.Join(err, s.Relay.Close())
	s.boards.Close()
	s.serving.Wait()
	if err := errors.Join(err, s.store.Close()); err != nil {
		s.t.Errorf("stop server: %v", err)
	}
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// NewCall makes a call at the server and returns its host link.
func (s *Server) NewCall(flags e2ee.Flags) e2ee.Link {
	s.t.Helper()
	link, err := e2ee.NewLink(nil, flags)
	s.check(err)
	_, err = peer.Register(s.t.Context(), peer.Registration{Link: link, Origin: s.Origin, TTL: time.Hour})
	s.check(err)
	return link
}

// NewExpiredCall returns the host link of a call whose time was over an hour ago.
func (s *Server) NewExpiredCall() e2ee.Link {
	s.t.Helper()
	link, err := e2ee.NewLink(nil, 0)
	s.check(err)
	made := time.Now().Add(-2 * time.Hour)
	_, err = s.store.Create(s.t.Context(), store.Call{
		ID: link.CallID(), Key: [32]byte(link.ServerPub()), Expires: made.Add(time.Hour),
	}, made)
	s.check(err)
	return link
}
