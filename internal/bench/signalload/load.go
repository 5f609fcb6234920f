package signalload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

const (
	// FrameSize is that of the smallest sealed frame: connection id, counter, 512
	// padded bytes and a tag.
	FrameSize = 16 + 8 + 512 + 16
	// wake is how often what is due is sent.
	wake = time.Millisecond
	// behind bounds what is sent late; more is skipped and counted.
	behind = 100 * time.Millisecond
	// drain is how long is waited for the last frames.
	drain = 500 * time.Millisecond
)

// Plan is one load of sealed frames: so many a second over all pairs. What is measured
// is what is sent in the time Measure, after Warm.
type Plan struct {
	Rate          int
	Warm, Measure time.Duration
}

// Result is what became of the frames sent in the measured time.
type Result struct {
	Sent, Received, Skipped uint64
	Latency                 bench.Histogram
}

// Load makes the pairs send, and holds them from then on. mark is called when the
// measured time begins and when it ends.
func Load(ctx context.Context, pairs []*Pair, plan Plan, mark func() error) (*Result, error) {
	l := &load{pairs: pairs, plan: plan}
	for _, p := range pairs {
		p.Hold(l.got, l.lost)
	}
	l.began = time.Now()
	if err := l.run(ctx, plan.Warm); err != nil {
		return nil, err
	}
	for _, until := range []time.Duration{plan.Warm + plan.Measure, plan.Warm + plan.Measure + drain} {
		if err := mark(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.measuring = until == plan.Warm+plan.Measure
		if l.measuring {
			l.from = time.Now()
		} else {
			l.to = time.Now()
		}
		l.mu.Unlock()
		if err := l.run(ctx, until); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.result // a copy: late frames change the other
	return &r, l.failed
}

type load struct {
	pairs []*Pair
	plan  Plan
	began time.Time
	next  int // number of the next frame

	mu        sync.Mutex // guards what follows
	measuring bool
	from, to  time.Time // of what is measured; zero: not yet
	result    Result
	failed    error
}

// run sends what is due, until so long after the beginning.
func (l *load) run(ctx context.Context, until time.Duration) error {
	tick := time.NewTicker(wake)
	defer tick.Stop()
	for {
		after := time.Since(l.began)
		if after >= until {
			return nil
		}
		if err := l.send(after); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *load) send(after time.Duration) error {
	due := func(d time.Duration) int { return int(d.Seconds() * float64(l.plan.Rate)) }
	if oldest := due(after - behind); l.next < oldest {
		l.count(func() { l.result.Skipped += uint64(oldest - l.next) })
		l.next = oldest
	}
	for ; l.next < due(after); l.next++ {
		p := l.pairs[l.next/2%len(l.pairs)]
		w, slot := p.host, p.slot
		if l.next%2 == 1 {
			w, slot = p.guest, 0
		}
		l.count(func() { l.result.Sent++ })
		if err := w.sealed(slot, FrameSize, time.Now()); err != nil {
			return fmt.Errorf("send a frame: %w", err)
		}
	}
	return nil
}

func (l *load) count(add func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.measuring {
		add()
	}
}

func (l *load) got(frame []byte, at time.Time) {
	sent, ok := stamp(frame)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok || l.from.IsZero() || sent.Before(l.from) || !l.to.IsZero() && !sent.Before(l.to) {
		return
	}
	l.result.Received++
	l.result.Latency.Add(at.Sub(sent))
}

func (l *load) lost(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil && !errors.Is(err, net.ErrClosed) {
		l.failed = fmt.Errorf("a connection was lost: %w", err)
	}
}
