package e2ee

import "time"

// Limits of guessing and of work, per call, enforced by the host: the server is
// not trusted to count.
const (
	// LimitGuesses is how many wrong passwords lock a call.
	LimitGuesses = 5
	// LimitHandshakes is how many handshakes a host answers per hour.
	LimitHandshakes = 20
	// LimitSlots is how many guests that are not admitted a host talks to at once.
	LimitSlots = 4

	handshakeWindow = time.Hour
)

// Budget counts wrong passwords. It belongs to the call, so the host stores it
// with the call ([BudgetChanged]) and gives it back after a reload. Its zero
// value is that of a new call.
type Budget struct {
	Failures    int       `json:"failures"`     // wrong passwords so far
	Extra       int       `json:"extra"`        // further guesses the host allowed
	LastFailure time.Time `json:"last_failure"` // start of the current delay
}

// Locked reports whether no guess is left.
func (b Budget) Locked() bool { return b.Failures >= LimitGuesses+b.Extra }

// Left is how many guesses are left.
func (b Budget) Left() int { return max(0, LimitGuesses+b.Extra-b.Failures) }

// delay is how long after the last failure the next handshake is answered:
// 0, 1, 2, 4, 8 s, and 8 s from then on.
func (b Budget) delay() time.Duration {
	if b.Failures == 0 {
		return 0
	}
	return time.Second << min(b.Failures-1, 3)
}

// answerAt is the earliest time to answer a handshake that begins now.
func (b Budget) answerAt(now time.Time) time.Time {
	if at := b.LastFailure.Add(b.delay()); b.Failures > 0 && at.After(now) {
		// A clock that was set back must not keep guests out for longer.
		return earlier(at, now.Add(b.delay()))
	}
	return now
}

// allowance counts handshakes in a sliding hour.
type allowance struct{ starts []time.Time }

func (a *allowance) take(now time.Time) bool {
	for len(a.starts) > 0 && now.Sub(a.starts[0]) >= handshakeWindow {
		a.starts = a.starts[1:]
	}
	if len(a.starts) >= LimitHandshakes {
		return false
	}
	a.starts = append(a.starts, now)
	return true
}
