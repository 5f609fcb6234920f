package relay

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// areKept waits until so many allocations count for the limits.
func (r *relayed) areKept(t *testing.T, want int) {
	t.Helper()
	kept := func() (clients, addresses int) {
		r.loop.mu.RLock()
		defer r.loop.mu.RUnlock()
		for _, n := range r.loop.perIP {
			addresses += n
		}
		return len(r.loop.clients), addresses
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		clients, addresses := kept()
		if clients == want && addresses == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d allocations are kept, and %d counted for addresses; want %d", clients, addresses, want)
		}
	}
}

func seconds(n uint32) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, n)}
}

// An allocation that was taken away counts until pion has let it go: when its time is
// over, which nothing makes longer, or when the client gives it up.
func TestTakenAllocationCountsUntilItsTimeIsOver(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(network, func(t *testing.T) {
				r := serve(t, Limits{AllocationsPerIP: 2, RequestsPerSecond: 1000})
				call := [16]byte{1}
				short, long := r.client(t, network, call, protocol.RoleHost), r.client(t, network, call, protocol.RoleGuest)
				short.request(stun.MethodAllocate, 0, udpTransport, seconds(1))
				long.request(stun.MethodAllocate, 0, udpTransport)
				r.EndCall(call)
				if n := counter(t, r.metrics.allocations); n != 0 {
					t.Errorf("%v allocations are live", n)
				}
				next := r.client(t, network, [16]byte{2}, protocol.RoleHost)
				next.request(stun.MethodAllocate, stun.CodeAllocQuotaReached, udpTransport)
				for _, m := range []*stun.Message{
					short.signed(stun.MethodRefresh), short.signed(stun.MethodRefresh, seconds(100)),
					short.signed(stun.MethodCreatePermission, peer("198.51.100.1", 50000)),
					short.signed(stun.MethodChannelBind, peer("198.51.100.1", 50000), channelNumber(0x4000)),
				} {
					if answer := short.exchange(m, 50*time.Millisecond); answer != nil {
						t.Errorf("%v is answered with %v", m.Type, answer.Type)
					}
				}
				r.areKept(t, 1)
				long.request(stun.MethodRefresh, 0, seconds(0))
				r.areKept(t, 0)
				next.allocate()
			})
		}
	})
}

// A client goes from call to call with one connection, though pion still has what was taken
// from it. It gets one answer to each request.
func TestConnectionGoesFromCallToCall(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(network, func(t *testing.T) {
				r := serve(t, Limits{RequestsPerSecond: 1000, AllocationsPerIP: 1})
				c := r.client(t, network, [16]byte{}, protocol.RoleHost)
				for i := range byte(3) {
					call := [16]byte{i}
					c.user, c.password, _ = r.Credentials(call, protocol.RoleHost, time.Now())
					c.allocate()
					c.request(stun.MethodAllocate, stun.CodeAllocMismatch, udpTransport)
					if m := c.receive(20 * time.Millisecond); m != nil {
						t.Errorf("one more answer: %v", m)
					}
					r.areKept(t, 1)
					r.EndCall(call)
				}
				// One that pion will not take frees nothing.
				c.user, c.password, _ = r.Credentials([16]byte{9}, protocol.RoleHost, time.Now())
				good := c.nonce
				c.nonce = stun.Nonce("stale")
				c.request(stun.MethodAllocate, stun.CodeStaleNonce, udpTransport)
				c.nonce = good
				r.areKept(t, 1)
				c.allocate()
			})
		}
	})
}

// An allocation has no goroutine while nothing is on its way to its client, and pion
// starts none that stays.
func TestIdleAllocationsHaveNoGoroutine(t *testing.T) {
	r := serve(t, Limits{RequestsPerSecond: 1000})
	goroutines := func() int {
		all := make([]byte, 1<<20)
		return strings.Count(string(all[:runtime.Stack(all, true)]), "packetConnHandler")
	}
	for i := range byte(8) {
		host, guest := r.bound(t, [16]byte{1, i}, "udp", "udp")
		host.request(stun.MethodCreatePermission, 0, peerAddress(guest.relayed))
		host.send(guest.relayed, []byte("past the fast path"))
		if guest.hear(2*time.Second) == nil {
			t.Fatal("nothing arrived")
		}
	}
	r.loop.carriers.Wait()
	for deadline := time.Now().Add(5 * time.Second); goroutines() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines wait for packets", goroutines())
		}
	}
}

// What arrives for a client reaches it while it has a channel to the sender, or a
// permission, and not after.
func TestPermissionsAreKept(t *testing.T) {
	l := newLine(t, PathSlow, Limits{})
	a, b := l.pair()
	heard := make(slowOutlet, 1)
	b.outlet = heard
	user := userID(account{"aaaaaaaaaaaaaaaa", b.role}, b.client)
	kind := func() string {
		l.send(a, b, []byte("12345"))
		l.carriers.Wait()
		select {
		case p := <-heard:
			if isChannelData(p) {
				return "channel"
			}
			m := &stun.Message{Raw: p}
			var from stun.XORMappedAddress
			if m.Decode() != nil || from.GetFromAs(m, stun.AttrXORPeerAddress) != nil || from.Port != a.addr.Port {
				t.Errorf("got %x", p)
			}
			return m.Type.String()
		default:
			return ""
		}
	}
	events := l.events()
	for _, step := range []struct {
		name, want string
		do         func()
	}{
		{"both", "channel", func() {}},
		{"a channel", "channel", func() { events.OnPermissionDeleted(nil, nil, "UDP", user, "", b.addr, a.addr.IP) }},
		{"nothing", "", func() { events.OnChannelDeleted(nil, nil, "UDP", user, "", b.addr, a.addr, 0) }},
		{"a permission", "Data indication", func() { events.OnPermissionCreated(nil, nil, "UDP", user, "", b.addr, a.addr.IP) }},
		{"left", "", b.leave},
	} {
		if step.do(); kind() != step.want {
			t.Errorf("with %s: want %q", step.name, step.want)
		}
	}
}
