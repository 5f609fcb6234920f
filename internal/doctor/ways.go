package doctor

import (
	"context"
	"fmt"
	"net"
)

// checkWays compares settings with each other: each may be right, and they may still
// leave people, the relay or an ACME server without a way in.
func checkWays(_ context.Context, cfg *Config, _ *place) []Finding {
	host, port, secure := hostPort(cfg.URL)
	if host == "" {
		return nil
	}
	var out []Finding
	switch mine := cfg.port(); {
	case cfg.TLS && port != mine:
		out = append(out, warn("ways.relay", fmt.Sprintf("server.listen = \":%d\", and the same number in whatever forwards it", port),
			"people come to port %d, but are sent to the relay at port %d, that of server.listen: it has to be open, too, TCP and UDP", port, mine))
	case !cfg.TLS && secure && cfg.onlyHere():
		out = append(out, bad("ways.relay", "server.listen = \":3478\", and that port open, TCP and UDP",
			"the server listens on loopback for a proxy, which does not carry the relay: people are sent to %s for it, and nobody is there", net.JoinHostPort(host, fmt.Sprint(mine))))
	case !cfg.TLS && secure && port == mine:
		out = append(out, bad("ways.relay", "server.listen = \":3478\"", "proxy and relay cannot both have port %d", port))
	default:
		out = append(out, good("ways.relay", "people are sent to the relay at port %d of %s, TCP and UDP: it has to be open", mine, host))
	}
	if !cfg.ByPort {
		return out
	}
	_, plain, _ := net.SplitHostPort(cfg.Plain)
	if cfg.port() == 443 || plain == "80" {
		return append(out, good("ways.acme", "an ACME server finds what it looks for at port 80 or 443"))
	}
	return append(out, warn("ways.acme", "server.http_listen = \":80\", or acme.dns_command",
		"an ACME server looks at port 80 or 443 of %s, and this server has neither: something has to forward one of them", host))
}
