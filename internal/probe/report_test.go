package probe

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func mixed() Report {
	r := Report{Server: "https://call.example.org", StartedMS: 1_000_000, Up: true, DurationMS: 8000}
	late := good()
	late.guest.bound, late.guest.picture, late.guest.ended.Route, late.host.ended.Route = time.Time{}, time.Time{}, nil, nil
	r.Transports = []Result{judge(TURNTCP, good()), judge(TURNUDP, late), notOffered(TURNTLS)}
	r.finish()
	return r
}

func TestReportOK(t *testing.T) {
	ok, failed, none := judge(TURNTCP, good()), judge(TURNUDP, good()), notOffered(TURNTLS)
	for _, tt := range []struct {
		results []Result
		ok      bool
		working int
	}{
		{[]Result{ok, none}, true, 1},
		{[]Result{ok, failed}, false, 1},
		{[]Result{failed, none}, false, 0},
		{[]Result{none}, false, 0},
		{nil, false, 0},
	} {
		r := Report{Transports: tt.results}
		r.finish()
		if r.OK != tt.ok || r.Working() != tt.working {
			t.Errorf("%v: ok %v, %d working; want %v, %d", tt.results, r.OK, r.Working(), tt.ok, tt.working)
		}
	}
}

func TestText(t *testing.T) {
	r := mixed()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range []string{
		"TRANSPORT RESULT PATH CONNECT ARRIVE HANDSHAKE ADMIT MEDIA PICTURE TOTAL LOSS RTT JITTER WORDS",
		"turn-tcp ok relay/tcp 10 ms 15 ms 10 ms 20 ms 45 ms 40 ms 120 ms 1.0 % 20 ms 1.0 ms equal",
		"turn-udp FAILED - 10 ms 15 ms 10 ms 20 ms - - - - - - equal",
		"turn-tls not offered - - - - - - - - - - - -",
		"turn-udp: no media through the relay over UDP",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
}

func TestPrometheus(t *testing.T) {
	r := mixed()
	var b bytes.Buffer
	if err := r.WritePrometheus(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	problems, err := promlint.New(&b).Lint()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	const server = `server="https://call.example.org",transport=`
	for _, want := range []string{
		`visavis_probe_up{server="https://call.example.org"} 1`,
		`visavis_probe_last_run_timestamp_seconds{server="https://call.example.org"} 1000`,
		`visavis_probe_offered{` + server + `"turn-tls"} 0`,
		`visavis_probe_ok{` + server + `"turn-tcp"} 1`,
		`visavis_probe_ok{` + server + `"turn-udp"} 0`,
		`visavis_probe_problem_info{` + server + `"turn-udp",problem="media",code=""} 1`,
		`visavis_probe_setup_seconds{` + server + `"turn-tcp",step="media"} 0.045`,
		`visavis_probe_loss_ratio{` + server + `"turn-tcp",party="host"} 0.01`,
		`visavis_probe_round_trip_seconds{` + server + `"turn-tcp",party="guest"} 0.02`,
		`visavis_probe_path_info{` + server + `"turn-tcp",party="host",local="relay",remote="relay",relay="tcp",ip=""} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `visavis_probe_ok{`+server+`"turn-tls"}`) {
		t.Error("a transport that is not offered has a result")
	}
}
