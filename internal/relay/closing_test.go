package relay

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// pion up to 5.1.2 shows a permission to whoever closes the allocation before it has a
// timer; closing then takes the whole server down. It has to wait until pion goes on.
func TestClosingWaitsForPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(class stun.MessageClass) []byte {
			return stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodCreatePermission, class)).Raw
		}
		for name, tt := range map[string]struct {
			goesOn func(l line, near net.Addr)
			want   time.Duration
		}{
			"granted":  {func(l line, near net.Addr) { l.answered(1, near, answer(stun.ClassSuccessResponse)) }, time.Second},
			"refused":  {func(l line, near net.Addr) { l.answered(1, near, answer(stun.ClassErrorResponse)) }, time.Second},
			"the next": {func(l line, near net.Addr) { l.permit(1)(near, l.relayIP) }, time.Second},
			"another's": {func(l line, _ net.Addr) {
				l.answered(1, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:2")), answer(stun.ClassSuccessResponse))
			}, grantingMax},
			"over TCP": {func(l line, near net.Addr) { l.answered(2, near, answer(stun.ClassSuccessResponse)) }, grantingMax},
			"requests": {func(l line, near net.Addr) { l.answered(1, near, answer(stun.ClassRequest)) }, grantingMax},
			"data":     {func(l line, near net.Addr) { l.answered(1, near, channelData(0x4000, []byte("data"))) }, grantingMax},
		} {
			l := newLine(t, PathSlow, Limits{})
			a := l.allocated(protocol.RoleHost, 1)
			near, user := net.UDPAddrFromAddrPort(a.client.addr), userID(account{"aaaaaaaaaaaaaaaa", a.role}, a.client)
			l.permit(1)(near, l.relayIP)
			l.events().OnPermissionCreated(near, nil, "UDP", user, "", a.addr, l.relayIP)
			began := time.Now()
			time.AfterFunc(time.Second, func() { tt.goesOn(l, near) })
			closing := func() { l.events().OnPermissionDeleted(near, nil, "UDP", user, "", a.addr, l.relayIP) }
			if closing(); time.Since(began) != tt.want {
				t.Errorf("%s: waited %v, want %v", name, time.Since(began), tt.want)
			}
			synctest.Wait()
			l.events().OnPermissionCreated(near, nil, "UDP", user, "", a.addr, l.relayIP)
			l.answered(1, near, answer(stun.ClassSuccessResponse))
			l.permit(1)(near, l.relayIP) // again: pion has it
			began = time.Now()
			if closing(); time.Since(began) != 0 {
				t.Errorf("%s: waits, and nothing is being made", name)
			}
		}
	})
}

// Allocations end while their client asks without pause for permissions that it has: pion and
// whoever closes do not wait for each other, and with them all who share the socket.
func TestEndMeetsPermissionsAgain(t *testing.T) {
	onPathsHere(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 10_000, PacketsPerSecond: 1_000_000, BitsPerSecond: 1_000_000_000})
		host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
		var peers []stun.Setter
		for port := range 100 {
			peers = append(peers, peer("198.51.100.1", portMin+port))
		}
		var asking sync.WaitGroup
		for i := range 12 { // one after the other, so that pion is with each most of the time
			c := r.client(t, "udp", [16]byte{2, byte(i)}, protocol.RoleHost)
			asking.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				c.request(stun.MethodAllocate, 0, udpTransport, seconds(1))
				request := c.signed(stun.MethodCreatePermission, peers...).Raw
				time.Sleep(940 * time.Millisecond)
				for sent := 0; sent < 4 || c.receive(20*time.Millisecond) != nil; sent++ { // until its end
					if _, err := c.conn.Write(request); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		worst := time.Duration(0)
		for begun := time.Now(); time.Since(begun) < 2300*time.Millisecond; {
			at := time.Now()
			host.say([]byte("there?"))
			if guest.hear(2*grantingMax) == nil {
				t.Fatal("a packet was lost")
			}
			worst = max(worst, time.Since(at))
		}
		asking.Wait()
		if worst > grantingMax/2 {
			t.Errorf("others have waited for %v", worst)
		}
	})
}

// A call ends in the moment in which a client gets its first permission.
func TestEndMeetsFirstPermission(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 10_000, AllocationsPerIP: 1000})
		for i := range 200 {
			call := [16]byte{1, byte(i), byte(i >> 8)}
			c := r.client(t, "udp", call, protocol.RoleHost)
			own := c.allocate()
			request := c.signed(stun.MethodCreatePermission, peerAddress(own))
			var both sync.WaitGroup
			both.Go(func() { _, _ = c.conn.Write(request.Raw) })
			both.Go(func() { r.EndCall(call) })
			both.Wait()
			c.receive(time.Millisecond) // whichever came first
			_ = c.conn.Close()
		}
		if got := counter(t, r.metrics.allocations); got != 0 {
			t.Errorf("%v allocations are left", got)
		}
	})
}
