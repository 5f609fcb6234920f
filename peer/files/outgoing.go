package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// outgoing is one file on its way to the other party.
type outgoing struct {
	Item
	data io.ReaderAt

	// owned by the owner
	run   *run          // nil: no bytes flow
	idle  chan struct{} // closed when the last feeder has ended; nil: there was none
	sent  int64
	ended bool // file-end was said
	told  int64

	digest feederHash // owned by the feeder that runs; one waits for the one before
}

// feederHash is of the bytes that have left; those sent again are in it once.
type feederHash struct {
	hash   hash.Hash
	hashed int64
}

func (h *feederHash) count(off int64, bytes []byte) {
	if h.hash == nil {
		h.hash = sha256.New()
	}
	fresh := bytes[min(max(h.hashed-off, 0), int64(len(bytes))):]
	h.hash.Write(fresh) // never fails (hash.Hash)
	h.hashed += int64(len(fresh))
}

// run is one beginning of a file: it feeds one connection.
type run struct {
	ctx    context.Context
	cancel context.CancelFunc
	// stored is up to where the receiver has stored it; the last value counts.
	stored chan int64
}

func (r *run) confirm(off int64) {
	select {
	case <-r.stored:
	default:
	}
	r.stored <- off // the owner is the only one to fill it
}

func (o *outgoing) halt() {
	if o.run != nil {
		o.run.cancel()
		o.run = nil
	}
}

func (t *Transfers) announce(o *outgoing) {
	t.say(sealed.File{T: "file", ID: o.ID, Name: o.Name, Size: o.Size})
}

func (t *Transfers) say(m any) bool { return t.channel != nil && t.cfg.Say(m) }

// Get is what the receiver says it wants: the first on a connection begins, the
// others confirm.
func (t *Transfers) Get(m sealed.FileGet) {
	o := t.outgoing(m.ID)
	switch {
	case o == nil || t.channel == nil:
	case m.Off < 0 || m.Off > o.sent: // never sent, so it cannot be stored
		t.stopOut(o, sealed.FileStopReasonFailed, ProblemRules)
	case o.run == nil:
		o.Done = m.Off
		t.begin(o)
	case m.Off > o.Done:
		o.Done = m.Off
		o.run.confirm(m.Off)
		if step(&o.told, o.Done, o.Size) {
			t.cfg.Progress(o.Item)
		}
	}
}

func (t *Transfers) begin(o *outgoing) {
	ctx, cancel := context.WithCancel(t.ctx)
	r := &run{ctx: ctx, cancel: cancel, stored: make(chan int64, 1)}
	before, idle := o.idle, make(chan struct{})
	o.run, o.idle = r, idle
	channel, from := t.channel, o.Done
	t.work.Go(func() {
		defer close(idle)
		if before != nil {
			<-before
		}
		t.feed(o, r, channel, from)
	})
}

// feed reads and sends from an offset on, never more than the receiver is ready
// to hold, and says the hash at the end.
func (t *Transfers) feed(o *outgoing, r *run, channel Channel, at int64) {
	limit := at + sealed.LimitFileAhead
	buffer := make([]byte, sealed.LimitFileChunk)
	o.digest.count(at, nil)
	for at < o.Size {
		select {
		case stored := <-r.stored:
			limit = stored + sealed.LimitFileAhead
			continue
		default:
		}
		if at >= limit {
			select {
			case stored := <-r.stored:
				limit = stored + sealed.LimitFileAhead
			case <-r.ctx.Done():
				return
			}
			continue
		}
		part := buffer[:min(int64(len(buffer)), o.Size-at, limit-at)]
		if n, _ := o.data.ReadAt(part, at); n < len(part) { // an error with all bytes is the end of the file
			t.cfg.Post(r.ctx.Done(), func() { t.unreadable(o, r) })
			return
		}
		o.digest.count(at, part)
		if !channel.Room(r.ctx) || !t.hand(o, r, channel, at, part) {
			return
		}
		at += int64(len(part))
	}
	sha := hex.EncodeToString(o.digest.hash.Sum(nil))
	t.cfg.Post(r.ctx.Done(), func() {
		if o.run == r {
			o.ended = true
			t.say(sealed.FileEnd{T: "file-end", ID: o.ID, SHA256: sha})
		}
	})
}

// hand gives one part to the owner and waits until it is sent; false if it is not.
func (t *Transfers) hand(o *outgoing, r *run, channel Channel, at int64, part []byte) bool {
	taken := make(chan bool, 1)
	t.cfg.Post(r.ctx.Done(), func() {
		if o.run != r || channel.Send(encodeChunk(o.ID, at, part)) != nil {
			taken <- false // the connection is going
			return
		}
		o.sent = max(o.sent, at+int64(len(part)))
		taken <- true
	})
	select {
	case ok := <-taken:
		return ok
	case <-r.ctx.Done():
		return false
	}
}

func (t *Transfers) unreadable(o *outgoing, r *run) {
	if o.run == r {
		t.stopOut(o, sealed.FileStopReasonFailed, ProblemRead)
	}
}

// stopOut ends a file and says so, over the next connection if need be.
func (t *Transfers) stopOut(o *outgoing, reason sealed.FileStopReason, problem Problem) {
	m := sealed.FileStop{T: "file-stop", ID: o.ID, Reason: reason}
	if !t.say(m) && len(t.unsaid) < maxRemembered {
		t.unsaid = append(t.unsaid, m)
	}
	t.endOut(o, reason, problem)
}

func (t *Transfers) endOut(o *outgoing, reason sealed.FileStopReason, problem Problem) {
	o.halt()
	t.out = slices.DeleteFunc(t.out, func(other *outgoing) bool { return other == o })
	if o.idle == nil {
		closeData(o.data)
	} else {
		t.work.Go(func() {
			<-o.idle
			closeData(o.data)
		})
	}
	if reason == sealed.FileStopReasonDone {
		o.Done = o.Size
	}
	t.cfg.Ended(End{Item: o.Item, Reason: reason, Problem: problem})
}
