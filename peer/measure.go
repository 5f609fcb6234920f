package peer

import (
	"sync/atomic"
	"time"

	"github.com/visavis-call/visavis/peer/quality"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	lookEvery = time.Second
	// lookSettle: within this the packets that an outage has swallowed are counted as lost.
	lookSettle = 3 * time.Second
	// lookLate is how much later than planned a look may come before the
	// processor is to blame.
	lookLate = 400 * time.Millisecond
	// lookAsleep is the time between two looks that no busy processor explains:
	// the computer slept.
	lookAsleep = 6 * time.Second
	// maxUnsent reports, of five seconds each, wait for a path.
	maxUnsent = 60
)

// measuring is what the call's goroutine knows of the quality of the call.
type measuring struct {
	timer  *time.Timer // the next look; nil before media has flowed
	since  time.Time   // media first flowed
	looked time.Time
	before traffic
	line   quality.Line
	pair   pairCount        // of the path in use, at the last look
	silent time.Time        // nothing came until then
	open   sealed.Report    // since the last report
	unsent []*sealed.Report // wait for a path
	log    quality.Log
	remote sealed.State // what the other party says it sends
}

// traffic are totals of what arrived.
type traffic struct{ packets, lost, bytes int64 }

// pairCount is what has left and come over one pair of candidates, in packets of
// every kind but STUN.
type pairCount struct {
	id         string
	sent, came int
	rtt        time.Duration
	number     int // of the paths so far
}

// arrivals are counted by the receiving goroutines.
type arrivals struct{ packets, lost, bytes atomic.Int64 }

func (a *arrivals) total() traffic {
	return traffic{a.packets.Load(), a.lost.Load(), a.bytes.Load()}
}

// sequence counts the packets of one track that did not come (RFC 3550 §A.3,
// without its restarts: a source here never restarts).
type sequence struct {
	begun   bool
	highest uint16
}

// lost is by how much the next packet changes the count: up by a gap, down by
// one that comes late after all.
func (s *sequence) lost(number uint16) int64 {
	ahead := int16(number - s.highest) //nolint:gosec // the wrap is meant
	switch {
	case !s.begun:
		s.begun, s.highest = true, number
		return 0
	case ahead > 0:
		s.highest = number
		return int64(ahead) - 1
	default:
		return -1
	}
}

// measure begins to look, once a second, when media flows for the first time.
func (c *Call) measure() {
	m := &c.measuring
	if !m.since.IsZero() {
		return
	}
	m.since, m.looked = time.Now(), time.Now()
	m.before = c.received.arrivals.total()
	m.timer = c.after(lookEvery, c.look)
}

func (c *Call) look() {
	m := &c.measuring
	now := time.Now()
	passed := now.Sub(m.looked)
	m.looked = now
	c.lookAtPair()
	second := c.second(passed)
	if second.Stalled > 0 {
		m.line.Cut()
	}
	m.open = quality.Add(m.open, second)
	m.timer = c.after(lookEvery, c.look)
	if m.open.MS >= sealed.ReportEveryMS {
		m.unsent = append(m.unsent, c.lastReport())
	}
	c.tellReports()
}

// tellReports sends what waited for a path first: both sides have the same numbers
// in the end.
func (c *Call) tellReports() {
	m := &c.measuring
	if len(m.unsent) > maxUnsent {
		m.unsent = m.unsent[1:]
	}
	for len(m.unsent) > 0 && c.tellDirect(m.unsent[0]) {
		m.unsent = m.unsent[1:]
	}
}

// goodbyeReport is what was measured since the last report that left. Nil if there
// is nothing.
func (c *Call) goodbyeReport() *sealed.Report {
	m := &c.measuring
	all := m.unsent
	m.unsent = nil
	if last := c.lastReport(); last != nil {
		all = append(all, last)
	}
	if len(all) == 0 {
		return nil
	}
	sum := *all[0]
	for _, r := range all[1:] {
		sum = quality.Add(sum, *r)
		sum.Sent, sum.Path = r.Sent, r.Path
	}
	return &sum
}

// lookAtPair counts what has gone over the path in use. Another pair counts from
// its own beginning.
func (c *Call) lookAtPair() {
	m := &c.measuring
	p := c.conn.pairCount()
	p.number = m.pair.number
	if p.id != m.pair.id {
		p.number++
		m.line.Cut()
	}
	m.pair = p
	if p.came > 0 {
		m.line.Look(m.looked.Sub(m.since), p.came)
	}
}

// second is what the time since the last look was like.
func (c *Call) second(passed time.Duration) sealed.Report {
	m := &c.measuring
	ms := int(passed.Milliseconds())
	r := sealed.Report{MS: ms}
	if !c.link.online {
		r.Away = ms
	}
	total := c.received.arrivals.total()
	packets, lost, bytes := total.packets-m.before.packets, total.lost-m.before.lost, total.bytes-m.before.bytes
	m.before = total
	switch late := passed - lookEvery; {
	case passed > lookAsleep:
		r.Hidden = ms
		return r
	case late > lookLate:
		r.Busy = int(late.Milliseconds())
	}
	if packets == 0 {
		m.silent = m.looked
		if m.remote.Mic || m.remote.Cam || m.remote.Screen {
			r.Stalled = ms
		}
		return r
	}
	if m.looked.Sub(m.silent) > lookSettle { // or what the silence swallowed would count as lost on the way
		r.Packets, r.Lost = int(packets), int(max(0, lost))
	}
	r.Bytes = int(bytes)
	r.RTT = int(m.pair.rtt.Milliseconds())
	return r
}

// lastReport is what was measured since the last one, and keeps it. Nil if there
// is nothing.
func (c *Call) lastReport() *sealed.Report {
	m := &c.measuring
	if m.since.IsZero() || m.open.MS == 0 {
		return nil
	}
	last := m.open
	at := m.looked.Sub(m.since)
	// Where a queue grows, what is on its way is late, and what is dropped is the
	// bottleneck's.
	if line, ok := m.line.Take(at); ok && last.RTT < quality.QueueMS {
		last.Packets, last.Lost, last.Lossy = line.Packets, line.Lost, line.Lossy
	}
	last.T, last.At = "report", at.Milliseconds()
	last.Sent, last.Path = m.pair.sent, m.pair.number
	m.log.Mine(last)
	m.open = sealed.Report{}
	return &last
}

func (c *Call) onReport(r sealed.Report) {
	m := &c.measuring
	if m.since.IsZero() {
		return
	}
	now := time.Since(m.since)
	if m.log.Theirs(r, now) {
		m.line.Heard(r, now)
	}
}

// pairCount reads the path in use; all is 0 while there is none.
func (c *connection) pairCount() pairCount {
	if c == nil {
		return pairCount{}
	}
	stats, ok := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return pairCount{}
	}
	return pairCount{
		id: stats.ID, sent: int(stats.PacketsSent), came: int(stats.PacketsReceived),
		rtt: time.Duration(stats.CurrentRoundTripTime * float64(time.Second)),
	}
}
