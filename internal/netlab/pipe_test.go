package netlab

import (
	"context"
	"encoding/binary"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// line is a pipe in fake time, and what came out of it.
type line struct {
	*pipe
	ctx   context.Context
	start time.Time
	out   []arrival
}

type arrival struct {
	number int
	at     time.Duration // since the line was made
}

// onLine runs test in fake time with a line that has this impairment.
func onLine(t *testing.T, set Impairment, test func(t *testing.T, l *line)) {
	t.Helper()
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &line{ctx: ctx, start: time.Now()}
		l.pipe = newPipe(1, 1, set, func(b []byte) {
			l.out = append(l.out, arrival{int(binary.BigEndian.Uint32(b)), time.Since(l.start)})
		})
		done := make(chan struct{})
		go func() { defer close(done); l.run(ctx) }()
		test(t, l)
		cancel()
		<-done
	})
}

// packet sends number in a packet of size bytes and lets the line see it.
func (l *line) packet(number, size int) {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(number))
	l.send(b)
	synctest.Wait()
}

// stream sends n packets of 100 bytes, one each gap.
func (l *line) stream(n int, gap time.Duration) {
	for i := range n {
		l.packet(i, 100)
		time.Sleep(gap)
	}
}

func (l *line) drain(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestPerfectLine(t *testing.T) {
	onLine(t, Impairment{}, func(t *testing.T, l *line) {
		l.stream(3, time.Millisecond)
		if len(l.out) != 3 || l.out[2] != (arrival{2, 2 * time.Millisecond}) {
			t.Errorf("got %v", l.out)
		}
	})
}

func TestDelay(t *testing.T) {
	onLine(t, Impairment{Delay: 50 * time.Millisecond}, func(t *testing.T, l *line) {
		l.stream(3, 20*time.Millisecond)
		l.drain(time.Second)
		want := []arrival{{0, 50e6}, {1, 70e6}, {2, 90e6}}
		for i, a := range l.out {
			if a != want[i] {
				t.Errorf("packet %d: %v, want %v", i, a, want[i])
			}
		}
		if len(l.out) != 3 {
			t.Errorf("got %d packets", len(l.out))
		}
	})
}

func TestJitterKeepsTheOrder(t *testing.T) {
	set := Impairment{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond}
	onLine(t, set, func(t *testing.T, l *line) {
		const gap = 5 * time.Millisecond
		l.stream(500, gap)
		l.drain(time.Second)
		least, most := time.Hour, time.Duration(0)
		for i, a := range l.out {
			if a.number != i {
				t.Fatalf("packet %d came as number %d", a.number, i)
			}
			took := a.at - time.Duration(i)*gap
			least, most = min(least, took), max(most, took)
		}
		if least < 20*time.Millisecond || least > 25*time.Millisecond || most > 50*time.Millisecond || most < 45*time.Millisecond {
			t.Errorf("delays from %v to %v, want 20ms to 50ms", least, most)
		}
	})
}

func TestLoss(t *testing.T) {
	onLine(t, Impairment{Loss: 0.2}, func(t *testing.T, l *line) {
		l.stream(20_000, time.Millisecond)
		rate := float64(20_000-len(l.out)) / 20_000
		if math.Abs(rate-0.2) > 0.01 {
			t.Errorf("lost %.3f, want 0.2", rate)
		}
		if c := l.count.read(); c.Sent != 20_000 || c.Lost+c.Delivered != c.Sent {
			t.Errorf("counted %+v", c)
		}
	})
}

func TestBurst(t *testing.T) {
	// 2 % of the packets begin a bad time of 5 packets in the mean: 0.02/(0.02+0.2) = 9.1 % lost.
	onLine(t, Impairment{Burst: Burst{Enter: 0.02, Leave: 0.2}}, func(t *testing.T, l *line) {
		const n = 50_000
		l.stream(n, time.Millisecond)
		bursts, lost, next := 0, n-len(l.out), 0
		for _, a := range append(l.out, arrival{number: n}) {
			if a.number > next {
				bursts++
			}
			next = a.number + 1
		}
		rate, mean := float64(lost)/n, float64(lost)/float64(bursts)
		if math.Abs(rate-0.0909) > 0.01 || math.Abs(mean-5) > 0.5 {
			t.Errorf("lost %.3f in bursts of %.2f, want 0.091 in bursts of 5", rate, mean)
		}
	})
}

func TestRate(t *testing.T) {
	// 100 bytes at 80 kbit/s take 10 ms.
	onLine(t, Impairment{Rate: 80_000, Delay: 5 * time.Millisecond}, func(t *testing.T, l *line) {
		for i := range 4 {
			l.packet(i, 100)
		}
		l.drain(time.Second)
		l.packet(4, 100) // after a pause nothing is saved up, nothing owed
		l.packet(5, 100)
		l.drain(time.Second)
		for i, at := range []time.Duration{15e6, 25e6, 35e6, 45e6, 1015e6, 1025e6} {
			if i >= len(l.out) || l.out[i] != (arrival{i, at}) {
				t.Fatalf("packet %d should come at %v: %v", i, at, l.out)
			}
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	onLine(t, Impairment{Rate: 80_000, Queue: 500}, func(t *testing.T, l *line) {
		for i := range 20 {
			l.packet(i, 100)
		}
		l.drain(time.Minute)
		if len(l.out) != 5 || l.out[4] != (arrival{4, 50 * time.Millisecond}) {
			t.Errorf("got %v, want the first five, the last at 50ms", l.out)
		}
		if c := l.count.read(); c.Overflow != 15 {
			t.Errorf("counted %+v, want 15 that found the queue full", c)
		}
		l.packet(20, 2000) // larger than the queue: in the bottleneck alone
		l.drain(time.Minute)
		if len(l.out) != 6 {
			t.Error("a large packet never passes")
		}
	})
}

func TestRateChangesForWhatWaits(t *testing.T) {
	onLine(t, Impairment{Rate: 8000}, func(t *testing.T, l *line) { // 100 ms a packet
		for i := range 4 {
			l.packet(i, 100)
		}
		l.drain(150 * time.Millisecond)               // one is through
		l.change(l.ctx, Impairment{Rate: 80_000})     // 10 ms a packet
		l.drain(15 * time.Millisecond)                // one more
		l.change(l.ctx, Impairment{Delay: time.Hour}) // no bottleneck any more
		l.drain(2 * time.Hour)
		want := []arrival{{0, 100e6}, {1, 160e6}, {2, 165e6 + time.Hour}, {3, 165e6 + time.Hour}}
		for i := range want {
			if i >= len(l.out) || l.out[i] != want[i] {
				t.Fatalf("got %v, want %v", l.out, want)
			}
		}
	})
}

func TestOutage(t *testing.T) {
	onLine(t, Impairment{Delay: 100 * time.Millisecond, Rate: 8000}, func(t *testing.T, l *line) {
		l.packet(0, 100)
		l.drain(150 * time.Millisecond) // on its way
		l.packet(1, 100)                // in the bottleneck
		l.packet(2, 100)                // in the queue
		l.change(l.ctx, Impairment{Down: true})
		l.packet(3, 100)
		l.drain(time.Minute)
		if len(l.out) != 0 {
			t.Fatalf("%v came through an outage", l.out)
		}
		if c := l.count.read(); c.Outage != 4 {
			t.Errorf("counted %+v, want 4 lost in the outage", c)
		}
		l.change(l.ctx, Impairment{})
		l.packet(4, 100)
		if len(l.out) != 1 || l.out[0].number != 4 {
			t.Errorf("after the outage: %v", l.out)
		}
	})
}

func TestReorderAndDuplicate(t *testing.T) {
	onLine(t, Impairment{Reorder: 0.1}, func(t *testing.T, l *line) {
		l.stream(2000, 4*time.Millisecond)
		l.drain(time.Second)
		late := 0
		for i := range l.out[1:] {
			if l.out[i].number > l.out[i+1].number {
				late++
			}
		}
		if len(l.out) != 2000 || late < 150 || late > 250 {
			t.Errorf("%d of %d packets were overtaken, want about 200", late, len(l.out))
		}
	})
	onLine(t, Impairment{Duplicate: 0.25}, func(t *testing.T, l *line) {
		l.stream(4000, time.Millisecond)
		if n := len(l.out); n < 4900 || n > 5100 {
			t.Errorf("4000 packets came as %d, want about 5000", n)
		}
	})
}

func TestParseImpairment(t *testing.T) {
	words := []string{"delay=50ms", "jitter=5ms", "loss=20%", "burst=1%/25%", "dup=2%", "rate=150k", "queue=32k", "reorder=3%", "reorder-by=20ms"}
	got, err := ParseImpairment(Impairment{Down: true}, append([]string{"clear"}, words...)...)
	want := Impairment{
		Loss: 0.2, Burst: Burst{Enter: 0.01, Leave: 0.25}, Duplicate: 0.02, Rate: 150_000, Queue: 32768,
		Delay: 50 * time.Millisecond, Jitter: 5 * time.Millisecond, Reorder: 0.03, ReorderBy: 20 * time.Millisecond,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"los=2%", "loss=200%", "delay=5", "rate=fast", "burst=1%", "burst=1%/0%", "rate=-1", "loss=NaN"} {
		if got, err := ParseImpairment(Impairment{}, bad); err == nil {
			t.Errorf("%s was taken: %+v", bad, got)
		}
	}
	if got := want.String(); got != "loss=20% burst=1%/25% dup=2% rate=150k queue=32768 delay=50ms jitter=5ms reorder=3% reorder-by=20ms" {
		t.Errorf("String: %s", got)
	}
}
