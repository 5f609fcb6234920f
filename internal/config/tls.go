package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// hostPattern is a host name as it can stand in a certificate; of other alphabets the
// form that begins with xn--.
var hostPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// eabKeyShortest is half of what HMAC-SHA-256 should have (RFC 7518 §3.2): no ACME server
// gives less.
const eabKeyShortest = 16

// TLS says whether the server does TLS itself.
func (c Config) TLS() bool { return c.Server.TLSCert != "" || c.ACME.Domains != "" }

// Names are the domains, in lower case.
func (a ACME) Names() []string {
	var names []string
	for name := range strings.SplitSeq(a.Domains, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (c Config) validateTLS() error {
	if (c.Server.TLSCert == "") != (c.Server.TLSKey == "") {
		return errors.New("server.tls_cert and server.tls_key: give both or none")
	}
	if c.Server.TLSCert != "" && c.ACME.Domains != "" {
		return errors.New("server.tls_cert and acme.domains: the certificate comes from files or from an ACME server, give one")
	}
	if c.Server.HTTPListen != "" {
		if err := checkAddress("server.http_listen", c.Server.HTTPListen); err != nil {
			return err
		}
		if !c.TLS() {
			return errors.New("server.http_listen: sends everybody to HTTPS, so it needs acme.domains or server.tls_cert")
		}
	}
	if c.ACME.Domains == "" {
		return nil
	}
	return c.ACME.validate()
}

// EABKey is the key in EABKeyFile, nil without one.
func (a ACME) EABKey() ([]byte, error) {
	if a.EABKeyFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(a.EABKeyFile)
	if err != nil {
		return nil, fmt.Errorf("acme.eab_key_file: %w", err)
	}
	// Some write it with padding, or in the other alphabet of base64.
	plain := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(string(text)), "="))
	key, err := base64.RawURLEncoding.DecodeString(plain)
	if err != nil || len(key) < eabKeyShortest {
		return nil, fmt.Errorf("acme.eab_key_file %s: want the HMAC key as it was given to you, base64url of at least %d bytes", a.EABKeyFile, eabKeyShortest)
	}
	return key, nil
}

func (a ACME) validate() error {
	names := a.Names()
	if len(names) == 0 {
		return fmt.Errorf("acme.domains %q: want host names with commas between", a.Domains)
	}
	for _, name := range names {
		if _, err := netip.ParseAddr(name); err == nil || !hostPattern.MatchString(name) {
			return fmt.Errorf("acme.domains %q: want full host names, without scheme or port", name)
		}
	}
	if !a.TermsAgreed {
		return errors.New("acme.terms_agreed: set it to true (--acme-terms-agreed) if you agree to the terms of the ACME server;" +
			" those of Let's Encrypt are at https://letsencrypt.org/repository/")
	}
	u, err := url.Parse(a.Directory)
	if err != nil || u.Host == "" || u.Scheme != "https" {
		return fmt.Errorf("acme.directory %q: want the https URL of an ACME server", a.Directory)
	}
	if (a.EABKeyID == "") != (a.EABKeyFile == "") {
		return errors.New("acme.eab_key_id and acme.eab_key_file: give both or none")
	}
	if a.DNSCommand != "" {
		if _, err := exec.LookPath(a.DNSCommand); err != nil {
			return fmt.Errorf("acme.dns_command: %w", err)
		}
	}
	return nil
}
