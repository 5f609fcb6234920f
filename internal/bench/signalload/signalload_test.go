package signalload

import (
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func local(origin string) *Server {
	return &Server{Origin: origin, Sources: netip.MustParsePrefix("127.0.0.0/8")}
}

func TestPairGetsRelayCredentials(t *testing.T) {
	s := local(testkit.StartServer(t).Origin)
	pairs, err := s.OpenMany(t.Context(), 3)
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
