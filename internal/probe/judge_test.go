package probe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// at is ms after the beginning.
func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

// good is a call through the relay over TCP, without a fault.
func good() observed {
	words := &peer.Words{Emoji: [5]int{1, 2, 3, 4, 5}, Digits: "123"}
	route := func() *peer.Route {
		return &peer.Route{
			Local: "relay", Remote: "relay", Relay: peer.RelayTCP,
			RTT: 20 * time.Millisecond, Jitter: time.Millisecond, Sound: 99, Lost: 1,
		}
	}
	return observed{
		relays: []peer.RelayTransport{peer.RelayUDP, peer.RelayTCP},
		host: party{
			started: at(0), joined: at(10), admitted: at(60), bound: at(100), picture: at(140),
			ended: peer.Ended{Reason: peer.EndPeerHangup, Words: words, Route: route()},
		},
		guest: party{
			started: at(20), joined: at(35), ready: at(45), admitted: at(65), bound: at(110), picture: at(130),
			ended: peer.Ended{Reason: peer.EndHangup, Words: words, Route: route()},
		},
	}
}

func TestJudge(t *testing.T) {
	coded := func(c protocol.ErrorCode) error { return &protocol.WireError{Code: c} }
	for _, tt := range []struct {
		name      string
		transport Transport
		change    func(*observed)
		want      Problem
		detail    string
	}{
		{"good", TURNTCP, func(*observed) {}, "", ""},
		{"nobody answers", Direct, func(o *observed) {
			*o = observed{host: party{started: at(0), ended: peer.Ended{Reason: peer.EndError, Err: errors.New("connection refused")}}}
		}, ProblemUnreachable, "connection refused"},
		{"the host is refused", Direct, func(o *observed) {
			*o = observed{host: party{started: at(0), ended: peer.Ended{Reason: peer.EndError, Err: coded(protocol.ErrorCodeRate)}}}
		}, ProblemRefused, "host"},
		{"the guest is refused", Direct, func(o *observed) {
			o.guest = party{started: at(20), ended: peer.Ended{Reason: peer.EndError, Err: coded(protocol.ErrorCodeRate)}}
		}, ProblemRefused, "guest"},
		{"the server falls silent", Direct, func(o *observed) {
			o.guest = party{started: at(20), ended: peer.Ended{Reason: peer.EndError, Err: coded(protocol.ErrorCodeTimeout)}}
		}, ProblemUnreachable, "guest"},
		{"no handshake", Direct, func(o *observed) {
			o.late = true
			o.guest = party{started: at(20), joined: at(30), ended: peer.Ended{Reason: peer.EndHangup}}
		}, ProblemHandshake, ""},
		{"a lying server", Direct, func(o *observed) {
			o.guest.ended = peer.Ended{Reason: peer.EndError, Err: coded(protocol.ErrorCodeHostSig)}
		}, ProblemEncryption, ""},
		{"no media over UDP", TURNUDP, func(o *observed) { o.guest.bound, o.guest.picture = time.Time{}, time.Time{} }, ProblemMedia, "UDP"},
		{"no media over TLS", TURNTLS, func(o *observed) { o.host.bound = time.Time{} }, ProblemMedia, "certificate"},
		{"no picture", TURNTCP, func(o *observed) { o.host.picture = time.Time{} }, ProblemMedia, "picture"},
		{"media is lost", TURNTCP, func(o *observed) { o.interrupted = true }, ProblemLost, ""},
		{"no path at the end", TURNTCP, func(o *observed) { o.host.ended.Route = nil }, ProblemLost, ""},
		{"words differ", TURNTCP, func(o *observed) { o.guest.ended.Words = &peer.Words{Digits: "456"} }, ProblemWords, "differ"},
		{"words differ, and media is lost", TURNTCP, func(o *observed) {
			o.interrupted = true
			o.guest.ended.Words = &peer.Words{Digits: "456"}
		}, ProblemWords, "differ"},
		{"not direct", Direct, func(*observed) {}, ProblemPath, "directly"},
		{"another relay transport", TURNUDP, func(*observed) {}, ProblemPath, `"tcp"`},
		{"not relayed at the other end", TURNTCP, func(o *observed) { o.guest.ended.Route.Remote = "prflx" }, ProblemPath, "another way"},
	} {
		o := good()
		tt.change(&o)
		got := judge(tt.transport, o)
		if got.Problem != tt.want || got.OK != (tt.want == "") || !strings.Contains(got.Detail, tt.detail) {
			t.Errorf("%s: %q (%s), ok %v; want %q with %q", tt.name, got.Problem, got.Detail, got.OK, tt.want, tt.detail)
		}
	}
}

func TestJudgeMeasures(t *testing.T) {
	got := judge(TURNTCP, good())
	if want := (Steps{Connect: 10, Arrive: 15, Handshake: 10, Admit: 20, Media: 45, Picture: 40, Total: 120}); got.Steps != want {
		t.Errorf("steps %+v, want %+v", got.Steps, want)
	}
	want := Path{Local: "relay", Remote: "relay", Relay: peer.RelayTCP, RTTMS: 20, JitterMS: 1, Sound: 99, Lost: 1, Loss: 0.01}
	if got.Host == nil || *got.Host != want {
		t.Errorf("path %+v, want %+v", got.Host, want)
	}
	if got.WordsEqual == nil || !*got.WordsEqual {
		t.Errorf("words equal: %v", got.WordsEqual)
	}
}

// What is read in the other order has taken no time; it has not failed to happen.
func TestPictureBeforeProof(t *testing.T) {
	o := good()
	o.host.picture, o.guest.picture = o.host.bound.Add(-time.Millisecond), o.guest.bound.Add(-time.Millisecond)
	if got := judge(TURNTCP, o).Steps.Picture; got != 0.01 {
		t.Errorf("the picture took %v ms", got)
	}
}

// What a server has put into an error does not write over a terminal.
func TestDetailIsClean(t *testing.T) {
	o := observed{host: party{ended: peer.Ended{Reason: peer.EndError, Err: errors.New("for \x1b[2Jnobody\u202e")}}}
	if got := judge(Direct, o).Detail; got != "the server does not answer: for [2Jnobody" {
		t.Errorf("said %q", got)
	}
}
