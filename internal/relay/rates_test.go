package relay

import (
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

func TestRateLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
		size   int
		reason string
	}{
		{"packets", Limits{PacketsPerSecond: 10}, 10, dropPacketRate},
		{"bits", Limits{BitsPerSecond: 8 * 10_000}, 1000, dropBitRate},
		{"volume", Limits{CallBytes: 10_000}, 1000, dropVolume},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachPath(t, func(t *testing.T, path Path) {
				l := newLine(t, path, tt.limits)
				a, b := l.pair()
				for range 20 {
					l.send(a, b, make([]byte, tt.size))
				}
				passed, dropped := counter(t, l.metrics.packets), counter(t, l.metrics.drops.WithLabelValues(tt.reason))
				if passed < 10 || passed > 11 || passed+dropped != 20 {
					t.Errorf("%v passed, %v dropped as %s; want 10 and 10", passed, dropped, tt.reason)
				}
				if carried := counter(t, l.metrics.bytes); carried != passed*float64(tt.size) {
					t.Errorf("%v bytes counted of %v packets", carried, passed)
				}
			})
		})
	}
}

// What the kernel has let pass is taken from the same buckets: the server lets pass no
// more of it, and notices when both together were too generous.
func TestChargedRates(t *testing.T) {
	limits, now := Limits{BitsPerSecond: 8 * 1000, PacketsPerSecond: 100}.withDefaults(), time.Now()
	for name, tt := range map[string]struct {
		packets, size uint64
		within        bool
		then          string
	}{
		"half":         {50, 500, true, ""},
		"all packets":  {100, 500, true, dropPacketRate},
		"all bits":     {50, 1000, true, dropBitRate},
		"many packets": {126, 0, false, dropPacketRate},
		"many bits":    {1, 1251, false, dropBitRate},
	} {
		var f flow
		if got := f.charge(tt.packets, tt.size, &limits, now); got != tt.within {
			t.Errorf("%s: within the limits: %v, want %v", name, got, tt.within)
		}
		if got := f.take(1, &limits, now); got != tt.then {
			t.Errorf("%s: the next packet is dropped as %q, want %q", name, got, tt.then)
		}
		if got := f.take(1, &limits, now.Add(2*time.Second)); got != "" {
			t.Errorf("%s: two seconds later a packet is dropped as %q", name, got)
		}
	}
}

// Somebody with many allocations, perhaps not even let in, sends no more to one
// place than with one.
func TestManySendersFillNoReceiver(t *testing.T) {
	for reason, limits := range map[string]Limits{
		dropPacketRate: {PacketsPerSecond: 10}, dropBitRate: {BitsPerSecond: 8 * 10_000},
	} {
		eachPath(t, func(t *testing.T, path Path) {
			l := newLine(t, path, limits)
			host := l.allocated(protocol.RoleHost, 1)
			for i := range uint16(10) {
				from := l.allocated(protocol.RoleGuest, 10+i)
				for range 5 {
					l.send(from, host, make([]byte, 1000))
				}
			}
			passed, dropped := counter(t, l.metrics.packets), counter(t, l.metrics.drops.WithLabelValues(reason))
			if passed < 10 || passed > 11 || passed+dropped != 50 {
				t.Errorf("%s: %v passed and %v were dropped, want 10 and 40", reason, passed, dropped)
			}
		})
	}
}

// A visitor who had the relay and used up what a call may carry takes nothing from
// the guest who is let in; what the host has sent counts on.
func TestRevokedGuestLeavesTheVolume(t *testing.T) {
	eachPath(t, func(t *testing.T, path Path) {
		l := newLine(t, path, Limits{CallBytes: 10_000})
		host, guest := l.pair()
		send := func(from, to *allocation, want float64) {
			t.Helper()
			before := counter(t, l.metrics.packets)
			for range 20 {
				l.send(from, to, make([]byte, 1000))
			}
			if passed := counter(t, l.metrics.packets) - before; passed != want {
				t.Errorf("%v packets passed, want %v", passed, want)
			}
		}
		send(guest, host, 10)
		send(host, guest, 0)
		l.revoke(account{"aaaaaaaaaaaaaaaa", protocol.RoleGuest}, time.Now())
		next := l.allocated(protocol.RoleGuest, 3)
		send(host, next, 10)
		l.revoke(account{"aaaaaaaaaaaaaaaa", protocol.RoleGuest}, time.Now())
		send(l.allocated(protocol.RoleGuest, 4), host, 0)
	})
}
