package signaling

import (
	"sync"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

const (
	// guestShare is how many frames of one guest may wait for its host in any case.
	// A guest with more waiting gets none of the last reserve places in the queue:
	// strangers who send as much as they may must not cost the host its connection.
	guestShare = protocol.LimitWriteQueue / (protocol.LimitWaiting + 2)
	reserve    = guestShare + 8
	// keptQueue is how long a queue may be that stays when it is empty.
	keptQueue = 2
)

// outgoing is one thing for the writer to do: a frame, or, if code is set, the
// end of the connection.
type outgoing struct {
	kind  websocket.MessageType
	slot  uint16 // of the guest it is from; 0: nobody's share
	frame []byte
	code  websocket.StatusCode
}

// outbox is what waits to be written to one client. Most of the time that is
// nothing, and then it costs nothing: the writer is a goroutine that push starts, and
// that ends when the queue is empty. All methods may be called by anybody.
type outbox struct {
	mu      sync.Mutex // guards what follows; never held across a write
	queue   []outgoing
	head    int           // queue[:head] has been taken
	waiting shares        // frames in the queue by the slot of the guest they are from
	write   func()        // the writer; nil until open
	writing bool          // it runs
	ended   chan struct{} // somebody waits for its end
	slow    bool          // the queue has overflowed
	over    bool          // nothing more is taken
}

type shares [protocol.LimitWaiting + 2]uint16

// open names the writer, which takes what next gives, until it gives nothing.
func (b *outbox) open(write func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write = write
	b.start()
}

// start starts the writer if there is something to write. b.mu is held.
func (b *outbox) start() {
	if b.write != nil && !b.writing && (b.slow || b.head < len(b.queue)) {
		b.writing = true
		go b.write()
	}
}

// push queues o. A queue that overflows is not written any more: its client is told
// that it was too slow.
func (b *outbox) push(o outgoing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over || b.slow:
		return
	case len(b.queue)-b.head >= protocol.LimitWriteQueue:
		b.slow, b.queue, b.head = true, nil, 0
	default:
		b.compact()
		b.queue = append(b.queue, o)
		b.waiting[o.slot]++
	}
	b.start()
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

// room is false if a guest has its share of the queue and the rest is for others.
func (b *outbox) room(slot uint16) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slot == 0 || b.waiting[slot] < guestShare || len(b.queue)-b.head < protocol.LimitWriteQueue-reserve
}

// next gives the writer what to do. After ok is false, or after end, it must return.
func (b *outbox) next() (o outgoing, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.slow: // a slow client is told so at once, not after the backlog
		return outgoing{code: protocol.CloseSlow}, true
	case b.head == len(b.queue):
		b.stop()
		return outgoing{}, false
	}
	o = b.queue[b.head]
	b.queue[b.head] = outgoing{}
	b.head++
	b.waiting[o.slot]--
	return o, true
}

// end says that the writer can write no more.
func (b *outbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.stop()
}

// stop forgets the writer and what it has not written. b.mu is held.
func (b *outbox) stop() {
	b.writing = false
	b.waiting = shares{}
	if b.queue, b.head = b.queue[:0], 0; cap(b.queue) > keptQueue {
		b.queue = nil
	}
	if b.ended != nil {
		close(b.ended)
		b.ended = nil
	}
}

// finish takes nothing more, and waits until the writer is done with what there is.
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
