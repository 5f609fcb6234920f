package sealed

// How cues are shown (without the prefix Cue: these are numbers, not kinds).
const (
	SignMS     = 4_000  // a cue that passes
	SignHandMS = 60_000 // a raised hand, unless it is lowered before
	// Of more than SignBurst cues within SignBurstMS the receiver shows only the first
	// ones; a hand is lowered all the same.
	SignBurst   = 5
	SignBurstMS = 3_000
)

// Cue is what a listener shows without a word. Both, ADMITTED; over the data
// channel only. A cue that finds no path is not sent later, except that a raised
// hand is told again over each new connection. Kinds that are not known are ignored.
type Cue struct {
	T    string  `json:"t" tstype:"'cue'"`
	Kind CueKind `json:"kind"`
}

// CueKind is which cue it is.
type CueKind string

// The cues.
const (
	CueKindNod      CueKind = "nod"       // I follow, I agree
	CueKindWait     CueKind = "wait"      // one moment, please
	CueKindHand     CueKind = "hand"      // I would like to say something
	CueKindHandDown CueKind = "hand-down" // not any more
)
