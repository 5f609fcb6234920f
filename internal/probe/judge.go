package probe

import (
	"fmt"
	"time"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// judge says what a transport was like. What comes first in the life of a call is
// the problem: all that follows from it is no news.
func judge(t Transport, o observed) Result {
	r := Result{Transport: t, Offered: true, Steps: steps(o)}
	r.Host, r.Guest = pathOf(o.host.ended.Route), pathOf(o.guest.ended.Route)
	if h, g := o.host.ended.Words, o.guest.ended.Words; h != nil && g != nil {
		equal := *h == *g
		r.WordsEqual = &equal
	}
	r.Problem, r.Detail, r.Code = problem(t, o)
	switch {
	case r.Problem != "" && r.Problem != ProblemMedia && r.Problem != ProblemLost:
	case r.WordsEqual != nil && !*r.WordsEqual:
		r.Problem, r.Detail = ProblemWords, "the two parties see different verification words: somebody sits between them"
	}
	if r.Problem == "" {
		r.Problem, r.Detail = wrongPath(t, r)
	}
	r.OK = r.Problem == ""
	return r
}

// problem is what kept media from flowing to the end.
func problem(t Transport, o observed) (Problem, string, protocol.ErrorCode) {
	failed := firstError(o)
	c := code(failed)
	switch {
	case insecure(c):
		return ProblemEncryption, "a check of the encryption failed: the server or somebody on the way is not what it says", c
	case o.host.joined.IsZero() && c != "":
		return ProblemRefused, "the server refused the host", c
	case o.guest.started.IsZero():
		return ProblemUnreachable, because("the server does not answer", failed), c
	case o.guest.joined.IsZero() && c != "" && c != protocol.ErrorCodeTimeout:
		return ProblemRefused, "the server refused the guest", c
	case o.guest.joined.IsZero():
		return ProblemUnreachable, because("the server does not answer the guest", failed), c
	case o.guest.admitted.IsZero():
		return ProblemHandshake, because("the two parties did not come to terms through the server", failed), c
	case o.host.bound.IsZero() || o.guest.bound.IsZero():
		return ProblemMedia, noMedia(t), c
	case o.host.picture.IsZero() || o.guest.picture.IsZero():
		return ProblemMedia, "the parties are connected, but no picture came in time", c
	case o.interrupted || failed != nil || o.host.ended.Route == nil || o.guest.ended.Route == nil:
		return ProblemLost, because("media stopped in the middle of the call", failed), c
	}
	return "", "", ""
}

func noMedia(t Transport) string {
	switch t {
	case TURNUDP:
		return "no media through the relay over UDP: is the server's UDP port open, in its firewall and in that of its provider?"
	case TURNTCP:
		return "no media through the relay over TCP: is the relay's port reachable directly, and not only a proxy in front of it?"
	case TURNTLS:
		return "no media through the relay over TLS: is its certificate valid for this name, and its port reachable directly?"
	case Direct:
	}
	return "no direct media between two parties on this machine: a firewall here may stop it; calls through the relay do not need it"
}

// firstError is that of the party that did not just follow the other one.
func firstError(o observed) error {
	for _, p := range []party{o.guest, o.host} {
		if p.ended.Err != nil && p.ended.Reason != peer.EndHangup && p.ended.Reason != peer.EndPeerHangup {
			return p.ended.Err
		}
	}
	return nil
}

func because(text string, err error) string {
	if err == nil {
		return text
	}
	return peer.CleanLine(fmt.Sprintf("%s: %v", text, err)) // the server may have had a hand in it
}

// insecure are the codes with which a party ends a call that is not safe.
func insecure(c protocol.ErrorCode) bool {
	switch c {
	case protocol.ErrorCodeHostKey, protocol.ErrorCodeHostSig, protocol.ErrorCodePoint, protocol.ErrorCodeKEM,
		protocol.ErrorCodeCommit, protocol.ErrorCodeEpoch, protocol.ErrorCodeSDP, protocol.ErrorCodeDTLSFP,
		protocol.ErrorCodeBind, protocol.ErrorCodeSFrame, protocol.ErrorCodeSASDiffer, protocol.ErrorCodeConfirm:
		return true
	default:
		return false
	}
}

// wrongPath compares what carried the media with what was forced.
func wrongPath(t Transport, r Result) (Problem, string) {
	for _, p := range []*Path{r.Host, r.Guest} {
		relayed := p.Local == "relay"
		switch {
		case t == Direct && (relayed || p.Remote == "relay"):
			return ProblemPath, "media was to go directly, and went through a relay"
		case t != Direct && (!relayed || p.Remote != "relay"):
			return ProblemPath, "media was to go through the relay, and went another way"
		case t != Direct && p.Relay != t.relay():
			return ProblemPath, fmt.Sprintf("the relay was reached over %q, not over %q", p.Relay, t.relay())
		}
	}
	return "", ""
}

func pathOf(r *peer.Route) *Path {
	if r == nil {
		return nil
	}
	p := &Path{
		Local: r.Local, Remote: r.Remote, Family: r.Family, RTTMS: milliseconds(r.RTT),
		Sound: r.Sound, Lost: r.Lost, JitterMS: milliseconds(r.Jitter),
	}
	if r.Local == "relay" {
		p.Relay = r.Relay
	}
	if all := r.Sound + r.Lost; all > 0 {
		p.Loss = float64(r.Lost) / float64(all)
	}
	return p
}

func steps(o observed) Steps {
	bound, picture := later(o.host.bound, o.guest.bound), later(o.host.picture, o.guest.picture)
	return Steps{
		Connect:   between(o.host.started, o.host.joined),
		Arrive:    between(o.guest.started, o.guest.joined),
		Handshake: between(o.guest.joined, o.guest.ready),
		Admit:     between(o.guest.ready, o.guest.admitted),
		Media:     between(o.guest.admitted, bound),
		Picture:   slower(between(o.host.bound, o.host.picture), between(o.guest.bound, o.guest.picture)),
		Total:     between(o.guest.started, picture),
	}
}

// later is zero unless both have come.
func later(a, b time.Time) time.Time {
	switch {
	case a.IsZero() || b.IsZero():
		return time.Time{}
	case a.After(b):
		return a
	}
	return b
}

// slower is 0 unless both are known.
func slower(a, b float64) float64 {
	if min(a, b) == 0 {
		return 0
	}
	return max(a, b)
}

// between is 0 only for a step that did not come to an end. The first picture may be
// read before it is known that the connection is proven, which came first.
func between(from, to time.Time) float64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return milliseconds(max(10*time.Microsecond, to.Sub(from)))
}
