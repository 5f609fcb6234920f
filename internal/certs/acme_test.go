package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/visavis-call/visavis/internal/certs/acmetest"
)

const domain = "call.example.org"

// place is a machine with two ports, TLS and not, whose certificate comes from an ACME
// server.
type place struct {
	t      *testing.T
	server *acmetest.Server
	config ACMEConfig
	acme   *ACME
	tls    net.Listener
	plain  net.Listener
	*witness
	hangup chan os.Signal
	stop   func()
}

func newPlace(t *testing.T, seconds uint64) *place {
	t.Helper()
	p := &place{t: t, server: acmetest.Start(t, seconds), witness: newWitness(), hangup: make(chan os.Signal, 1)}
	p.config = ACMEConfig{
		Domains: []string{domain, "www.example.org"}, Email: "someone@example.org", Directory: p.server.Directory, CAFile: p.server.CAFile,
		Dir: filepath.Join(t.TempDir(), "acme"), Log: p.logger(), Registerer: p.registry,
	}
	for _, l := range []*net.Listener{&p.tls, &p.plain} {
		var err error
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*l).Close() })
	}
	return p
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// start runs it until stop is called, or the test ends.
func (p *place) start() {
	p.t.Helper()
	var err error
	if p.acme, err = NewACME(p.config); err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.acme.Run(ctx, p.hangup) })
	p.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	p.t.Cleanup(p.stop)
}

// serve answers handshakes, and HTTP without TLS.
func (p *place) serve() {
	p.t.Helper()
	var serving sync.WaitGroup
	web := &http.Server{Handler: p.acme}
	serving.Go(func() { _ = web.Serve(p.plain) })
	config := &tls.Config{GetCertificate: p.acme.Certificate, NextProtos: []string{"http/1.1", acme.ALPNProto}}
	serving.Go(func() {
		for {
			c, err := p.tls.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				_ = tls.Server(c, config).Handshake()
			})
		}
	})
	p.t.Cleanup(func() { _ = web.Close(); _ = p.tls.Close(); serving.Wait() })
}

// shown is the certificate that people get, or nil.
func (p *place) shown() *tls.ConnectionState {
	conn, err := tls.Dial("tcp", p.tls.Addr().String(), &tls.Config{ServerName: domain, RootCAs: p.server.Roots})
	if err != nil {
		return nil
	}
	defer conn.Close()
	state := conn.ConnectionState()
	return &state
}

func (p *place) serial() string {
	if s := p.shown(); s != nil {
		return s.PeerCertificates[0].SerialNumber.String()
	}
	return ""
}

// await fails unless something becomes true soon.
func (p *place) await(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain: %s; log:\n%s", what, &p.lines)
		}
	}
}

// By TLS-ALPN-01: got, shown, kept for its owner only, and taken again after a restart.
func TestACMEByTLS(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 90*24*3600)
	p.server.Look(1, port(p.tls))
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	state := p.shown()
	if got := state.PeerCertificates[0].DNSNames; !slices.Equal(got, p.config.Domains) {
		t.Errorf("names: %v", got)
	}
	p.await("a word in the log", func() bool { return strings.Contains(p.lines.String(), "has said when to renew") })
	left := time.Until(p.acme.wakeAfterStop(p))
	// Pebble would like it in the two days around that.
	if want, day := 60*24*time.Hour, 24*time.Hour; left > want+day || left < want-day-time.Minute {
		t.Errorf("renewed in %v, want about %v", left, want)
	}
	serial := state.PeerCertificates[0].SerialNumber.String()
	p.private()

	p.server.Down(true)
	p.registry.Unregister(p.acme.expires)
	p.registry.Unregister(p.acme.failures)
	again, err := NewACME(p.config)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := again.Certificate(&tls.ClientHelloInfo{})
	if err != nil || kept.Leaf.SerialNumber.String() != serial {
		t.Errorf("after a restart: %v", err)
	}
}

// wakeAfterStop reads what Run owned.
func (a *ACME) wakeAfterStop(p *place) time.Time { p.stop(); return a.wake }

// private: nobody but the owner can read what is kept.
func (p *place) private() {
	p.t.Helper()
	files := 0
	err := filepath.WalkDir(p.config.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			p.t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 2 {
		p.t.Errorf("%d files are kept, %v", files, err)
	}
}

// By HTTP-01, when nothing looks at the port of TLS; and renewed before it is over.
func TestACMEByHTTPAndRenewal(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 8)
	p.server.Renewal = http.NotFound // so after 4 s: within its window it might be as late as after 6
	p.server.Look(port(p.plain), 1)
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	first := p.serial()
	gap := false
	p.await("another one", func() bool {
		now := p.serial()
		gap = gap || now == ""
		return now != first && now != ""
	})
	if gap {
		t.Error("for a time there was no good certificate")
	}
	if r, err := http.Get("http://" + p.plain.Addr().String() + ChallengePath + "none"); err != nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("without a challenge: %v", err)
	} else {
		_ = r.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

// By DNS-01, with a command of the operator's.
func TestACMEByDNS(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 3600)
	zone := t.TempDir()
	p.config.DNSCommand = filepath.Join(zone, "hook")
	hook := fmt.Sprintf("#!/bin/sh\ncase $1 in\npresent) echo \"$3\" >%[1]s/$2. ;;\ncleanup) rm %[1]s/$2. ;;\nesac\n", zone)
	if err := os.WriteFile(p.config.DNSCommand, []byte(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	p.server.TXT = func(name string) []string {
		text, err := os.ReadFile(filepath.Join(zone, strings.ToLower(name)))
		if err != nil {
			return nil
		}
		return []string{strings.TrimSpace(string(text))}
	}
	p.server.Look(1, 1)
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	if left, err := filepath.Glob(zone + "/_acme*"); err != nil || len(left) > 0 {
		t.Errorf("records left: %v, %v", left, err)
	}
}

// A server that is away is said to be, counted, and asked again when somebody says so.
func TestACMEServerIsAway(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 3600)
	p.server.Down(true)
	p.server.Look(1, port(p.tls))
	p.start()
	p.serve()
	p.await("a word in the log", func() bool { return strings.Contains(p.lines.String(), "next attempt in 1") })
	if p.shown() != nil {
		t.Error("a certificate out of nowhere")
	}
	if got := p.metric(t, "visavis_tls_certificate_failures_total"); got != 1 {
		t.Errorf("%v failures counted", got)
	}
	p.server.Down(false)
	p.hangup <- os.Interrupt
	p.await("a certificate", func() bool { return p.shown() != nil })
}

// An ACME server inside an organization has an authority that nobody knows by himself.
func TestACMEServerOfUnknownAuthority(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 3600)
	p.config.CAFile = ""
	p.start()
	p.await("a word in the log", func() bool { return strings.Contains(p.lines.String(), "acme.ca_file") })
}

func TestPauses(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: firstPause, 2: 2 * firstPause, 5: 4 * time.Hour, 9: lastPause, 99: lastPause} {
		if got := pauseAfter(failures, errNone); got < want || got > want+want/10 {
			t.Errorf("after %d failures: %v, want about %v", failures, got, want)
		}
	}
}

// Strangers who offer acme-tls/1 learn nothing, and do not get the certificate.
func TestNobodyIsExpected(t *testing.T) {
	a, err := NewACME(ACMEConfig{Domains: []string{domain}, Directory: "https://acme.example/dir", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	chain, key := selfSigned(t, time.Now(), time.Hour, domain)
	cert, err := parse(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	a.use(cert)
	if _, err := a.Certificate(&tls.ClientHelloInfo{ServerName: domain, SupportedProtos: []string{acme.ALPNProto}}); err == nil {
		t.Error("acme-tls/1 without a challenge got a certificate")
	}
	if got, err := a.Certificate(&tls.ClientHelloInfo{ServerName: domain, SupportedProtos: []string{"http/1.1", acme.ALPNProto}}); err != nil || got != cert {
		t.Errorf("a browser: %v", err)
	}
}

// What the server issues has to be of use: else it would be asked again and again.
func TestUselessCertificates(t *testing.T) {
	for name, tt := range map[string]struct {
		age   time.Duration
		names []string
		want  string
	}{
		"over":       {time.Hour, []string{domain}, "clock"},
		"other name": {0, []string{"else.example.org"}, "left out"},
	} {
		a, err := NewACME(ACMEConfig{Domains: []string{domain}, Directory: "https://acme.example/dir", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		chain, key := selfSigned(t, time.Now().Add(-tt.age), time.Hour, tt.names...)
		if err := a.take(append(chain, key...)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
