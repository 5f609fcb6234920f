package netlab

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Impairment is what one direction of a link does to packets. The zero value is a
// perfect line. Per packet, in this order: outage, loss, duplication, the queue in
// front of the bottleneck, delay.
type Impairment struct {
	// Down is an outage: everything is lost, also what is on the way.
	Down bool
	// Loss is the chance of each packet to be lost, 0 to 1, whatever befell others.
	Loss float64
	// Burst adds losses that come in a row.
	Burst Burst
	// Duplicate is the chance of a packet to arrive twice.
	Duplicate float64
	// Rate is the bandwidth in bits per second, IP header included; 0: no limit. It is
	// a token bucket one packet deep: a packet takes its length / Rate to pass.
	Rate int
	// Queue is how many bytes may wait for the bottleneck; a packet that finds it full
	// is dropped (drop-tail). 0: [DefaultQueue]. Without Rate nothing waits.
	Queue int
	// Delay is one way.
	Delay time.Duration
	// Jitter adds between nothing and this much to the delay of each packet,
	// uniformly. The order is kept: real queues are in order.
	Jitter time.Duration
	// Reorder is the chance of a packet to be held back by ReorderBy longer,
	// so that those behind overtake it.
	Reorder float64
	// ReorderBy: 0 is [DefaultReorderBy].
	ReorderBy time.Duration
}

// Burst is the Gilbert-Elliott model: a line that is good or bad, changes its
// state at a packet with these chances, and loses only when bad. The mean loss is
// Enter/(Enter+Leave)·Loss, the mean length of a bad time 1/Leave packets.
type Burst struct {
	Enter float64 // good → bad
	Leave float64 // bad → good
	Loss  float64 // chance of loss while bad; 0 means 1
}

const (
	// DefaultQueue is in bytes: 64 KiB, as small routers have (at 150 kbit/s 3.5 s of bufferbloat).
	DefaultQueue = 64 << 10
	// DefaultReorderBy is as long as a few packets of video.
	DefaultReorderBy = 10 * time.Millisecond
)

// Validate says what is wrong with the numbers.
func (i Impairment) Validate() error {
	for _, chance := range []float64{i.Loss, i.Duplicate, i.Reorder, i.Burst.Enter, i.Burst.Leave, i.Burst.Loss} {
		if !(chance >= 0 && chance <= 1) { // NaN too
			return fmt.Errorf("a chance of %v is not between 0 and 1", chance)
		}
	}
	if i.Rate < 0 || i.Queue < 0 || i.Delay < 0 || i.Jitter < 0 || i.ReorderBy < 0 {
		return errors.New("rate, queue and times cannot be negative")
	}
	if i.Burst.Enter > 0 && i.Burst.Leave == 0 {
		return errors.New("a burst that is never left is an outage: use down")
	}
	return nil
}

// ParseImpairment changes from by words like "delay=50ms loss=20% rate=150k"; "clear"
// makes it perfect first. The words: delay, jitter, reorder-by (durations); loss, dup,
// reorder (percent); burst=ENTER%/LEAVE%; rate (bits per second, k or M); queue (bytes, k or M); down; up.
func ParseImpairment(from Impairment, words ...string) (Impairment, error) {
	for _, word := range words {
		if err := from.apply(word); err != nil {
			return Impairment{}, fmt.Errorf("%s: %w", word, err)
		}
	}
	return from, from.Validate()
}

func (i *Impairment) apply(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "clear":
		*i = Impairment{}
	case "down":
		i.Down = true
	case "up":
		i.Down = false
	case "delay":
		i.Delay, err = time.ParseDuration(value)
	case "jitter":
		i.Jitter, err = time.ParseDuration(value)
	case "reorder-by":
		i.ReorderBy, err = time.ParseDuration(value)
	case "loss":
		i.Loss, err = percent(value)
	case "dup":
		i.Duplicate, err = percent(value)
	case "reorder":
		i.Reorder, err = percent(value)
	case "burst":
		i.Burst, err = parseBurst(value)
	case "rate":
		i.Rate, err = quantity(value, 1000)
	case "queue":
		i.Queue, err = quantity(value, 1024)
	default:
		return errors.New("no such impairment: delay, jitter, loss, burst, dup, rate, queue, reorder, reorder-by, down, up, clear")
	}
	return err
}

func parseBurst(value string) (b Burst, err error) {
	enter, leave, ok := strings.Cut(value, "/")
	if value == "0" {
		return Burst{}, nil
	}
	if !ok {
		return Burst{}, errors.New("want ENTER%/LEAVE%, like 1%/25%")
	}
	if b.Enter, err = percent(enter); err != nil {
		return Burst{}, err
	}
	b.Leave, err = percent(leave)
	return b, err
}

func percent(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	return n / 100, err
}

// quantity reads 150k or 2M.
func quantity(text string, kilo float64) (int, error) {
	unit := 1.0
	switch {
	case strings.HasSuffix(text, "k"):
		unit = kilo
	case strings.HasSuffix(text, "M"):
		unit = kilo * kilo
	}
	n, err := strconv.ParseFloat(strings.TrimRight(text, "kM"), 64)
	return int(n * unit), err
}

// String is what [ParseImpairment] reads.
func (i Impairment) String() string {
	var words []string
	add := func(on bool, format string, args ...any) {
		if on {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(i.Down, "down")
	add(i.Loss > 0, "loss=%g%%", i.Loss*100)
	add(i.Burst.Enter > 0, "burst=%g%%/%g%%", i.Burst.Enter*100, i.Burst.Leave*100)
	add(i.Duplicate > 0, "dup=%g%%", i.Duplicate*100)
	add(i.Rate > 0, "rate=%gk", float64(i.Rate)/1000)
	add(i.Queue > 0, "queue=%d", i.Queue)
	add(i.Delay > 0, "delay=%s", i.Delay)
	add(i.Jitter > 0, "jitter=%s", i.Jitter)
	add(i.Reorder > 0, "reorder=%g%%", i.Reorder*100)
	add(i.ReorderBy > 0, "reorder-by=%s", i.ReorderBy)
	if len(words) == 0 {
		return "clear"
	}
	return strings.Join(words, " ")
}
