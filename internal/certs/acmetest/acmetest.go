// Package acmetest is an ACME server for tests: Pebble, which the people of Let's
// Encrypt keep for this, with a name server that knows every name as 127.0.0.1.
// Nothing leaves this machine.
package acmetest

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// Server is one ACME server. It rejects some good nonces, as Pebble does.
type Server struct {
	// Directory is its URL.
	Directory string
	// CAFile is the authority of its own certificate.
	CAFile string
	// Roots is what its certificates are to be checked with.
	Roots *x509.CertPool
	// TXT returns the records of a name, which ends with a dot.
	TXT func(name string) []string

	// Renewal answers who asks when to renew a certificate, instead of Pebble, if it is not
	// nil.
	Renewal http.HandlerFunc

	t       *testing.T
	strict  bool // accounts have to be bound to one that it knows
	log     *log.Logger
	db      *db.MemoryStore
	ca      *ca.CAImpl
	dnsAt   string
	started chan struct{}
	handler http.Handler // set before started is closed
	down    atomic.Bool
}

// Start returns a server whose certificates are good for so many seconds. Requests wait
// until [Server.Look] has said where it has to look It ends with the test.
func Start(t *testing.T, seconds uint64) *Server {
	t.Helper()
	for key, value := range map[string]string{
		"PEBBLE_VA_NOSLEEP": "1",
		"PEBBLE_AUTHZREUSE": "0", // every order looks again
	} {
		if err := os.Setenv(key, value); err != nil { // not t.Setenv, so that tests can be parallel
			t.Fatal(err)
		}
	}
	s := &Server{t: t, log: log.New(io.Discard, "", 0), db: db.NewMemoryStore(), started: make(chan struct{}), Roots: x509.NewCertPool(), TXT: func(string) []string { return nil }}
	s.ca = ca.New(s.log, s.db, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "for tests", ValidityPeriod: seconds}})
	s.Roots.AppendCertsFromPEM(s.ca.GetRootCert(0).PEM())
	s.startDNS()
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.started:
		case <-r.Context().Done():
			return
		}
		if s.down.Load() {
			http.Error(w, "out of order", http.StatusForbidden)
			return
		}
		if s.Renewal != nil && strings.Contains(r.URL.Path, "/renewalInfo/") {
			s.Renewal(w, r)
			return
		}
		s.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	s.Directory = front.URL + wfe.DirectoryPath
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(s.CAFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Look says at which ports of 127.0.0.1 HTTP-01 and TLS-ALPN-01 are answered.
func (s *Server) Look(httpPort, tlsPort int) {
	v := va.New(s.log, httpPort, tlsPort, true, s.dnsAt, s.db)
	front := wfe.New(s.log, s.db, v, s.ca, []string{"acme.example"}, true, s.strict, 1, 1)
	s.handler = front.Handler()
	close(s.started)
}

// Know makes it want accounts that are bound to one with this key, base64url. It is
// called before Look.
func (s *Server) Know(keyID, key string) {
	s.t.Helper()
	s.strict = true
	if err := s.db.AddExternalAccountKeyByID(keyID, key); err != nil {
		s.t.Fatal(err)
	}
}

// Down makes it refuse everything, or not any longer.
func (s *Server) Down(down bool) { s.down.Store(down) }

// startDNS is asked by TCP only.
func (s *Server) startDNS() {
	s.t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.dnsAt = l.Addr().String()
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(s.resolve)}
	served := make(chan error, 1)
	ready := make(chan struct{})
	server.NotifyStartedFunc = func() { close(ready) }
	go func() { served <- server.ActivateAndServe() }()
	<-ready
	s.t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			s.t.Error(err)
		}
	})
}

func (s *Server) resolve(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg).SetReply(r)
	for _, q := range r.Question {
		head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET}
		switch q.Qtype {
		case dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
		case dns.TypeTXT:
			for _, text := range s.TXT(q.Name) {
				m.Answer = append(m.Answer, &dns.TXT{Hdr: head, Txt: []string{text}})
			}
		}
	}
	_ = w.WriteMsg(m) // who asked may be gone
}
