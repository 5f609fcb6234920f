package system

import (
	"fmt"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
)

// said waits until to has got these lines of from, each once and in this order.
func said(t *testing.T, from, to *testkit.Party, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if got := testkit.Await[peer.ChatReceived](to, nil); got.Text != want {
			t.Fatalf("%s got %q from %s, want %q", to.Name, got.Text, from.Name, want)
		}
		testkit.Await[peer.ChatDelivered](from, nil)
	}
	if testkit.Seen[peer.ChatReceived](to, nil) {
		t.Errorf("%s got a line twice", to.Name)
	}
}

// Keys are renewed several times while both send and talk: both have the same
// words after each, nothing is lost, and media never pauses for it.
func TestRekeyUnderTraffic(t *testing.T) {
	s := testkit.StartServer(t)
	host, guest := s.Live(func(c *peer.Config) { c.RekeyEvery = 1500 * time.Millisecond })
	for _, p := range []*testkit.Party{host, guest} {
		testkit.Await[peer.Words](p, nil)
	}
	for epoch := range uint16(3) {
		line := fmt.Sprintf("in epoch %d", epoch)
		guest.Chat(line)
		host.Chat(line)
		said(t, guest, host, line)
		said(t, host, guest, line)
		is := func(e peer.Rekeyed) bool { return e.Epoch == epoch+1 }
		testkit.Await(host, is)
		testkit.Await(guest, is)
		if h, g := testkit.Await[peer.Words](host, nil), testkit.Await[peer.Words](guest, nil); h != g {
			t.Fatalf("epoch %d: host sees the words %v, guest %v", epoch+1, h, g)
		}
		host.AwaitMoreFrames("3", 5)
		guest.AwaitMoreFrames("1", 5)
	}
	for _, p := range []*testkit.Party{host, guest} {
		if testkit.Seen(p, func(e peer.PhaseChanged) bool { return e.Phase == peer.PhaseReconnecting }) {
			t.Errorf("%s: media was lost", p.Name)
		}
	}
}

// The host asks, the server is dead: keys are renewed over the data channel; when
// the server is back, both return to it with the newest of them (A82).
func TestA82RekeyAndServerRestart(t *testing.T) {
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	s.Stop()
	offline := func(e peer.SignalingChanged) bool { return !e.Online }
	testkit.Await(host, offline)
	testkit.Await(guest, offline)
	guest.Chat("nobody else is there")
	said(t, guest, host, "nobody else is there")
	host.Rekey()
	first := func(e peer.Rekeyed) bool { return e.Epoch == 1 }
	testkit.Await(host, first)
	testkit.Await(guest, first)
	host.AwaitMoreFrames("3", 5)
	guest.AwaitMoreFrames("1", 5)

	s.Restart()
	second := func(e peer.Rekeyed) bool { return e.Epoch == 2 }
	testkit.Await(host, second) // the handshake over the new connections
	testkit.Await(guest, second)
	host.Chat("back")
	said(t, host, guest, "back")
	guest.Chat("so am I")
	said(t, guest, host, "so am I")
	for _, p := range []*testkit.Party{host, guest} {
		if testkit.Seen(p, func(e peer.PhaseChanged) bool { return e.Phase == peer.PhaseReconnecting }) {
			t.Errorf("%s: media was lost: %v", p.Name, p.Unread())
		}
	}
}
