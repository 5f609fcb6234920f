package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
)

// dnsFacts are what the name of the public URL leads to.
type dnsFacts struct {
	host       string
	err        error
	addrs      []netip.Addr
	interfaces []netip.Addr
	public     []netip.Addr // as others see this machine, or as given
	only       string       // "4" or "6": the server listens on one family alone
}

func checkDNS(ctx context.Context, cfg *Config, here *place) []Finding {
	f := dnsFacts{host: cfg.publicHost(), interfaces: here.interfaces, only: cfg.family()}
	if f.host == "" {
		return nil
	}
	if _, err := netip.ParseAddr(f.host); err == nil {
		return []Finding{good("dns", "%s is an address: no DNS is needed", f.host)}
	}
	a := addressFacts{given: cfg.Address, mapped: here.mapped}
	f.public = append(publicOf(a, netip.Addr.Is4), publicOf(a, netip.Addr.Is6)...)
	f.addrs, f.err = lookup(ctx, f.host)
	return judgeDNS(f)
}

func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	var out []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, err
}

// judgeLookup tells a name that is not there from a name server that does not answer.
func judgeLookup(id, host string, err error) Finding {
	if failed, ok := errors.AsType[*net.DNSError](err); ok && !failed.IsNotFound {
		return bad(id, "name one that does in /etc/resolv.conf (resolvectl status shows those in use), then run this again", "no name server told what %s is: %v", host, err)
	}
	return bad(id, "make an A record, and an AAAA record if the server has IPv6: "+host, "the name %s leads nowhere: %v", host, err)
}

func judgeDNS(f dnsFacts) []Finding {
	if f.err != nil || len(f.addrs) == 0 {
		return []Finding{judgeLookup("dns", f.host, f.err)}
	}
	if !slices.ContainsFunc(f.addrs, func(a netip.Addr) bool { return !a.IsLoopback() }) {
		return []Finding{good("dns", "%s is this machine, for itself only", f.host)}
	}
	return append(f.judge("dns.a", "A", netip.Addr.Is4), f.judge("dns.aaaa", "AAAA", netip.Addr.Is6)...)
}

func (f dnsFacts) judge(id, record string, is func(netip.Addr) bool) []Finding {
	named := filter(f.addrs, is)
	own, public := filter(f.interfaces, is), filter(f.public, is)
	if len(named) == 0 {
		if reached := append(filter(own, isPublic), public...); len(reached) > 0 {
			return []Finding{warn(id, "make one: "+f.host+" "+record+" "+reached[0].String(), "%s has no %s record, though this machine can be reached by one", f.host, record)}
		}
		return []Finding{good(id, "%s has no %s record, and this machine no such address that others reach", f.host, record)}
	}
	if f.only != "" && (f.only == "4") == (id == "dns.aaaa") {
		return []Finding{bad(id, "server.listen without an address, like \":443\"; or take the record away", "%s has a record %s, but the server listens on IPv%s alone: many try the other first", f.host, record, f.only)}
	}
	var foreign []netip.Addr
	for _, a := range named {
		if !slices.Contains(own, a) && !slices.Contains(public, a) {
			foreign = append(foreign, a)
		}
	}
	switch {
	case len(foreign) == 0:
		return []Finding{good(id, "the %s record of %s leads here: %s", record, f.host, list(named))}
	case id == "dns.aaaa" && len(own) == 0:
		return []Finding{bad(id, "take the AAAA record away, or give this machine IPv6", "%s has an AAAA record (%s), but this machine has no IPv6: many try it first and wait", f.host, list(foreign))}
	case len(public) == 0 && len(filter(own, isPublic)) == 0:
		return []Finding{warn(id, "visavis doctor --via https://OTHER-VISAVIS, or --address PUBLIC-ADDRESS", "the %s record of %s is %s; whether that leads here cannot be told, because this machine has no public address of its own", record, f.host, list(foreign))}
	}
	return []Finding{bad(id, "let it name "+list(append(filter(own, isPublic), public...)), "the %s record of %s is %s, which is not this machine", record, f.host, list(foreign))}
}
