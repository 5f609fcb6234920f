// Package mirror is the server's end of a network check: a native peer that gives
// back what a browser sends, so that the browser can tell what the way to this
// server, and back, can carry.
//
//	browser ═══ TURN over UDP, TCP or TLS ═══▶ relay ──▶ Line ──▶ check (pion) ──▶ reflection
//
// A mirror has no socket. It is one end of a call inside the relay (a [Line]), the
// browser is the other: what is measured is the way that a relayed call takes, and
// whatever an offer says, packets can only go back where they came from. It
// speaks ICE lite (RFC 8445 §2.5): it answers checks and sends none.
//
// # Bounds
//
// [Mirror.Answer] takes a bounded offer of one data channel. So many checks run at
// once, in all and for one source; each ends by itself after [Lifetime]. How much
// it sends is bounded by package reflection's limits and by the Line.
package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
)

const (
	// Lifetime bounds a check, connectTime the wait for the browser to come.
	Lifetime    = 15 * time.Second
	connectTime = 8 * time.Second
	// answerTime bounds what happens before the answer, all of it local.
	answerTime = 5 * time.Second
)

// Line is one end of a call in the relay; whoever has the credentials is the other.
type Line interface {
	Conn() net.PacketConn
	Credentials() (username, password string, expires time.Time)
	Close() error
}

// Config is what a [Mirror] needs.
type Config struct {
	// Open opens a line for one check.
	Open func(now time.Time) (Line, error)
	// Checks run at once, in all and for one source.
	Checks, ChecksPerSource int

	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Mirror answers offers. It owns its checks until Close returns.
type Mirror struct {
	cfg    Config
	ctx    context.Context // ends all checks
	cancel context.CancelFunc
	checks sync.WaitGroup
	open   prometheus.Gauge
	ended  *prometheus.CounterVec

	mu      sync.Mutex
	closed  bool
	sources map[netip.Prefix]int
	running int
}

// Answer is what the browser needs to reach the mirror.
type Answer struct {
	SDP                  string
	Username, Credential string
	Expires              time.Time
}

// New returns a mirror with no check running.
func New(cfg Config) (*Mirror, error) {
	m := &Mirror{
		cfg:     cfg,
		sources: make(map[netip.Prefix]int),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "visavis_checks_open", Help: "Network checks that are running.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "visavis_checks_total", Help: "Network checks that are over, by what became of them.",
		}, []string{"result"}),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	for _, c := range []prometheus.Collector{m.open, m.ended} {
		if err := cfg.Registerer.Register(c); err != nil {
			m.cancel()
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// Answer begins a check for a source and returns the answer to its offer. It
// returns a *protocol.WireError with code E_SDP or E_BUSY, or another error if the
// fault is ours.
func (m *Mirror) Answer(ctx context.Context, from netip.Prefix, offer string) (Answer, error) {
	if err := checkOffer(offer); err != nil {
		return Answer{}, err
	}
	if !m.enter(from) {
		return Answer{}, protocol.ErrorCodeBusy.Err()
	}
	c, answer, err := m.begin(ctx, offer)
	if err != nil {
		m.leave(from)
		return Answer{}, err
	}
	go func() {
		defer m.leave(from)
		result := c.run(m.ctx)
		m.ended.WithLabelValues(result).Inc()
		m.cfg.Log.Debug("network check over", telemetry.FieldReason, result)
	}()
	return answer, nil
}

func (m *Mirror) begin(ctx context.Context, offer string) (*check, Answer, error) {
	line, err := m.cfg.Open(time.Now())
	if err != nil {
		return nil, Answer{}, fmt.Errorf("open line: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c, sdp, err := newCheck(ctx, line, offer)
	if err != nil {
		return nil, Answer{}, err
	}
	a := Answer{SDP: sdp}
	a.Username, a.Credential, a.Expires = line.Credentials()
	return c, a, nil
}

// enter counts a check, unless there are too many.
func (m *Mirror) enter(from netip.Prefix) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.running >= m.cfg.Checks || m.sources[from] >= m.cfg.ChecksPerSource {
		return false
	}
	m.running++
	m.sources[from]++
	m.checks.Add(1)
	m.open.Inc()
	return true
}

func (m *Mirror) leave(from netip.Prefix) {
	m.mu.Lock()
	m.running--
	if m.sources[from]--; m.sources[from] == 0 {
		delete(m.sources, from)
	}
	m.mu.Unlock()
	m.open.Dec()
	m.checks.Done()
}

// Close ends all checks and waits for them.
func (m *Mirror) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.checks.Wait()
}
