// Package httpd is the front door: the listeners, what shares one port, the
// security headers, health, and the web app from inside the binary.
//
// Nothing here logs a request: paths and addresses of people are not the
// server's to keep.
package httpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/visavis-call/visavis/protocol"
)

// Limits of HTTP requests.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10
	maxBody       = 4 << 10 // only protocol.PathCheck takes one
	readyTimeout  = 2 * time.Second
)

// Config is what the front door needs.
type Config struct {
	App       fs.FS            // the built client
	Signaling http.Handler     // serves [protocol.PathSignaling]
	Check     http.HandlerFunc // serves [protocol.PathCheck]
	// Ready reports whether the parts behind can serve.
	Ready func(context.Context) error
	// PublicURL is the origin of links if it is not the one clients connect to.
	PublicURL string
	// TLS says that plain requests are sent to https.
	TLS bool
	// Challenges answers an ACME server, which comes without TLS; nil: none comes.
	Challenges http.Handler
	Log        *slog.Logger
}

// NewServer returns the HTTP server for a [Splitter]'s HTTP side.
func NewServer(cfg Config) (*http.Server, error) {
	a, err := loadApp(cfg.App)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+protocol.PathSignaling, cfg.Signaling)
	mux.HandleFunc("POST "+protocol.PathCheck, cfg.Check)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, cfg) })
	a.route(mux)
	h := secure(cfg.PublicURL, a.scripts, mux)
	if cfg.TLS {
		h = onlyTLS(h, cfg.Challenges, toHTTPS)
	}
	return newServer(withTLS(recovered(cfg.Log, http.MaxBytesHandler(h, maxBody)))), nil
}

// NewMetricsServer returns the server of the metrics listener, which must not be
// reachable from outside.
func NewMetricsServer(g prometheus.Gatherer) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	return newServer(mux)
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// net/http writes the addresses of clients into its errors.
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: rememberTLS,
		ConnState:   newCrowd().follow,
	}
}

type tlsKey struct{}

// rememberTLS and withTLS carry the TLS state past the splitter, which hides the
// *tls.Conn from net/http.
func rememberTLS(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, tlsKey{}, c)
}

func withTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(tlsKey{}).(*conn); ok {
			r.TLS = c.tls
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into a 500 and a line in the log, without the address
// that net/http would add.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				return // net/http's own way to give up
			}
			log.Error("request panicked", "panic", v, "stack", string(debug.Stack()))
			w.WriteHeader(http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

func ready(w http.ResponseWriter, r *http.Request, cfg Config) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := cfg.Ready(ctx); err != nil {
		cfg.Log.Warn("not ready", "err", err)
		plain(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client may be gone
}
