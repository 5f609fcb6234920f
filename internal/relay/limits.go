package relay

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// lifetime is how long an allocation stays of which nothing is heard. A page that is
// closed says no goodbye, so this is how long its allocations go on counting; whoever
// is there refreshes by half of it (Chromium a minute before the end, or at half).
// RFC 8656 §7.2 has 10 minutes as the least; clients go by what the answer says.
const lifetime = 2 * time.Minute

// Limits bound what clients may take. See [DefaultLimits].
type Limits struct {
	Allocations        int   // of the whole server
	AllocationsPerRole int   // of one role of one call
	AllocationsPerIP   int   // of one IPv4 address or IPv6 /64
	Channels           int   // bound by one allocation
	BitsPerSecond      int   // relayed from one allocation, and to one
	PacketsPerSecond   int   // relayed from one allocation, and to one
	CallBytes          int64 // relayed in one call with one guest, both ways
	CheckAllocations   int   // of the client of one check
	CheckBytes         int64 // relayed in one check, both ways
	RequestsPerSecond  int   // without credentials, from one IPv4 /24 or IPv6 /64
	BindingsPerSecond  int   // STUN Binding requests, from one IPv4 /24 or IPv6 /64
	Connections        int   // TCP, of the whole server
	ConnectionsPerIP   int   // TCP, of one IPv4 address or IPv6 /64
}

// DefaultLimits returns what a zero [Limits] means.
//
// A browser allocates once for each TURN URL on each network interface and
// address family: with UDP and TCP, two interfaces and two families that is 8,
// as many again during an ICE restart, as many for the connection on standby, and
// as many for one made on the spot, of which there may be two when the first was
// lost on the way. Hence 40 for a role. Behind one address there may be an office
// with twenty calls at once, or as many that were left without a word: hence 200.
// A permission is for an address, and there is only one here, so an allocation has
// at most one; what is limited instead is channels.
//
// A check is over one URL, so two interfaces and two families are 4, twice if one
// of the requests is sent again from another port. It carries half a megabyte each way.
func DefaultLimits() Limits {
	return Limits{
		Allocations:        10_000,
		AllocationsPerRole: 40,
		AllocationsPerIP:   200,
		Channels:           16,
		BitsPerSecond:      8_000_000,
		PacketsPerSecond:   2_000,
		CallBytes:          4_000_000_000,
		CheckAllocations:   8,
		CheckBytes:         2_000_000,
		RequestsPerSecond:  20,
		BindingsPerSecond:  100,
		Connections:        10_000,
		ConnectionsPerIP:   128,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		value *int
		def   int
	}{
		{&l.Allocations, d.Allocations},
		{&l.AllocationsPerRole, d.AllocationsPerRole},
		{&l.AllocationsPerIP, d.AllocationsPerIP},
		{&l.CheckAllocations, d.CheckAllocations},
		{&l.Channels, d.Channels},
		{&l.BitsPerSecond, d.BitsPerSecond},
		{&l.PacketsPerSecond, d.PacketsPerSecond},
		{&l.RequestsPerSecond, d.RequestsPerSecond},
		{&l.BindingsPerSecond, d.BindingsPerSecond},
		{&l.Connections, d.Connections},
		{&l.ConnectionsPerIP, d.ConnectionsPerIP},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	if l.CallBytes == 0 {
		l.CallBytes = d.CallBytes
	}
	if l.CheckBytes == 0 {
		l.CheckBytes = d.CheckBytes
	}
	return l
}

// bucket is a token bucket. It starts full. Whoever has it guards it.
type bucket struct {
	spent  float64 // tokens missing from a full bucket
	before time.Time
}

// take takes n tokens from a bucket that holds burst and gains rate a second.
func (b *bucket) take(n, rate, burst float64, now time.Time) bool {
	b.refill(rate, now)
	if b.spent+n > burst {
		return false
	}
	b.spent += n
	return true
}

// charge takes n tokens from a bucket that gains rate a second and should hold as much,
// and reports whether it did; a quarter more is for what was counted late.
func (b *bucket) charge(n, rate float64, now time.Time) bool {
	b.refill(rate, now)
	b.spent += n
	return b.spent <= 1.25*rate
}

func (b *bucket) refill(rate float64, now time.Time) {
	if gained := now.Sub(b.before).Seconds() * rate; gained > 0 {
		b.spent = max(0, b.spent-gained)
		b.before = now
	}
}

// flow polices one direction of an allocation.
type flow struct {
	mu   sync.Mutex
	used *buckets // nil before the first packet: most allocations never have one
}

type buckets struct{ bits, packets bucket }

// buckets is called with f.mu held.
func (f *flow) buckets() *buckets {
	if f.used == nil {
		f.used = new(buckets)
	}
	return f.used
}

// take returns why a packet is too much, or "".
func (f *flow) take(size int, l *Limits, now time.Time) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	bps, pps := float64(l.BitsPerSecond), float64(l.PacketsPerSecond)
	b := f.buckets()
	switch {
	case !b.packets.take(1, pps, pps, now):
		return dropPacketRate
	case !b.bits.take(float64(8*size), bps, bps, now):
		return dropBitRate
	}
	return ""
}

// charge counts what somebody else has let pass by the same limits, and reports
// whether both together have kept to them.
func (f *flow) charge(packets, size uint64, l *Limits, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	bps, pps := float64(l.BitsPerSecond), float64(l.PacketsPerSecond)
	b := f.buckets()
	within := b.packets.charge(float64(packets), pps, now)
	return b.bits.charge(8*float64(size), bps, now) && within
}

// sources limits requests by network. Its memory is fixed: networks that hash
// alike share a bucket, and the hash is seeded, so nobody can aim at a neighbor.
type sources struct {
	seed    maphash.Seed
	buckets [4096]struct {
		mu sync.Mutex
		bucket
	}
}

func newSources() *sources { return &sources{seed: maphash.MakeSeed()} }

// take allows rate requests a second, and thrice that at once.
func (s *sources) take(ip netip.Addr, rate int, now time.Time) bool {
	b := &s.buckets[maphash.Comparable(s.seed, network(ip, 24))%uint64(len(s.buckets))]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take(1, float64(rate), 3*float64(rate), now)
}

// network cuts an IPv4 address to v4bits, an IPv6 address to the /64 that one
// subscriber has at least.
func network(ip netip.Addr, v4bits int) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	n := v4bits
	if ip.Is6() {
		n = 64
	}
	p, err := ip.Prefix(n)
	if err != nil {
		return netip.Prefix{} // the zero Addr: all such clients share one bucket
	}
	return p
}
