// Package certs holds the certificate of the server: read from files, and again
// when they change; or got from an ACME server (RFC 8555), and renewed in time.
//
// A certificate is exchanged between two handshakes. Connections that are open
// go on with the one they have seen, so nothing is dropped.
//
// # Ownership
//
// [Files] and [ACME] start nothing by themselves. Run is theirs until its context
// ends; what answers handshakes may be called from anywhere.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/visavis-call/visavis/internal/telemetry"
)

// warnInterval is between two warnings that the certificate is about to expire.
const warnInterval = 24 * time.Hour

// shelf holds the one certificate that handshakes get, and tells how long it lasts.
type shelf struct {
	log      *slog.Logger
	expires  prometheus.Gauge
	failures prometheus.Counter
	cert     atomic.Pointer[tls.Certificate]
	warned   time.Time // owned by Run
}

func newShelf(log *slog.Logger, r prometheus.Registerer) (*shelf, error) {
	s := &shelf{
		log: log,
		expires: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "visavis_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate in use expires; 0: there is none yet.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_tls_certificate_failures_total", Help: "Certificates that could not be read or got.",
		}),
	}
	if r == nil {
		return s, nil
	}
	if err := errors.Join(r.Register(s.expires), r.Register(s.failures)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return s, nil
}

// put is what all handshakes from now on get.
func (s *shelf) put(cert *tls.Certificate) {
	s.cert.Store(cert)
	s.expires.Set(float64(cert.Leaf.NotAfter.Unix()))
	s.log.Info("certificate in use", "expires", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
	s.warned = time.Time{}
}

// failed says it where somebody looks, and that the old one is still good.
func (s *shelf) failed(what string, err error) {
	s.failures.Inc()
	if cert := s.cert.Load(); cert != nil {
		s.log.Warn(what+"; the old certificate stays in use", telemetry.FieldError, err,
			"expires", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
		return
	}
	s.log.Error(what+"; there is none yet, so nobody can connect with TLS", telemetry.FieldError, err)
}

// remind warns, once a day, of a certificate in the last tenth of its life: whoever
// renews it should have done so.
func (s *shelf) remind(now time.Time) {
	cert := s.cert.Load()
	if cert == nil || now.Sub(s.warned) < warnInterval {
		return
	}
	if left := cert.Leaf.NotAfter.Sub(now); left < lifetime(cert.Leaf)/10 {
		s.warned = now
		s.log.Warn("the certificate expires soon, or has expired: renew it", "expires", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
}

func lifetime(c *x509.Certificate) time.Duration { return c.NotAfter.Sub(c.NotBefore) }

// parse reads a chain and the key of its first certificate.
func parse(chain, key []byte) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	if cert.Leaf == nil { // GODEBUG x509keypairleaf=0
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &cert, nil
}
