package quality

import (
	"slices"
	"time"

	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	minuteMS = 60_000
	// maxMinutes is a day, the longest a call may last. Beyond it the last
	// minute takes everything.
	maxMinutes = 24 * 60
	// worthMS is the trouble in a minute that is worth a word, in ms of a
	// useless call.
	worthMS = 2_500
	// skewMS is by how much the other side's clock may be ahead of this one: a
	// report counts in the same minute on both sides.
	skewMS = 10_000
	// maxHeard reports are known again when they come twice.
	maxHeard = 64
)

// Receipt is what a call was like. Nothing in it names a person or an address.
type Receipt struct {
	MeasuredMS int64  `json:"measured_ms"`
	Reported   bool   `json:"reported"` // the other side's numbers are in it
	Worst      *Worst `json:"worst"`    // nil: no minute is worth a word
}

// Worst is the minute with the most trouble, counted from 1, and the worst of it.
type Worst struct {
	Minute int `json:"minute"`
	Finding
}

// Log keeps what both sides have measured, minute by minute. The zero value is
// ready. It has one user at a time.
type Log struct {
	minutes  []minute
	reported bool
	heard    []int64 // ends of the other side's latest reports
}

type minute struct{ mine, theirs sealed.Report }

// Mine takes a report of this side.
func (l *Log) Mine(r sealed.Report) {
	m := l.at(r.At)
	m.mine = Add(m.mine, r)
}

// Theirs takes a report of the other side. now is how long media has flowed:
// nobody has measured the future, but clocks differ. It is false for what was
// said before, over another connection, and for what is no measurement.
func (l *Log) Theirs(r sealed.Report, now time.Duration) bool {
	m := l.at(min(r.At, now.Milliseconds()+skewMS))
	if slices.Contains(l.heard, r.At) || m.theirs.MS >= 2*minuteMS { // more than fits in
		return false
	}
	l.heard = lastOf(append(l.heard, r.At), maxHeard)
	m.theirs = Add(m.theirs, bounded(r))
	l.reported = true
	return true
}

// Receipt sums up.
func (l *Log) Receipt() Receipt {
	receipt := Receipt{Reported: l.reported}
	most := worthMS - 1
	for i, m := range l.minutes {
		receipt.MeasuredMS += int64(m.mine.MS)
		found := Diagnose(m.mine, m.theirs)
		weight := 0
		for _, f := range found {
			weight += f.Weight
		}
		if weight > most {
			most = weight
			receipt.Worst = &Worst{i + 1, found[0]}
			receipt.Worst.Weight = weight
		}
	}
	return receipt
}

func (l *Log) at(ms int64) *minute {
	i := int(min(maxMinutes-1, max(0, (ms-1)/minuteMS)))
	for len(l.minutes) <= i {
		l.minutes = append(l.minutes, minute{})
	}
	return &l.minutes[i]
}

// Add is both together: times and counts are added, round trip and rate are
// means by time, in which 0 stands for "not known".
func Add(a, b sealed.Report) sealed.Report {
	aMS, bMS := a.MS, b.MS
	if a.Tight+b.Tight > 0 { // what a thin line carried and how its queue grew, not what it does at other times
		aMS, bMS = a.Tight, b.Tight
	}
	packets, lost := a.Packets+b.Packets, a.Lost+b.Lost
	switch { // the same of one that loses packets
	case a.Lossy > 0 && b.Lossy == 0:
		packets, lost = a.Packets, a.Lost
	case a.Lossy == 0 && b.Lossy > 0:
		packets, lost = b.Packets, b.Lost
	}
	return sealed.Report{
		T: b.T, At: b.At, MS: a.MS + b.MS,
		Packets: packets, Lost: lost, Lossy: a.Lossy + b.Lossy, Bytes: a.Bytes + b.Bytes,
		Frozen: a.Frozen + b.Frozen, Gaps: a.Gaps + b.Gaps, Stalled: a.Stalled + b.Stalled,
		RTT: mean(a.RTT, aMS, b.RTT, bMS), Kbps: mean(a.Kbps, aMS, b.Kbps, bMS),
		Tight: a.Tight + b.Tight, Busy: a.Busy + b.Busy, Slow: a.Slow + b.Slow, Hidden: a.Hidden + b.Hidden,
		Away: a.Away + b.Away, NoMic: a.NoMic + b.NoMic, NoCam: a.NoCam + b.NoCam,
	}
}

func mean(a, aMS, b, bMS int) int {
	switch {
	case a == 0 || b == 0:
		return max(a, b)
	case aMS+bMS == 0:
		return 0
	}
	return (a*aMS + b*bMS) / (aMS + bMS)
}

// bounded keeps what a stranger claims within what can be added up.
func bounded(r sealed.Report) sealed.Report {
	for _, n := range []*int{
		&r.MS, &r.Packets, &r.Lost, &r.Lossy, &r.Bytes, &r.Frozen, &r.Gaps, &r.Stalled, &r.RTT, &r.Kbps,
		&r.Tight, &r.Busy, &r.Slow, &r.Hidden, &r.Away, &r.NoMic, &r.NoCam,
	} {
		*n = min(max(*n, 0), 1<<31)
	}
	return r
}
