package main

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/signal"
	"strconv"
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
	cfg, log := n.cfg.Server, n.log.With(telemetry.FieldComponent, "certificate")
	if cfg.TLSCert == "" {
		return nil, nil
	}
	files, err := certs.NewFiles(certs.FilesConfig{Cert: cfg.TLSCert, Key: cfg.TLSKey, Log: log, Registerer: registry})
	if err != nil {
		return nil, err
	}
	n.certs = files
	n.hangup = make(chan os.Signal, 1) // one that is waiting is enough
	signal.Notify(n.hangup, syscall.SIGHUP)
	return httpd.NewTLS(files.Certificate), nil
}

// publicURL is where a person on this machine finds the server, or the public
// URL if there is one.
func publicURL(cfg config.Config, at net.Addr) string {
	if cfg.Server.URL != "" {
		return cfg.Server.URL
	}
	scheme, host := "http", "localhost"
	if cfg.Server.TLSCert != "" {
		scheme = "https"
	}
	if a, ok := at.(*net.TCPAddr); ok && !a.IP.IsUnspecified() {
		host = a.IP.String()
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(portOf(at)))
}

func portOf(a net.Addr) int {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.Port
	}
	return 0
}
