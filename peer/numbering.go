package peer

import (
	"github.com/visavis-call/visavis/protocol/sealed"
)

// numbering keeps order among what travels by two ways at once, the server and the
// data channel, and may arrive twice, or overtake. Each side numbers its
// descriptions, and no two of its connections use the same number; a candidate
// carries the number of its description, an answer that of its offer: so nothing is
// applied twice, to something else, or too early. 0 is said by clients that do not
// number. One belongs to one of our connections.
type numbering struct {
	sent uint32 // of what we described last

	from       origin // whose numbers these are
	known      bool   // a description of theirs is in force
	gen        uint32 // of that
	seen       uint32 // theirs, taken or turned down
	taken      uint32 // theirs, in force
	candidates map[string]bool
	early      []theirCandidate // of a description that has not come yet
}

// perConnection is more descriptions than a connection lives to see.
const perConnection = 1000

// newNumbering is for our connection gen, counted from 0.
func newNumbering(gen uint32) numbering { return numbering{sent: gen * perConnection} }

// origin is one connection of the other party: what it says is numbered anew.
type origin struct {
	gen uint32
	fp  string
}

type theirCandidate struct {
	gen, n    uint32
	candidate string
	mid       string
}

// stamp is for a description of ours: its number, and that of the offer it answers.
func (b *numbering) stamp(kind sealed.SDPType) (n, re uint32) {
	b.sent++
	if kind == sealed.SDPTypeAnswer {
		re = b.taken
	}
	return b.sent, re
}

// takes notes a description of theirs and tells whether it is to be applied.
// offering: an offer of ours is out. polite: it gives way.
func (b *numbering) takes(m sealed.SDP, offering, polite bool) bool {
	if from := (origin{m.Gen, m.FP}); from != b.from {
		b.from, b.seen = from, 0
	}
	if m.N > 0 && m.N <= b.seen {
		return false // the other way was faster
	}
	b.seen = m.N
	if m.Type == sealed.SDPTypeOffer && offering && !polite {
		return false
	}
	// An answer to an offer that we gave up, or made another in place of.
	if m.Type == sealed.SDPTypeAnswer && (!offering || m.Re > 0 && m.Re != b.sent) {
		return false
	}
	b.known, b.gen, b.taken, b.candidates = true, m.Gen, m.N, map[string]bool{}
	return true
}

// admits tells whether a candidate of theirs is to be added now. An early one is
// kept for due.
func (b *numbering) admits(c theirCandidate) bool {
	if b.known && c.gen != b.gen {
		return false // of a connection that this one is not with
	}
	if !b.known || c.n > b.seen {
		if len(b.early) < sealed.LimitCandidates {
			b.early = append(b.early, c)
		}
		return false
	}
	return c.n == b.taken && b.first(c.candidate)
}

// first tells whether a candidate of the description in force is new, and one of
// few enough.
func (b *numbering) first(candidate string) bool {
	if b.candidates[candidate] || len(b.candidates) >= sealed.LimitCandidates {
		return false
	}
	b.candidates[candidate] = true
	return true
}

// due are candidates that came before their description did.
func (b *numbering) due() []theirCandidate {
	early := b.early
	b.early = nil
	return early
}
