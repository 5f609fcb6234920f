package httpd

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
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
