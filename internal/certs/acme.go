package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/acme"

	"github.com/visavis-call/visavis/internal/telemetry"
)

const (
	// attemptTimeout bounds one order, with everything the ACME server has to look at.
	attemptTimeout = 5 * time.Minute
	// requestTimeout bounds one request to the ACME server.
	requestTimeout = 30 * time.Second
	// After a failure the next attempt comes after firstPause, then after twice that, and
	// so on. A server of Let's Encrypt takes five failed validations an hour.
	firstPause = 15 * time.Minute
	lastPause  = 6 * time.Hour
	// longestSleep: a timer stands still while the machine sleeps.
	longestSleep = time.Hour
	// shortLived certificates are renewed at half of their life, others at two thirds.
	shortLived = 10 * 24 * time.Hour
)

// ACMEConfig is what [ACME] needs.
type ACMEConfig struct {
	Domains   []string // names in the certificate, lower case
	Email     string   // for the ACME server, if it has to tell something; may be empty
	Directory string   // URL of the ACME server
	// CAFile has the authorities, PEM, that the ACME server's own certificate is checked
	// with; empty: those of the system.
	CAFile string
	// Dir holds account and certificates, only for their owner to read. Made if missing.
	Dir string
	// DNSCommand answers DNS-01 (see [ACME.runDNS]); empty: TLS-ALPN-01, and HTTP-01 after it.
	DNSCommand string
	// EABKeyID and EABKey are the credentials of an account that the operator has at the
	// ACME server's company (RFC 8555 §7.3.4); empty: it asks for none.
	EABKeyID   string
	EABKey     []byte
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// ACME is a certificate from an ACME server, whose terms the operator has agreed to.
type ACME struct {
	*shelf
	cfg    ACMEConfig
	kept   kept
	open   answers
	client *http.Client
	wake   time.Time // when to renew; owned by Run once it runs
	advice advice    // on wake, of the ACME server; the same
}

// NewACME takes the certificate that was kept, if there is one. It asks nobody.
func NewACME(cfg ACMEConfig) (*ACME, error) {
	s, err := newShelf(cfg.Log, cfg.Registerer)
	if err != nil {
		return nil, err
	}
	k, err := keep(cfg.Dir, cfg.Directory)
	if err != nil {
		return nil, err
	}
	client, err := newClient(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	a := &ACME{shelf: s, cfg: cfg, kept: k, client: client}
	cert, err := k.certificate()
	if err != nil {
		return nil, err
	}
	switch {
	case cert == nil:
	case covers(cert.Leaf, cfg.Domains):
		a.use(cert)
	default: // names were added: better than none until there is another
		a.put(cert)
	}
	return a, nil
}

func (a *ACME) use(cert *tls.Certificate) {
	a.put(cert)
	a.wake, a.advice = renewal(cert.Leaf), advice{}
}

// renewal is when c should be replaced: with a third of its life left, or half of a short
// one. Servers that started together do not come together.
func renewal(c *x509.Certificate) time.Time {
	life := lifetime(c)
	left := life / 3
	if life <= shortLived {
		left = life / 2
	}
	return c.NotAfter.Add(-left - rand.N(life/50+1))
}

func covers(c *x509.Certificate, domains []string) bool {
	for _, d := range domains {
		if c.VerifyHostname(d) != nil {
			return false
		}
	}
	return true
}

var errNone = errors.New("there is no certificate yet")

// Certificate is for [tls.Config.GetCertificate]. To the ACME server it shows what
// that wants to see.
func (a *ACME) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return a.open.certificate(hello.ServerName)
	}
	if cert := a.cert.Load(); cert != nil {
		return cert, nil
	}
	return nil, errNone
}

// Run gets the certificate and renews it, until ctx ends. Something that comes from now
// makes it try at once after a failure.
func (a *ACME) Run(ctx context.Context, now <-chan os.Signal) {
	defer a.client.CloseIdleConnections()
	var next time.Time // after a failure: no attempt before
	for failures := 0; ; {
		a.consult(ctx, time.Now())
		pause := max(time.Until(a.wake), time.Until(next.Round(0)))
		if pause <= 0 {
			err := a.attempt(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				failures++
				pause = pauseAfter(failures, err)
				next = time.Now().Add(pause)
				a.failed("no certificate from the ACME server, next attempt in "+pause.Round(time.Minute).String()+" or on SIGHUP", err)
			default:
				failures, next = 0, time.Time{}
				continue
			}
		}
		a.remind(time.Now())
		if ask := time.Until(a.advice.again); ask > 0 {
			pause = min(pause, ask)
		}
		live, hurry := sleep(ctx, now, pause)
		if !live {
			return
		}
		if hurry {
			next = time.Time{}
		}
	}
}

// sleep reports whether to go on, and whether somebody wants an attempt now. A failed one
// may be repeated earlier for it, but never one that is not due.
func sleep(ctx context.Context, now <-chan os.Signal, pause time.Duration) (live, hurry bool) {
	for end := time.Now().Add(pause); ; {
		left := time.Until(end.Round(0)) // by the clock on the wall
		if left <= 0 {
			return true, false
		}
		timer := time.NewTimer(min(left, longestSleep))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false, false
		case <-now:
			timer.Stop()
			return true, true
		case <-timer.C:
		}
	}
}

func pauseAfter(failures int, err error) time.Duration {
	pause := min(firstPause<<min(failures-1, 10), lastPause)
	if asked, ok := acme.RateLimit(err); ok {
		pause = max(pause, min(asked, lastPause))
	}
	return pause + rand.N(pause/10)
}

// attempt gets a certificate, by each way there is.
func (a *ACME) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	client, err := a.account(ctx)
	if err != nil {
		return err
	}
	ways := []string{tlsALPN, http01}
	if a.cfg.DNSCommand != "" {
		ways = []string{dns01}
	}
	var errs []error
	for _, way := range ways {
		text, err := a.order(ctx, client, way)
		if err == nil {
			return a.take(text)
		}
		errs = append(errs, fmt.Errorf("%s: %w", way, err))
	}
	return errors.Join(errs...)
}

// take puts a new certificate into use, and on the disk.
func (a *ACME) take(text []byte) error {
	cert, err := parse(text, text)
	if err != nil {
		return fmt.Errorf("read what the ACME server sent: %w", err)
	}
	wake := renewal(cert.Leaf)
	switch {
	case !covers(cert.Leaf, a.cfg.Domains):
		return errors.New("the ACME server left out a name")
	case !wake.After(time.Now()): // would be asked for again and again
		return errors.New("the certificate is over already: is the clock of this machine right?")
	}
	a.use(cert)
	if err := a.kept.putCertificate(text); err != nil {
		a.log.Error("the certificate is in use, but gone after a restart", telemetry.FieldError, err)
	}
	return nil
}
