package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// The ways to show that a name is ours.
const (
	tlsALPN = "tls-alpn-01" // RFC 8737: a certificate on port 443
	http01  = "http-01"     // RFC 8555 §8.3: a page on port 80
	dns01   = "dns-01"      // RFC 8555 §8.4: a TXT record
)

// ChallengePath begins what [ACME.ServeHTTP] answers.
const ChallengePath = "/.well-known/acme-challenge/"

// dnsTimeout bounds the operator's command, which may wait until all name servers have
// the record.
const dnsTimeout = 2 * time.Minute

// answers are those the ACME server may come for now: one for each name at most.
type answers struct {
	mu   sync.Mutex
	open map[string]answer // by way and name, or way and token
}

type answer struct {
	cert *tls.Certificate
	text string
}

// put returns what takes it away again.
func (s *answers) put(key string, a answer) func() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]answer{}
	}
	s.open[key] = a
	return func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, key)
		return nil
	}
}

func (s *answers) get(key string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.open[key]
	return a, ok
}

var errNoChallenge = errors.New("nobody is expected to look for this name")

func (s *answers) certificate(name string) (*tls.Certificate, error) {
	if a, ok := s.get(tlsALPN + " " + strings.ToLower(name)); ok {
		return a.cert, nil
	}
	return nil, errNoChallenge
}

// ServeHTTP answers HTTP-01, below [ChallengePath].
func (a *ACME) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := a.open.get(http01 + " " + strings.TrimPrefix(r.URL.Path, ChallengePath))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.WriteString(w, found.text) // the client may be gone
}

// runDNS runs the operator's command: COMMAND present|cleanup NAME VALUE. After
// "present" has ended, the TXT record NAME has to be seen by everybody.
func (a *ACME) runDNS(ctx context.Context, verb, domain, value string) error {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	name := "_acme-challenge." + domain
	cmd := exec.CommandContext(ctx, a.cfg.DNSCommand, verb, name, value)
	cmd.WaitDelay = time.Second // for children that keep its output open
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s %s: %w: %s", a.cfg.DNSCommand, verb, name, err, firstLine(out))
	}
	return nil
}
