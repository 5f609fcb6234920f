package signaling

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

func TestOriginRules(t *testing.T) {
	const web, native = protocol.SubprotocolWeb, protocol.SubprotocolNative
	tests := []struct {
		name      string
		origin    string // empty: no header
		publicURL string
		host      string // empty: call.example
		remote    string // empty: 203.0.113.5:1
		proto     string // X-Forwarded-Proto
		tls       bool
		subs      string
		want      string // origin of the site; empty: refused
	}{
		{name: "own page", origin: "http://call.example", subs: web, want: "http://call.example"},
		{name: "own page over TLS", origin: "https://call.example", subs: web, tls: true, want: "https://call.example"},
		{name: "own page with a port", origin: "http://call.example:8080", host: "call.example:8080", subs: web, want: "http://call.example:8080"},
		{name: "IPv6", origin: "http://[::1]:8080", host: "[::1]:8080", subs: web, want: "http://[::1]:8080"},
		{name: "behind a proxy", origin: "https://call.example", remote: "127.0.0.1:9", proto: "https", subs: web, want: "https://call.example"},
		{name: "public URL", origin: "https://call.example", host: "10.0.0.3:8080", publicURL: "https://call.example", subs: web, want: "https://call.example"},
		{name: "native", subs: native, want: "http://call.example"},
		{name: "native with more to offer", subs: "other, " + native, want: "http://call.example"},

		{name: "evil", origin: "http://evil.example", subs: web},
		{name: "null", origin: "null", subs: web},
		{name: "https page to http server", origin: "https://call.example", subs: web},
		{name: "http page to https server", origin: "http://call.example", subs: web, tls: true},
		{name: "other port", origin: "http://call.example:8081", host: "call.example:8080", subs: web},
		{name: "no port", origin: "http://call.example", host: "call.example:8080", subs: web},
		{name: "suffix trick", origin: "http://call.example.evil", subs: web},
		{name: "prefix trick", origin: "http://evilcall.example", subs: web},
		{name: "user info trick", origin: "http://call.example@evil.example", subs: web},
		{name: "path", origin: "http://call.example/", subs: web},
		{name: "evil, by way of the native subprotocol", origin: "http://evil.example", subs: native},
		{name: "own page, native subprotocol only", origin: "http://call.example", subs: native},
		{name: "no origin, web subprotocol", subs: web},
		{name: "no origin, no subprotocol"},
		{name: "foreign proxy header", origin: "https://call.example", proto: "https", subs: web},
		{name: "another name than the public one", origin: "http://call.example", publicURL: "https://call.example", subs: web},
		{name: "host that is none", origin: "http://a b", host: "a b", subs: web},
		{name: "host with quotes", host: `a";stun`, subs: native},
		{name: "no host", origin: "http://", host: " ", subs: web},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{cfg: Config{PublicURL: tt.publicURL}}
			r := httptest.NewRequest(http.MethodGet, "/ws", nil)
			r.Host, r.RemoteAddr = "call.example", "203.0.113.5:1"
			if tt.host != "" {
				r.Host = tt.host
			}
			if tt.remote != "" {
				r.RemoteAddr = tt.remote
			}
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for name, value := range map[string]string{"Origin": tt.origin, "X-Forwarded-Proto": tt.proto, "Sec-WebSocket-Protocol": tt.subs} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			got, err := s.siteOf(r)
			if got.origin != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("siteOf = %q, %v; want %q", got.origin, err, tt.want)
			}
		})
	}
}

func TestTwoOriginsAreRefused(t *testing.T) {
	s := &Server{}
	r := httptest.NewRequest(http.MethodGet, "/ws", nil)
	r.Host = "call.example"
	r.Header["Origin"] = []string{"http://call.example", "http://evil.example"}
	r.Header.Set("Sec-WebSocket-Protocol", protocol.SubprotocolWeb)
	if _, err := s.siteOf(r); err == nil {
		t.Error("accepted")
	}
}

// The rule holds on the real thing as well, and is answered 403.
func TestOriginOverTheWire(t *testing.T) {
	n := serve(t, nil)
	for origin, want := range map[string]int{
		n.origin():             http.StatusSwitchingProtocols,
		"null":                 http.StatusForbidden,
		"http://evil.example":  http.StatusForbidden,
		n.origin() + ".evil":   http.StatusForbidden,
		"https://" + n.host:    http.StatusForbidden,
		"http://127.0.0.1:1":   http.StatusForbidden,
		"http://localhost:123": http.StatusForbidden,
	} {
		if _, got := n.attempt(t, http.Header{"Origin": {origin}}, protocol.SubprotocolWeb); got != want {
			t.Errorf("origin %s: status %d, want %d", origin, got, want)
		}
	}
	if _, got := n.attempt(t, nil); got != http.StatusForbidden {
		t.Errorf("no origin, no subprotocol: status %d, want 403", got)
	}
	if got := n.counter(t, "visavis_signaling_errors_total", "E_ORIGIN"); got != 7 {
		t.Errorf("counted %v refused origins, want 7", got)
	}
}

func TestConnectRate(t *testing.T) {
	n := serve(t, func(c *Config) { c.ConnectsPerMinute = 3 })
	for range 3 {
		n.connect(t)
	}
	if _, got := n.attempt(t, nil, protocol.SubprotocolNative); got != http.StatusTooManyRequests {
		t.Errorf("fourth connection: status %d, want 429", got)
	}
}

func TestConnectionsPerAddress(t *testing.T) {
	n := serve(t, func(c *Config) { c.ConnectionsPerAddress = 2 })
	n.connect(t).joinGuest(newLink(t), protocol.ID{1})
	leaver := n.connect(t)
	if _, got := n.attempt(t, nil, protocol.SubprotocolNative); got != http.StatusServiceUnavailable {
		t.Errorf("third connection: status %d, want 503", got)
	}
	_ = leaver.conn.CloseNow()
	for { // until the server has noticed
		conn, got := n.attempt(t, nil, protocol.SubprotocolNative)
		if conn != nil {
			break
		}
		if got != http.StatusServiceUnavailable {
			t.Fatalf("status %d", got)
		}
	}
}

func TestSourceOf(t *testing.T) {
	tests := []struct{ remote, forwarded, want string }{
		{"203.0.113.5:1", "", "203.0.113.5/32"},
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		{"[::ffff:203.0.113.5]:1", "", "203.0.113.5/32"},
		{"[fe80::1%eth0]:1", "", "fe80::/64"},
		{"203.0.113.5:1", "198.51.100.1", "203.0.113.5/32"}, // not our proxy
		{"127.0.0.1:1", "198.51.100.1", "198.51.100.1/32"},
		{"127.0.0.1:1", "6.6.6.6, 198.51.100.1", "198.51.100.1/32"}, // the first was the client's own word
		{"127.0.0.1:1", "nonsense", "127.0.0.1/32"},
		{"[::1]:1", "2001:db8::7", "2001:db8::/64"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := sourceOf(r).String(); got != tt.want {
			t.Errorf("sourceOf(%s, %q) = %s, want %s", tt.remote, tt.forwarded, got, tt.want)
		}
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(2)
	a, b := netip.MustParsePrefix("203.0.113.1/32"), netip.MustParsePrefix("203.0.113.2/32")
	now := time.Unix(0, 0)
	for i, step := range []struct {
		after  time.Duration
		source netip.Prefix
		want   bool
	}{
		{0, a, true},
		{0, a, true},
		{0, a, false},
		{0, b, true},
		{30 * time.Second, a, true},
		{0, a, false},
		{time.Minute, a, true},
		{0, a, true},
		{0, a, false},
	} {
		now = now.Add(step.after)
		if got := l.allow(step.source, now); got != step.want {
			t.Errorf("step %d: allow = %v, want %v", i, got, step.want)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(1)
	now := time.Unix(0, 0)
	for i := range limiterKeys + 1000 {
		l.allow(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), now)
	}
	if got := len(l.sources); got > limiterKeys || got != l.recent.Len() {
		t.Errorf("%d keys, %d buckets; want at most %d", got, l.recent.Len(), limiterKeys)
	}
	l.allow(netip.MustParsePrefix("203.0.113.1/32"), now.Add(time.Minute))
	if got := len(l.sources); got != 1 {
		t.Errorf("%d keys after a minute, want 1: the others' buckets are full again", got)
	}
}

func TestURLs(t *testing.T) {
	s := &Server{cfg: Config{RelayPort: 8080, RelayTLS: true}}
	got := fmt.Sprint(s.stunURLs("call.example"), s.turnURLs("::1"))
	want := "[stun:call.example:8080] [turn:[::1]:8080?transport=udp turn:[::1]:8080?transport=tcp turns:[::1]:8080?transport=tcp]"
	if got != want {
		t.Errorf("URLs = %s, want %s", got, want)
	}
}
