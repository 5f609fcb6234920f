package signaling

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/visavis-call/visavis/internal/mirror"
	"github.com/visavis-call/visavis/protocol"
)

// line is one that nobody will come to.
type line struct{ net.PacketConn }

func (l line) Conn() net.PacketConn { return l.PacketConn }
func (line) Credentials() (username, password string, expires time.Time) {
	return "probe", "secret", time.Now()
}

// checking is a server whose mirror takes two checks, one for each source.
func checking(t *testing.T, change func(*Config)) *node {
	t.Helper()
	m, err := mirror.New(mirror.Config{
		Open: func(time.Time) (mirror.Line, error) {
			pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
			return line{pc}, err
		},
		Checks: 2, ChecksPerSource: 1, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return parts(t, func(c *Config) {
		c.Mirror = m
		if change != nil {
			change(c)
		}
	})
}

// offer is what Chromium makes of a PeerConnection with one data channel.
const offer = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n" +
	"a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-256 " +
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n" +
	"a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"

func checkBody(t *testing.T, transport, sdp string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"transport": transport, "offer": sdp})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ask posts as a page of http://call.example does.
func (n *node) ask(body, origin, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://call.example"+protocol.PathCheck, strings.NewReader(body))
	r.RemoteAddr = from + ":1234"
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	n.Check(w, r)
	return w
}

func TestCheck(t *testing.T) {
	for _, tls := range []bool{false, true} {
		n := checking(t, func(c *Config) { c.RelayTLS = tls })
		w := n.ask(checkBody(t, "tcp", offer), "http://call.example", "203.0.113.1")
		var reply protocol.CheckReply
		if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
			t.Fatalf("status %d, %s", w.Code, w.Body)
		}
		if got, want := strings.Join(reply.Server.URLs, " "), "turn:call.example:3478?transport=tcp"; got != want {
			t.Errorf("server is %s, want %s", got, want)
		}
		if reply.Server.Username != "probe" || reply.Server.Credential != "secret" {
			t.Errorf("credentials are %q, %q", reply.Server.Username, reply.Server.Credential)
		}
		if want := 2; tls && len(reply.Transports) != want+1 || !tls && len(reply.Transports) != want {
			t.Errorf("TLS %v: transports are %v", tls, reply.Transports)
		}
		if !strings.Contains(reply.Answer, "a=setup:passive") {
			t.Errorf("answer:\n%s", reply.Answer)
		}
	}
}

func TestCheckRefusals(t *testing.T) {
	n := checking(t, nil)
	const ours = "http://call.example"
	good := checkBody(t, "udp", offer)
	for name, tt := range map[string]struct {
		body, origin string
		status       int
		code         protocol.ErrorCode
	}{
		"no origin":       {good, "", http.StatusForbidden, protocol.ErrorCodeOrigin},
		"foreign origin":  {good, "http://evil.example", http.StatusForbidden, protocol.ErrorCodeOrigin},
		"null origin":     {good, "null", http.StatusForbidden, protocol.ErrorCodeOrigin},
		"other scheme":    {good, "https://call.example", http.StatusForbidden, protocol.ErrorCodeOrigin},
		"other port":      {good, "http://call.example:81", http.StatusForbidden, protocol.ErrorCodeOrigin},
		"empty":           {"", ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"not JSON":        {"transport=udp", ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"not UTF-8":       {strings.Replace(good, "udp", "ud\xff", 1), ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"unknown field":   {strings.Replace(good, "{", `{"to":"203.0.113.9:9",`, 1), ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"two objects":     {good + good, ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"trailing junk":   {good + "]", ours, http.StatusBadRequest, protocol.ErrorCodeParse},
		"too large":       {good + strings.Repeat(" ", protocol.LimitCheckBody), ours, http.StatusBadRequest, protocol.ErrorCodeSize},
		"long offer":      {checkBody(t, "udp", offer+strings.Repeat("a", protocol.LimitCheckOffer)), ours, http.StatusBadRequest, protocol.ErrorCodeSize},
		"no such way":     {checkBody(t, "sctp", offer), ours, http.StatusBadRequest, protocol.ErrorCodePolicy},
		"TLS, not served": {checkBody(t, "tls", offer), ours, http.StatusBadRequest, protocol.ErrorCodePolicy},
		"no offer":        {checkBody(t, "udp", ""), ours, http.StatusBadRequest, protocol.ErrorCodeSDP},
		"with candidate":  {checkBody(t, "udp", offer+"a=candidate:1 1 udp 1 203.0.113.9 9 typ host\r\n"), ours, http.StatusBadRequest, protocol.ErrorCodeSDP},
	} {
		// Each from its own address, so that rates play no part.
		w := n.ask(tt.body, tt.origin, "203.0.113."+string(rune('1'+len(name)%9)))
		var refusal protocol.Refusal
		if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil || w.Code != tt.status || refusal.Code != tt.code {
			t.Errorf("%s: status %d, %s; want %d, %s", name, w.Code, w.Body, tt.status, tt.code)
		}
	}
}

func TestChecksAreFew(t *testing.T) {
	n := checking(t, nil)
	body := checkBody(t, "udp", offer)
	for i, tt := range []struct {
		from string
		want int
	}{
		{"203.0.113.1", http.StatusOK},
		{"203.0.113.1", http.StatusServiceUnavailable},
		{"2001:db8::1", http.StatusOK},
		{"2001:db8::2", http.StatusServiceUnavailable}, // one /64
		{"203.0.113.2", http.StatusServiceUnavailable},
	} {
		from := tt.from
		if strings.Contains(from, ":") {
			from = "[" + from + "]"
		}
		if w := n.ask(body, "http://call.example", from); w.Code != tt.want {
			t.Errorf("%d, %s: status %d, want %d", i, tt.from, w.Code, tt.want)
		}
	}
	for i := range protocol.LimitChecksPerMinute + 1 {
		w := n.ask("", "http://call.example", "203.0.113.3")
		if limited := w.Code == http.StatusTooManyRequests; limited != (i == protocol.LimitChecksPerMinute) {
			t.Errorf("request %d: status %d", i, w.Code)
		}
	}
}

func TestCheckThatFailsIsOurs(t *testing.T) {
	m, err := mirror.New(mirror.Config{
		Open:   func(time.Time) (mirror.Line, error) { return nil, errors.New("planted reason") },
		Checks: 1, ChecksPerSource: 1, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	n := parts(t, func(c *Config) { c.Mirror = m })
	w := n.ask(checkBody(t, "udp", offer), "http://call.example", "203.0.113.1")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "planted") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	if !strings.Contains(n.log.String(), "planted reason") {
		t.Error("the reason is not in the log")
	}
}
