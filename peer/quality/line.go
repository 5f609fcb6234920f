package quality

import (
	"math"
	"slices"
	"time"

	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	// lineLossy is the share from which on a line is one that loses packets: more
	// than a look that came a moment too late can make up.
	lineLossy = 0.1
	// lineEnough packets say something.
	lineEnough = 50
	// lineShortest: two reports that are closer together say nothing, looks are a
	// second apart.
	lineShortest = 2_500 * time.Millisecond
	// lineReports is among how many reports the quickest was not held up.
	lineReports = 6
	// lineStale: without a report for so long nothing is known of the line.
	lineStale = 20 * time.Second
	// lineLooks are kept: a report may be on its way for so many seconds.
	lineLooks = 60
	// lineAsleep between two looks: the device slept, and heard nothing.
	lineAsleep = 6 * time.Second
)

// LineLoss is what became of the packets that the other side has sent.
type LineLoss struct {
	Packets, Lost int
	Lossy         int // ms in which the line lost a tenth or more
}

// Line is what the line from the other side loses, from what it has sent and
// what has come: also what is sent again and comes in the end.
//
// The two ends look at different moments, and a report that is itself lost comes
// seconds late. So it is not compared with what has come when it arrives, but
// with what had come when it would have arrived as quickly as the quickest of the
// last ones: that is between two looks.
//
// The zero value is ready. It has one user at a time, and is told the time, by a
// clock that runs from anywhere.
type Line struct {
	looks   []lineLook
	waiting []lineSent
	delays  []time.Duration // between the clocks, the way included
	mark    *lineSent       // up to here it is counted
	over    float64         // packets that came beyond what was sent in the stretch before
	bad     bool            // the stretch before
	found   LineLoss
	known   time.Duration // when the last stretch was counted; 0: none was
}

type lineLook struct {
	at   time.Duration
	came int
}

type lineSent struct {
	at         time.Duration // by the other side's clock
	sent, path int
}

// Look takes how many packets have come since the connection began.
func (l *Line) Look(at time.Duration, came int) {
	if n := len(l.looks); n > 0 && (came < l.looks[n-1].came || at-l.looks[n-1].at > lineAsleep) {
		l.Cut()
	}
	l.looks = lastOf(append(l.looks, lineLook{at, came}), lineLooks)
	l.settle(at)
}

// Heard takes a report of the other side; one that does not count says nothing.
func (l *Line) Heard(r sealed.Report, now time.Duration) {
	const day = 24 * 60 * 60 * 1000
	if r.Sent <= 0 || r.Sent > math.MaxUint32 || r.At < -day || r.At > 2*day {
		return
	}
	said := lineSent{time.Duration(r.At) * time.Millisecond, r.Sent, r.Path}
	l.delays = lastOf(append(l.delays, now-said.at), lineReports)
	l.waiting = lastOf(append(l.waiting, said), lineReports)
}

// Cut is called when nothing comes any more, or by another path: what an outage
// swallows is not what the line loses.
func (l *Line) Cut() { *l = Line{delays: l.delays} }

// Take returns what was found since it was last asked; false while the other side
// does not count, or the line was cut.
func (l *Line) Take(now time.Duration) (LineLoss, bool) {
	found := l.found
	l.found = LineLoss{}
	return found, l.known > 0 && now-l.known < lineStale
}

func (l *Line) settle(now time.Duration) {
	if len(l.delays) == 0 {
		return
	}
	delay := slices.Min(l.delays)
	for len(l.waiting) > 0 && l.waiting[0].at+delay <= now {
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		from := l.mark
		follows := from != nil && from.path == next.path && next.sent >= from.sent && next.at > from.at
		if follows && next.at-from.at < lineShortest {
			continue
		}
		came, ok := l.came(next.at + delay)
		if !ok {
			l.mark = nil
			continue
		}
		l.mark = &next
		if !follows {
			continue
		}
		if before, ok := l.came(from.at + delay); ok {
			l.count(next.sent-from.sent, came-before, next.at-from.at, now)
		}
	}
}

func (l *Line) count(sent int, came float64, passed, now time.Duration) {
	lost := math.Round(max(0, float64(sent)-came-l.over))
	l.over = max(0, came-float64(sent))
	bad := sent >= lineEnough && lost >= lineLossy*float64(sent)
	if bad && l.bad { // one stretch alone may have been a short outage
		l.found.Lossy += int(passed.Milliseconds())
	}
	l.bad, l.known = bad, now
	l.found.Packets += int(math.Round(came))
	l.found.Lost += int(lost)
}

// came is what had come at a time between two looks; false before the first one.
func (l *Line) came(at time.Duration) (float64, bool) {
	i := slices.IndexFunc(l.looks, func(look lineLook) bool { return look.at >= at })
	switch {
	case i < 0:
		return 0, false
	case l.looks[i].at == at:
		return float64(l.looks[i].came), true
	case i == 0:
		return 0, false
	}
	a, b := l.looks[i-1], l.looks[i]
	return float64(a.came) + float64(b.came-a.came)*float64(at-a.at)/float64(b.at-a.at), true
}

// lastOf keeps the last n.
func lastOf[T any](all []T, n int) []T {
	if len(all) > n {
		return slices.Delete(all, 0, len(all)-n)
	}
	return all
}
