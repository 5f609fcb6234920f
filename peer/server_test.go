package peer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

func TestOwnServers(t *testing.T) {
	for origin, urls := range map[string]map[string]bool{
		"https://call.example:8443": {
			"stun:call.example:443": true, "turns:CALL.example:443?transport=tcp": true,
			"stun:other.example": false, "stun:call.example.other:1": false, "turn:call.example@other:1": false,
			"turn:169.254.169.254:80?transport=tcp": false, "turn:127.0.0.1:22?transport=tcp": false,
			"http://call.example": false, "stun:": false, "stun:call.example:1\n": false, "stun:call.example/x": false,
		},
		"http://[::1]:8080":     {"stun:[::1]:8080": true, "turn:[0:0:0:0:0:0:0:1]:1?transport=udp": true, "stun:[fe80::1]:1": false},
		"http://127.0.0.1:8080": {"turn:127.0.0.1:8080?transport=tcp": true, "stun:127.0.0.2:8080": false},
	} {
		for u, want := range urls {
			if got := len(ownServers([]protocol.Server{{URLs: []string{u}}}, origin)) == 1; got != want {
				t.Errorf("at %s, %q is used: %t, want %t", origin, u, got, want)
			}
		}
	}
	var many []string
	for range 16 {
		many = append(many, "stun:call.example:1")
	}
	if out := ownServers([]protocol.Server{{URLs: many}, {URLs: many}}, "https://call.example"); len(out) != 1 || len(out[0].URLs) != maxServerURLs {
		t.Errorf("of 32 URLs %v are used", out)
	}
}

// A server cannot have another machine asked from here, nor keep a client on the run.
func TestRedirects(t *testing.T) {
	var came, here atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
	defer other.Close()
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	for name, to := range map[string]string{"another host": elsewhere, "for ever": protocol.PathSignaling} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			here.Add(1)
			http.Redirect(w, r, to, http.StatusFound)
		}))
		_, err := dialSignaling(t.Context(), http.DefaultClient, s.URL)
		if err == nil || !strings.Contains(err.Error(), "the server leads to") {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
	if came.Load() > 0 || here.Load() != 2 {
		t.Errorf("another machine was asked %d times, the server %d times", came.Load(), here.Load())
	}
}

func TestCredentialsThatComeTooFast(t *testing.T) {
	l, now, taken := &signalingLink{}, time.Unix(1_700_000_000, 0), 0
	for range 10_000 { // 100 s
		if l.mayTakeServers(now) {
			taken++
		}
		now = now.Add(10 * time.Millisecond)
	}
	if taken < 20 || taken > 24 {
		t.Errorf("taken %d times in 100 s, want about one in 5 s after a burst of 4", taken)
	}
}
