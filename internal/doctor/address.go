package doctor

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// checkAddress finds the public addresses, and how a NAT in between behaves.
func checkAddress(ctx context.Context, cfg *Config, here *place) []Finding {
	var out []Finding
	for _, v := range here.via {
		if v.err != nil {
			out = append(out, warn("via", "name a visavis server that runs: visavis doctor --via https://other.example", "%s cannot be asked: %v", v.origin, v.err))
		}
	}
	for _, network := range []string{"udp4", "udp6"} {
		here.mapped = append(here.mapped, askAll(ctx, network, here.via)...)
	}
	if cfg.onlyHere() && cfg.URL == "" {
		return out
	}
	return append(out, judgeAddress(addressFacts{given: cfg.Address, interfaces: here.interfaces, mapped: here.mapped, asked: len(here.via) > 0})...)
}

// askAll asks all servers from one socket: a NAT that gives it another port for each of
// them shows.
func askAll(ctx context.Context, network string, via []visited) []mapping {
	if len(via) == 0 {
		return nil
	}
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, network, ":0")
	if err != nil {
		return nil
	}
	defer conn.Close()
	var out []mapping
	for _, v := range via {
		if v.greeting == nil || v.greeting.stun() == "" {
			continue
		}
		to, err := net.ResolveUDPAddr(network, v.greeting.stun())
		if err != nil {
			continue // it has no address of this kind
		}
		public, err := seen(askFrom{conn, to}, false)
		if err != nil || !isPublic(public.Addr()) { // a neighbor sees what we see
			continue
		}
		out = append(out, mapping{via: v.origin, seen: public, local: localOf(conn)})
	}
	return out
}

func localOf(conn net.PacketConn) netip.AddrPort {
	local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	return local
}

// addressFacts are what is known of the ways to this machine.
type addressFacts struct {
	given      []netip.Addr
	interfaces []netip.Addr
	mapped     []mapping
	asked      bool // another server was asked
}

func judgeAddress(f addressFacts) []Finding {
	out := []Finding{judgeFamily("address.ipv4", "IPv4", f, netip.Addr.Is4), judgeFamily("address.ipv6", "IPv6", f, netip.Addr.Is6)}
	return append(out, judgeNAT(f)...)
}

func judgeFamily(id, name string, f addressFacts, is func(netip.Addr) bool) Finding {
	own := filter(f.interfaces, is)
	public := publicOf(f, is)
	reached := filter(own, isPublic)
	switch {
	case len(public) > 0 && slices.ContainsFunc(public, func(a netip.Addr) bool { return slices.Contains(own, a) }):
		return good(id, "%s: %s is on an interface of this machine", name, list(public))
	case len(public) > 0 && keepsPorts(f.mapped, is):
		return good(id, "%s: others see %s, by a NAT that keeps ports, as 1:1 NAT does; the relay needs no more", name, list(public))
	case len(public) > 0:
		return warn(id, "forward the port, TCP and UDP, to this machine; nothing else is needed",
			"%s: others see %s, which is on none of its interfaces (%s): there is a NAT before this machine", name, list(public), list(own))
	case len(reached) > 0:
		return good(id, "%s: %s is on an interface of this machine", name, list(reached))
	case id == "address.ipv6":
		return good(id, "%s: this machine has none that others reach; people without IPv4 do not reach it", name)
	case len(own) == 0:
		return good(id, "%s: this machine has none; people without IPv6 do not reach it", name)
	case f.asked:
		return warn(id, "allow UDP out, or name another server: --via", "%s: the servers that were asked did not answer over it, or are in the same network", name)
	}
	return warn(id, "visavis doctor --via https://OTHER-VISAVIS, or --address PUBLIC-ADDRESS",
		"%s: only %s, which is not public; what others see is not known", name, list(own))
}

func keepsPorts(mapped []mapping, is func(netip.Addr) bool) bool {
	return slices.ContainsFunc(mapped, func(m mapping) bool {
		return is(m.seen.Addr()) && m.seen.Port() == m.local.Port()
	})
}

// judgeNAT says whether a NAT keeps one port for all (RFC 4787 §4.1).
func judgeNAT(f addressFacts) []Finding {
	var v4 []mapping
	for _, m := range f.mapped {
		if m.seen.Addr().Is4() && !slices.Contains(f.interfaces, m.seen.Addr()) {
			v4 = append(v4, m)
		}
	}
	if len(v4) == 0 {
		return nil
	}
	for _, m := range v4[1:] {
		if m.via != v4[0].via && m.seen != v4[0].seen {
			return []Finding{warn("nat.mapping", "forward the port, TCP and UDP, to this machine", "the NAT gives a socket another port for each destination (symmetric): without a forwarded port nobody gets in")}
		}
	}
	if v4[0].seen.Port() == v4[0].local.Port() {
		return []Finding{good("nat.mapping", "the NAT keeps port numbers, as 1:1 NAT does")}
	}
	return []Finding{warn("nat.mapping", "forward the port, TCP and UDP, to this machine", "the NAT changes port numbers (%d became %d): it is no 1:1 NAT", v4[0].local.Port(), v4[0].seen.Port())}
}

// publicOf are the addresses by which others see this machine.
func publicOf(f addressFacts, is func(netip.Addr) bool) []netip.Addr {
	out := filter(f.given, is)
	for _, m := range f.mapped {
		if a := m.seen.Addr(); is(a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func filter(in []netip.Addr, keep func(netip.Addr) bool) []netip.Addr {
	var out []netip.Addr
	for _, a := range in {
		if keep(a) {
			out = append(out, a)
		}
	}
	return out
}

func list(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "none"
	}
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}
