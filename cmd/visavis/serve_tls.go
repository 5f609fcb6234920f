package main

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/visavis-call/visavis/internal/certs"
	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/httpd"
	"github.com/visavis-call/visavis/internal/telemetry"
)

// certificates is where the server's certificate comes from.
type certificates interface {
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Run keeps it fresh until the context ends, and looks at once when told to.
	Run(ctx context.Context, now <-chan os.Signal)
}

// openTLS returns nil, nil if there is no TLS here.
func (n *node) openTLS(registry prometheus.Registerer) (*tls.Config, error) {
	if !n.cfg.TLS() {
		return nil, nil
	}
	log := n.log.With(telemetry.FieldComponent, "certificate")
	var more []string
	if cfg := n.cfg.Server; cfg.TLSCert != "" {
		files, err := certs.NewFiles(certs.FilesConfig{Cert: cfg.TLSCert, Key: cfg.TLSKey, Log: log, Registerer: registry})
		if err != nil {
			return nil, err
		}
		n.certs = files
	} else {
		cfg := n.cfg.ACME
		key, err := cfg.EABKey()
		if err != nil {
			return nil, err
		}
		server, err := certs.NewACME(certs.ACMEConfig{
			Domains: cfg.Names(), Email: cfg.Email, Directory: cfg.Directory, CAFile: cfg.CAFile,
			DNSCommand: cfg.DNSCommand, EABKeyID: cfg.EABKeyID, EABKey: key, Dir: filepath.Join(n.cfg.Storage.Data, "acme"), Log: log, Registerer: registry,
		})
		if err != nil {
			return nil, err
		}
		n.certs, n.challenges = server, server
		more = append(more, httpd.ALPNACME)
	}
	n.hangup = make(chan os.Signal, 1) // one that is waiting is enough
	signal.Notify(n.hangup, syscall.SIGHUP)
	return httpd.NewTLS(n.certs.Certificate, more...), nil
}

// openPlain opens the second port, if there is one.
func (n *node) openPlain(ctx context.Context, securePort int) error {
	if n.cfg.Server.HTTPListen == "" {
		return nil
	}
	l, err := httpd.ListenPlain(ctx, n.cfg.Server.HTTPListen)
	if err != nil {
		return err
	}
	n.plainAt = l
	n.plain = httpd.NewPlainServer(n.cfg.Server.URL, strconv.Itoa(securePort), n.challenges, n.log.With(telemetry.FieldComponent, "http"))
	return nil
}

// publicURL is where a person on this machine finds the server, or the public
// URL if there is one.
func publicURL(cfg config.Config, at net.Addr) string {
	if cfg.Server.URL != "" {
		return cfg.Server.URL
	}
	scheme, host := "http", "localhost"
	if cfg.TLS() {
		scheme = "https"
	}
	if a, ok := at.(*net.TCPAddr); ok && !a.IP.IsUnspecified() {
		host = a.IP.String()
	} else if named, _, _ := net.SplitHostPort(cfg.Server.Listen); named == "::" {
		host = "::1" // IPv6 alone, and localhost is often IPv4
	}
	if names := cfg.ACME.Names(); len(names) > 0 {
		host = names[0] // the certificate is for nothing else
	}
	authority := net.JoinHostPort(host, strconv.Itoa(portOf(at)))
	if port := portOf(at); scheme == "https" && port == 443 || scheme == "http" && port == 80 {
		authority = authority[:strings.LastIndex(authority, ":")] // as browsers write it
	}
	return scheme + "://" + authority
}

func portOf(a net.Addr) int {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.Port
	}
	return 0
}
