package outage

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
	"github.com/visavis-call/visavis/internal/testkit/selfsigned"
)

// network is where a server and two parties are, and how the two have to find each other.
type network struct {
	server, host, guest netlab.LinkOptions
	tls                 bool
	relay               string   // the only way into the relay the host may take; "": all
	path                string   // direct or relayed
	into                []string // ways into the relay that would be right for the host
	family              int      // of the direct path; 0: any
}

func networks() map[string]network {
	behind := func(n netlab.NAT, f netlab.Firewall) netlab.LinkOptions {
		return netlab.LinkOptions{NAT: n, Firewall: f}
	}
	home, office := netlab.NATPortRestricted, netlab.NATSymmetric
	web := netlab.Firewall{OnlyTCP: []uint16{443}}
	port := netlab.Firewall{OnlyPorts: []uint16{443}}
	only4, only6 := netlab.LinkOptions{Family: netlab.IPv4Only}, netlab.LinkOptions{Family: netlab.IPv6Only}
	walled6 := netlab.LinkOptions{Family: netlab.IPv6Only, Firewall: port}
	cloud := behind(netlab.NATOneToOne, netlab.Firewall{})
	return map[string]network{
		// The guest may take what it finds.
		"nothing but TCP to port 443": {
			host: behind(home, web), guest: behind(home, web), tls: true, relay: "tls", path: "relayed", into: []string{"tls"},
		},
		// A page cannot come by UDP: this is as far from TCP as a call gets.
		"nothing but port 443": {
			host: behind(home, port), guest: behind(home, port), tls: true, path: "relayed", into: []string{"udp"},
		},
		"two symmetric NATs": {
			host: behind(office, netlab.Firewall{}), guest: behind(office, netlab.Firewall{}), path: "relayed", into: []string{"udp"},
		},
		"IPv6 only": {server: only6, host: only6, guest: only6, path: "direct", family: 6},
		"IPv6 only, by the relay": {
			server: only6, host: walled6, guest: walled6, tls: true, path: "relayed", into: []string{"udp"},
		},
		"IPv4 here, IPv6 there":   {host: only4, guest: only6, path: "relayed", into: []string{"udp"}},
		"server behind a 1:1 NAT": {server: cloud, host: behind(home, netlab.Firewall{}), guest: behind(home, netlab.Firewall{}), path: "direct"},
		"relay behind a 1:1 NAT":  {server: cloud, host: behind(office, netlab.Firewall{}), guest: behind(office, netlab.Firewall{}), path: "relayed", into: []string{"udp"}},
	}
}

// A call connects in every network there is a way through, by the best one, and says
// rightly which it is.
func TestNetworks(t *testing.T) {
	binary := build(t)
	for name, n := range networks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n.call(t, binary)
		})
	}
}

func (n network) call(t *testing.T, binary string) {
	lab := labtest.New(t)
	w := &world{t: t, lab: lab, binary: binary, data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, "server", n.server)
	hostNode, hostLine := labtest.Node(t, lab, "host", n.host)
	guestNode, guestLine := labtest.Node(t, lab, "guest", n.guest)
	var trust string
	if n.tls {
		cert, key := selfsigned.Write(t, selfsigned.Certificate{Addrs: at.Public(), Valid: time.Hour})
		w.args = []string{"--listen", ":443", "--tls-cert", cert, "--tls-key", key}
		trust = "SSL_CERT_FILE=" + cert
	}
	w.startServer()
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.host = start(t, hostNode, link.Fragment(), n.origin(at, hostLine), trust, relayEnv+"="+n.relay)
	w.host.await("phase alone", 1, patience)
	w.guest = start(t, guestNode, link.Guest().Fragment(), n.origin(at, guestLine), trust)
	for _, p := range []*party{w.host, w.guest} {
		p.await("connected "+n.path, 1, patience)
		p.await("picture", several, patience)
	}
	w.host.hangUp()
	w.host.drain()
	n.named(t, w.host)
	if n.path == "direct" && w.host.said["route direct"] != 1 {
		t.Errorf("host: %v", w.host.log)
	}
	if n.path == "relayed" && !slices.ContainsFunc(n.into, func(way string) bool { return w.host.said["route relay "+way] == 1 }) {
		t.Errorf("host: %v; want a relay by one of %v", w.host.log, n.into)
	}
}

// named: the host was told of the way when it was connected.
func (n network) named(t *testing.T, host *party) {
	t.Helper()
	into, families := n.into, []int{0}
	if n.path == "direct" {
		into, families = []string{"udp"}, []int{4, 6}
		if n.family != 0 {
			families = []int{n.family}
		}
	}
	for _, over := range into {
		for _, family := range families {
			if host.said[fmt.Sprintf("way %s %s %d", n.path, over, family)] > 0 {
				return
			}
		}
	}
	t.Errorf("host: %v; want a way %s over one of %v, family one of %v", host.log, n.path, into, families)
}

// origin is the server by an address that somebody on this line can reach.
func (n network) origin(server, line *netlab.Link) string {
	scheme, port := "http", uint16(8080)
	if n.tls {
		scheme, port = "https", 443
	}
	public := server.Public()
	i := slices.IndexFunc(public, func(a netip.Addr) bool {
		return slices.ContainsFunc(line.Addrs, func(own netip.Addr) bool { return own.Is4() == a.Is4() })
	})
	at := scheme + "://" + netip.AddrPortFrom(public[i], port).String()
	if n.tls { // the usual port is left away, as browsers do
		at = at[:len(at)-len(":443")]
	}
	return at
}
