package e2ee

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// Re-keying renews the keys of a living session: the four messages of the
// handshake as payloads of sealed messages, with the last resume secret mixed
// in and fresh values in place of the connection ids.
//
//	G→H  rekey     n             H→G  rekey-please  epoch     (only asks for it)
//	H→G  rekey-ok  n, to
//	G→H  hs        n, b = M1     H→G  hs  n, b = M2
//	G→H  hs        n, b = M3     H→G  hs  n, b = M4
//	G→H  ready, under the new keys; H→G  ready, under the new keys
//
// The n of rekey names the run, so a message of a run that was given up is not
// taken for one of the next. Nothing here can end a session: what is lost or
// wrong ends the run, and the guest begins another one later.

// The types of its messages.
const (
	msgRekey       = "rekey"
	msgRekeyOK     = "rekey-ok"
	msgRekeyPlease = "rekey-please"
	msgHandshake   = "hs"
	msgReady       = "ready"
)

const (
	// RekeyInterval is how long one epoch's keys are used.
	RekeyInterval = 30 * time.Minute
	// RekeyFrames is how many frames one key seals.
	RekeyFrames = 1 << 31
	// rekeyRetry is the pause after a run that was given up; it doubles with
	// each, up to rekeyRetryMax.
	rekeyRetry    = 5 * time.Second
	rekeyRetryMax = 5 * time.Minute
	// rekeyPause is the least time between two epochs that a host agrees to.
	rekeyPause = time.Second
)

// rekeyMessage is any of these messages; b64url without padding.
type rekeyMessage struct {
	T     string  `json:"t"`
	N     string  `json:"n,omitempty"`
	To    string  `json:"to,omitempty"`
	B     string  `json:"b,omitempty"`
	Epoch *uint16 `json:"epoch,omitempty"`
}

func (m rekeyMessage) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("e2ee: re-key message: " + err.Error()) // strings and a number
	}
	return b
}

func readRekey(b []byte) (m rekeyMessage, n [16]byte, err error) {
	if err := json.Unmarshal(b, &m); err != nil {
		return m, n, fail(CodeParse, "malformed re-key message")
	}
	if m.T != msgRekeyPlease {
		raw, err := unbase64(m.N)
		if err != nil || len(raw) != len(n) {
			return m, n, fail(CodeParse, "run of a re-key is not 16 bytes")
		}
		copy(n[:], raw)
	}
	return m, n, nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unbase64(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }

func isRekey(t string) bool {
	return t == msgRekey || t == msgRekeyOK || t == msgRekeyPlease || t == msgHandshake
}

// rekeyLimits are when keys have served; zero values mean the usual ones.
type rekeyLimits struct {
	every  time.Duration
	frames uint64
}

func newRekeyLimits(every time.Duration, frames uint64) rekeyLimits {
	l := rekeyLimits{every: RekeyInterval, frames: RekeyFrames}
	if every > 0 {
		l.every = every
	}
	if frames > 0 {
		l.frames = frames
	}
	return l
}

// retryAfter is the pause after the n-th run in a row that was given up.
func retryAfter(n int) time.Duration {
	return min(rekeyRetry<<min(n, 6), rekeyRetryMax)
}
