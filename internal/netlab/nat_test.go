package netlab_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

func TestNATsMapAsTheySay(t *testing.T) {
	lab := labtest.New(t)
	one, atOne := labtest.Node(t, lab, "one", netlab.LinkOptions{})
	two, atTwo := labtest.Node(t, lab, "two", netlab.LinkOptions{})
	first, second := mirror(t, one, atOne.Addr4(), 3478), mirror(t, two, atTwo.Addr4(), 3478)
	for _, c := range []struct {
		nat          netlab.NAT
		sameMapping  bool // two servers see the same port
		openToOthers bool // a third address gets in
	}{
		{netlab.NATEndpointIndependent, true, true},
		{netlab.NATPortRestricted, true, false},
		{netlab.NATSymmetric, false, false},
	} {
		t.Run(c.nat.String(), func(t *testing.T) {
			host, link := labtest.Node(t, lab, strings.ReplaceAll(c.nat.String(), "-", ""), netlab.LinkOptions{NAT: c.nat})
			conn := udp(t, host, link.Addr4(), 0)
			seen1, _ := ask(t, conn, first, time.Second)
			seen2, _ := ask(t, conn, second, time.Second)
			if !seen1.IsValid() || seen1.Addr() == link.Addr4() || !link.Addr4().IsPrivate() || seen1.Addr() != seen2.Addr() {
				t.Fatalf("%v is seen as %v and as %v", link.Addr4(), seen1, seen2)
			}
			if (seen1.Port() == seen2.Port()) != c.sameMapping {
				t.Errorf("two servers see ports %d and %d", seen1.Port(), seen2.Port())
			}
			other := udp(t, one, atOne.Addr4(), 0)
			if _, err := other.WriteToUDPAddrPort([]byte("hello"), seen1); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			_, _, err := conn.ReadFromUDPAddrPort(make([]byte, 100))
			if (err == nil) != c.openToOthers {
				t.Errorf("a stranger's packet: %v", err)
			}
			// A stranger who came first takes nobody's port away: this is how holes are punched.
			if c.sameMapping {
				stranger := udp(t, two, atTwo.Addr4(), 5000)
				fresh := udp(t, host, link.Addr4(), 6000)
				_, _ = stranger.WriteToUDPAddrPort([]byte("early"), netip.AddrPortFrom(seen1.Addr(), 6000))
				stranger.Close()
				ask(t, conn, second, time.Second) // its answer comes the same way, behind
				if seen, _ := ask(t, fresh, mirror(t, two, atTwo.Addr4(), 5000), time.Second); seen.Port() != 6000 {
					t.Errorf("after an early stranger port 6000 is seen as %v", seen)
				}
			}
		})
	}
}

// A server behind a one-to-one NAT is reached at its outer address, at every port, and
// answers from there.
func TestOneToOneNAT(t *testing.T) {
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{NAT: netlab.NATOneToOne})
	host, link := labtest.Node(t, lab, "host", netlab.LinkOptions{})
	outer := at.Public()[0]
	if outer == at.Addr4() || !at.Addr4().IsPrivate() {
		t.Fatalf("%v is reached at %v", at.Addr4(), outer)
	}
	mirror(t, server, at.Addr4(), 443)
	mirror(t, server, at.Addr4(), 50_000)
	conn := udp(t, host, link.Addr4(), 0)
	for _, port := range []uint16{443, 50_000} {
		if seen, _ := ask(t, conn, netip.AddrPortFrom(outer, port), time.Second); seen.Addr() != link.Addr4() {
			t.Errorf("port %d: seen as %v, want %v", port, seen, link.Addr4())
		}
	}
	if seen, _ := ask(t, udp(t, server, at.Addr4(), 7000), mirror(t, host, link.Addr4(), 7001), time.Second); seen != netip.AddrPortFrom(outer, 7000) {
		t.Errorf("the server is seen as %v, want %v:7000", seen, outer)
	}
}

func TestFirewalls(t *testing.T) {
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{})
	host, link := labtest.Node(t, lab, "host", netlab.LinkOptions{NAT: netlab.NATPortRestricted, Router: true})
	to := mirror(t, server, at.Addr4(), 443)
	listen := func(port int) {
		var l net.Listener
		err := server.Do(func() (err error) {
			l, err = net.ListenTCP("tcp", &net.TCPAddr{Port: port})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	listen(443)
	listen(8080)
	reaches := func(port uint16) bool {
		return host.Do(func() error {
			c, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).Dial("tcp4", netip.AddrPortFrom(at.Addr4(), port).String())
			if err == nil {
				c.Close()
			}
			return err
		}) == nil
	}
	conn := udp(t, host, link.Addr4(), 0)
	for _, c := range []struct {
		wall            string
		udp, web, other bool
	}{
		{"open", true, true, true},
		{"no-udp", false, true, true},
		{"only-tcp:443", false, true, false},
		{"only:443", true, true, false},
		{"only:8080", false, false, true},
		{"open", true, true, true},
	} {
		wall, err := netlab.ParseFirewall(c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if err := link.SetFirewall(t.Context(), wall); err != nil {
			t.Fatal(err)
		}
		seen, _ := ask(t, conn, to, 300*time.Millisecond)
		if seen.IsValid() != c.udp || reaches(443) != c.web || reaches(8080) != c.other {
			t.Errorf("%s: UDP %v, TCP 443 %v, TCP 8080 %v", c.wall, seen.IsValid(), reaches(443), reaches(8080))
		}
	}
}
