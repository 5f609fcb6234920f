package relay

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// switchOffload is Offload where the server's end of the wire is.
func (r *relayed) switchOffload(t *testing.T, on bool) bool {
	t.Helper()
	var does bool
	err := inside(r.wire.server, func() error { does = r.Offload(on); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return does
}

// Nothing is lost while the kernel begins to forward and ceases to, and everything is
// counted: what it forwarded, and that it did only while it was to.
func TestOffloadIsSwitched(t *testing.T) {
	t.Parallel()
	r := serveOn(t, needsVeth(t), Config{Limits: Limits{PacketsPerSecond: 1_000_000}}, "udp4", "127.0.0.1:0", nil)
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	sent := uint32(0)
	pass := func() {
		for _, way := range []struct{ from, to bound }{{host, guest}, {guest, host}} {
			sent++
			way.from.say(binary.BigEndian.AppendUint32(nil, sent))
			if got := way.to.hear(2 * time.Second); len(got) != 4 || binary.BigEndian.Uint32(got) != sent {
				t.Fatalf("got %x, want %d", got, sent)
			}
		}
	}
	grows := func(what string, count func() float64) {
		before := count()
		until(t, what, func() bool { pass(); return count() >= before+100 })
	}
	kernel := func() float64 { return counter(t, r.metrics.kernel) }
	fast := func() float64 { return counter(t, r.metrics.fast) }
	for range 3 {
		for range 2 { // the second time it does already
			if !r.switchOffload(t, true) {
				t.Fatal("the kernel does not forward")
			}
		}
		grows("the kernel carries nothing", kernel)
		over := make(chan bool)
		go func() { over <- r.switchOffload(t, false) }()
		for off := false; !off; {
			pass()
			select {
			case does := <-over:
				if off = true; does {
					t.Error("it says that the kernel forwards")
				}
			default:
			}
		}
		before := kernel()
		grows("the server carries nothing", fast)
		if n := kernel() - before; n != 0 {
			t.Errorf("the kernel has carried %v when it was off", n)
		}
	}
	until(t, "not counted", func() bool { return counter(t, r.metrics.packets) == float64(sent) })
}

// Calls begin and end while the kernel's part does: an end is an end, and whoever begins is
// heard.
func TestOffloadIsSwitchedAmongCalls(t *testing.T) {
	t.Parallel()
	r := serveOn(t, needsVeth(t), Config{Limits: Limits{RequestsPerSecond: 1000, AllocationsPerIP: 1000}}, "udp4", "127.0.0.1:0", nil)
	var switching sync.WaitGroup
	over := make(chan struct{})
	switching.Go(func() {
		defer close(over)
		for i := range 12 {
			r.switchOffload(t, i%2 == 0)
		}
	})
	defer switching.Wait()
	for n := byte(1); ; n++ {
		call := [16]byte{n}
		host, guest := r.bound(t, call, "udp", "udp")
		for range 20 {
			host.say([]byte("there?"))
			if got := guest.hear(2 * time.Second); string(got) != "there?" {
				t.Fatalf("call %d: got %q", n, got)
			}
		}
		r.EndCall(call)
		host.say([]byte("still there?"))
		if got := guest.hear(5 * time.Millisecond); got != nil {
			t.Fatalf("call %d goes on after its end: %q", n, got)
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

// Whoever switches while the server ends leaves nothing behind.
func TestOffloadIsSwitchedAtTheEnd(t *testing.T) {
	t.Parallel()
	r := serveOn(t, needsVeth(t), Config{}, "udp4", "127.0.0.1:0", nil)
	begun := make(chan struct{})
	var switching sync.WaitGroup
	switching.Go(func() {
		for i := range 6 {
			r.switchOffload(t, i%2 == 0)
			if i == 1 {
				close(begun)
			}
		}
	})
	<-begun
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	switching.Wait()
	if r.switchOffload(t, true) || r.loop.kernel.Load() != nil {
		t.Error("the kernel forwards for a server that is closed")
	}
}

// An interface that comes is taken, and one that is not fit any more is let go: what goes
// by it goes by the server. Nothing of it is lost.
func TestKernelFollowsInterfaces(t *testing.T) {
	t.Parallel()
	wire := ownVeth(t, "w")
	r := serveOn(t, wire, Config{Path: PathOffload}, "udp4", "0.0.0.0:0", nil)
	ip(t, wire.server, "link add wire2 type veth peer name wire2 netns "+wire.clients)
	ip(t, wire.server, "addr add 10.78.0.1/24 dev wire2")
	ip(t, wire.clients, "addr add 10.78.0.9/24 dev wire2")
	ip(t, wire.server, "link set wire2 up")
	ip(t, wire.clients, "link set wire2 up")
	_, port, err := net.SplitHostPort(r.udp)
	if err != nil {
		t.Fatal(err)
	}
	at := func(ip string) *relayed { return &relayed{r.Server, net.JoinHostPort(ip, port), "", wire, false} }
	call := [16]byte{1}
	host, guest := bindBoth(at("10.77.0.1").client(t, "udp", call, protocol.RoleHost), at("10.78.0.1").client(t, "udp", call, protocol.RoleGuest))
	r.settle(t, host, guest) // by the new one

	pass := func() {
		t.Helper()
		for _, way := range []struct{ from, to bound }{{host, guest}, {guest, host}} {
			way.from.say([]byte("data"))
			if got := way.to.hear(2 * time.Second); string(got) != "data" {
				t.Fatalf("got %q", got)
			}
		}
	}
	ip(t, wire.server, "link set wire2 mtu 1279")
	fast := counter(t, r.metrics.fast)
	until(t, "the server carries nothing", func() bool { pass(); return counter(t, r.metrics.fast) >= fast+20 })
	ip(t, wire.server, "link set wire2 mtu 1500")
	r.settle(t, host, guest)

	ip(t, wire.server, "link del wire2")
	until(t, "what went out by an interface that is gone is still the kernel's", func() bool {
		k := r.loop.kernel.Load()
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.calls) == 0
	})
}
