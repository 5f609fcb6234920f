package system

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func TestWaitingRoom(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host := s.Host(link, func(c *peer.Config) { c.Title = "Budget" })
	guest := s.Guest(link, func(c *peer.Config) { c.Note = "It is me" })
	knock := testkit.Await[peer.Knocked](host, nil)
	if want := (peer.Knocked{Slot: knock.Slot, Name: "Gustav", Note: "It is me"}); knock != want {
		t.Errorf("knock is %+v, want %+v", knock, want)
	}
	if hello := testkit.Await[peer.Greeted](guest, nil); hello != (peer.Greeted{Name: "Hanna", Title: "Budget"}) {
		t.Errorf("guest is greeted with %+v", hello)
	}
	host.Hold(knock.Slot, "five minutes")
	if held := testkit.Await[peer.Held](guest, nil); held.Message != "five minutes" {
		t.Errorf("guest is held with %q, want five minutes", held.Message)
	}
	testkit.AwaitPhase(host, peer.PhaseAlone)
	host.Admit(knock.Slot)
	testkit.AwaitLive(host, guest)
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host, guest := s.Host(link, nil), s.Guest(link, nil)
	knock := testkit.Await[peer.Knocked](host, nil)
	host.Refuse(knock.Slot, "not today")
	end := testkit.AwaitEnd(guest)
	if end.Reason != peer.EndRefused || end.Code != protocol.ErrorCodeDenied || end.Received != (peer.Received{}) {
		t.Errorf("guest ended with %+v, want refused, E_DENIED, nothing received", end)
	}
	// The door is open for the next one.
	next := s.Guest(link, func(c *peer.Config) { c.Name = "Next" })
	for testkit.Await[peer.Knocked](host, nil).Name != "Next" {
	}
	next.Hangup()
	testkit.Await[peer.KnockGone](host, nil)
}

func TestOpenDoor(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	guest := s.Guest(link, nil) // first: it waits for the host
	testkit.AwaitPhase(guest, peer.PhaseHostAway)
	host := s.Host(link, func(c *peer.Config) { c.OpenDoor = true })
	testkit.AwaitLive(host, guest)
}

// A third visitor is told that the call is busy and learns nothing else: not who
// hosts, no words, no address.
func TestThirdVisitor(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host, guest := s.Host(link, nil), s.Guest(link, nil)
	testkit.AdmitKnock(host)
	testkit.AwaitLive(host, guest)

	third := s.Guest(link, func(c *peer.Config) { c.Name = "Third" })
	end := testkit.AwaitEnd(third)
	if end.Reason != peer.EndRefused || end.Code != protocol.ErrorCodeBusy || end.Words != nil {
		t.Errorf("third visitor ended with %+v, want refused, E_BUSY, no words", end)
	}
	want := []string{"peer.PhaseChanged{Phase:connecting}", "peer.PhaseChanged{Phase:ended}"}
	if diff := cmp.Diff(want, third.Unread()); diff != "" {
		t.Errorf("third visitor was told more (-want +got):\n%s", diff)
	}
	if testkit.Seen(host, func(k peer.Knocked) bool { return k.Name == "Third" }) {
		t.Error("host was disturbed by the third visitor")
	}
	guest.AwaitMoreFrames("1", 5) // the call goes on
}

// Somebody who waits when another one is admitted is told at once.
func TestWaitingWhileAnotherIsAdmitted(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host := s.Host(link, nil)
	first := s.Guest(link, func(c *peer.Config) { c.Name = "First" })
	knock := testkit.Await[peer.Knocked](host, nil)
	second := s.Guest(link, func(c *peer.Config) { c.Name = "Second" })
	testkit.Await[peer.Knocked](host, nil)
	host.Admit(knock.Slot)
	testkit.AwaitLive(host, first)
	if end := testkit.AwaitEnd(second); end.Code != protocol.ErrorCodeBusy || end.Path != "" {
		t.Errorf("second visitor ended with %+v, want E_BUSY and no media", end)
	}
}

// Nobody can find out by asking which calls exist.
func TestStrangerSeesNoDifference(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	unknown, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	stranger, early := s.Guest(unknown, nil), s.Guest(s.NewCall(0), nil)
	for _, p := range []*testkit.Party{stranger, early} {
		testkit.AwaitPhase(p, peer.PhaseHostAway)
		p.Hangup()
		testkit.AwaitEnd(p)
	}
	if diff := cmp.Diff(early.Unread(), stranger.Unread()); diff != "" {
		t.Errorf("an unknown call differs from one whose host is away (-away +unknown):\n%s", diff)
	}
}

func TestHostReplaced(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	old := s.Host(link, nil)
	testkit.AwaitPhase(old, peer.PhaseAlone)
	guest := s.Guest(link, nil)
	testkit.Await[peer.Knocked](old, nil)
	newer := s.Host(link, nil)
	if end := testkit.AwaitEnd(old); end.Reason != peer.EndReplaced || end.Code != protocol.ErrorCodeReplaced {
		t.Errorf("older host ended with %+v, want replaced, E_REPLACED", end)
	}
	testkit.AdmitKnock(newer) // the guest knocks again by itself
	testkit.AwaitLive(newer, guest)
}

func TestGone(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	ended := s.NewCall(0)
	host := s.Host(ended, nil)
	testkit.AwaitPhase(host, peer.PhaseAlone)
	waiting := s.Guest(ended, nil)
	testkit.Await[peer.Knocked](host, nil)
	host.End()
	testkit.AwaitEnd(host)
	expired := s.NewExpiredCall()
	for name, p := range map[string]*testkit.Party{
		"waiting guest":         waiting,
		"guest of ended call":   s.Guest(ended, nil),
		"host of ended call":    s.Host(ended, nil),
		"guest of expired call": s.Guest(expired, nil),
		"host of expired call":  s.Host(expired, nil),
	} {
		end := testkit.AwaitEnd(p)
		if name == "waiting guest" && end.Reason == peer.EndPeerHangup {
			continue // the host's own word came first
		}
		if end.Reason != peer.EndExpired || end.Code != protocol.ErrorCodeGone {
			t.Errorf("%s ended with %+v, want expired, E_GONE", name, end)
		}
	}
}
