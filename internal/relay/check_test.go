package relay

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

func openCheck(t *testing.T, r *relayed) *Check {
	t.Helper()
	c, err := r.OpenCheck(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// probe is the client's end of a check.
func (r *relayed) probe(t *testing.T, c *Check, network string) *rawClient {
	t.Helper()
	probe := r.client(t, network, [16]byte{}, protocol.RoleGuest)
	probe.user, probe.password, _ = c.Credentials()
	return probe
}

func addressOf(c *Check) stun.XORMappedAddress {
	at := c.Conn().LocalAddr().(*net.UDPAddr)
	return stun.XORMappedAddress{IP: at.IP, Port: at.Port}
}

// take reads one packet at the near end.
func take(t *testing.T, c *Check) ([]byte, net.Addr) {
	t.Helper()
	type packet struct {
		data []byte
		from net.Addr
	}
	got := make(chan packet, 1)
	go func() {
		p := make([]byte, mtu)
		n, from, _ := c.Conn().ReadFrom(p)
		got <- packet{p[:n], from}
	}()
	select {
	case p := <-got:
		return p.data, p.from
	case <-time.After(5 * time.Second):
		_ = c.Close()
		t.Fatal("nothing arrived at the near end")
		return nil, nil
	}
}

func TestCheckCarriesBothWays(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 1000})
		for _, network := range []string{"udp", "tcp"} {
			c := openCheck(t, r)
			probe := r.probe(t, c, network)
			relayed := probe.allocate()
			probe.request(stun.MethodCreatePermission, 0, peerAddress(addressOf(c)))
			probe.send(addressOf(c), []byte("hello"))
			data, from := take(t, c)
			if string(data) != "hello" || from.(*net.UDPAddr).Port != relayed.Port {
				t.Fatalf("%s: near end got %q from %v, want hello from port %d", network, data, from, relayed.Port)
			}
			if _, err := c.Conn().WriteTo([]byte("back"), from); err != nil {
				t.Fatal(err)
			}
			answer := probe.receive(5 * time.Second)
			if answer == nil || !bytes.Contains(answer.Raw, []byte("back")) {
				t.Fatalf("%s: client got %v, want a packet with back", network, answer)
			}
		}
	})
}

// Whatever the near end is told to write to, only its own client can get it.
func TestCheckStaysInTheLoop(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 1000})
		victim, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = victim.Close() }()
		c, other := openCheck(t, r), openCheck(t, r)
		stranger := r.client(t, "udp", [16]byte{7}, protocol.RoleHost).allocate()
		before := counter(t, r.metrics.packets)
		for _, to := range []net.Addr{
			victim.LocalAddr(), other.Conn().LocalAddr(), c.Conn().LocalAddr(),
			&net.UDPAddr{IP: stranger.IP, Port: stranger.Port}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 22},
		} {
			if _, err := c.Conn().WriteTo([]byte("attack"), to); err != nil {
				t.Error(err)
			}
		}
		if got := counter(t, r.metrics.packets); got != before {
			t.Errorf("%v packets were relayed", got-before)
		}
		if err := victim.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if n, _, err := victim.ReadFrom(make([]byte, mtu)); err == nil {
			t.Errorf("an address outside got %d bytes", n)
		}
	})
}

func TestCheckIsSmall(t *testing.T) {
	r := serve(t, Limits{RequestsPerSecond: 1000, CheckAllocations: 2, CheckBytes: 10})
	c := openCheck(t, r)
	probe := r.probe(t, c, "udp")
	probe.allocate()
	r.probe(t, c, "udp").allocate()
	r.probe(t, c, "udp").request(stun.MethodAllocate, stun.CodeAllocQuotaReached, udpTransport)
	probe.request(stun.MethodCreatePermission, 0, peerAddress(addressOf(c)))
	probe.send(addressOf(c), []byte("0123456789"))
	probe.send(addressOf(c), []byte("x"))
	probe.request(stun.MethodCreatePermission, 0, peerAddress(addressOf(c))) // answered after both
	if data, _ := take(t, c); string(data) != "0123456789" {
		t.Errorf("got %q", data)
	}
	if n := len(c.near.reader.in); n != 0 {
		t.Errorf("%d packets beyond the limit", n)
	}
}

func TestCheckIsOverWithItsNearEnd(t *testing.T) {
	r := serve(t, Limits{RequestsPerSecond: 1000})
	c := openCheck(t, r)
	probe := r.probe(t, c, "udp")
	probe.allocate()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	r.probe(t, c, "udp").request(stun.MethodAllocate, stun.CodeUnauthorized, udpTransport)
	r.loop.mu.RLock()
	if r.loop.room(c.account, client{}) { // a request that was verified before the end
		t.Error("there is still room")
	}
	if n := len(r.loop.calls); n != 0 {
		t.Errorf("%d calls are remembered", n)
	}
	r.loop.mu.RUnlock()
	if got := counter(t, r.metrics.allocations); got != 0 {
		t.Errorf("%v allocations are counted", got)
	}
	probe.request(stun.MethodRefresh, 0, seconds(0))
	r.areKept(t, 0)
}

func TestCheckCredentialsExpire(t *testing.T) {
	r := serve(t, Limits{})
	now := time.Now()
	c := openCheck(t, r)
	name, _, expires := c.Credentials()
	if d := expires.Sub(now); d > checkTTL || d < checkTTL-time.Second {
		t.Errorf("good for %v", d)
	}
	if _, _, ok := r.verify(name, DefaultRealm, stun.MethodAllocate, now); !ok {
		t.Error("not good now")
	}
	if _, _, ok := r.verify(name, DefaultRealm, stun.MethodAllocate, now.Add(checkTTL+time.Second)); ok {
		t.Error("good later")
	}
	if _, ok := parseAccount(c.account.handle + "." + string(roleMirror)); ok {
		t.Error("somebody else can be the near end")
	}
}

// The server ends while a check does: nothing is sent to its client any more, by nobody whom
// the server would not wait for.
func TestCheckEndsWithTheServer(t *testing.T) {
	l := newLine(t, PathSlow, Limits{})
	const handle = "aaaaaaaaaaaaaaaa"
	near, err := l.openCheck(handle)
	if err != nil {
		t.Fatal(err)
	}
	far := allocated(t, l.loop, roleProbe, 1)
	delete(l.calls, handle) // half of closeCheck
	l.close()
	if why := near.deliver([]byte("late"), far.addr); why == "" {
		t.Error("a packet is taken for a client of a server that has ended")
	}
	leaveAll(near.call.list())
}
