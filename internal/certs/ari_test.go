package certs

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// The example of RFC 9773 §4.1, and a serial number without a sign in front.
func TestCertID(t *testing.T) {
	key := []byte{0x69, 0x88, 0x5B, 0x6B, 0x87, 0x46, 0x40, 0x41, 0xE1, 0xB3, 0x7B, 0x84, 0x7B, 0xA0, 0xAE, 0x2C, 0xDE, 0x01, 0xC8, 0xD4}
	for want, c := range map[string]*x509.Certificate{
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE": {AuthorityKeyId: key, SerialNumber: big.NewInt(0x87654321)},
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.B2U":     {AuthorityKeyId: key, SerialNumber: big.NewInt(0x0765)},
		"":                                    {SerialNumber: big.NewInt(1)},
	} {
		if got := certID(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              adviceFailed,
		"21600":                         6 * time.Hour,
		"1":                             adviceShortest,
		"999999999":                     adviceLongest,
		"99999999999999999999":          adviceFailed,
		"-5":                            adviceFailed,
		"Tue, 01 Jan 2030 02:00:00 GMT": 2 * time.Hour,
		"Mon, 31 Dec 2029 02:00:00 GMT": adviceShortest,
		"soon":                          adviceFailed,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	c := &x509.Certificate{NotBefore: begin, NotAfter: begin.Add(90 * day)}
	for name, tt := range map[string]struct{ start, end, first, last time.Duration }{
		"as it says":       {50 * day, 52 * day, 50 * day, 52 * day},
		"at once":          {-day, -day + 1, day, day},
		"when it is late":  {89 * day, 95 * day, 90*day - 90*day/4, 90*day - 90*day/4},
		"the whole of it":  {0, 90 * day, day, 90*day - 90*day/4},
		"of a single tick": {40 * day, 40*day + 1, 40 * day, 40 * day},
	} {
		for range 100 {
			got := within(window{begin.Add(tt.start), begin.Add(tt.end)}, c).Sub(begin)
			if got < tt.first || got > tt.last {
				t.Fatalf("%s: after %v, want %v to %v", name, got, tt.first, tt.last)
			}
		}
	}
	brief := &x509.Certificate{NotBefore: begin, NotAfter: begin.Add(100 * time.Second)}
	if got := within(window{begin.Add(-day), begin}, brief).Sub(begin); got != 10*time.Second {
		t.Errorf("of 100 s: after %v, want 10 s", got)
	}
}

// An ACME server that is about to revoke a certificate has it renewed long before it is
// over. It is asked once, by the name of the certificate, and not again for as long as it says.
func TestRenewalWhenTheServerSays(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 3600) // it would be renewed after half an hour
	asked := make(chan string, 100)
	p.server.Renewal = func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		w.Header().Set("Retry-After", "3600")
		now := time.Now()
		fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`, now.Add(-2*time.Hour).Format(time.RFC3339), now.Add(-time.Hour).Format(time.RFC3339))
	}
	p.server.Look(1, port(p.tls))
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	first := p.shown().PeerCertificates[0]
	p.await("a word in the log", func() bool { return strings.Contains(p.lines.String(), "has said when to renew") })
	if got := <-asked; got != certID(first) {
		t.Errorf("asked for %s, want %s", got, certID(first))
	}
	wake := p.acme.wakeAfterStop(p)
	if early := first.NotBefore.Add(lifetime(first) / 10); !wake.Equal(early) {
		t.Errorf("renewed at %v, want %v: as soon as may be", wake, early)
	}
	if more := len(asked); more != 0 {
		t.Errorf("asked %d times more", more)
	}
}

// When the server says "now", and enough of the life is over, there is another one now.
func TestRenewalNow(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 20) // may be renewed after 2 s, would be after 10 s
	past := time.Now().Add(-24 * time.Hour)
	p.server.Renewal = func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`, past.Format(time.RFC3339), past.Add(time.Hour).Format(time.RFC3339))
	}
	p.server.Look(1, port(p.tls))
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	first := p.shown().PeerCertificates[0]
	p.await("another one", func() bool { now := p.serial(); return now != "" && now != first.SerialNumber.String() })
	if second := p.shown().PeerCertificates[0]; second.NotBefore.Sub(first.NotBefore) >= 10*time.Second {
		t.Errorf("the second begins %v after the first", second.NotBefore.Sub(first.NotBefore))
	}
}

// Bad advice, and none, leave it at the lifetime. The server is not asked again soon.
func TestBadAdvice(t *testing.T) {
	at := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }
	for name, tt := range map[string]struct {
		directory, answer string
		again             time.Duration
		logged            bool
	}{
		"no opinion":           {directory: `{"newOrder":"x"}`, again: adviceLongest},
		"without TLS":          {directory: `{"renewalInfo":"http://example.org/x"}`, again: adviceFailed, logged: true},
		"no JSON":              {answer: "soon", again: adviceFailed, logged: true},
		"no window":            {answer: "{}", again: adviceFailed, logged: true},
		"the wrong way around": {answer: fmt.Sprintf(`{"suggestedWindow":{"start":%q,"end":%q}}`, at(time.Hour), at(0)), again: adviceFailed, logged: true},
		"too much":             {answer: strings.Repeat(" ", maxBody+1) + "{}", again: adviceFailed, logged: true},
		"refused":              {answer: "", again: adviceFailed, logged: true},
	} {
		t.Run(name, func(t *testing.T) {
			var s *httptest.Server
			s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/" && tt.directory != "":
					_, _ = io.WriteString(w, tt.directory)
				case r.URL.Path == "/":
					fmt.Fprintf(w, `{"renewalInfo":"%s/ari"}`, s.URL)
				case tt.answer == "":
					http.Error(w, "no", http.StatusNotFound)
				default:
					_, _ = io.WriteString(w, tt.answer)
				}
			}))
			defer s.Close()
			seen := newWitness()
			a, err := NewACME(ACMEConfig{Domains: []string{domain}, Directory: s.URL, Dir: t.TempDir(), Log: seen.logger()})
			if err != nil {
				t.Fatal(err)
			}
			a.client = s.Client()
			a.client.Transport = bounded{a.client.Transport.(*http.Transport)}
			chain, key := selfSigned(t, time.Now(), 90*24*time.Hour, domain)
			cert, err := parse(chain, key)
			if err != nil {
				t.Fatal(err)
			}
			cert.Leaf.AuthorityKeyId = []byte{1}
			a.use(cert)
			before, now := a.wake, time.Now()
			a.consult(t.Context(), now)
			if !a.wake.Equal(before) || !a.advice.again.Equal(now.Add(tt.again)) {
				t.Errorf("renewed at %v (was %v), asked again after %v, want %v", a.wake, before, a.advice.again.Sub(now), tt.again)
			}
			if got := strings.Contains(seen.lines.String(), "gave no answer"); got != tt.logged {
				t.Errorf("log: %s", &seen.lines)
			}
		})
	}
}

// A company's ACME server knows its customers.
func TestExternalAccount(t *testing.T) {
	t.Parallel()
	const id, key = "customer-7", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	p := newPlace(t, 3600)
	p.server.Know(id, key)
	p.server.Look(1, port(p.tls))
	p.start()
	p.await("a word in the log", func() bool { return strings.Contains(p.lines.String(), "acme.eab_key_id") })
	p.stop()
	p.registry.Unregister(p.acme.expires)
	p.registry.Unregister(p.acme.failures)

	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	p.config.EABKeyID, p.config.EABKey = id, raw
	p.start()
	p.serve()
	p.await("a certificate", func() bool { return p.shown() != nil })
	if strings.Contains(p.lines.String(), key) {
		t.Error("the key is in the log")
	}
}

// An answer that does not end is read so far and no further.
func TestEndlessAnswers(t *testing.T) {
	sent := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"newOrder":"`)
		for chunk := strings.Repeat("x", 64<<10); sent < 64<<20; sent += len(chunk) {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	client, err := newClient("")
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	_, err = (&acme.Client{DirectoryURL: s.URL, HTTPClient: client}).Discover(t.Context())
	if long, ok := errors.AsType[*http.MaxBytesError](err); !ok || long.Limit != maxBody {
		t.Errorf("%v, want that it is too long", err)
	}
	s.Close() // waits for the handler
	if sent > 32*maxBody {
		t.Errorf("%d bytes were taken", sent)
	}
}
