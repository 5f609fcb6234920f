package relay

import (
	"net/netip"
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
			m := newMetrics()
			l := newLoop(netip.MustParseAddr("198.51.100.1"), tt.limits.withDefaults(), m)
			a, b := pair(t, l)
			for range 20 {
				if _, err := a.WriteTo(make([]byte, tt.size), b.addr); err != nil {
					t.Fatal(err)
				}
			}
			passed, dropped := counter(t, m.packets), counter(t, m.drops.WithLabelValues(tt.reason))
			if passed < 10 || passed > 11 || passed+dropped != 20 {
				t.Errorf("%v passed, %v dropped as %s; want 10 and 10", passed, dropped, tt.reason)
			}
		})
	}
}

// Somebody with many allocations, perhaps not even let in, sends no more to one
// place than with one.
func TestManySendersFillNoReceiver(t *testing.T) {
	for reason, limits := range map[string]Limits{
		dropPacketRate: {PacketsPerSecond: 10}, dropBitRate: {BitsPerSecond: 8 * 10_000},
	} {
		m := newMetrics()
		l := newLoop(netip.MustParseAddr("198.51.100.1"), limits.withDefaults(), m)
		host := allocated(t, l, protocol.RoleHost, 1)
		for i := range uint16(10) {
			from := allocated(t, l, protocol.RoleGuest, 10+i)
			for range 5 {
				if _, err := from.WriteTo(make([]byte, 1000), host.addr); err != nil {
					t.Fatal(err)
				}
			}
		}
		passed, dropped := counter(t, m.packets), counter(t, m.drops.WithLabelValues(reason))
		if passed < 10 || passed > 11 || passed+dropped != 50 {
			t.Errorf("%s: %v passed and %v were dropped, want 10 and 40", reason, passed, dropped)
		}
	}
}

// A visitor who had the relay and used up what a call may carry takes nothing from
// the guest who is let in; what the host has sent counts on.
func TestRevokedGuestLeavesTheVolume(t *testing.T) {
	m := newMetrics()
	l := newLoop(netip.MustParseAddr("198.51.100.1"), Limits{CallBytes: 10_000}.withDefaults(), m)
	host, guest := pair(t, l)
	send := func(from, to *allocation, want float64) {
		t.Helper()
		before := counter(t, m.packets)
		for range 20 {
			if _, err := from.WriteTo(make([]byte, 1000), to.addr); err != nil {
				t.Fatal(err)
			}
		}
		if passed := counter(t, m.packets) - before; passed != want {
			t.Errorf("%v packets passed, want %v", passed, want)
		}
	}
	send(guest, host, 10)
	send(host, guest, 0)
	l.revoke(account{"aaaaaaaaaaaaaaaa", protocol.RoleGuest}, time.Now())
	next := allocated(t, l, protocol.RoleGuest, 3)
	send(host, next, 10)
	l.revoke(account{"aaaaaaaaaaaaaaaa", protocol.RoleGuest}, time.Now())
	send(allocated(t, l, protocol.RoleGuest, 4), host, 0)
}
