package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// level is that of a finding, "" if there is none.
func level(r Report, id string) Level {
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.ID == id })
	if i < 0 {
		return ""
	}
	return r.Findings[i].Level
}

func wantLevels(t *testing.T, r Report, want map[string]Level) {
	t.Helper()
	for id, l := range want {
		if got := level(r, id); got != l {
			t.Errorf("%s is %q, want %q, in %q", id, got, l, brief(r.Findings))
		}
	}
}

func configFor(t *testing.T, listen string) Config {
	t.Helper()
	return Config{Listen: listen, Data: t.TempDir(), Metrics: "127.0.0.1:9090", Connections: 100}
}

func TestExamineRunningServer(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	cfg := configFor(t, strings.TrimPrefix(s.Origin, "http://"))
	cfg.URL, cfg.Via = s.Origin, []string{s.Origin, "http://127.0.0.1:1"}
	r := Examine(t.Context(), cfg)
	wantLevels(t, r, map[string]Level{
		"port.tcp": OK, "port.udp": OK, "dns": OK, "hairpin.tcp": OK, "hairpin.udp": OK, "clock.offset": OK, "https": Warning, "via": Warning, "data.writable": OK,
	})
	if r.Worst == Problem {
		t.Errorf("problems: %q", brief(r.Findings))
	}
	if len(r.Next) != 2 || !strings.Contains(r.Next[0], "visavis doctor --outside "+s.Origin) {
		t.Errorf("next: %q", r.Next)
	}
}

func TestExamineFreePort(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	address := strings.TrimPrefix(s.Origin, "http://")
	s.Stop()
	wantLevels(t, Examine(t.Context(), configFor(t, address)), map[string]Level{"port.tcp": OK, "port.udp": OK, "hairpin.tcp": ""})
}

func TestExamineTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	r := Examine(t.Context(), configFor(t, l.Addr().String()))
	l.Close()
	<-refused
	wantLevels(t, r, map[string]Level{"port.tcp": Problem, "port.udp": OK})
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.ID == "port.tcp" })
	if !strings.Contains(r.Findings[i].Text, "doctor.test") && holder("/proc", l.Addr().(*net.TCPAddr).Port) != "" {
		t.Errorf("who has the port is not said: %s", r.Findings[i].Text)
	}
}

func TestOutside(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	r := Outside(t.Context(), s.Origin)
	if r.Worst != OK {
		t.Errorf("not all is well: %q", r.Findings)
	}
	wantLevels(t, r, map[string]Level{
		"outside.tcp4": OK, "outside.visavis": OK, "outside.clock": OK, "outside.udp4": OK, "outside.turn_udp": OK, "outside.turn_tcp": OK, "outside.turn_tls": OK,
	})
	s.Stop()
	wantLevels(t, Outside(t.Context(), s.Origin), map[string]Level{"outside.tcp4": Problem, "outside.visavis": Problem, "outside.udp4": ""})
}

func TestOutsideNoVisavis(t *testing.T) {
	t.Parallel()
	wantLevels(t, Outside(t.Context(), "http://nobody.invalid"), map[string]Level{"outside.dns": Problem})
}

// silence takes datagrams and never answers.
func TestSilenceOverUDP(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	w := wayFacts{addr: netip.MustParseAddr("127.0.0.1"), here: true}
	w.askSTUN(context.Background(), pc.LocalAddr().String())
	f := outsideFacts{greeting: &greeting{}, v4: w, turn: map[string]error{}}
	r := report("", judgeOutside(f))
	wantLevels(t, r, map[string]Level{"outside.udp4": Problem, "outside.turn_udp": OK})
}

// A STUN server alone is no relay.
func TestSTUNIsNoTURN(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		buffer := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buffer)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: buffer[:n]}
			if m.Decode() != nil {
				continue
			}
			answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassErrorResponse), stun.CodeBadRequest)
			if err == nil {
				_, _ = pc.WriteTo(answer.Raw, from) // the test would miss it
			}
		}
	}()
	conn, err := net.Dial("udp4", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := isTURN(conn, false); err == nil || errors.Is(err, errSilent) {
		t.Errorf("a server that knows no relay passes for one: %v", err)
	}
	conn.Close()
	pc.Close()
	<-answered
}
