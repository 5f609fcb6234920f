package netlab_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

// udp opens a socket on a node; addr may be the zero Addr.
func udp(t *testing.T, n *netlab.Node, addr netip.Addr, port uint16) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	err := n.Do(func() (err error) {
		var at *net.UDPAddr
		if addr.IsValid() {
			at = net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port))
		}
		conn, err = net.ListenUDP("udp", at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// mirror answers each packet with the address it came from, and the packet: what
// STUN does (RFC 8489 §2), in fewer bytes.
func mirror(t *testing.T, n *netlab.Node, addr netip.Addr, port uint16) netip.AddrPort {
	t.Helper()
	conn := udp(t, n, addr, port)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			k, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			text := append([]byte(from.String()+" "), b[:k]...)
			_, _ = conn.WriteToUDPAddrPort(text, from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return netip.AddrPortFrom(addr, port)
}

// ask sends to a mirror and returns how it saw the sender, or the zero AddrPort.
func ask(t *testing.T, conn *net.UDPConn, to netip.AddrPort, wait time.Duration) (netip.AddrPort, time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := conn.WriteToUDPAddrPort([]byte("?"), to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 200)
	for {
		_ = conn.SetReadDeadline(start.Add(wait))
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return netip.AddrPort{}, 0
		}
		if err != nil {
			t.Fatal(err)
		}
		if from.Addr().Unmap() == to.Addr() && from.Port() == to.Port() {
			seen, _, _ := strings.Cut(string(b[:n]), " ")
			return netip.MustParseAddrPort(seen), time.Since(start)
		}
	}
}

func TestRoundTripOfALink(t *testing.T) {
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{})
	host, link := labtest.Node(t, lab, "host", netlab.LinkOptions{})
	for _, family := range []func(*netlab.Link) netip.Addr{(*netlab.Link).Addr4, (*netlab.Link).Addr6} {
		to := mirror(t, server, family(at), 3478)
		conn := udp(t, host, family(link), 0)
		set := func(i netlab.Impairment) {
			if err := link.SetBoth(i); err != nil {
				t.Fatal(err)
			}
		}
		set(netlab.Impairment{})
		seen, took := ask(t, conn, to, time.Second)
		if seen.Addr() != family(link) {
			t.Errorf("%v is seen as %v", family(link), seen)
		}
		for range 4 { // the quickest of five: other tests keep the machine busy
			_, again := ask(t, conn, to, time.Second)
			took = min(took, again)
		}
		if took > 40*time.Millisecond {
			t.Errorf("a perfect line: a round trip took %v", took)
		}
		set(netlab.Impairment{Delay: 50 * time.Millisecond})
		took = time.Second
		for range 5 {
			_, again := ask(t, conn, to, time.Second)
			took = min(took, again)
		}
		if took < 100*time.Millisecond || took > 150*time.Millisecond {
			t.Errorf("50 ms each way: a round trip took %v", took)
		}
		set(netlab.Impairment{Down: true})
		if seen, _ := ask(t, conn, to, 200*time.Millisecond); seen.IsValid() {
			t.Error("an outage let a packet through")
		}
	}
}

// flood sends n packets of this length, one each gap, from host to server, and
// returns which came when.
func flood(t *testing.T, from, to *net.UDPConn, n, length int, gap time.Duration) (numbers []int, took time.Duration) {
	t.Helper()
	done := make(chan struct{})
	var first time.Time
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			_ = to.SetReadDeadline(time.Now().Add(700 * time.Millisecond))
			if _, _, err := to.ReadFromUDPAddrPort(b); err != nil {
				return
			}
			if first.IsZero() {
				first = time.Now()
			}
			numbers, took = append(numbers, int(binary.BigEndian.Uint32(b))), time.Since(first)
		}
	}()
	local := netip.MustParseAddrPort(to.LocalAddr().String())
	ticker := time.NewTicker(gap)
	defer ticker.Stop()
	b := make([]byte, length)
	for i := range n {
		binary.BigEndian.PutUint32(b, uint32(i))
		if _, err := from.WriteToUDPAddrPort(b, local); err != nil {
			t.Fatal(err)
		}
		<-ticker.C
	}
	<-done
	return numbers, took
}

func TestLossAndRateOfALink(t *testing.T) {
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{})
	host, link := labtest.Node(t, lab, "host", netlab.LinkOptions{})
	to, from := udp(t, server, at.Addr4(), 9), udp(t, host, link.Addr4(), 0)

	if err := link.Set(netlab.Impairment{Loss: 0.2}, netlab.Impairment{}); err != nil {
		t.Fatal(err)
	}
	came, _ := flood(t, from, to, 2000, 100, 500*time.Microsecond)
	if lost := 1 - float64(len(came))/2000; math.Abs(lost-0.2) > 0.03 {
		t.Errorf("lost %.3f, want 0.2", lost)
	}
	if !slices.IsSorted(came) {
		t.Error("packets came out of order")
	}
	if up, _ := link.Counters(); math.Abs(float64(up.Lost)/float64(up.Sent)-0.2) > 0.03 {
		t.Errorf("counted %+v", up)
	}

	// 500 bytes and 28 of headers at 500 kbit/s are 8.4 ms: offered twice of what fits, the queue
	// (20 packets) fills, then half is dropped.
	rate := netlab.Impairment{Rate: 500_000, Queue: 20 * 528}
	if err := link.Set(rate, netlab.Impairment{}); err != nil {
		t.Fatal(err)
	}
	came, took := flood(t, from, to, 200, 500, 4224*time.Microsecond)
	got := float64(len(came)-1) * 528 * 8 / took.Seconds()
	if math.Abs(got/500_000-1) > 0.1 {
		t.Errorf("%.0f bit/s passed, want 500000", got)
	}
	if len(came) < 105 || len(came) > 135 {
		t.Errorf("%d of 200 packets passed, want about 120", len(came))
	}
}

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

func TestSwitchAndCut(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{})
	guest, its := labtest.Node(t, lab, "guest", netlab.LinkOptions{})
	host, old := labtest.Node(t, lab, "host", netlab.LinkOptions{Interface: "wlan0"})
	toServer, toGuest := mirror(t, server, at.Addr4(), 3478), mirror(t, guest, its.Addr4(), 3478)
	conn := udp(t, host, netip.Addr{}, 0)

	lab.Cut(host, guest)
	if seen, _ := ask(t, conn, toGuest, 200*time.Millisecond); seen.IsValid() {
		t.Error("a cut path let a packet through")
	}
	if seen, _ := ask(t, conn, toServer, time.Second); seen.Addr() != old.Addr4() {
		t.Errorf("beside a cut path: %v", seen)
	}
	lab.Mend(host, guest)

	second, err := host.Attach(ctx, netlab.LinkOptions{Interface: "wwan0"})
	if err != nil {
		t.Fatal(err)
	}
	// Two links at once: the source address decides.
	for _, link := range []*netlab.Link{old, second} {
		if seen, _ := ask(t, udp(t, host, link.Addr4(), 0), toGuest, time.Second); seen.Addr() != link.Addr4() {
			t.Errorf("from %v: %v", link.Addr4(), seen)
		}
	}
	if err := second.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	link, err := host.Switch(ctx, netlab.LinkOptions{Interface: "wwan0", NAT: netlab.NATPortRestricted})
	if err != nil {
		t.Fatal(err)
	}
	seen, _ := ask(t, conn, toServer, time.Second)
	if !seen.IsValid() || seen.Addr() == old.Addr4() || !link.Addr4().IsPrivate() {
		t.Errorf("after the switch to %v: %v", link.Addr4(), seen)
	}
	devices, err := host.Command(ctx, "ip", "-o", "-4", "addr", "show", "up").Output()
	if err != nil || strings.Contains(string(devices), "wlan0") || !strings.Contains(string(devices), "wwan0") {
		t.Errorf("devices after the switch: %v\n%s", err, devices)
	}
}

// TestNothingIsLeft: not after Close, whoever runs inside, and not in our own namespace.
func TestNothingIsLeft(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	labtest.New(t) // or skip
	before, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := netlab.New(ctx, netlab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, _ := labtest.Node(t, lab, "host", netlab.LinkOptions{NAT: netlab.NATSymmetric})
	sleeper := host.Command(ctx, "sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	during, err := net.Interfaces()
	if err != nil || len(during) != len(before) {
		t.Errorf("the lab made an interface here: %v, before %v (%v)", during, before, err)
	}
	name := host.Namespace()
	if err := lab.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := sleeper.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("a process inside ended with %v", err)
	}
	prefix := strings.TrimSuffix(name, "host")
	left, err := os.ReadDir("/run/netns")
	for _, e := range left {
		if strings.HasPrefix(e.Name(), prefix) {
			t.Errorf("%s is left", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestRemainsOfACrashAreRemoved: a namespace named for a process that is dead.
func TestRemainsOfACrashAreRemoved(t *testing.T) {
	ctx := t.Context()
	labtest.New(t) // or skip
	dead := exec.CommandContext(ctx, "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	name := "visavis-" + strings.Join([]string{strconv.Itoa(dead.ProcessState.Pid()), "1", "abcd", "host"}, "-")
	if out, err := exec.CommandContext(ctx, "ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	labtest.New(t)
	if _, err := os.Stat("/run/netns/" + name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", name, err)
	}
}
