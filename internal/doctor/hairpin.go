package doctor

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// hairpinFacts are about the way from this machine to itself by its public name.
type hairpinFacts struct {
	host     string
	near     bool // the name leads to an interface of this machine
	tcp, udp error
}

// checkHairpin goes out and in again: people in the network of the server have to.
func checkHairpin(ctx context.Context, cfg *Config, here *place) []Finding {
	host, port, _ := hostPort(cfg.URL)
	if host == "" || here.running == nil {
		return nil
	}
	f := hairpinFacts{host: host, near: leadsHere(ctx, host, here.interfaces)}
	var conn net.Conn
	d := net.Dialer{Timeout: askTimeout}
	if conn, f.tcp = d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port))); f.tcp == nil {
		_ = conn.Close() // that it opens is enough
	}
	if conn, f.udp = dialUDP(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(cfg.port()))); f.udp == nil {
		_, f.udp = seen(conn, false)
		_ = conn.Close() // it was only asked
	}
	return judgeHairpin(f)
}

func leadsHere(ctx context.Context, host string, own []netip.Addr) bool {
	addrs := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a)
	} else {
		addrs, _ = lookup(ctx, host)
	}
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		return !a.IsLoopback() && !slices.Contains(own, a)
	})
}

func judgeHairpin(f hairpinFacts) []Finding {
	way := "by its public name"
	if !f.near {
		way = "by its public address, out and in again,"
	}
	var out []Finding
	for _, w := range []struct {
		id, name string
		err      error
	}{{"hairpin.tcp", "TCP", f.tcp}, {"hairpin.udp", "UDP", f.udp}} {
		if w.err == nil {
			out = append(out, good(w.id, "this machine reaches itself %s over %s", way, w.name))
			continue
		}
		remedy := "NAT loopback (hairpin) in the router, or a DNS name that leads to the inner address inside"
		if f.near {
			remedy = "see port." + map[string]string{"TCP": "tcp", "UDP": "udp"}[w.name] + ", and the firewall of this machine"
		}
		out = append(out, warn(w.id, remedy, "this machine does not reach itself %s over %s: people in its network may not either: %v", way, w.name, w.err))
	}
	return out
}
