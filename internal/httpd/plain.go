package httpd

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// challengePath begins what an ACME server asks for (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// NewPlainServer returns the server of a second port without TLS, by custom 80: it
// answers an ACME server, if challenges is not nil, and sends everybody else to the
// real one.
func NewPlainServer(publicURL, securePort string, challenges http.Handler, log *slog.Logger) *http.Server {
	to := func(r *http.Request) string { return securely(publicURL, securePort, r) }
	h := onlyTLS(http.NotFoundHandler(), challenges, to)
	s := newServer(recovered(log, http.MaxBytesHandler(h, maxBody)))
	s.SetKeepAlivesEnabled(false) // one answer is all there is here: nobody has a reason to stay
	return s
}

// onlyTLS sends who came without TLS to where to says. An ACME server that looks for
// its answer is served.
func onlyTLS(next, challenges http.Handler, to func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.TLS != nil:
			next.ServeHTTP(w, r)
		case challenges != nil && strings.HasPrefix(r.URL.Path, challengePath):
			challenges.ServeHTTP(w, r)
		case safeHost.MatchString(r.Host) && strings.HasPrefix(r.URL.Path, "/"):
			http.Redirect(w, r, to(r), http.StatusPermanentRedirect)
		default:
			plain(w, http.StatusBadRequest, "use https")
		}
	})
}

// toHTTPS is the same place on the same port, with TLS.
func toHTTPS(r *http.Request) string { return "https://" + r.Host + r.URL.EscapedPath() }

// securely is the same place on the port that has TLS.
func securely(publicURL, port string, r *http.Request) string {
	if publicURL != "" {
		return publicURL + r.URL.EscapedPath()
	}
	host := (&url.URL{Host: r.Host}).Hostname()
	switch {
	case port != "443":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return "https://" + host + r.URL.EscapedPath()
}
