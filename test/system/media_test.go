package system

import (
	"slices"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestRelayOnly(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := testkit.StartServer(t)
			link := s.NewCall(e2ee.FlagRelayOnly)
			over := func(c *peer.Config) { c.RelayTransport = peer.RelayTransport(transport) }
			host, guest := s.Host(link, over), s.Guest(link, over)
			testkit.AdmitKnock(host)
			for _, p := range []*testkit.Party{host, guest} {
				if path := testkit.Await[peer.Connected](p, nil).Path; path != peer.PathRelayed {
					t.Errorf("%s: path is %q, want relayed", p.Name, path)
				}
			}
			host.AwaitFrames("3", 5)
			guest.AwaitFrames("1", 5)
			host.AwaitFrames("2", 5)
			guest.AwaitFrames("0", 5)
			host.Hangup()
			// Nobody waits for a direct path that is not allowed; pion would, for 2 s.
			end := testkit.AwaitEnd(host)
			if end.Setup >= 2*time.Second {
				t.Errorf("set-up took %v", end.Setup)
			}
			if r := end.Route; r == nil || r.Local != "relay" || r.Remote != "relay" || string(r.Relay) != transport {
				t.Errorf("the route is %+v, want a relay at both ends, over %s", r, transport)
			}
		})
	}
}

// One side asks for the relay; the other learns no address of it.
func TestOneSideRelayOnly(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(0)
	host := s.Host(link, nil)
	guest := s.Guest(link, func(c *peer.Config) { c.RelayOnly = true })
	testkit.AdmitKnock(host)
	for _, p := range []*testkit.Party{host, guest} {
		if path := testkit.Await[peer.Connected](p, nil).Path; path != peer.PathRelayed {
			t.Errorf("%s: path is %q, want relayed", p.Name, path)
		}
	}
}

// Both sides add a track at the same moment. There is still exactly one call, and
// both tracks arrive (perfect negotiation).
func TestGlare(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	host.Share(testkit.Pattern(t))
	guest.Share(testkit.Pattern(t))
	for _, p := range []*testkit.Party{host, guest} {
		added := testkit.Await(p, func(e peer.TrackAdded) bool { return e.Track.Screen })
		p.AwaitFrames(added.Track.MID, 5)
	}
	host.AwaitMoreFrames("3", 5) // what was there before still flows
	guest.AwaitMoreFrames("1", 5)
	if len(host.Tracks()) != 3 || len(guest.Tracks()) != 3 {
		t.Errorf("host receives m-lines %v, guest %v, want three each", host.Tracks(), guest.Tracks())
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	id := guest.Chat("Grüß Gott\x07")
	if got := testkit.Await[peer.ChatReceived](host, nil); got != (peer.ChatReceived{ID: id, Text: "Grüß Gott"}) {
		t.Errorf("host reads %+v", got)
	}
	testkit.Await(guest, func(e peer.ChatDelivered) bool { return e.ID == id })
	host.Chat("Servus")
	if got := testkit.Await[peer.ChatReceived](guest, nil).Text; got != "Servus" {
		t.Errorf("guest reads %q, want Servus", got)
	}
}

// Muted means that nothing is sent, and the other side is told.
func TestMute(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	host.AwaitFrames("2", 5)
	guest.SetMedia(false, true)
	testkit.Await(host, func(e peer.MediaStateChanged) bool { return !e.Mic && e.Cam })
	// The state comes over an ordered channel of its own: let what was under way arrive.
	host.AwaitMoreFrames("3", 3)
	before := host.Frames("2")
	host.AwaitMoreFrames("3", 15) // a second of pictures
	if after := host.Frames("2"); after != before {
		t.Errorf("%d packets of sound came from a muted guest", after-before)
	}
	guest.SetMedia(true, true)
	host.AwaitMoreFrames("2", 5)
}

// Who wants no video gets none, and is told that the camera is on all the same.
func TestWant(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	host.AwaitFrames("3", 5)
	host.Want(sealed.WantedSizeNone)
	testkit.Await(host, func(e peer.MediaStateChanged) bool { return e.Cam && e.Held == sealed.HeldVideoAsked })
	// The state comes over an ordered channel of its own: let what was under way arrive.
	host.AwaitMoreFrames("2", 10)
	before := host.Frames("3")
	host.AwaitMoreFrames("2", 50) // a second of sound
	if after := host.Frames("3"); after != before {
		t.Errorf("%d pictures came although none are wanted", after-before)
	}
	guest.AwaitMoreFrames("1", 5) // the other direction goes on
	host.Want(sealed.WantedSizeSmall)
	testkit.Await(host, func(e peer.MediaStateChanged) bool { return e.Cam && e.Held == "" })
	host.AwaitMoreFrames("3", 5)
}

func TestWordsDiffer(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	host.Verify(sealed.VerdictMatch)
	testkit.Await(guest, func(e peer.Verified) bool { return e.Verdict == sealed.VerdictMatch })
	guest.Verify(sealed.VerdictDiffer)
	for _, p := range []*testkit.Party{host, guest} {
		if end := testkit.AwaitEnd(p); end.Reason != peer.EndDiffer || end.Code != protocol.ErrorCodeSASDiffer {
			t.Errorf("%s ended with %+v, want differ, E_SAS_DIFFER", p.Name, end)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	s := testkit.StartServer(t)
	host, guest := s.Live(func(c *peer.Config) { c.Limit = limit })
	for _, p := range []*testkit.Party{host, guest} {
		end := testkit.AwaitEnd(p)
		if end.Reason != peer.EndLimit || end.Code != "" || end.Duration < limit-200*time.Millisecond {
			t.Errorf("%s ended with %+v, want limit after %v", p.Name, end, limit)
		}
	}
}

// The server is only needed to find each other. When it goes away, media goes
// on; when it comes back, both are there again, with fresh keys for signaling.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	parties := []*testkit.Party{host, guest}
	s.Stop()
	for _, p := range parties {
		testkit.Await(p, func(e peer.SignalingChanged) bool { return !e.Online })
	}
	host.AwaitMoreFrames("3", 20)
	guest.AwaitMoreFrames("1", 20)
	host.Chat("still here")
	testkit.Await(guest, func(e peer.ChatReceived) bool { return e.Text == "still here" })

	before := testkit.Await[peer.Words](host, nil)
	testkit.Await[peer.Words](guest, nil)
	s.Restart()
	for _, p := range parties {
		testkit.Await(p, func(e peer.SignalingChanged) bool { return e.Online })
	}
	again := testkit.Await[peer.Words](host, nil)
	if resumed := testkit.Await[peer.Words](guest, nil); resumed != again || again == before {
		t.Errorf("words were %v; after the resumption host has %v, guest %v; want new ones, equal", before.Names, again.Names, resumed.Names)
	}
	guest.AwaitMoreFrames("1", 5)
	guest.Chat("and again")
	testkit.Await(host, func(e peer.ChatReceived) bool { return e.Text == "and again" })
	for _, p := range parties {
		if testkit.Seen(p, func(e peer.PhaseChanged) bool { return e.Phase == peer.PhaseReconnecting }) {
			t.Errorf("%s lost its media with the server", p.Name)
		}
	}
	// Renegotiation goes over the new session.
	guest.Share(testkit.Pattern(t))
	added := testkit.Await(host, func(e peer.TrackAdded) bool { return e.Track.MID > "3" })
	host.AwaitFrames(added.Track.MID, 3)
	if got := host.Tracks(); !slices.Contains(got, "3") {
		t.Errorf("host's tracks are %v", got)
	}
}
