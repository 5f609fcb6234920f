package relayload

import (
	"cmp"
	"context"
	"encoding/binary"
	"net/netip"
	"runtime"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

const (
	// wake is how often the generator sends what is due: often enough that the
	// server does not get bursts which no network would make.
	wake = 100 * time.Microsecond
	// behind bounds what is sent late; more is skipped and counted.
	behind = 20 * time.Millisecond
	// drain is how long is waited for the last packets.
	drain = 300 * time.Millisecond
	// headSize is the channel header (RFC 8656 §12.4), a number and a time.
	headSize = 4 + 8 + 8
)

// Plan is one load: after Warm nothing but load has happened, what is measured is
// what is sent in the time Measure. Burst is how many packets of video follow each other closely, from 1 to [MaxBurst]; 0: [DefaultBurst].
type Plan struct {
	Warm, Measure time.Duration
	Burst         int
}

// Result is what became of the packets sent in the measured time.
type Result struct {
	Sent, Received uint64
	// Skipped were due and not sent, because the generator was too slow.
	Skipped uint64
	// Latency is from the moment before the system call that sent, to the kernel's
	// receiving. It is at most a few packets' sending too long.
	Latency bench.Histogram
}

// Loss is the fraction that did not arrive.
func (r *Result) Loss() float64 {
	if r.Sent == 0 {
		return 0
	}
	return 1 - float64(r.Received)/float64(r.Sent)
}

// Load makes all parties send to their neighbors. mark is called when the measured
// time begins and when it ends.
func (g *Generator) Load(ctx context.Context, parties []*Party, plan Plan, mark func() error) (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := g.socket.sharpen(); err != nil {
		return nil, err
	}
	l := &load{g: g, parties: parties, schedule: newSchedule(len(parties), cmp.Or(plan.Burst, DefaultBurst)), result: &Result{}}
	l.began = time.Now()
	for _, phase := range []struct {
		until time.Duration
		enter func() error
	}{
		{plan.Warm, func() error { return nil }},
		{plan.Warm + plan.Measure, func() error { l.first, l.last = l.next, ^uint64(0); return mark() }},
		{plan.Warm + plan.Measure + drain, func() error { l.last = l.next; return mark() }},
	} {
		if err := phase.enter(); err != nil {
			return nil, err
		}
		if err := l.run(ctx, phase.until); err != nil {
			return nil, err
		}
	}
	return l.result, nil
}

// Direct is Load without a server: what the machine itself adds to each packet. The
// parties need no allocation.
func (g *Generator) Direct(ctx context.Context, parties []*Party, plan Plan, server netip.AddrPort) (*Result, error) {
	g.socket.aim(netip.AddrPortFrom(netip.AddrFrom4(parties[0].source), g.socket.port))
	defer g.socket.aim(server)
	return g.Load(ctx, parties, plan, func() error { return nil })
}

type load struct {
	g        *Generator
	parties  []*Party
	schedule schedule
	began    time.Time
	next     uint64 // number of the next packet
	// Packets from first up to, and without, last are measured.
	first, last uint64
	stamps      [batch][]byte // where the times of the batch go
	result      *Result
}

func (l *load) run(ctx context.Context, until time.Duration) error {
	for {
		after := time.Since(l.began)
		if after >= until {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		l.send(after)
		for l.receive() == batch {
		}
		if rest := wake - (time.Since(l.began) - after); rest > 0 {
			l.g.socket.pause(rest)
		}
	}
}

// send sends what is due.
func (l *load) send(after time.Duration) {
	if oldest := l.schedule.due(after - behind); after > behind && l.next < oldest {
		if l.measured(l.next) {
			l.result.Skipped += oldest - l.next
		}
		l.next = oldest
	}
	var head [headSize]byte
	s := l.g.socket
	for n, due := 0, l.schedule.due(after); l.next < due || n > 0; {
		if l.next < due {
			party, size := l.schedule.packet(l.next)
			binary.BigEndian.PutUint16(head[:], channel)
			binary.BigEndian.PutUint16(head[2:], uint16(size))
			binary.BigEndian.PutUint64(head[4:], l.next)
			l.stamps[n] = s.put(l.parties[party].source, head[:], 4+size)[12:]
			if l.measured(l.next) {
				l.result.Sent++
			}
			l.next++
			n++
		}
		if l.next == due || s.full() {
			now := uint64(time.Now().UnixNano())
			for _, stamp := range l.stamps[:n] {
				binary.BigEndian.PutUint64(stamp, now)
			}
			s.flush()
			n = 0
		}
	}
}

func (l *load) measured(k uint64) bool { return k >= l.first && k < l.last && l.last != 0 }

// receive takes one batch and returns how many there were.
func (l *load) receive() int {
	n := l.g.socket.receive(headSize)
	for i := range n {
		a := l.g.socket.arrival(i)
		if len(a.data) < headSize || binary.BigEndian.Uint16(a.data) != channel {
			continue
		}
		if !l.measured(binary.BigEndian.Uint64(a.data[4:])) {
			continue
		}
		l.result.Received++
		l.result.Latency.Add(a.at.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(a.data[12:])))))
	}
	return n
}
