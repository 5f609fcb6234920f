package signaling

import (
	"slices"
	"testing"

	"github.com/visavis-call/visavis/protocol"
)

// A client that always leaves something in its queue has no more of it for that.
func TestQueueThatIsNeverEmpty(t *testing.T) {
	var b outbox
	b.push(outgoing{slot: 1})
	for n := range 100_000 {
		b.push(outgoing{slot: uint16(n % 3)})
		if o, ok := b.next(); !ok || n > 0 && o.slot != uint16((n-1)%3) {
			t.Fatalf("%d: got %+v, %t", n, o, ok)
		}
	}
	if got := cap(b.queue); got > 4*protocol.LimitWriteQueue {
		t.Errorf("a queue of one has room for %d", got)
	}
	if o, ok := b.next(); !ok || o.slot != uint16(99_999%3) {
		t.Errorf("last: %+v, %t", o, ok)
	}
	if _, ok := b.next(); ok || b.waiting != (shares{}) {
		t.Errorf("more than was pushed, or still counted: %v", b.waiting)
	}
}

// fakeSink takes at once what it has room for, and the rest by a writer.
type fakeSink struct {
	box     *outbox
	trying  func() // called while a try is under way; may be nil
	room    int
	wrote   chan string
	writers chan struct{}
}

func (f *fakeSink) try(wire []byte) int {
	if f.trying != nil {
		f.trying()
	}
	n := min(f.room, len(wire))
	f.room -= n
	if n > 0 {
		f.wrote <- string(wire[:n])
	}
	return n
}

func (f *fakeSink) write() {
	f.writers <- struct{}{}
	for o, ok := f.box.next(); ok; o, ok = f.box.next() {
		f.wrote <- string(o.wire)
	}
}

func newSink(b *outbox, room int) *fakeSink {
	return &fakeSink{box: b, room: room, wrote: make(chan string, 8), writers: make(chan struct{}, 8)}
}

func frameOf(text string) outgoing { return outgoing{wire: []byte(text)} }

func (f *fakeSink) want(t *testing.T, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if got := <-f.wrote; got != want {
			t.Errorf("wrote %q, want %q", got, want)
		}
	}
}

// The writer is there while there is something to write, and then not.
func TestOutboxStartsAndEndsItsWriter(t *testing.T) {
	var b outbox
	b.push(frameOf("a"))
	to := newSink(&b, 0)
	b.open(to)
	to.want(t, "a")
	b.finishForTest(t)
	b.push(frameOf("b"))
	to.want(t, "b")
	b.finish()
	if len(to.writers) != 2 {
		t.Errorf("%d writers", len(to.writers))
	}
	b.push(frameOf("c"))
	if _, ok := b.next(); ok {
		t.Error("something is taken after the end")
	}
}

// What goes out at once needs no writer; what goes in part is ended before anything else.
func TestOutboxWritesAtOnceWhatGoes(t *testing.T) {
	var b outbox
	to := newSink(&b, 5)
	b.open(to)
	b.push(frameOf("abc"))
	to.want(t, "abc")
	if len(to.writers) != 0 {
		t.Error("a writer was started for nothing")
	}
	kept := frameOf("defg")
	to.trying = func() { // others come while it is written
		to.trying = nil
		b.push(frameOf("h"))
		b.push(frameOf("i"))
	}
	b.push(kept)
	copy(kept.wire, "XXXX") // it is the caller's again
	to.want(t, "de", "fg", "h", "i")
	b.finish()
	if len(to.writers) != 1 {
		t.Errorf("%d writers", len(to.writers))
	}
}

// Who finishes waits for what is being written at once.
func TestOutboxFinishesWhatIsBegun(t *testing.T) {
	var b outbox
	to := newSink(&b, 1)
	done := make(chan struct{})
	to.trying = func() {
		go func() { b.finish(); close(done) }()
		for waits := false; !waits; {
			b.mu.Lock()
			waits = b.ended != nil
			b.mu.Unlock()
		}
	}
	b.open(to)
	b.push(frameOf("ab"))
	<-done
	to.want(t, "a", "b")
}

// finishForTest waits for the writer, and lets it start again.
func (b *outbox) finishForTest(t *testing.T) {
	t.Helper()
	b.finish()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = false
}

// fill pushes frames of n bytes from a guest for as long as there is room, and returns
// how many that were.
func (b *outbox) fill(slot uint16, n int) (frames int) {
	for ; frames < 10*protocol.LimitWriteQueue && b.room(slot, n); frames++ {
		b.push(outgoing{slot: slot, wire: make([]byte, n)})
	}
	return frames
}

// Whatever guests do together, each has room for some frames at its host's, and its host
// is not too slow for that.
func TestGuestsTogether(t *testing.T) {
	for name, sizes := range map[string][]int{
		"short": {0, 100, 100, 100, 100},
		"long":  {protocol.LimitFrameBytes, protocol.LimitFrameBytes, protocol.LimitFrameBytes, protocol.LimitFrameBytes, protocol.LimitFrameBytes},
		"mixed": {100, protocol.LimitFrameBytes, 10_000, 4096, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var b outbox
			for i, n := range slices.Backward(sizes) {
				if frames := b.fill(uint16(i+1), n); frames == 0 || n < 1000 && frames < guestShare {
					t.Errorf("guest %d has room for %d frames of %d bytes", i+1, frames, n)
				}
			}
			for range serverShare { // and the server has something to say
				b.push(outgoing{})
			}
			if b.slow {
				t.Error("the host was too slow for its guests")
			}
		})
	}
}

// What waits for one client is bounded in bytes, too.
func TestQueueOfLongFrames(t *testing.T) {
	var b outbox
	waiting := 0
	for frame := make([]byte, protocol.LimitFrameBytes); ; waiting += len(frame) {
		if b.push(outgoing{wire: frame}); b.slow {
			break
		}
	}
	if want := protocol.LimitWriteQueue * placeBytes; waiting > want || waiting < want*3/4 {
		t.Errorf("%d bytes waited, want about %d", waiting, want)
	}
}

// Nothing follows a goodbye (RFC 6455 §5.5.1), also while that is on its way: Chromium
// would take it for a fault.
func TestNothingFollowsTheLast(t *testing.T) {
	for name, room := range map[string]int{"at once": 64, "queued": 0} {
		var b outbox
		sink := newSink(&b, room)
		sink.trying = func() {
			sink.trying = nil
			b.push(frameOf("meanwhile"))
		}
		b.open(sink)
		b.push(outgoing{wire: []byte("goodbye"), last: true})
		b.push(frameOf("after"))
		b.finish()
		sink.want(t, "goodbye")
		select {
		case got := <-sink.wrote:
			t.Errorf("%s: then wrote %q", name, got)
		default:
		}
	}
}
