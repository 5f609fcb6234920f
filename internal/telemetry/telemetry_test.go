package telemetry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/protocol"
)

func TestPseudonyms(t *testing.T) {
	a, b := NewPseudonyms(), NewPseudonyms()
	id := protocol.ID{1, 2, 3}
	if first, second := a.Call(id), a.Call(id); first != second {
		t.Error("one call, two names in one process")
	}
	if a.Call(id) == b.Call(id) {
		t.Error("two processes give the same name")
	}
	if a.Call(id) == a.Call(protocol.ID{}) {
		t.Error("two calls, one name")
	}
	if got := a.Call(id); len(got) != 16 || strings.Contains(got, "010203") {
		t.Errorf("name = %q", got)
	}
}

func TestPseudonymKeyIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "debug")
	if err != nil {
		t.Fatal(err)
	}
	p := NewPseudonyms()
	log.Info("careless", "p", p, "q", *p)
	if !strings.Contains(out.String(), "[redacted]") || strings.Contains(out.String(), strings.Trim(fmt.Sprintf("%d", p.key[:4]), "[]")) {
		t.Errorf("log = %s", out.String())
	}
}

func TestLevels(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	if strings.Contains(out.String(), "quiet") || !strings.Contains(out.String(), "loud") {
		t.Errorf("log = %s", out.String())
	}
	if _, err := NewLogger(&out, "chatty"); err == nil {
		t.Error("a level that does not exist was no error")
	}
}

func TestMetrics(t *testing.T) {
	r := NewRegistry()
	m := NewMetrics(r)
	m.Drop("slow")
	m.Refused(protocol.ErrorCodeBusy)
	m.Forwarded(3)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range families {
		got[f.GetName()] = true
	}
	for _, want := range []string{
		"visavis_signaling_drops_total", "visavis_signaling_errors_total",
		"visavis_signaling_frames_forwarded_total", "visavis_calls_open", "go_goroutines",
	} {
		if !got[want] {
			t.Errorf("no metric %s", want)
		}
	}
}
