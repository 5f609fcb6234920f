package signaling

import (
	"bytes"
	"sync"

	"github.com/visavis-call/visavis/protocol"
)

const (
	// placeBytes is what one place in the queue holds; a longer frame takes more. So all
	// that a client may say at once has room, and no client can have 17 MB kept for it.
	placeBytes = protocol.LimitBytesPerMinute / protocol.LimitWriteQueue
	// guestShare is how many places each guest has in its host's queue in any case, and
	// serverShare how many are for what the server says itself. Strangers who send as much
	// as they may, even together, must not cost the host its connection, nor another
	// guest its voice.
	guestShare  = 24
	serverShare = 40
	// keptQueue is how long a queue may be that stays when it is empty.
	keptQueue = 2
)

// outgoing is one thing to write: a frame, or, if code is set, the end of the
// connection.
type outgoing struct {
	slot uint16 // of the guest it is from; 0: nobody's share
	wire []byte // the frame as it goes out
	last bool   // nothing comes after it
	code int
}

// sink is where an outbox writes to.
type sink interface {
	// try writes what goes at once, and returns how many bytes that were.
	try(wire []byte) int
	// write writes what next gives, until it gives nothing. It may wait.
	write()
}

// outbox is what waits to be written to one client. Most of the time that is
// nothing, and then it costs nothing: what is pushed goes out at once, and only what does
// not is kept, and written by a goroutine that ends when the queue is empty. All methods
// may be called by anybody.
type outbox struct {
	mu      sync.Mutex // guards what follows; never held across a write
	to      sink       // nil until open
	begun   []byte     // what is left of a frame that has gone in part; comes before the queue
	queue   []outgoing
	head    int           // queue[:head] has been taken
	waiting shares        // places taken in the queue, by the slot of the guest they are taken by
	writing bool          // somebody does
	ended   chan struct{} // somebody waits for its end
	slow    bool          // the queue has overflowed
	over    bool          // nothing more is taken
}

type shares [protocol.LimitWaiting + 2]int

// places is how many a frame of n bytes takes.
func places(n int) int { return 1 + n/placeBytes }

// open names the sink.
func (b *outbox) open(to sink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
	b.start()
}

// start starts the writer if there is something to write. b.mu is held.
func (b *outbox) start() {
	if b.to != nil && !b.writing && b.due() {
		b.writing = true
		go b.to.write()
	}
}

// due reports whether there is something to write. b.mu is held.
func (b *outbox) due() bool { return b.slow || b.begun != nil || b.head < len(b.queue) }

// push writes o, or queues it. A queue that overflows is not written any more: its client
// is told that it was too slow. o.wire is the caller's again when push returns.
func (b *outbox) push(o outgoing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.slow {
		return
	}
	b.over = o.last
	switch {
	case b.to != nil && !b.writing && !b.due() && o.code == 0:
		b.direct(o.wire)
		return
	case b.taken()+places(len(o.wire)) > protocol.LimitWriteQueue:
		b.slow, b.queue, b.head = true, nil, 0
	default:
		b.compact()
		o.wire = bytes.Clone(o.wire)
		b.queue = append(b.queue, o)
		b.waiting[o.slot] += places(len(o.wire))
	}
	b.start()
}

// direct writes past the queue, which is empty, and has the writer go on with what is
// left and what has come in the meantime. b.mu is held, but not while it writes.
func (b *outbox) direct(wire []byte) {
	b.writing = true
	b.mu.Unlock()
	n := b.to.try(wire)
	b.mu.Lock()
	if n < len(wire) {
		b.begun = bytes.Clone(wire[n:])
	}
	if b.due() {
		go b.to.write()
		return
	}
	b.stop()
}

// compact makes room where things have been taken. Without, the queue would grow as
// long as it is never empty, which a client that reads as slowly as it may can see to.
// b.mu is held.
func (b *outbox) compact() {
	if b.head < protocol.LimitWriteQueue {
		return
	}
	n := copy(b.queue, b.queue[b.head:])
	clear(b.queue[n:])
	b.queue, b.head = b.queue[:n], 0
}

// taken is how many places are. b.mu is held.
func (b *outbox) taken() (n int) {
	for _, w := range b.waiting {
		n += w
	}
	return n
}

// room is false if a guest's frame of n bytes would take the places of others.
func (b *outbox) room(slot uint16, n int) bool {
	if slot == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	left := protocol.LimitWriteQueue - serverShare
	for other, w := range b.waiting {
		if other != 0 && other != int(slot) {
			left -= max(w, guestShare)
		}
	}
	return b.waiting[slot]+places(n) <= max(left, guestShare)
}

// next gives the writer what to do. After ok is false, or after end, it must return.
func (b *outbox) next() (o outgoing, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.begun != nil:
		o.wire, b.begun = b.begun, nil
		return o, true
	case b.slow: // a slow client is told so at once, not after the backlog
		return outgoing{code: protocol.CloseSlow}, true
	case b.head == len(b.queue):
		b.stop()
		return outgoing{}, false
	}
	o = b.queue[b.head]
	b.queue[b.head] = outgoing{}
	b.head++
	b.waiting[o.slot] -= places(len(o.wire))
	return o, true
}

// end says that the writer can write no more.
func (b *outbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.stop()
}

// stop forgets what has not been written: nobody writes any more. b.mu is held.
func (b *outbox) stop() {
	b.writing = false
	b.waiting = shares{}
	b.begun = nil
	if b.queue, b.head = b.queue[:0], 0; cap(b.queue) > keptQueue {
		b.queue = nil
	}
	if b.ended != nil {
		close(b.ended)
		b.ended = nil
	}
}

// finish takes nothing more, and waits until what there is has been written.
func (b *outbox) finish() {
	b.mu.Lock()
	b.over = true
	var ended chan struct{}
	if b.writing {
		ended = make(chan struct{})
		b.ended = ended
	}
	b.mu.Unlock()
	if ended != nil {
		<-ended
	}
}
