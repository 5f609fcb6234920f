package e2ee

import (
	"log/slog"
	"time"
)

// ResumeLifetime is how long after its session was last alive a [ResumeState]
// can be used.
const ResumeLifetime = 10 * time.Minute

// resumeRenew is when the stored expiry of a living session is moved on.
const resumeRenew = ResumeLifetime / 2

// maxResume bounds what a host keeps.
const maxResume = 4

// ResumeState lets a party come back into its session over a new connection:
// same people, same verification words status, new keys. It is used once. It is a
// secret: keep it where a reload survives and nobody else reads
// (sessionStorage of the tab, memory of a native client).
type ResumeState struct {
	ID       [16]byte
	Secret   [32]byte `json:"-"` // who stores it says so
	Epoch    uint16   // of the session it comes from
	Verified bool     // the people said that the words match
	Expires  time.Time
}

// String keeps the secret out of logs.
func (ResumeState) String() string { return redacted }

// GoString keeps the secret out of %#v.
func (ResumeState) GoString() string { return redacted }

// LogValue keeps the secret out of structured logs.
func (ResumeState) LogValue() slog.Value { return slog.StringValue(redacted) }

func (r *ResumeState) usable(now time.Time) bool {
	return r != nil && now.Before(r.Expires) && r.Epoch < 1<<16-1
}
