package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/bundle"
	"github.com/visavis-call/visavis/internal/httpd"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/web"
)

type uiCmd struct {
	Link     string `arg:"" optional:"" help:"Link to a call; its server is used."`
	Server   string `placeholder:"URL" help:"Server to use when no link is given."`
	Listen   string `default:"127.0.0.1:8090" placeholder:"ADDR" help:"Where the browser of this machine finds the page. Calls and settings are remembered for this address (default ${default})."`
	LogLevel string `default:"warn" placeholder:"LEVEL" help:"debug, info, warn or error (default ${default})."`
}

// Help is shown by visavis ui --help.
func (*uiCmd) Help() string {
	return "The same page as the server's, but from this binary: whoever runs the server cannot change the\n" +
		"code of your side. Links that you make here lead to the server, as always.\n\n" +
		"    visavis ui --server https://call.example.org\n" +
		"    visavis ui 'https://call.example.org/c#…'"
}

// Run serves the page until ctx ends.
func (c *uiCmd) Run(ctx context.Context, std streams) error {
	server, fragment, err := c.target()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	log, err := telemetry.NewLogger(std.err, c.LogLevel)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	app, err := bundle.Load(web.Dist())
	if err != nil {
		return err
	}
	l, err := listenLocal(ctx, c.Listen)
	if err != nil {
		return err
	}
	self := "http://" + l.Addr().String()
	s, err := httpd.NewLocalServer(httpd.LocalConfig{
		App: web.Dist(), Self: self, Server: server, Client: &http.Client{}, Log: log,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.BaseContext = func(net.Listener) context.Context { return ctx }
	address := self + "/"
	if fragment != "" {
		address = self + "/c#" + fragment
	}
	if _, err := fmt.Fprintf(std.out, "visavis ui for %s is ready, with code %s\nOpen %s\n",
		server, app.Digest()[:16], address); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveUntil(ctx, s, l)
}

// target is the server's origin, and the fragment of a link if there is one.
func (c *uiCmd) target() (server, fragment string, err error) {
	if c.Link != "" {
		origin, link, err := e2ee.ParseURL(c.Link)
		if err != nil {
			return "", "", coded(codeIn(err), err)
		}
		return origin, link.Fragment(), nil
	}
	if c.Server == "" {
		return "", "", errors.New("name a server: visavis ui --server https://call.example.org, or give a link")
	}
	server, err = bundle.Origin(c.Server)
	return server, "", err
}

// listenLocal opens a port of this machine only: the page holds keys and speaks
// no TLS.
func listenLocal(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; choose another address of this machine with --listen", err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return nil, errors.Join(
			&exitError{exitUsage, errors.New("--listen has to be an address of this machine only, like 127.0.0.1:8090")}, l.Close())
	}
	return l, nil
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, s *http.Server, l net.Listener) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return ignoreClosed(s.Serve(l)) })
	parts.Go(func() error {
		<-ctx.Done()
		return s.Close()
	})
	return parts.Wait()
}
