package relay

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// A call ends in the moment in which a client gets its first permission. pion
// up to 5.1.2 showed the permission to whoever closed the allocation before it had
// a timer; closing then took the whole server down.
func TestEndMeetsFirstPermission(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 10_000})
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
