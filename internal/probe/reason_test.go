package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// reasons are all there are.
func reasons() []Reason {
	return []Reason{
		ReasonDNS, ReasonFamily, ReasonConnect, ReasonTimeout, ReasonCertificate, ReasonTLS, ReasonMoved, ReasonHTTP,
		ReasonFull, ReasonToken, ReasonRate, ReasonRefused, ReasonInterrupted, ReasonOther,
	}
}

// Somebody who reads one in a monitor finds it in the documentation.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| `reason` (also in")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, r := range reasons() {
		if !strings.Contains(table, "`"+string(r)+"`") {
			t.Errorf("docs/operating.md has no reason %q", r)
		}
	}
}

// hangUp is the address of a server that takes connections and resets them, as ours does
// without TLS if somebody asks for TLS.
func hangUp(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1)) // the rest is unread: a reset
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// Each fault has its word, in the metrics, too.
func TestReasons(t *testing.T) {
	answer := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	status := func(code int) string {
		return answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	for name, tt := range map[string]struct {
		origin string
		family int
		want   Reason
	}{
		"nobody":                 {origin: "http://127.0.0.1:1", want: ReasonConnect},
		"no such name":           {origin: "http://visavis.invalid", want: ReasonDNS},
		"no such family":         {origin: "http://127.0.0.1:1", family: 6, want: ReasonFamily},
		"nor the other":          {origin: "http://[::1]:1", family: 4, want: ReasonFamily},
		"a foreign name":         {origin: tls.URL, want: ReasonCertificate},
		"no TLS there":           {origin: strings.Replace(status(http.StatusOK), "http:", "https:", 1), want: ReasonTLS},
		"hung up instead of TLS": {origin: "https://" + hangUp(t), want: ReasonTLS},
		"hung up":                {origin: "http://" + hangUp(t), want: ReasonHTTP},
		"elsewhere": {origin: answer(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.org", http.StatusFound)
		}), want: ReasonMoved},
		"another program": {origin: status(http.StatusNotFound), want: ReasonHTTP},
		"full":            {origin: status(http.StatusServiceUnavailable), want: ReasonFull},
		"asked too often": {origin: status(http.StatusTooManyRequests), want: ReasonRate},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), Config{Origin: tt.origin, Family: tt.family, Transports: Transports(), Media: testkit.Media})
			if err == nil || r.Up || r.Reason != tt.want {
				t.Fatalf("%q, want %q: %v", r.Reason, tt.want, err)
			}
			var b strings.Builder
			if err := r.WritePrometheus(&b); err != nil {
				t.Fatal(err)
			}
			labels := fmt.Sprintf("server=%q", tt.origin)
			if tt.family != 0 {
				labels += fmt.Sprintf(`,family="%d"`, tt.family)
			}
			for _, want := range []string{"visavis_probe_up{" + labels + "} 0\n", "visavis_probe_down_info{" + labels + fmt.Sprintf(",reason=%q} 1\n", tt.want)} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("no %s in\n%s", want, &b)
				}
			}
		})
	}
}

// What can not be had from a real fault here.
func TestRareReasons(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	live := t.Context()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		want Reason
	}{
		{live, fmt.Errorf("dial: %w", context.DeadlineExceeded), ReasonTimeout},
		{live, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, ReasonTimeout},
		{live, &net.DNSError{Err: "i/o timeout", IsTimeout: true}, ReasonTimeout},
		{live, &net.DNSError{Err: "server misbehaving"}, ReasonDNS},
		{live, &net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, ReasonTLS},
		{live, &protocol.WireError{Code: protocol.ErrorCodeInternal}, ReasonRefused},
		{live, &protocol.WireError{Code: protocol.ErrorCodeAuth}, ReasonToken},
		{live, errors.New("something else"), ReasonOther},
		{gone, gone.Err(), ReasonInterrupted},
		{live, fmt.Errorf("dial: %w", peer.ErrFamily), ReasonFamily},
	} {
		if got := reasonFor(tt.ctx, true, tt.err); got != tt.want || !slices.Contains(reasons(), got) {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
