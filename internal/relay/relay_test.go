package relay

import (
	"bytes"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/visavis-call/visavis/protocol"
)

func TestCredentials(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 1000})
		call := [16]byte{1}
		old, oldPassword, _ := r.Credentials(call, protocol.RoleHost, time.Now().Add(-credentialTTL-time.Minute))
		good, password, expires := r.Credentials(call, protocol.RoleHost, time.Now())
		if d := time.Until(expires); d < credentialTTL-2*time.Second || d > credentialTTL {
			t.Errorf("expires in %v", d)
		}
		ended := [16]byte{9}
		gone, gonePassword, _ := r.Credentials(ended, protocol.RoleGuest, time.Now())
		r.EndCall(ended)

		for _, tt := range []struct {
			name, user, password string
			want                 stun.ErrorCode
		}{
			{"valid", good, password, 0},
			{"wrong password", good, "wrong", stun.CodeUnauthorized},
			{"expired", old, oldPassword, stun.CodeUnauthorized},
			{"expiry changed", "9" + good, password, stun.CodeUnauthorized},
			{"role changed", good[:len(good)-len("host")] + "guest", password, stun.CodeUnauthorized},
			{"unknown role", good[:len(good)-len("host")] + "root", password, stun.CodeUnauthorized},
			{"ended call", gone, gonePassword, stun.CodeUnauthorized},
			{"no user", "", "", stun.CodeUnauthorized},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := r.client(t, "udp", call, protocol.RoleHost)
				c.user, c.password = tt.user, tt.password
				c.request(stun.MethodAllocate, tt.want, udpTransport)
			})
		}
	})
}

func TestExpiredCredentialsKeepAllocation(t *testing.T) {
	r := serve(t, Limits{})
	now := time.Now()
	name, _, _ := r.Credentials([16]byte{1}, protocol.RoleHost, now)
	later := now.Add(2 * credentialTTL)
	if _, _, ok := r.verify(name, DefaultRealm, stun.MethodRefresh, later); !ok {
		t.Error("an allocation dies with its credentials")
	}
	if _, _, ok := r.verify(name, DefaultRealm, stun.MethodAllocate, later); ok {
		t.Error("expired credentials allocate")
	}
}

// Addresses that a relay must never reach, however they are written.
func TestForeignPeersRefused(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		c.allocate()
		for _, ip := range []string{
			"127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "0.0.0.0", "255.255.255.255",
			"224.0.0.1", "8.8.8.8", "198.51.100.2",
		} {
			c.request(stun.MethodCreatePermission, stun.CodeForbidden, peer(ip, 22))
			c.request(stun.MethodChannelBind, stun.CodeForbidden, peer(ip, 22), channelNumber(0x4000))
		}
		for _, ip := range []string{"::1", "64:ff9b::7f00:1", "fe80::1", "2002:7f00:1::"} {
			c.request(stun.MethodCreatePermission, stun.CodePeerAddrFamilyMismatch, peer(ip, 22))
			c.request(stun.MethodChannelBind, stun.CodeForbidden, peer(ip, 22), channelNumber(0x4000))
		}
		for _, ip := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254"} { // ::ffff:127.0.0.1 and so on
			for _, m := range []*stun.Message{
				c.exchange(c.signed(stun.MethodCreatePermission, mappedPeer{ip, 22}), time.Second),
				c.exchange(c.signed(stun.MethodChannelBind, mappedPeer{ip, 22}, channelNumber(0x4000)), time.Second),
			} {
				if m == nil || m.Type.Class != stun.ClassErrorResponse {
					t.Errorf("mapped %s: %v", ip, m)
				}
			}
		}
		if n := counter(t, r.metrics.drops.WithLabelValues(dropForeign)); n < 10 {
			t.Errorf("%v foreign peers counted, want 10 and more", n)
		}
		// A permission for the relay's own address is given, and leads nowhere.
		c.request(stun.MethodCreatePermission, 0, peer("198.51.100.1", 22))
		c.send(stun.XORMappedAddress(peer("198.51.100.1", 22)), []byte("anybody there?"))
		if m := c.receive(100 * time.Millisecond); m != nil {
			t.Errorf("something came back: %v", m)
		}
	})
}

func TestTCPRelayingRefused(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		c.request(stun.MethodAllocate, stun.CodeUnsupportedTransProto, transport(6))
		relayed := c.allocate()
		c.request(stun.MethodConnect, stun.CodeForbidden, peerAddress(relayed))
		c.request(stun.MethodConnectionBind, stun.CodeForbidden)
	})
}

func TestEvenPortRefused(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		even := stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0x80}}
		c.request(stun.MethodAllocate, stun.CodeInsufficientCapacity, udpTransport, even)
	})
}

func TestDelivery(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(network, func(t *testing.T) {
				r := serve(t, Limits{})
				call := [16]byte{1}
				host := r.client(t, network, call, protocol.RoleHost)
				guest := r.client(t, network, call, protocol.RoleGuest)
				from, to := host.allocate(), guest.allocate()
				host.request(stun.MethodCreatePermission, 0, peerAddress(to))
				guest.request(stun.MethodCreatePermission, 0, peerAddress(from))

				host.send(to, []byte("hello"))
				m := guest.receive(2 * time.Second)
				if m == nil {
					t.Fatal("nothing arrived")
				}
				if data, err := m.Get(stun.AttrData); err != nil || !bytes.Equal(data, []byte("hello")) {
					t.Errorf("got %q, %v", data, err)
				}
				var sender stun.XORMappedAddress
				if err := sender.GetFromAs(m, stun.AttrXORPeerAddress); err != nil || sender.String() != from.String() {
					t.Errorf("from %v, want %v", sender, from)
				}

				host.send(from, []byte("to myself"))
				if m := host.receive(100 * time.Millisecond); m != nil {
					t.Errorf("an allocation reached itself: %v", m)
				}
			})
		}
	})
}

func TestQuotas(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		for _, tt := range []struct {
			name   string
			limits Limits
			call   func(i int) [16]byte
		}{
			{"role", Limits{AllocationsPerRole: 3}, func(int) [16]byte { return [16]byte{1} }},
			{"address", Limits{AllocationsPerIP: 3}, func(i int) [16]byte { return [16]byte{byte(i)} }},
			{"server", Limits{Allocations: 3}, func(i int) [16]byte { return [16]byte{byte(i)} }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := serve(t, tt.limits)
				var clients []*rawClient
				for i := range 3 {
					c := r.client(t, "udp", tt.call(i), protocol.RoleHost)
					c.allocate()
					clients = append(clients, c)
				}
				extra := r.client(t, "udp", tt.call(3), protocol.RoleHost)
				extra.request(stun.MethodAllocate, stun.CodeAllocQuotaReached, udpTransport)
				// What is given back can be had again.
				clients[0].request(stun.MethodRefresh, 0, stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)})
				extra.allocate()
			})
		}
	})
}

func TestChannelLimit(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{Channels: 2})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		c.allocate()
		ip := r.loop.ip.String()
		c.request(stun.MethodChannelBind, 0, peer(ip, 50001), channelNumber(0x4001))
		c.request(stun.MethodChannelBind, 0, peer(ip, 50002), channelNumber(0x4002))
		c.request(stun.MethodChannelBind, stun.CodeInsufficientCapacity, peer(ip, 50003), channelNumber(0x4003))
		c.request(stun.MethodChannelBind, 0, peer(ip, 50002), channelNumber(0x4002)) // a refresh
	})
}

func TestPeersOfOneRequestAreBounded(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		c.allocate()
		many := make([]stun.Setter, maxPeers)
		for i := range many {
			many[i] = peer(r.loop.ip.String(), 50000+i)
		}
		c.request(stun.MethodCreatePermission, 0, many...)
		c.request(stun.MethodCreatePermission, stun.CodeInsufficientCapacity, append(many, many[0])...)
	})
}

// Whoever has no credentials gets few answers, but STUN keeps working.
func TestUnauthenticatedFlood(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 2})
		c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
		c.allocate()
		const burst = 3 * 2
		answers := 0
		for range 10 * burst {
			m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
			if c.exchange(m, 20*time.Millisecond) != nil {
				answers++
			}
		}
		if answers > burst+4 { // 60 × 20 ms and two a second
			t.Errorf("%d answers", answers)
		}
		if n := counter(t, r.metrics.drops.WithLabelValues(dropRequestRate)); n == 0 {
			t.Error("no drop counted")
		}
		m := c.exchange(stun.MustBuild(stun.TransactionID, stun.BindingRequest), time.Second)
		if m == nil || m.Type != stun.BindingSuccess {
			t.Fatalf("Binding: %v", m)
		}
		if m.Contains(stun.AttrSoftware) {
			t.Error("the answer says what software this is")
		}
		// Bytes on the wire, IPv4 and UDP headers (28) counted.
		const request, headers = 20, 28
		if ratio := float64(len(m.Raw)+headers) / (request + headers); ratio > 1.5 {
			t.Errorf("Binding amplifies %.2f times", ratio)
		}
		// A client with credentials is not in the way of that limit.
		c.request(stun.MethodRefresh, 0)
	})
}

func pair(t *testing.T, l *loop) (a, b *allocation) {
	t.Helper()
	return allocated(t, l, protocol.RoleHost, 1), allocated(t, l, protocol.RoleGuest, 2)
}

func allocated(t *testing.T, l *loop, role protocol.Role, port uint16) *allocation {
	t.Helper()
	user := userID(account{"aaaaaaaaaaaaaaaa", role}, client{1, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)})
	pc, _, err := l.AllocatePacketConn(turn.AllocateListenerConfig{Network: "udp4", UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	return pc.(*allocation)
}

// slowOutlet is a client that takes a packet when it is read from here.
type slowOutlet chan []byte

func (s slowOutlet) WriteTo(p []byte, _ net.Addr) (int, error) {
	s <- bytes.Clone(p)
	return len(p), nil
}

// A client that is slow to take packets gets them in the order in which they came, and
// of those that it does not take in time the newest are dropped.
func TestFullQueueDropsNewest(t *testing.T) {
	l := newLine(t, PathSlow, Limits{})
	a, b := l.pair()
	taken := make(slowOutlet)
	b.outlet = taken
	for i := range queueLength + 1 {
		l.send(a, b, []byte{byte(i)})
		if i == 0 {
			for waiting(b) > 0 { // until it is on its way
				runtime.Gosched()
			}
		}
	}
	for range 5 {
		l.send(a, b, []byte("newest"))
	}
	if n := counter(t, l.metrics.drops.WithLabelValues(dropQueue)); n != 5 {
		t.Errorf("%v dropped, want 5", n)
	}
	for i := range queueLength + 1 {
		if got, want := <-taken, append(channelData(channelOf(a), []byte{byte(i)}), 0, 0, 0); !bytes.Equal(got, want) {
			t.Fatalf("packet %d: got %x, want %x", i, got, want)
		}
	}
	l.close()
	if b.mail.waiting != nil || b.put(new(packet)) {
		t.Error("who has left keeps packets")
	}
}

func waiting(a *allocation) int {
	a.mail.mu.Lock()
	defer a.mail.mu.Unlock()
	return len(a.mail.waiting)
}

// A request that was authenticated just before the end of its call is too late too.
func TestEndedCallHasNoRoom(t *testing.T) {
	l := newLoop(netip.MustParseAddr("198.51.100.1"), DefaultLimits(), newMetrics())
	a, _ := pair(t, l)
	acc := account{"aaaaaaaaaaaaaaaa", protocol.RoleHost}
	if n := l.end(acc.handle, time.Now()); n != 2 {
		t.Errorf("%d allocations ended, want 2", n)
	}
	if l.of(a.client) != nil || a.put(new(packet)) {
		t.Error("an allocation lives on")
	}
	user := userID(acc, client{1, netip.MustParseAddrPort("127.0.0.1:3")})
	if _, _, err := l.AllocatePacketConn(turn.AllocateListenerConfig{Network: "udp4", UserID: user}); err == nil {
		t.Error("an ended call gets a new allocation")
	}
}

// Calls are forgotten, but not before their credentials are void.
func TestCallsAreForgotten(t *testing.T) {
	l := newLoop(netip.MustParseAddr("198.51.100.1"), DefaultLimits(), newMetrics())
	now := time.Now()
	l.end("aaaaaaaaaaaaaaaa", now)
	l.end("bbbbbbbbbbbbbbbb", now.Add(credentialTTL+2*time.Minute))
	if !l.refuses(account{"aaaaaaaaaaaaaaaa", protocol.RoleHost}, time.Now()) {
		t.Error("forgotten too early")
	}
	l.end("cccccccccccccccc", now.Add(callMemory+2*time.Minute))
	if l.refuses(account{"aaaaaaaaaaaaaaaa", protocol.RoleHost}, time.Now()) || !l.refuses(account{"bbbbbbbbbbbbbbbb", protocol.RoleHost}, time.Now()) {
		t.Error("want the first call forgotten, and only that")
	}
}

func TestRevoke(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 1000})
		call := [16]byte{1}
		host := r.client(t, "udp", call, protocol.RoleHost)
		guest := r.client(t, "udp", call, protocol.RoleGuest)
		hostAddr, guestAddr := host.allocate(), guest.allocate()
		host.request(stun.MethodCreatePermission, 0, peerAddress(guestAddr))
		guest.request(stun.MethodCreatePermission, 0, peerAddress(hostAddr))
		guest.send(hostAddr, []byte("here"))
		if host.receive(2*time.Second) == nil {
			t.Fatal("nothing was relayed")
		}

		r.Revoke(call, protocol.RoleGuest)
		guest.send(hostAddr, []byte("still here"))
		if host.receive(200*time.Millisecond) != nil {
			t.Error("relayed for a guest whose relay was taken away")
		}
		if n := counter(t, r.metrics.allocations); n != 1 {
			t.Errorf("%v allocations, want the host's", n)
		}
		// Credentials of the same second tell old and new guests apart all the same.
		before := guest
		for range 3 {
			again := r.client(t, "tcp", call, protocol.RoleGuest)
			again.user, again.password = before.user, before.password
			again.request(stun.MethodAllocate, stun.CodeUnauthorized, udpTransport)
			next := r.client(t, "udp", call, protocol.RoleGuest)
			next.allocate()
			r.Revoke(call, protocol.RoleGuest)
			before = next
		}
		host.request(stun.MethodRefresh, 0)
	})
}
