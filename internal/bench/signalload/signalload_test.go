package signalload

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/bench"
	"github.com/visavis-call/visavis/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func local(origin string) *Server {
	return &Server{Origin: origin, Sources: netip.MustParsePrefix("127.0.0.0/8")}
}

func TestPairGetsRelayCredentials(t *testing.T) {
	s := local(testkit.StartServer(t).Origin)
	pairs, err := s.OpenMany(t.Context(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		if err := p.Grant(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(p.HostRelay.Servers) == 0 || len(p.GuestRelay.Servers) == 0 {
			t.Errorf("host has %d servers, guest %d", len(p.HostRelay.Servers), len(p.GuestRelay.Servers))
		}
		p.Hold(nil, func(err error) { t.Errorf("lost: %v", err) })
		p.Close()
	}
}

func TestSourcesDiffer(t *testing.T) {
	s := local("http://127.0.0.1:1")
	seen := make(map[netip.Addr]bool)
	for range 100_000 {
		a := s.source()
		if seen[a] || !s.Sources.Contains(a) || !a.IsLoopback() || strings.HasPrefix(a.String(), "127.0.") {
			t.Fatalf("source %s", a)
		}
		seen[a] = true
	}
}

func TestNoServer(t *testing.T) {
	if _, err := local("http://127.0.0.1:1").Open(t.Context()); err == nil { // tcpmux: nobody listens
		t.Error("a call at nobody's")
	}
	if _, err := local("https://127.0.0.1:1").Open(t.Context()); err == nil {
		t.Error("TLS is not spoken here")
	}
}

func TestFramesArrive(t *testing.T) {
	s := local(testkit.StartServer(t).Origin)
	turn, err := s.Measure(t.Context(), os.Getpid(), Loads{
		Idle: 2, Active: 4, Settle: 10 * time.Millisecond,
		Plan: Plan{Rate: 100, Warm: 50 * time.Millisecond, Measure: 300 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := turn.Result
	// A machine that is busy may keep the generator from sending all.
	if all := r.Sent + r.Skipped; all < 20 || all > 60 || r.Received != r.Sent || r.Latency.Count() != r.Sent {
		t.Errorf("sent %d, skipped %d, received %d; want about 30, and all of them", r.Sent, r.Skipped, r.Received)
	}
	if r.Latency.Quantile(0.5) == 0 || turn.Opened == 0 {
		t.Errorf("median %v, %v opened a second", r.Latency.Quantile(0.5), turn.Opened)
	}
}

func TestBareRelay(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- ServeBare(ctx, l) }()
	s := local("http://" + l.Addr().String())
	s.Bare = true
	turn, err := s.Measure(t.Context(), os.Getpid(), Loads{
		Idle: 2, Active: 4, Plan: Plan{Rate: 100, Measure: 300 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := turn.Result; r.Received == 0 || r.Received != r.Sent {
		t.Errorf("sent %d, received %d", r.Sent, r.Received)
	}
	alone, err := s.dial(t.Context(), "/alone")
	if err != nil {
		t.Fatal(err)
	}
	defer alone.conn.Close()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestLostConnectionIsSaid(t *testing.T) {
	server := testkit.StartServer(t)
	pairs, err := local(server.Origin).OpenMany(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(pairs)
	_, err = Load(t.Context(), pairs, Plan{Rate: 10, Measure: time.Millisecond}, func() error { server.Stop(); return nil })
	if err == nil {
		t.Error("a server that goes away is not said")
	}
}

func turnOf(latency time.Duration, bytes float64, cpu time.Duration) *Turn {
	t := &Turn{Bytes: bytes, Result: &Result{Sent: 1000, Received: 1000}, CPU: bench.CPU{User: cpu}, Measuring: time.Second}
	for range 1000 {
		t.Result.Latency.Add(latency)
	}
	return t
}

func TestReport(t *testing.T) {
	own := []*Turn{turnOf(2*time.Millisecond, 6000, time.Second), turnOf(time.Millisecond, 8000, time.Second)}
	reference := []*Turn{turnOf(4*time.Millisecond, 12000, 4*time.Second), turnOf(2*time.Millisecond, 16000, 4*time.Second)}
	b, err := json.Marshal(Sum(Loads{Idle: 20}, own, reference))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"bytes_per_idle_connection": 7000, "p99_ms": 1.5, "ratio_cpu": 0.25, "ratio_p99": 0.5, "ratio_bytes": 0.5, "idle": 20,
	} {
		if v, ok := got[name].(float64); !ok || v < want*0.95 || v > want*1.05 {
			t.Errorf("%s is %v, want about %v", name, got[name], want)
		}
	}
	alone := Sum(Loads{}, own, nil)
	if alone.RatioCPU != nil || alone.Reference != nil {
		t.Errorf("a ratio to nobody: %+v", alone)
	}
	var text strings.Builder
	if err := alone.Print(&text, ""); err != nil || !strings.Contains(text.String(), "7000") {
		t.Errorf("%v:\n%s", err, &text)
	}
}
