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
// timer; closing then takes the whole server down. It has to wait for the answer.
func TestClosingWaitsForPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g granting
		one, other := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1")), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:2"))
		answer := func(class stun.MessageClass) []byte {
			return stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodCreatePermission, class)).Raw
		}
		for name, tt := range map[string]struct {
			answers func()
			want    time.Duration
		}{
			"granted":  {func() { g.answered(one, answer(stun.ClassSuccessResponse)) }, time.Second},
			"refused":  {func() { g.answered(one, answer(stun.ClassErrorResponse)) }, time.Second},
			"others":   {func() { g.answered(other, answer(stun.ClassSuccessResponse)) }, grantingMax},
			"requests": {func() { g.answered(one, answer(stun.ClassRequest)) }, grantingMax},
			"data":     {func() { g.answered(one, channelData(0x4000, []byte("data"))) }, grantingMax},
		} {
			g.begin(one)
			began := time.Now()
			time.AfterFunc(time.Second, tt.answers)
			if g.wait(one); time.Since(began) != tt.want {
				t.Errorf("%s: waited %v, want %v", name, time.Since(began), tt.want)
			}
		}
		began := time.Now()
		if g.wait(one); time.Since(began) != 0 {
			t.Error("waits, and nothing is being made")
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
