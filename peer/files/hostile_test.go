package files

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// victim is a side whose other party is the test.
func victim(t *testing.T, adjust func(*Config)) *side {
	w := newWorld(t, adjust)
	w.a = &side{w: w}
	w.b.other, w.b.up = nil, true
	w.b.Connected(w.b)
	return w.b
}

func (s *side) offer(id string, size int64) {
	s.Offer(sealed.File{T: "file", ID: id, Name: "x.bin", Size: size})
}

// flowing is a victim that has taken a file of ten bytes.
func flowing(t *testing.T, size int64) *side {
	s := victim(t, nil)
	s.offer(testID(1), size)
	s.Accept(testID(1))
	s.w.until(func() bool { return s.in[0].state == moving })
	return s
}

func (s *side) take(id string, off int64, n int) {
	s.w.t.Helper()
	s.w.check(s.Take(encodeChunk(id, off, make([]byte, n))))
}

func (s *side) lastStop() sealed.FileStop {
	for _, m := range slices.Backward(s.said) {
		if stop, ok := m.(sealed.FileStop); ok {
			return stop
		}
	}
	return sealed.FileStop{}
}

func TestLyingSender(t *testing.T) {
	type part struct {
		off int64
		n   int
	}
	for name, tt := range map[string]struct {
		parts  []part
		sha    string
		reason sealed.FileStopReason
		why    Problem
	}{
		"more than was offered":    {[]part{{0, 11}}, "", failed, ProblemRules},
		"more, after the end":      {[]part{{0, 10}, {10, 1}}, "", failed, ProblemRules},
		"a gap":                    {[]part{{5, 5}}, "", failed, ProblemRules},
		"bytes twice":              {[]part{{0, 5}, {0, 5}}, "", failed, ProblemRules},
		"a negative offset":        {[]part{{-5, 5}}, "", failed, ProblemRules},
		"an offset that wraps":     {[]part{{math.MinInt64, 5}}, "", failed, ProblemRules},
		"other bytes than it said": {[]part{{0, 10}}, strings.Repeat("0", 64), damaged, ProblemNone},
		"a hash that is none":      {nil, "zz", failed, ProblemRules},
		"a long hash":              {nil, strings.Repeat("0", 66), failed, ProblemRules},
	} {
		t.Run(name, func(t *testing.T) {
			s := flowing(t, 10)
			for _, p := range tt.parts {
				s.take(testID(1), p.off, p.n)
			}
			if tt.sha != "" {
				s.Hash(sealed.FileEnd{T: "file-end", ID: testID(1), SHA256: tt.sha})
			}
			s.ended(tt.reason, tt.why)
			if got := s.lastStop(); got.Reason != tt.reason || got.ID != testID(1) {
				t.Errorf("the sender was told %+v", got)
			}
			s.take(testID(1), 0, 5) // too late: dropped
			s.Close()
			s.Wait()
			if len(s.store.files) != 0 || s.store.thrown != 1 {
				t.Errorf("kept %v, thrown away %d times", s.store.files, s.store.thrown)
			}
		})
	}
}

// A sender that does not wait for the receiver fills no memory.
func TestSenderRunsAhead(t *testing.T) {
	s := victim(t, nil)
	s.store.hold = make(chan struct{})
	defer close(s.store.hold)
	s.offer(testID(1), 100_000_000)
	s.Accept(testID(1))
	s.w.until(func() bool { return s.in[0].state == moving })
	in, n := s.in[0], int64(0)
	for len(s.ends) == 0 {
		s.take(testID(1), n, sealed.LimitFileChunk)
		n += sealed.LimitFileChunk
	}
	s.ended(failed, ProblemRules)
	if in.received > sealed.LimitFileAhead {
		t.Errorf("%d bytes were taken, none stored", in.received)
	}
}

// Connections that come and go do not add up either.
func TestReconnectionsDoNotAddUp(t *testing.T) {
	s := victim(t, nil)
	s.store.hold = make(chan struct{})
	defer close(s.store.hold)
	s.offer(testID(1), 100_000_000)
	s.Accept(testID(1))
	s.w.until(func() bool { return s.in[0].state == moving })
	in := s.in[0]
	for range 50 {
		for range sealed.LimitFileAhead / sealed.LimitFileChunk {
			s.take(testID(1), in.received, sealed.LimitFileChunk)
		}
		s.Connected(s)
		s.offer(testID(1), 100_000_000)
	}
	if in.received != sealed.LimitFileAhead {
		t.Errorf("%d bytes were taken, none stored", in.received)
	}
}

func TestLyingReceiver(t *testing.T) {
	get := func(off int64) sealed.FileGet { return sealed.FileGet{T: "file-get", ID: testID(1), Off: off} }
	for name, lie := range map[string]func(s *side){
		"wants bytes that were never sent": func(s *side) { s.Get(get(50)) },
		"confirms bytes that were not":     func(s *side) { s.Get(get(0)); s.Get(get(100)) },
		"a negative offset":                func(s *side) { s.Get(get(-1)) },
		"has it before it was sent":        func(s *side) { s.Stopped(sealed.FileStop{ID: testID(1), Reason: done}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := victim(t, nil)
			s.Transfers.Send(testID(1), File{Name: "x", Size: 100, Data: strings.NewReader(strings.Repeat("x", 100))})
			lie(s)
			s.ended(failed, ProblemRules)
		})
	}
	t.Run("a reason that nobody knows", func(t *testing.T) {
		s := victim(t, nil)
		s.Transfers.Send(testID(1), File{Name: "x", Size: 1, Data: strings.NewReader("x")})
		s.Stopped(sealed.FileStop{ID: testID(1), Reason: "\x1b[2J"})
		s.ended(failed, ProblemNone)
	})
	t.Run("says done of what it sends", func(t *testing.T) {
		s := flowing(t, 10)
		s.Stopped(sealed.FileStop{ID: testID(1), Reason: done})
		s.ended(failed, ProblemRules)
	})
}

// What is offered a thousand times costs four places and as many words as it was
// asked.
func TestFloods(t *testing.T) {
	s := victim(t, nil)
	for i := range 1_000 {
		s.offer(NewID([12]byte{1, byte(i >> 8), byte(i)}), 10)
	}
	if len(s.in) != sealed.LimitFiles || len(s.offers) != sealed.LimitFiles {
		t.Errorf("%d offers wait, %d were shown; want %d", len(s.in), len(s.offers), sealed.LimitFiles)
	}
	if got := s.lastStop(); got.Reason != busy {
		t.Errorf("the last was answered with %q", got.Reason)
	}
	for i := range 5_000 { // offered and taken back
		id := NewID([12]byte{2, byte(i >> 8), byte(i)})
		s.Stopped(sealed.FileStop{ID: s.in[0].ID, Reason: canceled})
		s.offer(id, 10)
	}
	if len(s.over) > maxRemembered || len(s.overIDs) > maxRemembered {
		t.Errorf("%d ended files are remembered", len(s.over))
	}
	before := len(s.offers)
	s.offer(s.in[0].ID, 999) // the same id: nothing new
	if len(s.offers) != before || s.in[0].Size != 10 {
		t.Error("an offer changed when it was said again")
	}
}

func TestOffersThatAreNone(t *testing.T) {
	s := victim(t, nil)
	for _, id := range []string{"", "short", "../../../../etc/", strings.Repeat("A", 17), "AAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAA\n"} {
		s.offer(id, 10)
	}
	s.offer(testID(1), -1)
	s.Transfers.Send(testID(2), File{Name: "mine", Size: 1, Data: strings.NewReader("x")})
	s.offers = nil
	s.offer(testID(2), 10) // an id of ours
	if len(s.offers) != 0 {
		t.Errorf("shown: %+v", s.offers)
	}
	s.offer(testID(3), sealed.LimitFileBytes+1)
	s.ended(tooLarge, ProblemNone)
	for _, bad := range [][]byte{nil, make([]byte, headerBytes), make([]byte, MaxChunk+1)} {
		if s.Take(bad) == nil {
			t.Errorf("%d bytes are taken for a chunk", len(bad))
		}
	}
	s.take(testID(9), 0, 5) // nobody asked
	s.offer(testID(4), 10)
	s.take(testID(4), 0, 5) // nobody has said yes
	if s.store.began != 0 {
		t.Error("something was stored")
	}
}
