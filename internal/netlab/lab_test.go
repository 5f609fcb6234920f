package netlab_test

import (
	"context"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

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

// What a program sees of Ethernet is there: an address of hardware. What it sends gets
// everywhere all the same, and the device goes with the link.
func TestEthernet(t *testing.T) {
	lab := labtest.New(t)
	server, at := labtest.Node(t, lab, "server", netlab.LinkOptions{Ethernet: true, Family: netlab.IPv4Only})
	host, _ := labtest.Node(t, lab, "host", netlab.LinkOptions{})
	var device net.Interface
	find := func() error {
		d, err := net.InterfaceByName(at.Interface)
		if err == nil {
			device = *d
		}
		return err
	}
	if err := server.Do(find); err != nil || len(device.HardwareAddr) != 6 {
		t.Errorf("%v, %v", device, err)
	}
	to, conn := mirror(t, server, at.Addr4(), 3478), udp(t, host, netip.Addr{}, 0)
	for deadline := time.Now().Add(10 * time.Second); ; { // the kernel takes its time until a new device sends
		if seen, _ := ask(t, conn, to, 200*time.Millisecond); seen.IsValid() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing comes through")
		}
	}
	if err := at.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Do(find); err == nil {
		t.Error("the device is still there")
	}
}
