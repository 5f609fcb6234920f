// Package files moves files between the two parties of a call, over a connection
// that may be lost and replaced. It knows nothing of keys and channels.
//
// # The protocol
//
// See docs/protocol.md, section 9. The sender offers (file); the receiver takes it
// (file-get, again and again with what it has stored) or ends it (file-stop); bytes
// come in chunks; the sender says their hash (file-end), the receiver compares and
// says done. Over each new connection the sender offers what is not finished again.
//
// # Ownership
//
// A [Transfers] belongs to one goroutine, its owner: all methods but Wait are
// called there, and what its own goroutines find comes back through [Config.Post].
// Those read and write files, one for each file, so a slow disk holds up nobody.
// [Transfers.Close] ends them, [Transfers.Wait] waits for them.
package files

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// File is one to be sent. Data is read at most once at a time, also after the
// connection was lost, and closed in the end if it is an [io.Closer].
type File struct {
	Name string // a path is cut to its last part
	Size int64
	Data io.ReaderAt
}

// Store is where received files go. Its methods are not called by the owner.
type Store interface {
	// Create begins a file. The name is safe to be stored, the id unique.
	Create(id, name string) (Sink, error)
}

// Sink takes one file. Either Finish or Discard is its end; Discard also follows
// a Finish that failed.
type Sink interface {
	io.Writer
	// Finish makes the file visible, under a name that was free, and tells where.
	Finish() (path string, err error)
	Discard()
}

// Item says what a file is.
type Item struct {
	ID   string
	Mine bool   // it is sent by this party
	Name string // safe to be shown and stored
	Size int64
	Done int64 // bytes that the receiver has stored
}

// Problem says what went wrong on this side. The codes are stable.
type Problem string

// The problems.
const (
	ProblemNone    Problem = ""
	ProblemNoSpace Problem = "no-space"  // the disk is full
	ProblemWrite   Problem = "write"     // it could not be stored for another reason
	ProblemRead    Problem = "read"      // the file to send has changed or cannot be read
	ProblemRules   Problem = "rules"     // the other party broke the rules of the protocol
	ProblemOver    Problem = "call-over" // the call ended first
)

// End says how a file ended.
type End struct {
	Item
	Reason  sealed.FileStopReason
	Problem Problem
	Path    string // where a received one is; "" unless done
}

// Config is what transfers need of a call.
type Config struct {
	Store Store // nil: what is offered is declined
	// AcceptBytes takes offers without a question until they are this many bytes in
	// all; those beyond are too large. 0: each is a question.
	AcceptBytes int64

	// Line makes any text one visible line.
	Line func(string) string
	// Say tells the other party over ctl; false while there is no connection.
	Say func(message any) bool
	// Post gives f to the owner, unless gone is closed or the call over.
	Post func(gone <-chan struct{}, f func())

	Offered  func(Item)
	Progress func(Item)
	Ended    func(End)
}

// Channel carries chunks over one connection.
type Channel interface {
	// Room waits until something may be sent; false if the connection is gone, or
	// ctx ends first. It is called by goroutines of the transfers.
	Room(ctx context.Context) bool
	// Send seals and sends; called by the owner.
	Send(chunk []byte) error
}

const (
	// maxAccepted bounds how many files are taken without a question: a file of no
	// bytes needs room, too.
	maxAccepted = 1000
	// maxRemembered bounds the ended files whose end can be told again.
	maxRemembered = 256
)

type state int

const (
	offered state = iota
	opening       // incoming: accepted, the store makes room
	paused        // accepted, no bytes flow: no connection, or not agreed on where to go on
	moving
)

// Transfers are the files of one call, both ways.
type Transfers struct {
	cfg  Config
	ctx  context.Context // ends with the call
	stop context.CancelFunc
	work sync.WaitGroup

	// owned by the owner
	channel  Channel // nil: no connection
	out      []*outgoing
	in       []*incoming
	over     map[string]bool   // incoming ones that ended: whether with done
	overIDs  []string          // of over, the oldest first
	unsaid   []sealed.FileStop // ends of outgoing ones that no connection could tell
	accepted int               // taken without a question
	budget   int64             // bytes that may still be taken so
}

// New makes the transfers of a call.
func New(cfg Config) *Transfers {
	t := &Transfers{cfg: cfg, over: map[string]bool{}, budget: cfg.AcceptBytes}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Send offers a file under an id that [NewID] made. It is offered once more over
// each new connection, and for the first time over the next one if there is none.
func (t *Transfers) Send(id string, f File) {
	o := &outgoing{Item: Item{ID: id, Mine: true, Name: SafeName(f.Name, t.cfg.Line), Size: f.Size}, data: f.Data}
	t.cfg.Offered(o.Item)
	busy := len(t.out) >= sealed.LimitFiles
	t.out = append(t.out, o)
	switch {
	case f.Size > sealed.LimitFileBytes:
		t.endOut(o, sealed.FileStopReasonTooLarge, ProblemNone)
	case busy:
		t.endOut(o, sealed.FileStopReasonBusy, ProblemNone)
	default:
		t.announce(o)
	}
}

// Accept takes a file that was offered.
func (t *Transfers) Accept(id string) {
	if in := t.incoming(id); in != nil && in.state == offered {
		t.open(in)
	}
}

// Stop declines an offer or cancels a file, by either side, and says so.
func (t *Transfers) Stop(id string) {
	if o := t.outgoing(id); o != nil {
		t.stopOut(o, sealed.FileStopReasonCanceled, ProblemNone)
	}
	in := t.incoming(id)
	switch {
	case in == nil || in.finishing: // all is here; it is being told
	case in.state == offered:
		t.stopIn(in, sealed.FileStopReasonDeclined, ProblemNone)
	default:
		t.stopIn(in, sealed.FileStopReasonCanceled, ProblemNone)
	}
}

// Connected says that a connection is proven, the first or another.
func (t *Transfers) Connected(c Channel) {
	t.Disconnected()
	t.channel = c
	for _, m := range t.unsaid {
		t.cfg.Say(m)
	}
	t.unsaid = nil
	for _, o := range t.out {
		t.announce(o)
	}
}

// Disconnected says that there is no connection.
func (t *Transfers) Disconnected() {
	t.channel = nil
	for _, o := range t.out {
		o.halt()
	}
	for _, in := range t.in {
		t.pause(in)
	}
}

// Close ends what is not finished, because the call is over.
func (t *Transfers) Close() { t.stop() }

// Wait waits for the goroutines after [Transfers.Close]. Then it tells of each
// file how it ended.
func (t *Transfers) Wait() {
	t.work.Wait()
	t.channel = nil
	for len(t.in) > 0 {
		in := t.in[0]
		if k := in.kept; k.reason != "" {
			t.endIn(in, k.reason, k.problem, k.path)
			continue
		}
		t.endIn(in, sealed.FileStopReasonFailed, ProblemOver, "")
	}
	for len(t.out) > 0 {
		t.endOut(t.out[0], sealed.FileStopReasonFailed, ProblemOver)
	}
	t.work.Wait()
}

func (t *Transfers) outgoing(id string) *outgoing {
	for _, o := range t.out {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (t *Transfers) incoming(id string) *incoming {
	for _, in := range t.in {
		if in.ID == id {
			return in
		}
	}
	return nil
}

// step reports whether done is a whole percent more than what was told last.
func step(told *int64, done, size int64) bool {
	percent := int64(100)
	if size > 0 {
		percent = done * 100 / size
	}
	if percent == *told {
		return false
	}
	*told = percent
	return true
}

// NewID is the id of a file made from 12 random bytes.
func NewID(random [12]byte) string { return base64.RawURLEncoding.EncodeToString(random[:]) }

func validID(id string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && len(raw) == idBytes
}

// problemOf says why a file could not be stored.
func problemOf(err error) Problem {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return ProblemNoSpace
	}
	return ProblemWrite
}

// closeData lets go of a file that was sent.
func closeData(data io.ReaderAt) {
	if c, ok := data.(io.Closer); ok {
		_ = c.Close() // it was only read
	}
}
