package relay

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// One address asks for hundreds of allocations in as many calls, and for hundred
// in one call: it gets what the defaults give, and 486 for the others.
func TestHundredAllocations(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		limits := DefaultLimits()
		for name, tt := range map[string]struct {
			call        func(i int) [16]byte
			asked, want int
		}{
			"of many calls": {func(i int) [16]byte { return [16]byte{1, byte(i), byte(i >> 8)} }, limits.AllocationsPerIP + 20, limits.AllocationsPerIP},
			"of one call":   {func(int) [16]byte { return [16]byte{2} }, 100, limits.AllocationsPerRole},
		} {
			t.Run(name, func(t *testing.T) {
				r := serve(t, Limits{RequestsPerSecond: 1000})
				for i := range tt.asked {
					want := stun.ErrorCode(0)
					if i >= tt.want {
						want = stun.CodeAllocQuotaReached
					}
					r.client(t, "udp", tt.call(i), protocol.RoleHost).request(stun.MethodAllocate, want, udpTransport)
				}
			})
		}
	})
}

// A hundred thousand packets as fast as they can be sent, small and large: what
// passes is what the defaults let pass in that time.
func TestHundredThousandPackets(t *testing.T) {
	for name, size := range map[string]int{"small": 40, "large": 1200} {
		t.Run(name, func(t *testing.T) { eachPath(t, func(t *testing.T, path Path) { hundredThousand(t, path, size) }) })
	}
}

func hundredThousand(t *testing.T, path Path, size int) {
	const sent = 100_000
	limits := DefaultLimits()
	l := newLine(t, path, limits)
	a, b := l.pair()
	start := time.Now()
	data := make([]byte, size)
	for range sent {
		l.send(a, b, data)
	}
	l.close()
	seconds := time.Since(start).Seconds() + 2 // and what may come at once
	passed := counter(t, l.metrics.packets)
	dropped := counter(t, l.metrics.drops.WithLabelValues(dropPacketRate)) + counter(t, l.metrics.drops.WithLabelValues(dropBitRate)) +
		counter(t, l.metrics.drops.WithLabelValues(dropQueue))
	if most := seconds * float64(limits.PacketsPerSecond); passed > most || passed == 0 {
		t.Errorf("%v packets passed in %.1f s, want at most %.0f", passed, seconds, most)
	}
	if bits := passed * float64(8*size); bits > seconds*float64(limits.BitsPerSecond) {
		t.Errorf("%.0f bits passed in %.1f s", bits, seconds)
	}
	if passed+dropped != sent {
		t.Errorf("%v passed and %v were dropped, of %d", passed, dropped, sent)
	}
}
