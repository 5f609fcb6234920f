package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"
)

// authority signs certificates for one name.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = a.sign(nil, time.Unix(0, 0), 100*365*24*time.Hour)
	return a
}

// sign makes a certificate; names nil makes it the authority's own.
func (a *authority) sign(names []string, from time.Time, valid time.Duration) *x509.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: from, NotAfter: from.Add(valid), BasicConstraintsValid: true, IsCA: names == nil,
	}
	parent := template
	if names != nil {
		template.Subject.CommonName = names[0]
		parent = a.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, a.key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

func TestJudgeCertificate(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(1_700_000_000, 0)
	known, unknown := newAuthority(t), newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(known.cert)
	name := []string{"call.example.org"}
	fresh := known.sign(name, now.Add(-10*day), 90*day)
	for _, tt := range []struct {
		what   string
		change func(*certFacts)
		want   []string
	}{
		{"well", func(*certFacts) {}, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain ok"}},
		{"served", func(f *certFacts) { f.served = f.chain }, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain ok", "cert.served ok"}},
		{"not the one that is served", func(f *certFacts) { f.served = []*x509.Certificate{known.cert} }, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain ok", "cert.served problem"}},
		{"not readable", func(f *certFacts) { f.loadErr = errors.New("permission denied") }, []string{"cert.files problem"}},
		{"a key for all", func(f *certFacts) { f.keyMode = 0o644 }, []string{"cert.files ok", "cert.key_mode warning", "cert.expiry ok", "cert.name ok", "cert.chain ok"}},
		{"another name", func(f *certFacts) { f.host = "www.example.org" }, []string{"cert.files ok", "cert.expiry ok", "cert.name problem", "cert.chain ok"}},
		{"soon over", func(f *certFacts) { f.now = now.Add(70 * day) }, []string{"cert.files ok", "cert.expiry warning", "cert.name ok", "cert.chain ok"}},
		{"over", func(f *certFacts) { f.now = now.Add(81 * day) }, []string{"cert.files ok", "cert.expiry problem", "cert.name ok", "cert.chain ok"}},
		{"not yet", func(f *certFacts) { f.now = now.Add(-11 * day) }, []string{"cert.files ok", "cert.expiry problem", "cert.name ok", "cert.chain ok"}},
		{"too long", func(f *certFacts) {
			f.chain = []*x509.Certificate{known.sign(name, now.Add(-day), 800*day)}
		}, []string{"cert.files ok", "cert.expiry warning", "cert.name ok", "cert.chain ok"}},
		{"short on purpose", func(f *certFacts) {
			f.chain = []*x509.Certificate{known.sign(name, now.Add(-day), 6*day)}
		}, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain ok"}},
		{"an unknown authority, and no chain", func(f *certFacts) {
			f.chain = []*x509.Certificate{unknown.sign(name, now.Add(-day), 90*day)}
		}, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain problem"}},
		{"an unknown authority", func(f *certFacts) {
			f.chain = []*x509.Certificate{unknown.sign(name, now.Add(-day), 90*day), unknown.cert}
		}, []string{"cert.files ok", "cert.expiry ok", "cert.name ok", "cert.chain warning"}},
		{"its own authority", func(f *certFacts) { f.chain = []*x509.Certificate{unknown.cert}; f.host = "" }, []string{"cert.files ok", "cert.expiry warning", "cert.chain warning"}},
		{"none yet", func(f *certFacts) { f.files, f.chain = false, nil }, []string{"cert.none warning"}},
	} {
		f := certFacts{host: name[0], now: now, files: true, keyMode: 0o600, chain: []*x509.Certificate{fresh}, roots: roots}
		tt.change(&f)
		check(t, tt.what, judgeCertificate(f), tt.want...)
	}
}
