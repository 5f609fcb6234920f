package signaling

import (
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
