package probe

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(s *testkit.Server) Config {
	return Config{
		Origin: s.Origin, Transports: Transports(), Media: testkit.Media,
		Setup: testkit.Timeout, Measure: time.Second,
	}
}

func newLink(t *testing.T) e2ee.Link {
	t.Helper()
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// wantEnded fails unless the server has ended the call for good.
func wantEnded(t *testing.T, s *testkit.Server, link e2ee.Link) {
	t.Helper()
	_, err := peer.Register(t.Context(), peer.Registration{Link: link, Origin: s.Origin})
	if code(err) != protocol.ErrorCodeGone {
		t.Errorf("the call was not ended: making it again says %v", err)
	}
}

func TestRun(t *testing.T) {
	s, link := testkit.StartServer(t), newLink(t)
	r, err := runWith(t.Context(), config(s), link)
	if err != nil || !r.OK || !r.Up {
		t.Fatalf("%v, %+v", err, r)
	}
	if want := []Transport{Direct, TURNUDP, TURNTCP}; !slices.Equal(r.Offered, want) {
		t.Errorf("offered %v, want %v", r.Offered, want)
	}
	if len(r.Transports) != 4 || r.Transports[3].Offered {
		t.Fatalf("results: %+v", r.Transports)
	}
	for _, result := range r.Transports[:3] {
		for _, step := range result.Steps.list() {
			if step.ms <= 0 {
				t.Errorf("%s: no time for %s", result.Transport, step.name)
			}
		}
		for _, p := range []*Path{result.Host, result.Guest} {
			if p.Sound < 10 || p.RTTMS <= 0 || p.JitterMS <= 0 && p.Sound > 30 {
				t.Errorf("%s: measured %+v", result.Transport, p)
			}
		}
		if result.WordsEqual == nil || !*result.WordsEqual {
			t.Errorf("%s: words equal: %v", result.Transport, result.WordsEqual)
		}
	}
	wantEnded(t, s, link)
}

func TestRunIsInterrupted(t *testing.T) {
	t.Parallel()
	s, link := testkit.StartServer(t), newLink(t)
	ctx, cancel := context.WithCancel(t.Context())
	cfg := config(s)
	cfg.Begins = func(t Transport) {
		if t == TURNUDP {
			cancel()
		}
	}
	r, err := runWith(ctx, cfg, link)
	if err != nil || len(r.Transports) != 1 {
		t.Errorf("%v, %d results; want the first one only", err, len(r.Transports))
	}
	wantEnded(t, s, link)
}

// Nothing flows: each transport costs its time and no more, and the call is ended.
func TestRunInVain(t *testing.T) {
	t.Parallel()
	s, link := testkit.StartServer(t), newLink(t)
	cfg := config(s)
	cfg.Setup = 300 * time.Millisecond
	cfg.Transports = []Transport{TURNUDP}
	cfg.Media = func() (video, audio peer.Source, err error) { return nil, nil, nil }
	r, err := runWith(t.Context(), cfg, link)
	if err != nil || r.OK || len(r.Transports) != 1 || r.Transports[0].Problem != ProblemMedia {
		t.Errorf("%v, %+v", err, r)
	}
	wantEnded(t, s, link)
}

// It takes no time to see that the first transport is none of the server's.
func TestRunNotOffered(t *testing.T) {
	t.Parallel()
	s, link := testkit.StartServer(t), newLink(t)
	cfg := config(s)
	cfg.Transports = []Transport{TURNTLS}
	r, err := runWith(t.Context(), cfg, link)
	if err != nil || r.OK || len(r.Transports) != 1 || r.Transports[0].Offered || len(r.Offered) != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	if r.DurationMS > float64(cfg.Setup.Milliseconds())/2 {
		t.Errorf("it took %v ms", r.DurationMS)
	}
	wantEnded(t, s, link)
}

func TestRunNowhere(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	s.Stop()
	r, err := Run(t.Context(), config(s))
	if err == nil || r.Up || len(r.Transports) != 0 {
		t.Errorf("%v, %+v; want an error, and no results", err, r)
	}
}
