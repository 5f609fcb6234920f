package httpd

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var bigScript = strings.Repeat("let x = 1;\n", 1000)

func built() fs.FS {
	return fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>visavis</title>")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/main-abc.js":    {Data: []byte(bigScript)},
		"assets/main-abc.js.br": {Data: []byte("pretend brotli")},
		"assets/small-def.css":  {Data: []byte("a{}")},
		".gitkeep":              {},
	}
}

func handler(t *testing.T, change func(*Config)) http.Handler {
	t.Helper()
	cfg := Config{
		App:       built(),
		Signaling: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		Check:     http.NotFound,
		Ready:     func(context.Context) error { return nil },
		Log:       slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	h := handler(t, nil)
	for target, want := range map[string]struct {
		status      int
		contentType string
		cache       string
	}{
		"/":                     {200, "text/html; charset=utf-8", "no-cache"},
		"/new":                  {200, "text/html; charset=utf-8", "no-cache"},
		"/c":                    {200, "text/html; charset=utf-8", "no-cache"},
		"/favicon.svg":          {200, "image/svg+xml", "no-cache"},
		"/assets/main-abc.js":   {200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/small-def.css": {200, "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		"/healthz":              {200, "text/plain; charset=utf-8", "no-store"},
		"/readyz":               {200, "text/plain; charset=utf-8", "no-store"},
		"/ws":                   {418, "", ""},

		"/c/":                    {308, "text/html; charset=utf-8", ""},
		"/settings":              {404, "text/plain; charset=utf-8", ""},
		"/c/gSecret":             {404, "text/plain; charset=utf-8", ""},
		"/index.html":            {404, "text/plain; charset=utf-8", ""},
		"/nothing":               {404, "text/plain; charset=utf-8", ""},
		"/assets/":               {404, "text/plain; charset=utf-8", ""},
		"/assets/main-abc.js.br": {404, "text/plain; charset=utf-8", ""},
		"/.gitkeep":              {404, "text/plain; charset=utf-8", ""},
		"/metrics":               {404, "text/plain; charset=utf-8", ""},
	} {
		r := get(h, target)
		if r.Code != want.status || r.Header().Get("Content-Type") != want.contentType || r.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %q %q, want %+v", target, r.Code, r.Header().Get("Content-Type"), r.Header().Get("Cache-Control"), want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d, want 405", w.Code)
	}
}

// A person who mistyped an address gets the app, which says so in words.
func TestMissingPageForPeople(t *testing.T) {
	accept := "text/html,application/xhtml+xml,*/*;q=0.8" // as browsers ask for a page
	h := handler(t, nil)
	for _, target := range []string{"/nothing", "/c/gSecret"} {
		r := get(h, target, "Accept", accept)
		got := r.Body.String()
		if r.Code != http.StatusNotFound || got != "<!doctype html><title>visavis</title>" ||
			r.Header().Get("Content-Type") != "text/html; charset=utf-8" || r.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %q, want the page with 404", target, r.Code, r.Header(), got)
		}
	}
	unbuilt := handler(t, func(c *Config) { c.App = fstest.MapFS{} })
	if got := get(unbuilt, "/nothing", "Accept", accept).Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("without the app: %q, want plain text", got)
	}
}

func TestHeadersAreEverywhere(t *testing.T) {
	h := handler(t, nil)
	for _, target := range []string{"/", "/ws", "/healthz", "/nothing", "/assets/main-abc.js"} {
		got := get(h, target).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
				"media-src 'self' blob:; connect-src 'self' ws://example.com wss://example.com; worker-src 'self'; manifest-src 'self'; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html visavis",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Embedder-Policy": "require-corp",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "",
			"Set-Cookie":                   "",
			"Server":                       "",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s = %q, want %q", target, name, got.Get(name), want)
			}
		}
		for _, want := range []string{"camera=(self)", "microphone=(self)", "display-capture=(self)", "speaker-selection=(self)", "geolocation=()", "usb=()"} {
			if !strings.Contains(got.Get("Permissions-Policy"), want) {
				t.Errorf("%s: Permissions-Policy lacks %s", target, want)
			}
		}
	}
}

// The Host header comes from outside and must not write policy.
func TestHostCannotInject(t *testing.T) {
	h := handler(t, nil)
	for _, host := range []string{"a; script-src *", "a b", "a'", "x\ty", "*", "[::1", strings.Repeat("a", 300)} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "connect-src 'self'; worker-src") {
			t.Errorf("host %q made the policy %q", host, got)
		}
	}
	if got := policy("[::1]:8080", "script-src 'self'"); !strings.Contains(got, "'self' ws://[::1]:8080 wss://[::1]:8080;") {
		t.Errorf("policy for IPv6 = %q", got)
	}
}

func TestStrictTransportOverTLSOnly(t *testing.T) {
	h := handler(t, func(c *Config) { c.PublicURL = "https://call.example" })
	r := get(h, "/")
	if got := r.Header().Get("Strict-Transport-Security"); got != hsts {
		t.Errorf("HSTS = %q, want %q", got, hsts)
	}
	if got := r.Header().Get("Content-Security-Policy"); !strings.Contains(got, "wss://call.example;") {
		t.Errorf("policy = %q, want the public host", got)
	}
}

func TestEncodings(t *testing.T) {
	h := handler(t, nil)
	tests := []struct{ target, accept, want string }{
		{"/assets/main-abc.js", "", ""},
		{"/assets/main-abc.js", "gzip, deflate, br", "br"},
		{"/assets/main-abc.js", "gzip", "gzip"},
		{"/assets/main-abc.js", "br;q=0, gzip;q=0.5", "gzip"},
		{"/assets/main-abc.js", "GZIP", "gzip"},
		{"/assets/main-abc.js", "brotli, xgzip", ""},
		{"/assets/small-def.css", "gzip", ""},
	}
	etags := map[string]string{}
	for _, tt := range tests {
		r := get(h, tt.target, "Accept-Encoding", tt.accept)
		if got := r.Header().Get("Content-Encoding"); got != tt.want {
			t.Errorf("%s for %q: encoding %q, want %q", tt.target, tt.accept, got, tt.want)
		}
		got := r.Body.String()
		switch tt.want {
		case "br":
			if got != "pretend brotli" {
				t.Errorf("brotli body = %q", got)
			}
		case "gzip":
			z, err := gzip.NewReader(strings.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || string(b) != bigScript {
				t.Errorf("gzip body does not unpack: %v", err)
			}
		}
		etags[tt.target+tt.want] = r.Header().Get("ETag")
	}
	if etags["/assets/main-abc.jsbr"] == etags["/assets/main-abc.jsgzip"] {
		t.Error("two encodings share an ETag")
	}
	r := get(h, "/assets/main-abc.js", "Accept-Encoding", "gzip", "If-None-Match", etags["/assets/main-abc.jsgzip"])
	if r.Code != http.StatusNotModified {
		t.Errorf("conditional request: %d, want 304", r.Code)
	}
}

func TestNotBuilt(t *testing.T) {
	h := handler(t, func(c *Config) { c.App = fstest.MapFS{".gitkeep": {}} })
	r := get(h, "/")
	if got := r.Body.String(); r.Code != http.StatusServiceUnavailable || !strings.Contains(got, "make build") {
		t.Errorf("%d %q, want 503 and a hint", r.Code, got)
	}
	if r := get(h, "/healthz"); r.Code != http.StatusOK {
		t.Errorf("healthz: %d", r.Code)
	}
}

func TestNotReady(t *testing.T) {
	h := handler(t, func(c *Config) { c.Ready = func(context.Context) error { return errors.New("disk at /secret/path") } })
	r := get(h, "/readyz")
	if got := r.Body.String(); r.Code != http.StatusServiceUnavailable || strings.Contains(got, "secret") {
		t.Errorf("%d %q, want 503 without the reason", r.Code, got)
	}
}

func TestPanicIsHidden(t *testing.T) {
	var log strings.Builder
	logger, err := telemetry.NewLogger(&log, "debug")
	if err != nil {
		t.Fatal(err)
	}
	h := handler(t, func(c *Config) {
		c.Log = logger
		c.Signaling = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("our mistake") })
	})
	if r := get(h, "/ws"); r.Code != http.StatusInternalServerError || r.Body.String() != "" {
		t.Errorf("status %d, want a bare 500", r.Code)
	}
	if !strings.Contains(log.String(), "our mistake") || strings.Contains(log.String(), "192.0.2.1") {
		t.Errorf("log = %q, want the panic and no address", log.String())
	}
}

func TestMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	m := telemetry.NewMetrics(r)
	m.Forwarded(7)
	h := NewMetricsServer(r).Handler
	if got := get(h, "/metrics").Body.String(); !strings.Contains(got, "visavis_signaling_bytes_forwarded_total 7") {
		t.Errorf("metrics = %s", got)
	}
	if got := get(h, "/").Code; got != http.StatusNotFound {
		t.Errorf("/: %d, want 404", got)
	}
}
