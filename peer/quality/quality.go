// Package quality names what was wrong in a call, from what both sides have
// measured: the worst minute, whose trouble it was, and the cause. It is the
// same reasoning as in the browser's engine (web/src/engine/quality); both read
// protocol/testdata/vectors/quality.json.
package quality

import (
	"slices"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// Side is who a trouble belongs to, seen from this side.
type Side string

// The sides.
const (
	Mine    Side = "mine"
	Theirs  Side = "theirs"
	Between Side = "between" // the network
	Server  Side = "server"
)

// Cause is what was wrong.
type Cause string

// The causes.
const (
	Uplink      Cause = "uplink"      // the line cannot send enough for a picture
	Loss        Cause = "loss"        // packets get lost
	Delay       Cause = "delay"       // they take too long
	CPU         Cause = "cpu"         // the device cannot keep up
	Background  Cause = "background"  // page in the background, or device asleep
	Mic         Cause = "mic"         // wanted and missing
	Camera      Cause = "camera"      // wanted and missing
	Offline     Cause = "offline"     // one side lost its network
	Interrupted Cause = "interrupted" // nothing arrived, and nobody knows better
	ServerAway  Cause = "server"      // both sides lost the server
)

// Finding is one trouble.
type Finding struct {
	Side  Side  `json:"side"`
	Cause Cause `json:"cause"`
	// Weight is how bad it was, in ms of a call that was no use at all.
	Weight int `json:"weight"`
	// Value is what was measured: kbit/s for an uplink, per cent for loss, ms
	// for a delay, seconds for all others.
	Value int `json:"value"`
}

// QueueMS is a round trip that tells of a bottleneck, which fills its queue. Loss
// alone does not make it so long.
const QueueMS = 250

const (
	lossFrom, lossFull   = 0.05, 0.25
	delayFrom, delayFull = 400.0, 800.0 // ms there and back
	alike                = 2.5          // troubles of both directions within this factor are one
)

// Diagnose names what was wrong in a stretch of time, the worst first. It is
// symmetric: the other side, with the same numbers, finds the mirror image.
//
// Of a line in one direction nobody can tell from the ends where it is too thin
// or loses packets: it counts as the sender's, because there it usually is. The
// same trouble in both directions is between the two.
func Diagnose(mine, theirs sealed.Report) []Finding {
	var f findings
	f.outages(mine, theirs)
	f.lines(mine, theirs)
	for _, s := range []struct {
		side Side
		r    sealed.Report
	}{{Mine, mine}, {Theirs, theirs}} {
		f.say(s.side, CPU, float64(s.r.Busy)+float64(s.r.Slow)*0.25, seconds(s.r.Busy+s.r.Slow))
		f.say(s.side, Background, float64(s.r.Hidden)*0.35, seconds(s.r.Hidden))
		f.say(s.side, Mic, float64(s.r.NoMic)*0.6, seconds(s.r.NoMic))
		f.say(s.side, Camera, float64(s.r.NoCam)*0.4, seconds(s.r.NoCam))
	}
	// A poor line may stop a picture at any time; loss and delay are not counted in ms.
	if !slices.ContainsFunc(f, func(x Finding) bool { return x.Cause == Loss || x.Cause == Delay }) {
		still := max(mine.Frozen, mine.Gaps, theirs.Frozen, theirs.Gaps) - troubled(mine) - troubled(theirs)
		f.say(Between, Interrupted, float64(still)*0.5, seconds(still))
	}
	slices.SortStableFunc(f, func(a, b Finding) int { return b.Weight - a.Weight })
	return f
}

// troubled is for how many ms it is known why picture or sound may have stood still.
func troubled(r sealed.Report) int { return r.Stalled + r.Tight + r.Busy + r.Slow + r.Hidden }

type findings []Finding

func (f *findings) say(side Side, cause Cause, weight, value float64) {
	if weight > 0 {
		*f = append(*f, Finding{side, cause, round(weight), round(value)})
	}
}

// outages: nothing arrived, or the server was away. Whoever was without the
// server at that time has lost the network.
func (f *findings) outages(mine, theirs sealed.Report) {
	// A device that is stuck neither sends nor receives: that is a cause of its own.
	stalled := max(0, max(mine.Stalled, theirs.Stalled)-mine.Busy-theirs.Busy)
	both := min(mine.Away, theirs.Away)
	iOnly, theyOnly := mine.Away-both, theirs.Away-both
	if stalled == 0 {
		f.say(Server, ServerAway, float64(both)*0.25, seconds(both))
		f.say(Mine, Offline, float64(iOnly)*0.25, seconds(iOnly))
		f.say(Theirs, Offline, float64(theyOnly)*0.25, seconds(theyOnly))
		return
	}
	switch cut := stalled / 2; {
	case iOnly > cut && iOnly > theyOnly:
		f.say(Mine, Offline, float64(stalled), seconds(stalled))
	case theyOnly > cut:
		f.say(Theirs, Offline, float64(stalled), seconds(stalled))
	case both > cut:
		f.say(Server, ServerAway, float64(stalled), seconds(both))
	default:
		f.say(Between, Interrupted, float64(stalled), seconds(stalled))
	}
}

// lines is what the way from one to the other did to the packets.
func (f *findings) lines(mine, theirs sealed.Report) {
	fromMe, fromThem := share(theirs), share(mine) // counted where it arrives
	rtt := max(mine.RTT, theirs.RTT)
	// A sender that meets loss sends less, too: then the loss is the cause,
	// unless a queue shows the bottleneck.
	thin := func(tight int, loss float64) int {
		if rtt >= QueueMS || loss < 2*lossFrom {
			return tight
		}
		return 0
	}
	thinMine, thinTheirs := thin(mine.Tight, fromMe), thin(theirs.Tight, fromThem)
	f.say(Mine, Uplink, float64(thinMine)*0.5, float64(mine.Kbps))
	f.say(Theirs, Uplink, float64(thinTheirs)*0.5, float64(theirs.Kbps))
	var lossMine, lossTheirs float64
	if thinMine == 0 {
		lossMine = lossWeight(fromMe, theirs)
	}
	if thinTheirs == 0 {
		lossTheirs = lossWeight(fromThem, mine)
	}
	if lossMine > 0 && lossTheirs > 0 && max(fromMe, fromThem) <= alike*min(fromMe, fromThem) {
		f.say(Between, Loss, max(lossMine, lossTheirs), max(fromMe, fromThem)*100)
	} else {
		f.say(Mine, Loss, lossMine, fromMe*100)
		f.say(Theirs, Loss, lossTheirs, fromThem*100)
	}
	if thinMine == 0 && thinTheirs == 0 {
		f.say(Between, Delay, ramp(float64(rtt), delayFrom, delayFull)*0.8*float64(max(mine.MS, theirs.MS)), float64(rtt))
	}
}

func share(r sealed.Report) float64 {
	if r.Packets+r.Lost == 0 {
		return 0
	}
	return float64(r.Lost) / float64(r.Packets+r.Lost)
}

// lossWeight: where it is known when a line lost packets, the counts are those of
// that time.
func lossWeight(loss float64, r sealed.Report) float64 {
	ms := r.MS
	if r.Lossy > 0 {
		ms = min(ms, r.Lossy)
	}
	return ramp(loss, lossFrom, lossFull) * 0.9 * float64(ms)
}

// ramp is 0 below from, then a fifth, growing to 1 at full.
func ramp(value, from, full float64) float64 {
	if value < from {
		return 0
	}
	return min(1, 0.2+0.8*(value-from)/(full-from))
}

func seconds(ms int) float64 { return float64(ms) / 1000 }

func round(v float64) int { return int(v + 0.5) }
