package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/certs/acmetest"
)

// `visavis serve` gets a certificate for itself on its one port, in both ways, and
// serves with it.
func TestServeGetsACertificate(t *testing.T) {
	for name, look := range map[string]func(a *acmetest.Server, port int){
		"TLS-ALPN-01": func(a *acmetest.Server, port int) { a.Look(1, port) },
		"HTTP-01":     func(a *acmetest.Server, port int) { a.Look(port, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authority := acmetest.Start(t, 3600)
			dir := t.TempDir()
			file := filepath.Join(dir, "visavis.toml")
			text := fmt.Sprintf("[acme]\ndirectory = %q\nca_file = %q\n", authority.Directory, authority.CAFile)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := startServe(t, "--config", file, "--data", filepath.Join(dir, "data"), "--metrics", "",
				"--acme-domains", "call.example.org", "--acme-terms-agreed")
			u, err := url.Parse(s.url)
			if err != nil || u.Scheme != "https" || u.Hostname() != "call.example.org" {
				t.Fatalf("URL %s, %v", s.url, err)
			}
			port, err := strconv.Atoi(u.Port())
			if err != nil {
				t.Fatal(err)
			}
			binding(t, "udp", "127.0.0.1:"+u.Port()) // nobody waits for the certificate
			look(authority, port)
			for deadline := time.Now().Add(20 * time.Second); health(authority.Roots, u.Port()) != http.StatusOK; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no good certificate; log:\n%s", s.log)
				}
			}
			if log := s.log.String(); strings.Contains(log, "127.0.0.1") {
				t.Errorf("an address is in the log:\n%s", log)
			}
			if code := s.stop(); code != exitOK {
				t.Errorf("exit code %d; log:\n%s", code, s.log)
			}
		})
	}
}

// health asks over TLS that has to be good.
func health(roots *x509.CertPool, port string) int {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: "call.example.org", RootCAs: roots},
	}}
	r, err := client.Get("https://127.0.0.1:" + port + "/healthz")
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

// The second port has nothing but the way to the first.
func TestServeHTTPListen(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, "call.example.org")
	plain := unusedAddress(t)
	s := startServe(t, "--data", filepath.Join(dir, "data"), "--metrics", "", "--tls-cert", cert, "--tls-key", key, "--http-listen", plain)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := client.Get("http://" + plain + "/c")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusPermanentRedirect || got != s.url+"/c" {
		t.Errorf("%d to %q, want %s/c", r.StatusCode, got, s.url)
	}
}
