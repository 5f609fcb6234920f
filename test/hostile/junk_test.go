package hostile

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// say says control messages in the server's name.
func say(t *testing.T, l *Line, messages ...protocol.ServerMessage) {
	t.Helper()
	for _, m := range messages {
		if err := l.ToClient(t.Context(), false, protocol.EncodeServer(m)); err != nil {
			t.Fatal(err)
		}
	}
}

// uninterrupted fails unless pictures go both ways, over the connection that was
// made first.
func uninterrupted(t *testing.T, host, guest *testkit.Party) {
	t.Helper()
	guest.AwaitMoreFrames("1", 20)
	host.AwaitMoreFrames("3", 20)
	for _, p := range []*testkit.Party{host, guest} {
		again := testkit.Seen[peer.Connected](p, nil)
		lost := testkit.Seen(p, func(e peer.PhaseChanged) bool { return e.Phase == peer.PhaseReconnecting })
		if again || lost || testkit.Seen[peer.Ended](p, nil) {
			t.Errorf("%s did not keep its connection: %v", p.Name, p.Unread())
		}
	}
}

// A server floods both parties of a call with whatever it likes.
func TestFloodedClient(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest := live(r)
	rubbish := []string{
		`{`, `[]`, `null`, `{"type":7}`, `{"type":"joined","slot":-1}`, `{"type":"joined","slot":0}`, `{"type":"peer","slot":1e99}`,
		`{"type":"host","online":true,"cid":"` + strings.Repeat("A", 5000) + `"}`, `{"type":"welcome"}`, `{"type":"going_away","retry_ms":1000000000}`,
		`{"type":"error","code":"` + strings.Repeat("E", 60_000) + `"}`, strings.Repeat("[", 60_000), `{"type":"ice","ice":{"servers":[],"expires_ms":-1}}`,
	}
	for _, role := range []protocol.Role{protocol.RoleGuest, protocol.RoleHost} {
		line := r.Latest(role)
		for range 200 {
			for _, text := range rubbish {
				if line.ToClient(t.Context(), false, []byte(text)) != nil {
					break
				}
			}
			for _, n := range []int{0, 1, 2, 3, 60_000} {
				if line.ToClient(t.Context(), true, make([]byte, n)) != nil {
					break
				}
			}
		}
		for _, slot := range []uint16{0, 1, 2, 0xffff} {
			for range 20 {
				junk := make([]byte, 552)
				_, _ = rand.Read(junk) // never fails (crypto/rand)
				_ = line.ToClient(t.Context(), true, protocol.AppendFrame(nil, slot, junk))
			}
		}
		uninterrupted(t, host, guest)
	}
	say(t, r.Latest(protocol.RoleHost), protocol.Peer{Slot: 1, CID: r.Latest(protocol.RoleGuest).CID, State: protocol.PeerStateGone})
	_ = r.Latest(protocol.RoleGuest).ToClient(t.Context(), true, make([]byte, 1<<20)) // too large: the client hangs up
	uninterrupted(t, host, guest)
	got(t, "B06", "ignored, call goes on")
}

// A server says that the host comes and goes, so that answers to the guest's
// earlier questions meet later ones.
func TestHostComesAndGoes(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest := live(r)
	line, cid := r.Latest(protocol.RoleGuest), r.Latest(protocol.RoleHost).CID
	flaps := slices.Repeat([]protocol.ServerMessage{protocol.Host{Online: false}, protocol.Host{Online: true, CID: cid}}, 10)
	say(t, line, flaps...)
	for range 2 { // of the first handshake, and of one that came about in all this
		testkit.Await[peer.Words](guest, nil)
	}
	uninterrupted(t, host, guest)
	got(t, "B13", "the picture goes on, over the same connection")
}

// A server ends the call, by word and by final close codes. What flows
// past the server goes on until one of the two leaves.
func TestServersLastWord(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Line){
		"ended":     func(l *Line) { say(t, l, protocol.Ended{Reason: protocol.EndReasonHost}) },
		"over":      func(l *Line) { _ = l.client.Close(protocol.CloseEnded, "") },
		"elsewhere": func(l *Line) { _ = l.client.Close(protocol.CloseReplaced, "") },
		"removed":   func(l *Line) { _ = l.client.Close(protocol.CloseDropped, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := stage(t)
			host, guest := live(r)
			for role, p := range map[protocol.Role]*testkit.Party{protocol.RoleHost: host, protocol.RoleGuest: guest} {
				end(r.Latest(role))
				testkit.Await(p, func(e peer.SignalingChanged) bool { return e.ForGood })
			}
			uninterrupted(t, host, guest)
			guest.Hangup()
			if over := testkit.AwaitEnd(guest); over.Reason != peer.EndHangup || over.Code != "" {
				t.Errorf("the guest's call ended with %s %s", over.Reason, over.Code)
			}
			if over := testkit.AwaitEnd(host); over.Reason != peer.EndPeerHangup || over.Code != "" {
				t.Errorf("the host's call ended with %s %s", over.Reason, over.Code)
			}
		})
	}
	got(t, "B16", "the picture goes on, over the same connection")
}
