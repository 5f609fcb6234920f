package netlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// NAT is how a link's router translates addresses, in the terms of RFC 4787.
type NAT int

// The kinds of NAT. All are those of Linux (nft and its connection tracking).
const (
	NATNone NAT = iota
	// NATEndpointIndependent maps an inner port to the same outer port whoever it
	// talks to (endpoint-independent mapping, RFC 4787 §4.1: the outer port is the inner
	// one), and lets everybody reach a port that has sent something within the last two
	// minutes (endpoint-independent filtering, §5): a "full cone". TCP is as with
	// NATPortRestricted. Unlike a real one it serves a single machine, so ports never collide.
	NATEndpointIndependent
	// NATPortRestricted maps likewise, but lets in only the address and port that was
	// sent to (address and port-dependent filtering). It is what most homes have.
	NATPortRestricted
	// NATSymmetric takes a new random port for each address and port that is sent to, and
	// lets in only that one (address and port-dependent mapping and filtering). Two of
	// them cannot be joined but by a relay.
	NATSymmetric
	// NATOneToOne gives the machine inside an outer address of its own: every port goes in and
	// out unchanged, without being asked. So do clouds with their servers.
	NATOneToOne
)

// ParseNAT reads what String writes.
func ParseNAT(text string) (NAT, error) {
	for n := NATNone; n <= NATOneToOne; n++ {
		if n.String() == text {
			return n, nil
		}
	}
	return NATNone, fmt.Errorf("%q is no NAT: none, endpoint-independent, port-restricted, symmetric, one-to-one", text)
}

func (n NAT) String() string {
	switch n {
	case NATEndpointIndependent:
		return "endpoint-independent"
	case NATPortRestricted:
		return "port-restricted"
	case NATSymmetric:
		return "symmetric"
	case NATOneToOne:
		return "one-to-one"
	default:
		return "none"
	}
}

// Firewall is what a link's router lets through. The zero value is everything. What
// it stops is dropped without a word, as most firewalls do.
type Firewall struct {
	BlockUDP bool
	// OnlyTCP lists the ports a node may connect to; nothing else passes, in any
	// protocol. Empty: no such rule.
	OnlyTCP []uint16
	// OnlyPorts is the same for TCP and UDP.
	OnlyPorts []uint16
}

func (f Firewall) set() bool { return f.BlockUDP || len(f.OnlyTCP) > 0 || len(f.OnlyPorts) > 0 }

// ParseFirewall reads "open", "no-udp", "only-tcp:443" or "only:443" (several with commas).
func ParseFirewall(text string) (Firewall, error) {
	ports, only := strings.CutPrefix(text, "only-tcp:")
	both := false
	if !only {
		ports, both = strings.CutPrefix(text, "only:")
	}
	switch {
	case text == "open":
		return Firewall{}, nil
	case text == "no-udp":
		return Firewall{BlockUDP: true}, nil
	case !only && !both:
		return Firewall{}, fmt.Errorf("%q is no firewall: open, no-udp, only-tcp:443, only:443", text)
	}
	var list []uint16
	for port := range strings.SplitSeq(ports, ",") {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Firewall{}, fmt.Errorf("%q is no port", port)
		}
		list = append(list, uint16(n))
	}
	if both {
		return Firewall{OnlyPorts: list}, nil
	}
	return Firewall{OnlyTCP: list}, nil
}

// router is the box between a node and its line. Its devices are lan0, joined to
// the node's by a perfect wire, and wan0, on the hub.
type router struct{ ns *namespace }

// addRouter makes the router of link number and returns its device on the hub.
func (l *Link) addRouter(ctx context.Context, number int, near *os.File, o LinkOptions) (*os.File, error) {
	ns, err := newNamespace(ctx, fmt.Sprintf("%srouter%d", l.node.lab.prefix, number))
	if err != nil {
		return nil, err
	}
	l.router = &router{ns}
	if o.Ethernet && o.NAT == NATNone && o.Family != IPv4Only {
		return nil, errors.New("a router with Ethernet is for IPv4 alone")
	}
	var lan *os.File
	if o.Ethernet {
		err = l.plug(ctx)
	} else if lan, err = ns.tun("lan0"); err == nil {
		l.files = append(l.files, lan)
	}
	if err != nil {
		return nil, err
	}
	wan, err := ns.tun("wan0")
	if err != nil {
		return nil, err
	}
	l.files = append(l.files, wan)
	var outside []netip.Addr
	if o.NAT == NATNone {
		l.Addrs = addresses(number, o.Family)
		l.public = l.Addrs
	} else {
		l.Addrs = []netip.Addr{netip.AddrFrom4([4]byte{10, byte(number), 0, 2})}
		outside = addresses(number, IPv4Only)
		l.public = outside
	}
	if err := l.router.configure(ctx, l.Addrs, outside); err != nil {
		return nil, err
	}
	if err := l.router.setNAT(ctx, o.NAT, l.Addrs[0]); err != nil {
		return nil, err
	}
	if err := l.router.setFirewall(ctx, o.Firewall); err != nil {
		return nil, err
	}
	if lan != nil {
		l.tasks.Go(func() { read(near, func(b []byte) { write(lan, b) }) })
		l.tasks.Go(func() { read(lan, func(b []byte) { write(near, b) }) })
	}
	return wan, nil
}

// plug joins node and router by an Ethernet. Whatever address the node asks for there, the
// router says that it is its own (proxy ARP, RFC 1027), and at once.
func (l *Link) plug(ctx context.Context) error {
	err := l.node.ns.ip(ctx, fmt.Sprintf("link add %s type veth peer name lan0 netns %s", l.Interface, l.router.ns.name))
	if err != nil {
		return err
	}
	l.ethernet = true
	return l.router.ns.do(func() error {
		return errors.Join(sysctl("ipv4/conf/lan0/proxy_arp", "1"), sysctl("ipv4/neigh/lan0/proxy_delay", "0"))
	})
}

func (r *router) configure(ctx context.Context, inside, outside []netip.Addr) error {
	lines := []string{
		fmt.Sprintf("link set lan0 mtu %d up", mtu),
		fmt.Sprintf("link set wan0 mtu %d up", mtu),
		"route add 0.0.0.0/0 dev wan0",
		"route add ::/0 dev wan0",
	}
	for _, a := range outside {
		lines = append(lines, fmt.Sprintf("addr add %s/32 dev wan0", a))
	}
	for _, a := range inside {
		lines = append(lines, fmt.Sprintf("route add %s dev lan0", netip.PrefixFrom(a, a.BitLen())))
	}
	return errors.Join(r.ns.ip(ctx, lines...), r.ns.do(func() error {
		return errors.Join(sysctl("ipv4/ip_forward", "1"), sysctl("ipv6/conf/all/forwarding", "1"))
	}))
}

func (r *router) nft(ctx context.Context, ruleset string) error {
	return command(ctx, ruleset, "ip", "netns", "exec", r.ns.name, "nft", "-f", "-")
}

// setNAT translates for the one machine inside.
func (r *router) setNAT(ctx context.Context, n NAT, inside netip.Addr) error {
	if n == NATNone {
		return nil
	}
	if n == NATOneToOne {
		return r.nft(ctx, fmt.Sprintf(`table ip nat {
	chain out {
		type nat hook postrouting priority srcnat
		oifname "wan0" masquerade
	}
	chain in {
		type nat hook prerouting priority dstnat
		iifname "wan0" dnat to %s
	}
}
`, inside))
	}
	// A packet nobody asked for is dropped before it has a place in connection
	// tracking; else its port would be taken when the inside sends to that address.
	const input = `
	chain input {
		type filter hook input priority filter
		iifname "wan0" ct state new drop
	}
`
	translation := `
	chain out {
		type nat hook postrouting priority srcnat
		oifname "wan0" masquerade
	}
`
	switch n {
	case NATSymmetric:
		translation = strings.Replace(translation, "masquerade", "masquerade random,fully-random", 1)
	case NATEndpointIndependent:
		// Linux keeps the port when it is free, so the outer port is the inner one.
		translation += fmt.Sprintf(`
	set open {
		type inet_service
		flags dynamic,timeout
		timeout 2m
	}
	chain remember {
		type filter hook forward priority filter
		iifname "lan0" meta l4proto udp update @open { udp sport }
	}
	chain in {
		type nat hook prerouting priority dstnat
		iifname "wan0" udp dport @open dnat to %s
	}
`, inside)
	case NATNone, NATPortRestricted, NATOneToOne:
	}
	return r.nft(ctx, "table ip nat {\n"+input+translation+"}\n")
}

// setFirewall replaces the whole firewall.
func (r *router) setFirewall(ctx context.Context, f Firewall) error {
	var rules []string
	if f.BlockUDP {
		rules = append(rules, "meta l4proto udp drop")
	}
	if len(f.OnlyTCP) > 0 {
		rules = append(append(rules, only("tcp", f.OnlyTCP)...), "drop")
	}
	if len(f.OnlyPorts) > 0 {
		rules = append(append(append(rules, only("tcp", f.OnlyPorts)...), only("udp", f.OnlyPorts)...), "drop")
	}
	return r.nft(ctx, fmt.Sprintf(`
table inet firewall
delete table inet firewall
table inet firewall {
	chain forward {
		type filter hook forward priority filter + 10
		%s
	}
}
`, strings.Join(rules, "\n\t\t")))
}

// only lets the inside ask these ports, and their answers in.
func only(protocol string, list []uint16) []string {
	ports := strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
	return []string{
		fmt.Sprintf(`iifname "lan0" %s dport { %s } accept`, protocol, ports),
		fmt.Sprintf(`iifname "wan0" %s sport { %s } ct state established accept`, protocol, ports),
	}
}
