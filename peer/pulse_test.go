package peer

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// line is a connection whose other side sends something every so often, and time that
// passes by itself.
type line struct {
	pulse
	now      time.Time
	start    time.Time
	every    time.Duration // 0: nothing comes any more
	unbound  bool
	pair     string
	speaking bool // we send media
	sending  bool // they say that they do
	due      time.Duration
	received uint64
	sent     uint64
	silences []time.Duration
	returns  []time.Duration
	beats    int
}

func newLine(every time.Duration) *line {
	start := time.Unix(1_000_000, 0)
	return &line{now: start, start: start, every: every, pair: "first", speaking: true, sending: true}
}

func (l *line) wait(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); {
		l.pass(pulseLook)
	}
}

// pass lets d go by until the next look.
func (l *line) pass(d time.Duration) {
	for range d / (10 * ms) {
		l.due += 10 * ms
		if l.every > 0 && l.due >= l.every {
			l.due = 0
			l.received += 100
		}
		if l.speaking {
			l.sent += 100
		}
	}
	l.now = l.now.Add(d)
	var f *flow
	if !l.unbound {
		f = &flow{l.received, l.sent, l.pair}
	}
	found := l.look(l.now, f, l.sending)
	if found.silent {
		l.silences = append(l.silences, l.now.Sub(l.start))
	}
	if found.heard {
		l.returns = append(l.returns, l.now.Sub(l.start))
	}
	if found.beat {
		l.beats++
		l.sent += 50
	}
}

func TestPulseNoticesSilenceAfterMedia(t *testing.T) {
	l := newLine(20 * ms)
	l.promises(300)
	l.wait(30 * time.Second)
	l.every = 0
	l.wait(900 * ms)
	if len(l.silences) != 1 || l.silences[0] != 30_500*ms || !l.silent() {
		t.Fatalf("silent at %v, want once after 500 ms", l.silences)
	}
	l.pair, l.every = "second", 20*ms
	l.wait(100 * ms)
	if len(l.returns) != 1 || l.silent() {
		t.Errorf("heard again at %v, want once, with the first byte", l.returns)
	}
}

func TestPulseNoticesSilenceAfterBeats(t *testing.T) {
	for _, tt := range []struct{ every, acquainted time.Duration }{
		{300 * ms, 30 * time.Second}, {200 * ms, 30 * time.Second}, {20 * ms, time.Second},
	} {
		l := newLine(tt.every)
		l.promises(300)
		l.wait(tt.acquainted)
		l.every = 0
		l.wait(time.Second)
		if len(l.silences) != 1 || l.silences[0]-tt.acquainted < 500*ms || l.silences[0]-tt.acquainted > 900*ms {
			t.Errorf("%v for %v: silent at %v, want within 500 to 900 ms", tt.every, tt.acquainted, l.silences)
		}
	}
}

func TestPulseTrustsPromises(t *testing.T) {
	muted, hidden, mute := newLine(300*ms), newLine(1500*ms), newLine(0)
	muted.promises(300)
	hidden.promises(1500)
	mute.sending = false
	for _, l := range []*line{muted, hidden, mute} {
		l.wait(time.Minute)
		if len(l.silences) > 0 {
			t.Errorf("silent at %v for one who keeps its promise", l.silences)
		}
	}
	mute.sending = true // three seconds have long passed
	mute.wait(100 * ms)
	if len(mute.silences) != 1 {
		t.Error("one who says that it sends, and does not, is not noticed")
	}
	mute.promises(1 << 40)
	if mute.promise != 10*time.Second {
		t.Errorf("a promise of years is taken as %v", mute.promise)
	}
}

func TestPulseDoesNotCountItsOwnSleep(t *testing.T) {
	l := newLine(20 * ms)
	l.promises(300)
	l.wait(time.Second)
	l.every = 0
	l.wait(300 * ms)
	l.pass(5 * time.Second) // one look comes late
	l.every = 20 * ms
	l.wait(time.Second)
	if len(l.silences) > 0 {
		t.Errorf("silent at %v, while this machine did not look", l.silences)
	}
}

func TestPulseIsSuspicious(t *testing.T) {
	l := newLine(20 * ms)
	l.promises(300)
	l.wait(time.Second)
	l.suspect(l.now)
	l.wait(time.Second)
	l.every = 0
	l.wait(500 * ms)
	if len(l.silences) != 1 || l.silences[0] != 2500*ms {
		t.Errorf("silent at %v, want after 500 ms", l.silences)
	}
}

// A pair is not always selected when the first bytes come by it.
func TestPulseIsPatientAfterAFalseAlarm(t *testing.T) {
	for _, at := range []string{"first", ""} {
		l := newLine(20 * ms)
		l.promises(300)
		l.wait(time.Second)
		pause := func(d time.Duration) {
			l.every = 0
			l.wait(d)
			l.pair, l.every = at, 20*ms
			l.wait(200 * ms)
			l.pair = "first"
			l.wait(800 * ms)
		}
		pause(time.Second)
		pause(time.Second)
		if len(l.silences) != 1 || len(l.returns) != 1 {
			t.Errorf("pair %q: silent at %v, want once: the next pause is no longer", at, l.silences)
		}
		l.wait(30 * time.Second)
		pause(time.Second)
		if len(l.silences) != 2 {
			t.Errorf("pair %q: silent at %v, want again after half a minute", at, l.silences)
		}
	}
}

func TestPulseKeepsItsPromise(t *testing.T) {
	l := newLine(20 * ms)
	l.wait(5 * time.Second)
	if l.beats != 1 {
		t.Errorf("%d beats beside media, want the first promise only", l.beats)
	}
	l.unsaid()
	l.wait(100 * ms)
	if l.beats != 2 {
		t.Error("a promise that did not leave is not repeated")
	}
	l.speaking, l.beats = false, 1
	l.wait(10 * time.Second)
	if l.beats-1 < 30 || l.beats-1 > 50 {
		t.Errorf("%d beats in 10 s without media, want one every 300 ms at least", l.beats-1)
	}
}

func TestPulseOfAnotherConnection(t *testing.T) {
	l := newLine(20 * ms)
	l.promises(300)
	l.wait(time.Second)
	l.every = 0
	l.wait(time.Second)
	l.unbound = true
	l.renew()
	l.wait(5 * time.Second)
	if len(l.silences) != 1 || l.silent() {
		t.Errorf("silent at %v, want not again before the connection is bound", l.silences)
	}
	l.unbound = false
	l.wait(100 * ms)
	if l.beats != 2 {
		t.Errorf("%d promises, want one for each connection", l.beats)
	}
}
