// Package system tests whole calls: a server and native parties in one process.
package system

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Two people, one link: they see and hear each other and see the same words.
func TestCall(t *testing.T) {
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host := s.Host(link, nil)
	testkit.AwaitPhase(host, peer.PhaseAlone)
	guest := s.Guest(link, nil)
	knock := testkit.AdmitKnock(host)
	if knock.Name != "Gustav" {
		t.Errorf("knock is from %q, want Gustav", knock.Name)
	}
	testkit.AwaitLive(host, guest)
	if h, g := testkit.Await[peer.Words](host, nil), testkit.Await[peer.Words](guest, nil); h != g {
		t.Errorf("host sees the words %v, guest %v", h, g)
	}
	host.AwaitFrames("2", 10)
	host.AwaitFrames("3", 10)
	guest.AwaitFrames("0", 10)
	guest.AwaitFrames("1", 10)

	guest.Hangup()
	g, h := testkit.AwaitEnd(guest), testkit.AwaitEnd(host)
	if g.Reason != peer.EndHangup || h.Reason != peer.EndPeerHangup {
		t.Errorf("guest ended by %q, host by %q, want hangup and peer-hangup", g.Reason, h.Reason)
	}
	for name, e := range map[string]peer.Ended{"guest": g, "host": h} {
		if e.Path != peer.PathDirect {
			t.Errorf("%s: path is %q, want direct", name, e.Path)
		}
		if e.Received.VideoFrames < 10 || e.Received.AudioPackets < 10 {
			t.Errorf("%s: received %+v, want at least 10 of each", name, e.Received)
		}
		if e.Setup <= 0 || e.Setup > e.Duration {
			t.Errorf("%s: set-up took %v of %v", name, e.Setup, e.Duration)
		}
		if e.Code != "" || e.Words == nil {
			t.Errorf("%s: ended with code %q and words %v", name, e.Code, e.Words)
		}
	}
}
