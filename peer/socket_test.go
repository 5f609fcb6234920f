package peer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestSignalingURL(t *testing.T) {
	for origin, want := range map[string]string{
		"http://localhost:8080": "ws://localhost:8080/ws",
		"https://call.example":  "wss://call.example/ws",
		"https://[::1]:8443":    "wss://[::1]:8443/ws",
		"ftp://call.example":    "",
		"call.example":          "",
		"https://":              "",
	} {
		got, err := signalingURL(origin)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("signalingURL(%q) = %q, %v; want %q", origin, got, err, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n := range 100 {
		want := min(backoffMin<<min(n, 10), backoffMax)
		if got := backoff(n); got < want/2 || got > want {
			t.Errorf("attempt %d waits %v, want %v to %v", n, got, want/2, want)
		}
	}
}

func TestFinalClose(t *testing.T) {
	for code, want := range map[int]bool{4000: true, 4003: true, 4099: true, 4100: false, 1012: false, 1006: false, 0: false} {
		if got := finalClose(websocket.StatusCode(code)); got != want {
			t.Errorf("close code %d is final: %v, want %v", code, got, want)
		}
	}
}

// Why there is no WebSocket is said in one layer, and in no words of the server's.
func TestWhyNotDialed(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusBadGateway:      "no WebSocket, but status 502 (Bad Gateway)",
		http.StatusUpgradeRequired: "no WebSocket, but status 426 (Upgrade Required)",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, err := dialSignaling(t.Context(), http.DefaultClient, s.URL)
		s.Close()
		if err == nil || err.Error() != "dial signaling: "+want {
			t.Errorf("%d: %v, want %s", status, err, want)
		}
		_, err = dialSignaling(t.Context(), http.DefaultClient, s.URL)
		if err == nil || !strings.HasPrefix(err.Error(), "dial signaling: dial tcp ") {
			t.Errorf("a server that is gone: %v", err)
		}
	}
}
