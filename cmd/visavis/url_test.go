package main

import (
	"net"
	"testing"

	"github.com/visavis-call/visavis/internal/config"
)

func TestPublicURL(t *testing.T) {
	t.Parallel()
	any6, loopback := net.IPv6unspecified, net.IPv4(127, 0, 0, 1)
	for name, tt := range map[string]struct {
		change func(*config.Config)
		ip     net.IP
		port   int
		want   string
	}{
		"default":         {func(*config.Config) {}, any6, 8080, "http://localhost:8080"},
		"port of HTTP":    {func(c *config.Config) { c.Server.Listen = ":80" }, any6, 80, "http://localhost"},
		"port of HTTPS":   {func(c *config.Config) { c.Server.Listen, c.Server.TLSCert = ":443", "x" }, any6, 443, "https://localhost"},
		"HTTP at 443":     {func(c *config.Config) { c.Server.Listen = ":443" }, any6, 443, "http://localhost:443"},
		"one address":     {func(c *config.Config) { c.Server.Listen = "127.0.0.1:0" }, loopback, 1234, "http://127.0.0.1:1234"},
		"IPv6 alone":      {func(c *config.Config) { c.Server.Listen = "[::]:8080" }, any6, 8080, "http://[::1]:8080"},
		"IPv6 address":    {func(c *config.Config) { c.Server.Listen = "[::1]:80" }, net.IPv6loopback, 80, "http://[::1]"},
		"ACME":            {acmeFor, any6, 443, "https://call.example.org"},
		"ACME, by a port": {acmeFor, any6, 8443, "https://call.example.org:8443"},
		"behind a proxy":  {func(c *config.Config) { c.Server.URL = "https://call.example.org" }, any6, 3478, "https://call.example.org"},
	} {
		c := config.Default()
		tt.change(&c)
		if got := publicURL(c, &net.TCPAddr{IP: tt.ip, Port: tt.port}); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func acmeFor(c *config.Config) { c.ACME.Domains = "call.example.org" }
