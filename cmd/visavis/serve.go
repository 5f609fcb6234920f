package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/telemetry"
)

type serveCmd struct {
	Listen    *string `placeholder:"ADDR" help:"Address for HTTP, WebSocket and relay, TCP and UDP (default :8080)."`
	Data      *string `placeholder:"DIR" help:"Where the database lives (default visavis-data)."`
	URL       *string `name:"url" placeholder:"URL" help:"Public URL, when it is not the one clients connect to (behind a proxy)."`
	Metrics   *string `placeholder:"ADDR" help:"Address of Prometheus metrics (default 127.0.0.1:9090); empty turns them off."`
	TokenFile *string `placeholder:"FILE" help:"File with a token that clients need to create calls."`
	LogLevel  *string `placeholder:"LEVEL" help:"debug, info, warn or error (default info)."`
	TLSCert   *string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain, PEM. Turns TLS on."`
	TLSKey    *string `name:"tls-key" placeholder:"FILE" help:"Private key of the certificate, PEM."`

	ACMEDomains *string `name:"acme-domains" placeholder:"NAMES" help:"Get a certificate for these host names from an ACME server (Let's Encrypt). Turns TLS on."`
	ACMETerms   *bool   `name:"acme-terms-agreed" help:"You agree to the terms of the ACME server."`
	HTTPListen  *string `name:"http-listen" placeholder:"ADDR" help:"Second address, without TLS, that sends everybody to the first; :80 by custom."`

	Config string `placeholder:"FILE" env:"VISAVIS_CONFIG" help:"Configuration file, TOML."`
}

// Help is shown by visavis serve --help.
func (*serveCmd) Help() string {
	return "No flag is needed. Every setting can also be given in the configuration file or as\n" +
		"VISAVIS_SECTION_KEY in the environment, for example VISAVIS_LIMITS_CONNECTS_PER_MINUTE=600.\n" +
		"Flags win over the environment, and that over the file."
}

// settings merges all sources.
func (s *serveCmd) settings(environ []string) (config.Config, error) {
	c, err := config.Load(s.Config, environ)
	if err != nil {
		return config.Config{}, err
	}
	for _, f := range []struct {
		flag *string
		to   *string
	}{
		{s.Listen, &c.Server.Listen},
		{s.URL, &c.Server.URL},
		{s.TLSCert, &c.Server.TLSCert},
		{s.TLSKey, &c.Server.TLSKey},
		{s.HTTPListen, &c.Server.HTTPListen},
		{s.ACMEDomains, &c.ACME.Domains},
		{s.Data, &c.Storage.Data},
		{s.Metrics, &c.Metrics.Listen},
		{s.LogLevel, &c.Log.Level},
		{s.TokenFile, &c.Create.TokenFile},
	} {
		if f.flag != nil {
			*f.to = *f.flag
		}
	}
	if s.ACMETerms != nil {
		c.ACME.TermsAgreed = *s.ACMETerms
	}
	c.Metrics.Asked = c.Metrics.Asked || s.Metrics != nil
	return c, c.Validate()
}

// Run serves until ctx ends.
func (s *serveCmd) Run(ctx context.Context, std streams) error {
	cfg, err := s.settings(os.Environ())
	if err != nil {
		return &exitError{exitUsage, err}
	}
	log, err := telemetry.NewLogger(std.err, cfg.Log.Level)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	n, err := newNode(ctx, cfg, log)
	if err != nil {
		return err
	}
	if s.Config != "" {
		n.rereadOn(syscall.SIGHUP, func() (config.Config, error) { return s.settings(os.Environ()) })
	}
	if _, err := fmt.Fprintf(std.out, "visavis is ready: %s\n", n.url); err != nil {
		return errors.Join(err, n.close())
	}
	return n.serve(ctx)
}

// ignoreClosed turns the error of an orderly end into none.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// unlistened says what mends it.
func unlistened(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; another program, or another visavis, has the port: choose a free one with"+
			" --listen 127.0.0.1:8081, and then visavis new --server http://127.0.0.1:8081", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; it is not an address of this machine: --listen :PORT takes all that it has", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; this user may not open the port: choose one above 1023, give the systemd unit"+
			" AmbientCapabilities=CAP_NET_BIND_SERVICE, or setcap cap_net_bind_service=+ep visavis", err)
	}
	return err
}

// listenMetrics returns nil if metrics are off. The usual address being taken is
// no reason not to start; one that was asked for is.
func listenMetrics(ctx context.Context, cfg config.Metrics, log *slog.Logger) (net.Listener, error) {
	if cfg.Listen == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil && !cfg.Asked {
		log.Warn("metrics are off: their usual address is taken", "listen", cfg.Listen)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w; choose another address with --metrics, or turn them off with --metrics ''", err)
	}
	return l, nil
}
