package peer

import (
	"crypto/rand"
	"time"

	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// SendFile offers a file and returns the id that events about it repeat. At most
// sealed.LimitFiles are unfinished at once; a further one ends as busy. The data
// belongs to the call from now on.
func (c *Call) SendFile(f files.File) (id string) {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	id = files.NewID(raw)
	c.post(func() { c.files.Send(id, f) })
	return id
}

// AcceptFile takes a file that was offered.
func (c *Call) AcceptFile(id string) { c.post(func() { c.files.Accept(id) }) }

// StopFile declines a file that is offered, or cancels one of either party.
func (c *Call) StopFile(id string) { c.post(func() { c.files.Stop(id) }) }

func (c *Call) newTransfers() *files.Transfers {
	return files.New(files.Config{
		Store:       c.cfg.Files,
		AcceptBytes: c.cfg.AcceptFiles,
		Line:        CleanLine,
		Say:         func(m any) bool { return c.tellDirect(m) },
		Post:        c.postUnless,
		Offered:     func(i files.Item) { c.emitFile(FileOffered{i, files.CanRun(i.Name)}) },
		Progress:    func(i files.Item) { c.emitFile(FileProgress{i}) },
		Ended:       func(e files.End) { c.emitFile(FileEnded{e}) },
	})
}

// emitFile tells what happens to a file. When the call is over there is room for
// one word about each: see eventReserve.
func (c *Call) emitFile(e Event) {
	if c.ended == nil {
		c.emit(e)
		return
	}
	if _, ok := e.(FileEnded); ok {
		c.emitLast(e)
	}
}

// onFile takes an offer. It may have overtaken our own proof, and would be
// answered before that.
func (c *Call) onFile(m sealed.File) {
	if c.channel != nil && c.channel.bound {
		c.files.Offer(m)
	} else if len(c.early) < sealed.LimitFiles {
		c.early = append(c.early, m)
	}
}

func (c *Call) filesConnected() {
	c.files.Connected(boundFiles{c.conn.files, c})
	early := c.early
	c.early = nil
	for _, m := range early {
		c.files.Offer(m)
	}
}

func (c *Call) onChunk(conn *connection, frame []byte) {
	if conn != c.conn || c.channel == nil || !c.channel.bound {
		return
	}
	plain, err := c.openFile(frame, time.Now())
	if err == nil && plain != nil {
		err = c.files.Take(plain)
	}
	if err != nil {
		c.finish(EndError, err)
	}
}

func (c *Call) openFile(frame []byte, now time.Time) ([]byte, error) {
	if len(frame) == 0 || frame[0] != dataFrameType || len(frame) > files.MaxChunk+64 {
		return nil, &protocol.WireError{Code: protocol.ErrorCodeSeq, Detail: "not a sealed frame of a file"}
	}
	return c.seat.keys().OpenFile(frame, now)
}
