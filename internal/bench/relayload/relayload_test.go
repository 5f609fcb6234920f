package relayload

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/bench"
	"github.com/visavis-call/visavis/internal/relay"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func TestSchedule(t *testing.T) {
	const parties, seconds = 6, 3
	for _, burst := range []int{1, DefaultBurst, MaxBurst} {
		s := newSchedule(parties, burst)
		packets := s.due(seconds * time.Second)
		if packets != parties*PartyRate*seconds {
			t.Fatalf("burst %d: %d packets in %d s, want %d", burst, packets, seconds, parties*PartyRate*seconds)
		}
		var count [parties]map[int]int
		for i := range count {
			count[i] = make(map[int]int)
		}
		for k := range packets {
			party, size := s.packet(k)
			count[party][size]++
		}
		for i, c := range count {
			if len(c) != 2 || c[audioSize] != audioRate*seconds || c[videoSize] != videoRate*seconds {
				t.Errorf("burst %d: party %d sends %v in %d s", burst, i, c, seconds)
			}
		}
	}
}

// A party's packets of video come in bursts of the size asked for, packets burstGap apart, bursts evenly spaced.
func TestBursts(t *testing.T) {
	for _, burst := range []int{1, DefaultBurst, MaxBurst} {
		s := newSchedule(10, burst)
		times := make(map[int][]time.Duration) // two cycles of them, by party
		for cycle := range 2 {
			for _, one := range s.all {
				if one.size == videoSize {
					times[one.party] = append(times[one.party], one.at+time.Duration(cycle)*s.cycle)
				}
			}
		}
		for party, at := range times {
			slices.Sort(at) // a burst may go on in the next cycle
			var rows []int
			for i := range at {
				switch gap := at[i] - at[max(i-1, 0)]; {
				case i == 0 || gap > time.Millisecond:
					rows = append(rows, 1)
				case gap != burstGap:
					t.Fatalf("burst %d: party %d: packets %v apart", burst, party, gap)
				default:
					rows[len(rows)-1]++
				}
			}
			for _, row := range rows[1 : len(rows)-1] { // the others may be cut
				if row != burst {
					t.Errorf("burst %d: party %d sends %d in a row", burst, party, row)
				}
			}
		}
	}
}

// Without bursts no two packets are due at once.
func TestEvenSchedule(t *testing.T) {
	s := newSchedule(10, 1)
	for i, one := range s.all {
		if want := time.Duration(i) * s.cycle / time.Duration(len(s.all)); one.at != want {
			t.Errorf("packet %d at %v, want %v", i, one.at, want)
		}
	}
}

func TestCalls(t *testing.T) {
	for rate, want := range map[int]int{1: 1, 400: 1, 50_000: 125, 100_000: 250} {
		if got := Calls(rate); got != want {
			t.Errorf("Calls(%d) = %d, want %d", rate, got, want)
		}
	}
}

func TestEachPartyHasItsNetwork(t *testing.T) {
	for _, sources := range []netip.Prefix{loopback, netip.MustParsePrefix("10.64.0.0/10"), netip.MustParsePrefix("10.0.0.0/15")} {
		seen := make(map[netip.Prefix]bool)
		for i := range maxParties(sources) {
			a := netip.AddrFrom4(sourceOf(sources, i))
			n := netip.PrefixFrom(a, 24).Masked()
			if !sources.Contains(a) || seen[n] || a.As4()[3] != 1 {
				t.Fatalf("%s: party %d gets %s", sources, i, a)
			}
			seen[n] = true
		}
		if seen[netip.PrefixFrom(sources.Addr(), 24)] {
			t.Errorf("%s: the first network is used", sources)
		}
	}
}

func TestNoRoomForParties(t *testing.T) {
	server := netip.MustParseAddrPort("127.0.0.1:9")
	if _, err := New(server, netip.MustParsePrefix("127.0.0.0/16")); err == nil {
		t.Error("a range without networks is accepted")
	}
}

// serve is a relay with a call for each two credentials.
func serve(t *testing.T, calls int) (netip.AddrPort, []Credential) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := relay.New(relay.Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.ServePacket(pc) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var out []Credential
	for i := range calls {
		for _, role := range []protocol.Role{protocol.RoleHost, protocol.RoleGuest} {
			user, password, _ := s.Credentials([16]byte{byte(i + 1)}, role, time.Now())
			out = append(out, Credential{user, password})
		}
	}
	return pc.LocalAddr().(*net.UDPAddr).AddrPort(), out
}

func TestLoadArrives(t *testing.T) {
	server, credentials := serve(t, 2)
	subject := &Subject{
		Name: "test", Server: server, PID: os.Getpid(),
		Credentials: func(context.Context, int) ([]Credential, func(), error) { return credentials, func() {}, nil },
	}
	slice, err := subject.Measure(t.Context(), loopback, 2*2*PartyRate, Plan{Warm: 50 * time.Millisecond, Measure: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := slice.Result
	// A machine that is busy may keep the generator from sending all.
	if r.Sent+r.Skipped < 150 || r.Sent+r.Skipped > 250 || r.Received != r.Sent {
		t.Errorf("sent %d, skipped %d, received %d; want about 200, and all of them", r.Sent, r.Skipped, r.Received)
	}
	if r.Latency.Count() != r.Received || r.Latency.Quantile(0.5) == 0 || slice.Allocations == 0 {
		t.Errorf("latency of %d packets, median %v, %.0f allocations/s", r.Latency.Count(), r.Latency.Quantile(0.5), slice.Allocations)
	}
}

func TestRefusalIsNamed(t *testing.T) {
	server, credentials := serve(t, 1)
	g, err := New(server, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Ask(t.Context()); err != nil {
		t.Fatalf("a Binding request: %v", err)
	}
	credentials[1].Password = "wrong"
	_, err = g.Allocate(t.Context(), g.Parties(credentials))
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v, want the refusal", err)
	}
}

func TestDirect(t *testing.T) {
	server := netip.MustParseAddrPort("127.0.0.1:9") // discard: nothing goes there
	g, err := New(server, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r, err := g.Direct(t.Context(), g.Parties(make([]Credential, 2)), Plan{Measure: 100 * time.Millisecond}, server)
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent == 0 || r.Received != r.Sent {
		t.Errorf("sent %d, received %d", r.Sent, r.Received)
	}
}

// sliceOf is one in which 1000 packets arrived.
func sliceOf(cpu time.Duration, latency time.Duration) *Slice {
	s := &Slice{Result: &Result{Sent: 1000, Received: 1000}, CPU: bench.CPU{Kernel: cpu}}
	for range 1000 {
		s.Result.Latency.Add(latency)
	}
	return s
}

func TestReport(t *testing.T) {
	const ms = time.Millisecond
	direct := sliceOf(0, 10*time.Microsecond).Result
	report := &Report{Loads: []LoadReport{
		Sum(400, 1, direct, []*Slice{sliceOf(4*ms, 60*time.Microsecond)}, []*Slice{sliceOf(8*ms, 110*time.Microsecond)}, nil),
		Sum(800, 1, direct, []*Slice{sliceOf(8*ms, 90*time.Microsecond)}, []*Slice{sliceOf(10*ms, 120*time.Microsecond)}, []*Slice{sliceOf(ms, 120*time.Microsecond)}),
	}}
	report.Conclude()
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	near := func(name string, want float64) {
		t.Helper()
		if v, ok := got[name].(float64); !ok || v < want*0.95 || v > want*1.05 {
			t.Errorf("%s is %v, want about %v, that of the worse load", name, got[name], want)
		}
	}
	near("ratio_user_space", 0.8)
	near("added_p99_us", 80)
	near("coturn_p99_us", 110)
	near("ratio_offload", 0.1)
	var text strings.Builder
	if err := report.Print(&text, "reference"); err != nil || !strings.Contains(text.String(), "0.80") {
		t.Errorf("%v:\n%s", err, &text)
	}
}

func TestReportWithoutReference(t *testing.T) {
	report := &Report{Loads: []LoadReport{Sum(400, 1, &Result{}, []*Slice{sliceOf(time.Millisecond, time.Millisecond)}, nil, nil)}}
	report.Conclude()
	if report.Ratio != nil || report.Offload != nil || report.ReferenceP99 != nil || report.AddedP99 == 0 {
		t.Errorf("got %+v", report)
	}
}
