package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	// writeBytes are written, and confirmed to the sender, at once.
	writeBytes = 512 << 10
	// maxBlocks wait to be written: what a sender may be ahead, and a last one each
	// for a lost connection, for the end and for the hash.
	maxBlocks = sealed.LimitFileAhead/writeBytes + 3
)

// incoming is one file of the other party.
type incoming struct {
	Item
	unasked bool // taken without a question

	// owned by the owner
	state     state
	here      bool   // it was offered over this connection, so it can be answered
	received  int64  // bytes that came
	granted   int64  // where the sender was last told to go on
	waiting   []byte // came, not given to keep
	want      string // the hash that was announced
	finishing bool   // all is given to keep
	told      int64
	cancel    context.CancelFunc
	blocks    chan block

	kept kept // set by keep before it ends
}

// block is for keep: bytes to write or, at the end, what their hash is to be.
type block struct {
	bytes []byte
	want  string
}

// kept is how keep ended; no reason: it was canceled.
type kept struct {
	reason  sealed.FileStopReason
	problem Problem
	path    string
}

// Offer is what the other party says: a file, or one of before once more over a
// new connection.
func (t *Transfers) Offer(m sealed.File) {
	if !validID(m.ID) || m.Size < 0 || t.outgoing(m.ID) != nil {
		return
	}
	if in := t.incoming(m.ID); in != nil {
		in.here = true
		t.resume(in)
		return
	}
	if done, ended := t.over[m.ID]; ended {
		t.sayStop(m.ID, againReason(done))
		return
	}
	if len(t.in) >= sealed.LimitFiles {
		t.sayStop(m.ID, sealed.FileStopReasonBusy)
		return
	}
	in := &incoming{Item: Item{ID: m.ID, Name: SafeName(m.Name, t.cfg.Line), Size: m.Size}, here: true}
	t.in = append(t.in, in)
	t.cfg.Offered(in.Item)
	switch {
	case t.cfg.Store == nil:
		t.stopIn(in, sealed.FileStopReasonDeclined, ProblemNone)
	case m.Size > sealed.LimitFileBytes:
		t.stopIn(in, sealed.FileStopReasonTooLarge, ProblemNone)
	case t.cfg.AcceptBytes == 0: // a question
	case m.Size > t.budget || t.accepted >= maxAccepted:
		t.stopIn(in, sealed.FileStopReasonTooLarge, ProblemNone)
	default:
		in.unasked = true
		t.accepted++
		t.budget -= m.Size
		t.open(in)
	}
}

// againReason is what is said of a file that ended before it was offered again.
func againReason(done bool) sealed.FileStopReason {
	if done {
		return sealed.FileStopReasonDone
	}
	return sealed.FileStopReasonCanceled
}

// Take takes what came over the channel. It fails for what is no chunk; one that
// nobody asked for is dropped, because its file may just have been canceled.
func (t *Transfers) Take(plain []byte) error {
	c, err := decodeChunk(plain)
	if err != nil {
		return err
	}
	in := t.incoming(c.id)
	if in == nil || in.state != moving {
		return nil
	}
	end := in.received + int64(len(c.bytes))
	if c.off != uint64(in.received) || end > in.Size || end > in.granted+sealed.LimitFileAhead {
		t.stopIn(in, sealed.FileStopReasonFailed, ProblemRules)
		return nil
	}
	in.received = end
	in.waiting = append(in.waiting, c.bytes...)
	if len(in.waiting) >= writeBytes || end == in.Size {
		t.flush(in)
	}
	t.check(in)
	return nil
}

// Hash is what the sender says the whole is; the first word counts.
func (t *Transfers) Hash(m sealed.FileEnd) {
	in := t.incoming(m.ID)
	if in == nil || in.state != moving || in.want != "" {
		return
	}
	if raw, err := hex.DecodeString(m.SHA256); err != nil || len(raw) != sha256.Size {
		t.stopIn(in, sealed.FileStopReasonFailed, ProblemRules)
		return
	}
	in.want = m.SHA256
	t.check(in)
}

// Stopped is the other party's word that a file is over.
func (t *Transfers) Stopped(m sealed.FileStop) {
	reason := known(m.Reason)
	if o := t.outgoing(m.ID); o != nil {
		if reason == sealed.FileStopReasonDone && !o.ended { // who does not know the hash cannot have compared it
			t.endOut(o, sealed.FileStopReasonFailed, ProblemRules)
			return
		}
		t.endOut(o, reason, ProblemNone)
	}
	if in := t.incoming(m.ID); in != nil && !in.finishing {
		if reason == sealed.FileStopReasonDone { // only the receiver can know
			t.endIn(in, sealed.FileStopReasonFailed, ProblemRules, "")
			return
		}
		t.endIn(in, reason, ProblemNone, "")
	}
}

func known(reason sealed.FileStopReason) sealed.FileStopReason {
	switch reason {
	case sealed.FileStopReasonDone, sealed.FileStopReasonDeclined, sealed.FileStopReasonCanceled, sealed.FileStopReasonTooLarge,
		sealed.FileStopReasonBusy, sealed.FileStopReasonDamaged:
		return reason
	case sealed.FileStopReasonFailed:
	}
	return sealed.FileStopReasonFailed
}

func (t *Transfers) open(in *incoming) {
	in.state = opening
	in.blocks = make(chan block, maxBlocks)
	ctx, cancel := context.WithCancel(t.ctx)
	in.cancel = cancel
	t.work.Go(func() {
		in.kept = t.keep(ctx, in)
		t.cfg.Post(ctx.Done(), func() { t.finished(in) })
	})
}

// resume says where it goes on, once all that came before is stored.
func (t *Transfers) resume(in *incoming) {
	if in.state != paused || !in.here || in.Done != in.received {
		return
	}
	if t.say(sealed.FileGet{T: "file-get", ID: in.ID, Off: in.Done}) {
		in.state, in.granted = moving, in.Done
	}
}

func (t *Transfers) pause(in *incoming) {
	in.here = false
	if in.state == moving {
		in.state = paused
		t.flush(in)
	}
}

func (t *Transfers) flush(in *incoming) {
	if len(in.waiting) > 0 {
		in.blocks <- block{bytes: in.waiting} // has room: see maxBlocks
		in.waiting = nil
	}
}

func (t *Transfers) check(in *incoming) {
	if in.want != "" && in.received == in.Size && !in.finishing {
		in.finishing = true
		in.blocks <- block{want: in.want}
	}
}

// keep writes one file, compares its hash, and gives it its name.
func (t *Transfers) keep(ctx context.Context, in *incoming) kept {
	sink, err := t.cfg.Store.Create(in.ID, in.Name)
	if err != nil {
		return kept{reason: sealed.FileStopReasonFailed, problem: problemOf(err)}
	}
	k := t.write(ctx, in, sink)
	if k.reason != sealed.FileStopReasonDone {
		sink.Discard()
	}
	return k
}

func (t *Transfers) write(ctx context.Context, in *incoming, sink Sink) kept {
	t.cfg.Post(ctx.Done(), func() {
		in.state = paused
		t.resume(in)
	})
	hash, stored := sha256.New(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return kept{}
		case b := <-in.blocks:
			if b.want != "" {
				if hex.EncodeToString(hash.Sum(nil)) != b.want {
					return kept{reason: sealed.FileStopReasonDamaged}
				}
				path, err := sink.Finish()
				if err != nil {
					return kept{reason: sealed.FileStopReasonFailed, problem: problemOf(err)}
				}
				return kept{reason: sealed.FileStopReasonDone, path: path}
			}
			if _, err := sink.Write(b.bytes); err != nil {
				return kept{reason: sealed.FileStopReasonFailed, problem: problemOf(err)}
			}
			hash.Write(b.bytes) // never fails (hash.Hash)
			stored += int64(len(b.bytes))
			done := stored // the next round changes it
			t.cfg.Post(ctx.Done(), func() { t.stored(in, done) })
		}
	}
}

// stored is the leave to send on, or to go on over a new connection.
func (t *Transfers) stored(in *incoming, done int64) {
	if t.incoming(in.ID) != in {
		return // canceled meanwhile
	}
	in.Done = done
	if step(&in.told, done, in.Size) {
		t.cfg.Progress(in.Item)
	}
	if in.state == moving && t.say(sealed.FileGet{T: "file-get", ID: in.ID, Off: done}) {
		in.granted = done
	}
	t.resume(in)
}

// finished tells how it ended.
func (t *Transfers) finished(in *incoming) {
	k := in.kept
	if t.incoming(in.ID) == in && k.reason != "" {
		t.sayStop(in.ID, k.reason)
		t.endIn(in, k.reason, k.problem, k.path)
	}
}

func (t *Transfers) stopIn(in *incoming, reason sealed.FileStopReason, problem Problem) {
	t.sayStop(in.ID, reason)
	t.endIn(in, reason, problem, "")
}

func (t *Transfers) sayStop(id string, reason sealed.FileStopReason) {
	t.say(sealed.FileStop{T: "file-stop", ID: id, Reason: reason})
}

func (t *Transfers) endIn(in *incoming, reason sealed.FileStopReason, problem Problem, path string) {
	if in.cancel != nil {
		in.cancel()
	}
	t.in = slices.DeleteFunc(t.in, func(other *incoming) bool { return other == in })
	if len(t.overIDs) >= maxRemembered {
		delete(t.over, t.overIDs[0])
		t.overIDs = t.overIDs[1:]
	}
	t.over[in.ID], t.overIDs = reason == sealed.FileStopReasonDone, append(t.overIDs, in.ID)
	if in.unasked && reason != sealed.FileStopReasonDone {
		t.budget += in.Size
	}
	t.cfg.Ended(End{Item: in.Item, Reason: reason, Problem: problem, Path: path})
}
