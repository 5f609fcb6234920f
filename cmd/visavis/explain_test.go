package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
)

// A server that waits for its first certificate is there, and says so by an alert only.
func TestServerWithoutCertificate(t *testing.T) {
	t.Parallel()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none yet") },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), ignoreClosed(<-served)); err != nil {
			t.Error(err)
		}
	})
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	origin := "https://" + l.Addr().String()
	_, err = peer.Register(t.Context(), peer.Registration{Link: link, Origin: origin})
	if got := explained(err, origin); !strings.Contains(got.Error(), origin+" refuses TLS: tls: internal error; perhaps it has no certificate yet") {
		t.Error(got)
	}
}
