package peer

import (
	"time"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// cues is what the other party has shown as a listener.
type cues struct {
	shown []time.Time // the last ones, sealed.SignBurst at most
	hand  bool
}

// shows says whether a cue that comes now is news: of a known kind, one that
// changes something, and not one of too many.
func (c *cues) shows(kind sealed.CueKind, now time.Time) bool {
	switch kind {
	case sealed.CueKindHandDown:
		was := c.hand
		c.hand = false
		return was
	case sealed.CueKindNod, sealed.CueKindWait, sealed.CueKindHand:
	default:
		return false
	}
	if kind == sealed.CueKindHand && c.hand {
		return false // told again over another connection
	}
	if n := len(c.shown); n == sealed.SignBurst {
		if now.Sub(c.shown[0]) < sealed.SignBurstMS*time.Millisecond {
			return false
		}
		c.shown = c.shown[1:]
	}
	c.shown = append(c.shown, now)
	c.hand = c.hand || kind == sealed.CueKindHand
	return true
}

func (c *Call) onCue(m sealed.Cue) {
	if c.cues.shows(m.Kind, time.Now()) {
		c.emit(CueReceived{m.Kind})
	}
}
