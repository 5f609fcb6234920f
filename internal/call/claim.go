package call

import (
	"crypto/subtle"
	"log/slog"
)

// Claim is a guest's proof that a seat is its own: random, told to it alone, and
// another one each time. The zero Claim claims nothing.
type Claim [16]byte

// LogValue implements [slog.LogValuer].
func (Claim) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// holder returns the connection whose seat is claimed, or 0. It takes as long for a
// wrong claim as for none.
func (s State) holder(claim Claim) Conn {
	var found Conn
	for _, g := range s.guests {
		if subtle.ConstantTimeCompare(g.claim[:], claim[:]) == 1 {
			found = g.conn
		}
	}
	if claim == (Claim{}) {
		return 0
	}
	return found
}
