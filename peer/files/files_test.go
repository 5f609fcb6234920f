package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	done     = sealed.FileStopReasonDone
	declined = sealed.FileStopReasonDeclined
	canceled = sealed.FileStopReasonCanceled
	tooLarge = sealed.FileStopReasonTooLarge
	busy     = sealed.FileStopReasonBusy
	failed   = sealed.FileStopReasonFailed
	damaged  = sealed.FileStopReasonDamaged
)

// What is accepted arrives whole, also nothing at all, and is told by whole
// percents.
func TestWhole(t *testing.T) {
	for _, size := range []int{0, 1, 16_384, 700_001, 9_000_000} {
		w := newWorld(t, nil)
		w.connect()
		want := content(size)
		id := w.send(want)
		if got := w.b.offers[0]; got.Name != "x.bin" || got.Size != int64(size) || got.Mine {
			t.Fatalf("offered %+v", got)
		}
		w.b.Accept(id)
		w.a.ended(done, ProblemNone)
		if e := w.b.ended(done, ProblemNone); e.Path != "/somewhere/x.bin" || e.Done != int64(size) {
			t.Errorf("%d bytes: ended with %+v", size, e)
		}
		if got, _ := w.b.store.content("x.bin"); got != string(want) {
			t.Errorf("%d bytes: others arrived", size)
		}
		if w.a.sentHigh > sealed.LimitFileAhead {
			t.Errorf("%d bytes were on the way", w.a.sentHigh)
		}
		if n := max(len(w.a.steps), len(w.b.steps)); n > 100 {
			t.Errorf("%d words about the progress", n)
		}
	}
}

// After cuts it goes on where it was: no byte is stored twice, and what the sender
// repeats is what was lost.
func TestResume(t *testing.T) {
	w := newWorld(t, nil)
	w.connect()
	want := content(9_000_000)
	id := w.send(want)
	w.b.Accept(id)
	for range 4 {
		w.a.budget = 101
		w.until(func() bool { return !w.a.up })
		w.a.budget = 1 << 30
		w.connect()
	}
	w.a.ended(done, ProblemNone)
	w.b.ended(done, ProblemNone)
	if got, _ := w.b.store.content("x.bin"); got != string(want) {
		t.Error("other bytes arrived")
	}
	if extra := w.a.sent - int64(len(want)); extra > 4*101*sealed.LimitFileChunk {
		t.Errorf("%d bytes were sent again", extra)
	}
}

// A sender waits for the receiver's disk, and goes on with it.
func TestSenderWaitsForTheDisk(t *testing.T) {
	w := newWorld(t, nil)
	w.b.store.hold = make(chan struct{})
	w.connect()
	want := content(sealed.LimitFileAhead + 4_000_000)
	w.b.Accept(w.send(want))
	for stored := int64(0); stored < 2_000_000; stored = w.a.out[0].Done {
		w.quiet()
		if ahead := w.a.sent - stored; ahead > sealed.LimitFileAhead || ahead <= 0 {
			t.Fatalf("%d bytes are on the way", ahead)
		}
		w.b.store.hold <- struct{}{} // one write
		w.until(func() bool { return w.a.out[0].Done > stored })
	}
	close(w.b.store.hold)
	w.a.ended(done, ProblemNone)
	w.b.ended(done, ProblemNone)
	if got, _ := w.b.store.content("x.bin"); got != string(want) {
		t.Error("other bytes arrived")
	}
}

// The connection is lost while the disk is slow: the sender hears where to go on
// only when all that came is stored.
func TestResumeWaitsForTheDisk(t *testing.T) {
	w := newWorld(t, nil)
	w.b.store.hold = make(chan struct{})
	w.connect()
	want := content(2_000_000)
	w.b.Accept(w.send(want))
	in := w.b.in[0]
	w.until(func() bool { return in.received == in.Size })
	w.cut()
	w.connect()
	w.until(func() bool { return in.here })
	if in.state != paused {
		t.Fatal("it goes on although nothing is stored")
	}
	close(w.b.store.hold)
	w.a.ended(done, ProblemNone)
	w.b.ended(done, ProblemNone)
	if got, _ := w.b.store.content("x.bin"); got != string(want) {
		t.Error("other bytes arrived")
	}
}

// What nobody could tell over a lost connection is told over the next.
func TestEndsAreToldLater(t *testing.T) {
	w := newWorld(t, nil)
	w.connect()
	id := w.send(content(5_000_000))
	w.b.Accept(id)
	w.a.budget = 40
	w.until(func() bool { return !w.a.up })
	w.a.Stop(id)
	w.a.ended(canceled, ProblemNone)
	w.connect()
	w.b.ended(canceled, ProblemNone)

	id = w.send(content(100))
	w.cut()
	w.b.Stop(id)
	w.b.ended(declined, ProblemNone)
	w.connect()
	w.a.ended(canceled, ProblemNone)

	// All arrives and is stored, and the word about it is lost.
	w = newWorld(t, nil)
	w.b.store.hold = make(chan struct{})
	w.connect()
	id = w.send(content(100))
	w.b.Accept(id)
	w.until(func() bool { return len(w.b.in) == 1 && w.b.in[0].finishing })
	w.cut()
	w.b.Stop(id) // too late
	close(w.b.store.hold)
	w.b.ended(done, ProblemNone)
	w.connect()
	w.a.ended(done, ProblemNone)
}

func TestStop(t *testing.T) {
	for name, tt := range map[string]struct {
		stop func(w *world, id string)
		a, b sealed.FileStopReason
	}{
		"declined":               {func(w *world, id string) { w.b.Stop(id) }, declined, declined},
		"taken back":             {func(w *world, id string) { w.a.Stop(id) }, canceled, canceled},
		"canceled by the sender": {func(w *world, id string) { w.begin(id); w.a.Stop(id) }, canceled, canceled},
		"by the receiver":        {func(w *world, id string) { w.begin(id); w.b.Stop(id) }, canceled, canceled},
		"as the store opens":     {func(w *world, id string) { w.b.Accept(id); w.b.Stop(id) }, canceled, canceled},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.connect()
			id := w.send(content(20_000_000))
			tt.stop(w, id)
			w.a.ended(tt.a, ProblemNone)
			w.b.ended(tt.b, ProblemNone)
			w.b.Close()
			w.b.Wait()
			if w.b.store.began != w.b.store.thrown {
				t.Errorf("%d begun, %d thrown away", w.b.store.began, w.b.store.thrown)
			}
		})
	}
}

// begin waits until bytes flow.
func (w *world) begin(id string) {
	w.b.Accept(id)
	w.until(func() bool { return w.b.in[0].received > 0 })
}

// A disk that is full, or broken, ends the file and nothing else; nothing of it
// stays behind.
func TestDisk(t *testing.T) {
	full := fmt.Errorf("write: %w", syscall.ENOSPC)
	for name, tt := range map[string]struct {
		spoil   func(*memory)
		problem Problem
	}{
		"no room to begin": {func(m *memory) { m.create = full }, ProblemNoSpace},
		"full at 1 MB": {func(m *memory) {
			m.write = func(stored int) error {
				if stored > 1_000_000 {
					return full
				}
				return nil
			}
		}, ProblemNoSpace},
		"broken":          {func(m *memory) { m.write = func(int) error { return errors.New("I/O error") } }, ProblemWrite},
		"no name is free": {func(m *memory) { m.finish = errors.New("999 files") }, ProblemWrite},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			tt.spoil(w.b.store)
			w.connect()
			w.b.Accept(w.send(content(8_000_000)))
			w.b.ended(failed, tt.problem)
			w.a.ended(failed, ProblemNone)
			if _, ok := w.b.store.content("x.bin"); ok {
				t.Error("it is there")
			}
			if w.b.store.create == nil && w.b.store.thrown != 1 {
				t.Errorf("thrown away %d times", w.b.store.thrown)
			}
		})
	}
}

type reader struct {
	io.ReaderAt
	closed chan struct{}
}

func (r reader) Close() error { close(r.closed); return nil }

// A file that is shorter than it was ends with a word, and is closed.
func TestSourceChanges(t *testing.T) {
	w := newWorld(t, nil)
	w.connect()
	r := reader{bytes.NewReader(content(100_000)), make(chan struct{})}
	w.a.Transfers.Send(testID(1), File{Name: "x", Size: 200_000, Data: r})
	w.until(func() bool { return len(w.b.offers) == 1 })
	w.b.Accept(testID(1))
	w.a.ended(failed, ProblemRead)
	w.b.ended(failed, ProblemNone)
	<-r.closed
}

// Without a question: until so many bytes, and so many files, are taken; what did
// not arrive does not count.
func TestAcceptBytes(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.AcceptBytes = 1_000 })
	w.connect()
	w.send(content(600))
	w.a.ended(done, ProblemNone)
	w.b.ended(done, ProblemNone)
	w.send(content(401))
	w.a.ended(tooLarge, ProblemNone)
	w.b.ended(tooLarge, ProblemNone)
	w.b.store.finish = errors.New("no")
	w.send(content(400))
	w.b.ended(failed, ProblemWrite)
	w.a.ended(failed, ProblemNone)
	w.b.store.finish = nil
	w.send(content(400))
	w.a.ended(done, ProblemNone)
	w.b.ended(done, ProblemNone)
	w.b.accepted = maxAccepted
	w.send(nil)
	w.a.ended(tooLarge, ProblemNone)
}

// The call ends in the middle: both are told, and nothing stays.
func TestCallEnds(t *testing.T) {
	w := newWorld(t, nil)
	w.connect()
	w.begin(w.send(content(20_000_000)))
	w.a.Close()
	w.b.Close()
	w.a.Wait()
	w.b.Wait()
	w.a.ended(failed, ProblemOver)
	w.b.ended(failed, ProblemOver)
	if w.b.store.thrown != 1 {
		t.Error("the part was not thrown away")
	}
}

func TestNoStoreDeclines(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Store = nil })
	w.connect()
	w.send(content(10))
	w.a.ended(declined, ProblemNone)
	w.b.ended(declined, ProblemNone)
}

// Four at once, in each direction; the fifth may be offered later.
func TestFour(t *testing.T) {
	w := newWorld(t, nil)
	w.connect()
	for range sealed.LimitFiles {
		w.send(content(10))
	}
	w.a.Transfers.Send(testID(99), File{Name: "y"})
	w.a.ended(busy, ProblemNone)
	w.a.Transfers.Send(testID(98), File{Name: "y", Size: sealed.LimitFileBytes + 1})
	w.a.ended(tooLarge, ProblemNone)
	w.b.Stop(testID(0))
	w.a.ended(declined, ProblemNone)
	w.b.ended(declined, ProblemNone)
	w.a.Transfers.Send(testID(99), File{Name: "y", Data: bytes.NewReader(nil)})
	w.until(func() bool { return len(w.b.offers) == sealed.LimitFiles+1 })
}
