package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"time"
)

// soon is when a certificate should have been renewed: ACME clients do it thirty days before.
const (
	soon     = 14 * 24 * time.Hour
	yearLong = 398 * 24 * time.Hour // browsers take none that is valid for longer
)

// certFacts are about the certificate that this server shows.
type certFacts struct {
	host    string // that it has to be for; "" if no URL says so
	now     time.Time
	files   bool
	loadErr error
	keyMode fs.FileMode
	chain   []*x509.Certificate // of the files, or what the server shows
	served  []*x509.Certificate // nil: it does not run
	roots   *x509.CertPool      // nil: those of the system
}

// checkHTTPS says whether people reach a page that may use camera and microphone.
func checkHTTPS(_ context.Context, cfg *Config, _ *place) []Finding {
	_, _, secure := hostPort(cfg.URL)
	switch {
	case cfg.TLS:
		return []Finding{good("https", "the server does TLS itself, TURN over TLS included")}
	case secure:
		return []Finding{good("https", "a proxy does TLS for %s; TURN over TLS is not offered then", cfg.URL)}
	}
	return []Finding{warn("https", "acme.domains, and the server gets a certificate; or server.tls_cert and server.tls_key; or a proxy and server.url", "there is no HTTPS: browsers give camera and microphone to this machine only (http://localhost)")}
}

func checkCertificate(_ context.Context, cfg *Config, here *place) []Finding {
	if !cfg.TLS {
		return nil
	}
	f := certFacts{host: cfg.publicHost(), now: time.Now(), files: cfg.Cert != ""}
	if f.files {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
		f.loadErr = err
		for _, der := range pair.Certificate {
			if c, err := x509.ParseCertificate(der); err == nil {
				f.chain = append(f.chain, c)
			}
		}
		if info, err := os.Stat(cfg.Key); err == nil {
			f.keyMode = info.Mode().Perm()
		}
	}
	if here.running != nil {
		f.served = here.running.chain
		if !f.files {
			f.chain = f.served
		}
	}
	return judgeCertificate(f)
}

func judgeCertificate(f certFacts) []Finding {
	if f.loadErr != nil {
		return []Finding{bad("cert.files", "give a chain and its own key, PEM, that this user may read: server.tls_cert, server.tls_key", "certificate and key cannot be used: %v", f.loadErr)}
	}
	var out []Finding
	if f.files {
		out = append(out, good("cert.files", "certificate and key can be read, and belong together"))
		if f.keyMode&0o077 != 0 {
			out = append(out, warn("cert.key_mode", "chmod 600 on the file of server.tls_key", "others on this machine may read or change the private key (mode %04o)", f.keyMode))
		}
	}
	if len(f.chain) == 0 {
		return append(out, warn("cert.none", "start the server: it gets one by itself", "there is no certificate to look at yet"))
	}
	leaf := f.chain[0]
	out = append(out, judgeExpiry("cert.expiry", leaf, f.now))
	if f.host != "" {
		out = append(out, judgeName(leaf, f.host))
	}
	out = append(out, f.judgeChain())
	if f.files && f.served != nil {
		out = append(out, good("cert.served", "the server shows this certificate"))
		if len(f.served) == 0 || !bytes.Equal(f.served[0].Raw, leaf.Raw) {
			out[len(out)-1] = bad("cert.served", "systemctl reload visavis (kill -HUP), and see its log", "the server shows another certificate than the one in the file")
		}
	}
	return out
}

func judgeExpiry(id string, leaf *x509.Certificate, now time.Time) Finding {
	left := leaf.NotAfter.Sub(now)
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left <= 0:
		return bad(id, "renew it (certbot renew)", "the certificate expired on %s", day)
	case now.Before(leaf.NotBefore):
		return bad(id, "check the clock of this machine", "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < soon && leaf.NotAfter.Sub(leaf.NotBefore) > 2*soon:
		return warn(id, "see why it was not renewed (certbot renew)", "the certificate expires on %s, in %d days", day, int(left.Hours()/24))
	case leaf.NotAfter.Sub(leaf.NotBefore) > yearLong:
		return warn(id, "have one made for at most 398 days", "the certificate is valid until %s, for longer than browsers allow of public authorities", day)
	}
	return good(id, "the certificate is valid until %s", day)
}

func judgeName(leaf *x509.Certificate, host string) Finding {
	if err := leaf.VerifyHostname(host); err != nil {
		return bad("cert.name", "acme.domains = \""+host+"\", or a certificate for that name at server.tls_cert and its key at server.tls_key; or server.url, if people come by another name", "the certificate is not for %s: %v", host, err)
	}
	return good("cert.name", "the certificate is for %s", host)
}

func (f certFacts) judgeChain() Finding {
	between := x509.NewCertPool()
	for _, c := range f.chain[1:] {
		between.AddCert(c)
	}
	_, err := f.chain[0].Verify(x509.VerifyOptions{Intermediates: between, Roots: f.roots, CurrentTime: f.now})
	if err == nil {
		return good("cert.chain", "its chain leads to an authority that this machine knows")
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return good("cert.chain", "its chain was not looked at: a certificate is out of its time")
	}
	if bytes.Equal(f.chain[0].RawIssuer, f.chain[0].RawSubject) {
		return warn("cert.chain", "get one from a public authority", "the certificate is its own authority: browsers warn, and TURN over TLS does not work with them")
	}
	if len(f.chain) == 1 {
		return bad("cert.chain", "put the intermediate certificate behind it, as in fullchain.pem of certbot; an authority of your own has to be known to every device: SSL_CERT_FILE=ca.pem visavis doctor", "the chain is incomplete: %v", err)
	}
	return warn("cert.chain", "if it is an authority of your own, every device has to know it: SSL_CERT_FILE=ca.pem visavis doctor", "its chain leads to no authority that this machine knows: %v", err)
}
