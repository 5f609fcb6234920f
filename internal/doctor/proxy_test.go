package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/testkit"
)

// proxied is a server behind a proxy that does TLS; wrap spoils it.
func proxied(t *testing.T, wrap func(http.Handler) http.Handler) Config {
	t.Helper()
	s := testkit.StartServer(t)
	target, err := url.Parse(s.Origin)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	front := httptest.NewTLSServer(wrap(proxy))
	t.Cleanup(front.Close)
	roots := x509.NewCertPool()
	roots.AddCert(front.Certificate())
	cfg := configFor(t, strings.TrimPrefix(s.Origin, "http://"))
	cfg.URL, cfg.trust = front.URL, &tls.Config{RootCAs: roots}
	return cfg
}

func examineProxy(t *testing.T, cfg Config) Report {
	t.Helper()
	return report("", checkProxy(t.Context(), &cfg, look(t.Context(), &cfg)))
}

func TestProxy(t *testing.T) {
	t.Parallel()
	cfg := proxied(t, func(h http.Handler) http.Handler { return h })
	cfg.Hold = 300 * time.Millisecond
	wantLevels(t, examineProxy(t, cfg), map[string]Level{"proxy.websocket": OK, "proxy.near": OK, "proxy.idle": OK})
}

func TestProxyThatIsImpatient(t *testing.T) {
	t.Parallel()
	cfg := proxied(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
			defer cancel()
			h.ServeHTTP(w, r.WithContext(ctx))
		})
	})
	cfg.Hold = testkit.Timeout
	wantLevels(t, examineProxy(t, cfg), map[string]Level{"proxy.websocket": OK, "proxy.idle": Problem})
}

func TestProxyWithoutWebSocket(t *testing.T) {
	t.Parallel()
	cfg := proxied(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Upgrade")
			h.ServeHTTP(w, r)
		})
	})
	wantLevels(t, examineProxy(t, cfg), map[string]Level{"proxy.websocket": Problem, "proxy.idle": ""})
}
