package files

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world joins two sides by a line that can be cut. The test is the owner of both:
// what they do happens in until.
type world struct {
	t     *testing.T
	inbox chan func()
	later []func() // on the line, in order
	a, b  *side
}

// side is one party: its transfers, what they told, what the line carries.
type side struct {
	*Transfers
	w        *world
	other    *side
	store    *memory
	up       bool
	line     int // counts connections: what was on the way of an earlier one is lost
	budget   int // chunks that still get through; then the line is cut
	sent     int64
	sentHigh int64 // most that was sent and not confirmed
	offers   []Item
	ends     []End
	steps    []Item
	said     []any // what it said while nobody is at the other end
}

// newWorld is two parties without a connection; adjust may change what b does
// with offers.
func newWorld(t *testing.T, adjust func(*Config)) *world {
	w := &world{t: t, inbox: make(chan func(), 64)}
	w.a, w.b = w.side(nil), w.side(adjust)
	w.a.other, w.b.other = w.b, w.a
	return w
}

func (w *world) side(adjust func(*Config)) *side {
	s := &side{w: w, store: &memory{files: map[string]string{}}, budget: 1 << 30}
	cfg := Config{
		Store: s.store, Line: strings.TrimSpace, Say: s.say,
		Post: func(gone <-chan struct{}, f func()) {
			select {
			case w.inbox <- f:
			case <-gone:
			}
		},
		Offered:  func(i Item) { s.offers = append(s.offers, i) },
		Progress: func(i Item) { s.steps = append(s.steps, i) },
		Ended:    func(e End) { s.ends = append(s.ends, e) },
	}
	if adjust != nil {
		adjust(&cfg)
	}
	s.Transfers = New(cfg)
	w.t.Cleanup(func() {
		s.Close()
		s.Wait()
	})
	return s
}

func (s *side) say(m any) bool {
	if s.other == nil {
		s.said = append(s.said, m)
		return true
	}
	s.deliver(func() {
		switch m := m.(type) {
		case sealed.File:
			s.other.Offer(m)
		case sealed.FileGet:
			s.other.Get(m)
		case sealed.FileEnd:
			s.other.Hash(m)
		case sealed.FileStop:
			s.other.Stopped(m)
		}
	})
	return true
}

// deliver puts something on the line.
func (s *side) deliver(f func()) {
	line := s.line
	s.w.later = append(s.w.later, func() {
		if s.up && s.line == line {
			f()
		}
	})
}

// Room and Send implement [Channel].
func (s *side) Room(context.Context) bool { return true }

func (s *side) Send(chunk []byte) error {
	if !s.up {
		return errors.New("no line")
	}
	if s.budget--; s.budget < 0 {
		s.w.cut()
		return nil // on its way, and lost
	}
	s.sent += int64(len(chunk) - headerBytes)
	if o := s.out; len(o) == 1 {
		s.sentHigh = max(s.sentHigh, s.sent-o[0].Done)
	}
	s.deliver(func() { s.w.check(s.other.Take(chunk)) })
	return nil
}

func (w *world) connect() {
	for _, s := range []*side{w.a, w.b} {
		s.up = true
		s.line++
	}
	w.a.Connected(w.a)
	w.b.Connected(w.b)
}

func (w *world) cut() {
	w.a.up, w.b.up = false, false
	w.a.Disconnected()
	w.b.Disconnected()
}

// step runs the next thing that either side has to do, or waits for it; false if
// nothing came in time.
func (w *world) step(timeout <-chan time.Time) bool {
	if len(w.later) > 0 {
		f := w.later[0]
		w.later = w.later[1:]
		f()
		return true
	}
	select {
	case f := <-w.inbox:
		f()
		return true
	case <-timeout:
		return false
	}
}

// until runs both sides until ok.
func (w *world) until(ok func() bool) {
	w.t.Helper()
	timeout := time.After(30 * time.Second)
	for !ok() {
		if !w.step(timeout) {
			w.t.Fatalf("waited in vain; a: %+v, b: %+v", w.a.ends, w.b.ends)
		}
	}
}

// quiet runs both sides until nothing comes any more. What it shows is only that
// nobody does too much; a busy machine makes it show less, not something else.
func (w *world) quiet() {
	for w.step(time.After(50 * time.Millisecond)) {
	}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// send offers content and waits until b was asked.
func (w *world) send(content []byte) (id string) {
	w.t.Helper()
	id = testID(len(w.a.offers))
	w.a.Transfers.Send(id, File{Name: "x.bin", Size: int64(len(content)), Data: bytes.NewReader(content)})
	before := len(w.b.offers)
	w.until(func() bool { return len(w.b.offers) > before })
	return id
}

func testID(n int) string { return NewID([12]byte{byte(n), byte(n >> 8)}) }

func content(size int) []byte {
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(i*31 + i>>8)
	}
	return out
}

// ended waits for the next end and compares it.
func (s *side) ended(reason sealed.FileStopReason, problem Problem) End {
	s.w.t.Helper()
	s.w.until(func() bool { return len(s.ends) > 0 })
	e := s.ends[0]
	s.ends = s.ends[1:]
	if e.Reason != reason || e.Problem != problem {
		s.w.t.Fatalf("%s ended with %q %q, want %q %q", e.Name, e.Reason, e.Problem, reason, problem)
	}
	return e
}

// memory is a store without a disk, whose mistakes a test decides.
type memory struct {
	mu     sync.Mutex
	files  map[string]string // finished ones
	began  int
	thrown int
	create error
	write  func(stored int) error
	finish error
	hold   chan struct{} // if set, each write waits for one
}

func (m *memory) Create(_, name string) (Sink, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began++
	return &memorySink{store: m, name: name}, m.create
}

func (m *memory) content(name string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.files[name]
	return c, ok
}

type memorySink struct {
	store *memory
	name  string
	got   bytes.Buffer
}

func (s *memorySink) Write(b []byte) (int, error) {
	if s.store.hold != nil {
		<-s.store.hold
	}
	if s.store.write != nil {
		if err := s.store.write(s.got.Len()); err != nil {
			return 0, err
		}
	}
	return s.got.Write(b)
}

func (s *memorySink) Finish() (string, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.finish != nil {
		return "", s.store.finish
	}
	s.store.files[s.name] = s.got.String()
	return "/somewhere/" + s.name, nil
}

func (s *memorySink) Discard() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.thrown++
}
