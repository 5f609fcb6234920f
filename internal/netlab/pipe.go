package netlab

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// arrivals is how many packets may wait for a pipe's goroutine. Beyond it packets
	// are dropped as a full queue would: the machine is too slow for the lab.
	arrivals = 1024
	// inFlight is how many packets a pipe delays at once: 100 Mbit/s for 3 s.
	inFlight = 32 << 10
)

// Counters tell what became of the packets of one direction. Sent packets are
// Delivered, Lost, Outage or Overflow, or on their way.
type Counters struct {
	Sent      uint64 // by the sender, before anything
	Delivered uint64 // duplicates included
	Bytes     uint64 // delivered
	Lost      uint64 // by Loss or Burst
	Outage    uint64 // while Down, or on the way when it began
	Overflow  uint64 // found the queue full
}

type counters struct {
	sent, delivered, bytes, lost, outage, overflow atomic.Uint64
}

func (c *counters) read() Counters {
	return Counters{
		c.sent.Load(), c.delivered.Load(), c.bytes.Load(), c.lost.Load(), c.outage.Load(), c.overflow.Load(),
	}
}

// pipe is one direction of a link. One goroutine, run, owns everything below the
// channels.
type pipe struct {
	in      chan []byte
	control chan Impairment
	deliver func([]byte) // called by run; takes over the packet; must not block
	count   counters

	set      Impairment
	dice     *rand.Rand
	bad      bool      // state of Burst
	queue    [][]byte  // in front of the bottleneck
	queued   int       // bytes in queue
	headDone time.Time // when the first of queue has passed the bottleneck
	flying   flight
	seq      uint64
	lastDue  time.Time // of packets in order
}

func newPipe(seed, stream uint64, set Impairment, deliver func([]byte)) *pipe {
	return &pipe{
		in: make(chan []byte, arrivals), control: make(chan Impairment), deliver: deliver,
		set: set, dice: rand.New(rand.NewPCG(seed, stream)),
	}
}

// send takes over the packet.
func (p *pipe) send(packet []byte) {
	p.count.sent.Add(1)
	select {
	case p.in <- packet:
	default:
		p.count.overflow.Add(1)
	}
}

// change holds for every packet sent after it returned. It does nothing once ctx,
// that of run, is over.
func (p *pipe) change(ctx context.Context, set Impairment) {
	select {
	case p.control <- set:
	case <-ctx.Done():
	}
}

func (p *pipe) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if at, ok := p.next(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case set := <-p.control:
			p.apply(set, time.Now())
		case packet := <-p.in:
			now := time.Now()
			p.advance(now) // what passes before it came
			p.arrive(packet, now)
		case <-timer.C:
		}
		p.advance(time.Now())
	}
}

// next is when something happens by itself.
func (p *pipe) next() (at time.Time, ok bool) {
	if len(p.flying) > 0 {
		at, ok = p.flying[0].due, true
	}
	if len(p.queue) > 0 && (!ok || p.headDone.Before(at)) {
		at, ok = p.headDone, true
	}
	return at, ok
}

func (p *pipe) arrive(packet []byte, now time.Time) {
	switch {
	case p.set.Down:
		p.count.outage.Add(1)
		return
	case p.loses():
		p.count.lost.Add(1)
		return
	}
	if p.happens(p.set.Duplicate) {
		p.enqueue(append([]byte(nil), packet...), now)
	}
	p.enqueue(packet, now)
}

// loses moves the state of Burst on, so it is asked once for each packet.
func (p *pipe) loses() bool {
	b := p.set.Burst
	if p.bad {
		p.bad = !p.happens(b.Leave)
	} else {
		p.bad = p.happens(b.Enter)
	}
	inBurst := p.bad && (b.Loss == 0 || p.happens(b.Loss))
	return p.happens(p.set.Loss) || inBurst
}

func (p *pipe) happens(chance float64) bool { return chance > 0 && p.dice.Float64() < chance }

func (p *pipe) enqueue(packet []byte, now time.Time) {
	if p.set.Rate == 0 {
		p.fly(packet, now)
		return
	}
	limit := p.set.Queue
	if limit == 0 {
		limit = DefaultQueue
	}
	// A queue that is empty takes one packet of any size: it is in the bottleneck.
	if len(p.queue) > 0 && p.queued+len(packet) > limit {
		p.count.overflow.Add(1)
		return
	}
	p.queue = append(p.queue, packet)
	p.queued += len(packet)
	if len(p.queue) == 1 {
		p.headDone = now.Add(p.passing(packet))
	}
}

// passing is how long a packet takes through the bottleneck.
func (p *pipe) passing(packet []byte) time.Duration {
	return time.Duration(len(packet)) * 8 * time.Second / time.Duration(p.set.Rate)
}

func (p *pipe) fly(packet []byte, now time.Time) {
	if len(p.flying) >= inFlight {
		p.count.overflow.Add(1)
		return
	}
	due := now.Add(p.set.Delay)
	if p.set.Jitter > 0 {
		due = due.Add(time.Duration(p.dice.Int64N(int64(p.set.Jitter) + 1)))
	}
	if due.Before(p.lastDue) {
		due = p.lastDue
	}
	if p.happens(p.set.Reorder) {
		hold := p.set.ReorderBy
		if hold == 0 {
			hold = DefaultReorderBy
		}
		due = due.Add(hold)
	} else {
		p.lastDue = due
	}
	p.seq++
	heap.Push(&p.flying, flyer{due, p.seq, packet})
}

// advance lets happen what is due by now.
func (p *pipe) advance(now time.Time) {
	for len(p.queue) > 0 && !p.headDone.After(now) {
		at := p.headDone
		packet := p.dequeue()
		if len(p.queue) > 0 {
			p.headDone = at.Add(p.passing(p.queue[0]))
		}
		p.fly(packet, at)
	}
	for len(p.flying) > 0 && !p.flying[0].due.After(now) {
		f := heap.Pop(&p.flying).(flyer)
		p.count.delivered.Add(1)
		p.count.bytes.Add(uint64(len(f.packet)))
		p.deliver(f.packet)
	}
}

func (p *pipe) dequeue() []byte {
	packet := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	p.queued -= len(packet)
	return packet
}

// apply changes the line under the packets that are on it.
func (p *pipe) apply(set Impairment, now time.Time) {
	p.advance(now)
	p.set = set
	p.lastDue = time.Time{} // a shorter delay holds at once, for those that come
	p.bad = p.bad && set.Burst.Enter > 0
	if set.Down {
		p.count.outage.Add(uint64(len(p.queue) + len(p.flying)))
		p.queue, p.queued, p.flying = nil, 0, nil
		return
	}
	if set.Rate == 0 {
		for len(p.queue) > 0 {
			p.fly(p.dequeue(), now)
		}
	} else if len(p.queue) > 0 {
		p.headDone = now.Add(p.passing(p.queue[0]))
	}
}

// flight is a heap of packets on their way, the next one to arrive first.
type flight []flyer

type flyer struct {
	due    time.Time
	seq    uint64 // of equals, the earlier
	packet []byte
}

func (f flight) Len() int      { return len(f) }
func (f flight) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f flight) Less(i, j int) bool {
	if f[i].due.Equal(f[j].due) {
		return f[i].seq < f[j].seq
	}
	return f[i].due.Before(f[j].due)
}

// Push and Pop are those of [heap.Interface].
func (f *flight) Push(x any) { *f = append(*f, x.(flyer)) }

// Pop takes the last.
func (f *flight) Pop() any {
	old := *f
	last := old[len(old)-1]
	old[len(old)-1] = flyer{}
	*f = old[:len(old)-1]
	return last
}
