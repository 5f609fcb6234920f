package probe

import (
	"time"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// Report is what a probe has found. Its JSON is a contract: fields are only added.
type Report struct {
	Server     string  `json:"server"`
	Family     int     `json:"family,omitempty"` // 4 or 6, if it was forced
	StartedMS  int64   `json:"started_ms"`       // Unix
	DurationMS float64 `json:"duration_ms"`
	RegisterMS float64 `json:"register_ms"` // to make the call, connection included
	Up         bool    `json:"up"`          // a call could be made
	// Problem is why not: ProblemUnreachable or ProblemRefused; Code is the server's word,
	// Reason the cause in one of a few.
	Problem    Problem            `json:"problem,omitempty"`
	Reason     Reason             `json:"reason,omitempty"`
	Code       protocol.ErrorCode `json:"code,omitempty"`
	Detail     string             `json:"detail,omitempty"` // for people
	Offered    []Transport        `json:"offered"`
	Transports []Result           `json:"transports"`
	OK         bool               `json:"ok"` // everything that was tried works
}

// Result is what one transport was like.
type Result struct {
	Transport Transport          `json:"transport"`
	Offered   bool               `json:"offered"`
	OK        bool               `json:"ok"`
	Problem   Problem            `json:"problem,omitempty"`
	Detail    string             `json:"detail,omitempty"` // one sentence for people
	Code      protocol.ErrorCode `json:"code,omitempty"`   // what a party ended with
	Steps     Steps              `json:"setup_ms"`
	// WordsEqual is nil if no handshake was completed.
	WordsEqual *bool `json:"words_equal"`
	Host       *Path `json:"host"` // as the host found it; nil: no media
	Guest      *Path `json:"guest"`
}

// Steps are the parts of the set-up, in ms, each counted from the end of the one
// before; 0 for those that did not come to an end.
type Steps struct {
	Connect   float64 `json:"connect"`   // host: TCP, TLS, WebSocket, seat and relay credentials
	Arrive    float64 `json:"arrive"`    // guest: the same without credentials
	Handshake float64 `json:"handshake"` // end-to-end: four messages through the server
	Admit     float64 `json:"admit"`     // knock, and the host's answer
	Media     float64 `json:"media"`     // ICE, DTLS, and the proof that binds them to the handshake, at both
	Picture   float64 `json:"picture"`   // the first one, at the slower of them
	Total     float64 `json:"total"`     // from the guest's arrival to that
}

// Path is how media came to one party.
type Path struct {
	Local  string              `json:"local"` // kind of candidate: host, srflx, prflx, relay
	Remote string              `json:"remote"`
	Relay  peer.RelayTransport `json:"relay,omitempty"`
	Family int                 `json:"family,omitempty"` // 4 or 6, of a direct path
	RTTMS  float64             `json:"rtt_ms"`           // mean
	// Sound and Lost are packets of sound from the other party, JitterMS the mean
	// difference of the time on the way from one to the next.
	Sound    int     `json:"sound_packets"`
	Lost     int     `json:"sound_lost"`
	Loss     float64 `json:"loss"` // 0…1
	JitterMS float64 `json:"jitter_ms"`
}

// Problem is why a transport did not do.
type Problem string

// The problems, from the first step to the last.
const (
	ProblemUnreachable Problem = "unreachable" // the server does not answer
	ProblemRefused     Problem = "refused"     // it answers, and does not let us
	ProblemHandshake   Problem = "handshake"   // the parties do not come to terms
	ProblemEncryption  Problem = "encryption"  // a check of the encryption has failed
	ProblemWords       Problem = "words"       // the verification words differ
	ProblemMedia       Problem = "media"       // no media in time
	ProblemLost        Problem = "lost"        // media stopped
	ProblemPath        Problem = "path"        // media went another way than the forced one
)

// finish adds up.
func (r *Report) finish() {
	tried := 0
	r.OK = true
	for _, t := range r.Transports {
		if t.Offered {
			tried++
			r.OK = r.OK && t.OK
		}
	}
	r.OK = r.OK && tried > 0
}

// Working are the transports that carried a call.
func (r *Report) Working() int {
	n := 0
	for _, t := range r.Transports {
		if t.OK {
			n++
		}
	}
	return n
}

// Has reports whether any transport had this problem.
func (r *Report) Has(p Problem) bool {
	for _, t := range r.Transports {
		if t.Problem == p {
			return true
		}
	}
	return false
}

func notOffered(t Transport) Result {
	return Result{Transport: t, Detail: "the server does not offer it"}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
