// Package telemetry is what the server says about itself: the log, the names of
// its fields, and the metrics.
//
// Neither ever holds a name, an address, a call id, a part of a link, a session
// description or a key. A call appears in the log under a pseudonym that only
// this process can compute.
package telemetry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	"github.com/visavis-call/visavis/protocol"
)

// Names of log fields.
const (
	FieldCall      = "call"      // pseudonym of a call
	FieldRole      = "role"      // host or guest
	FieldCode      = "code"      // protocol error code
	FieldCloseCode = "close"     // WebSocket close code
	FieldReason    = "reason"    // why something was dropped
	FieldComponent = "component" // which part speaks
	FieldError     = "err"
)

// NewLogger returns a logger that writes lines of key=value to w. level is
// debug, info, warn or error.
func NewLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// Pseudonyms turns call ids into names for the log. The key lives as long as
// the process: lines of one run can be joined, those of two runs cannot, and
// nobody who reads a log can recognize a call whose link they know.
type Pseudonyms struct{ key [32]byte }

// NewPseudonyms draws a key.
func NewPseudonyms() *Pseudonyms {
	var p Pseudonyms
	rand.Read(p.key[:]) // never fails: crypto/rand would end the program
	return &p
}

// Call returns the name of a call: 64 bits, in hex.
func (p *Pseudonyms) Call(id protocol.ID) string {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write(id[:])
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// LogValue keeps the key out of logs.
func (Pseudonyms) LogValue() slog.Value { return slog.StringValue("[redacted]") }
