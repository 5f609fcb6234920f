package httpd

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The second port sends everybody to the first, and answers an ACME server.
func TestPlainServer(t *testing.T) {
	challenges := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "proof") })
	for _, tt := range []struct {
		public, port, host, path string
		challenges               http.Handler
		status                   int
		to                       string // Location, or the body
	}{
		{"", "443", "call.example.org", "/c", challenges, http.StatusPermanentRedirect, "https://call.example.org/c"},
		{"", "443", "call.example.org:80", "/c", nil, http.StatusPermanentRedirect, "https://call.example.org/c"},
		{"", "8443", "call.example.org", "/", nil, http.StatusPermanentRedirect, "https://call.example.org:8443/"},
		{"", "443", "[2001:db8::1]", "/", nil, http.StatusPermanentRedirect, "https://[2001:db8::1]/"},
		{"", "8443", "[2001:db8::1]:80", "/", nil, http.StatusPermanentRedirect, "https://[2001:db8::1]:8443/"},
		{"https://call.example.org", "3478", "whatever.example", "/c", nil, http.StatusPermanentRedirect, "https://call.example.org/c"},
		{"", "443", "call.example.org", "/.well-known/acme-challenge/token", challenges, http.StatusOK, "proof"},
		{"", "443", "call.example.org", "/.well-known/acme-challenge/token", nil, http.StatusPermanentRedirect, "https://call.example.org/.well-known/acme-challenge/token"},
		{"", "443", "call example", "/", nil, http.StatusBadRequest, "use https\n"},
	} {
		s := NewPlainServer(tt.public, tt.port, tt.challenges, slog.New(slog.DiscardHandler))
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, tt.path, nil)
		r.Host = tt.host
		s.Handler.ServeHTTP(w, r)
		got := w.Header().Get("Location")
		if tt.status != http.StatusPermanentRedirect {
			got = w.Body.String()
		}
		if w.Code != tt.status || got != tt.to {
			t.Errorf("%s%s: %d, %q; want %d, %q", tt.host, tt.path, w.Code, got, tt.status, tt.to)
		}
	}
}

// Nobody holds a connection there after its answer.
func TestPlainServerLetsGo(t *testing.T) {
	l, err := ListenPlain(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewPlainServer("", "443", nil, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: call.example.org\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 308 ") {
		t.Errorf("after %q: %v, want the end", all, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
