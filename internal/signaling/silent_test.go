package signaling

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// A client that was silent for long is heard, whatever its next words look like, and
// in whatever pieces they come.
func TestSilentClientIsHeard(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	host := n.connect(t)
	host.create(link)
	host.joinHost(link, protocol.ID{1})
	guest, err := n.dial(t.Context(), "tcp", n.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = guest.Close() })
	// The join comes with the request, before anybody has answered.
	first := append([]byte(upgradeRequest(n.host)), masked(0x81, protocol.EncodeClient(guestJoin(link, protocol.ID{2})))...)
	if _, err := guest.Write(first); err != nil {
		t.Fatal(err)
	}
	expect[protocol.Peer](host)
	go func() { _, _ = io.Copy(io.Discard, guest) }() // until it is closed
	frame := func(text string) []byte { return protocol.AppendFrame(nil, 0, []byte(text)) }
	parts := func(head byte, text string) []byte { return masked(head, []byte(text)) }
	for _, words := range []struct {
		pieces [][]byte
		want   string
	}{
		{[][]byte{masked(0x82, frame("at once"))}, "frame 1 at once"},
		{split(masked(0x82, frame("byte by byte"))), "frame 1 byte by byte"},
		{[][]byte{parts(0x02, "\x00\x00in "), parts(0x8a, "no ping's answer"), parts(0x80, "parts")}, "frame 1 in parts"},
		{[][]byte{masked(0x8a, nil), masked(0x82, frame("after a pong"))}, "frame 1 after a pong"},
	} {
		for _, p := range words.pieces {
			if _, err := guest.Write(p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // long enough for the next piece to come alone
		}
		host.want(words.want)
	}
}

func split(b []byte) [][]byte {
	out := make([][]byte, len(b))
	for i := range b {
		out[i] = b[i : i+1]
	}
	return out
}

// Who says nothing and whose client goes is gone.
func TestSilentClientGoes(t *testing.T) {
	n := serve(t, nil)
	_, host, guest := n.pair(t)
	if err := guest.conn.CloseNow(); err != nil {
		t.Fatal(err)
	}
	host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone))
}

// brokenRelay panics.
type brokenRelay struct{}

func (brokenRelay) Credentials([16]byte, protocol.Role, time.Time) (string, string, time.Time) {
	panic("no keys")
}

func TestPanicEndsOneSession(t *testing.T) {
	n := serve(t, func(c *Config) { c.Relay = brokenRelay{} })
	link := newLink(t)
	host, other := n.connect(t), n.connect(t)
	host.create(link)
	host.say(hostJoin(link, n.origin(), host.nonce, protocol.ID{1}))
	if _, _, err := host.read(); err == nil {
		t.Error("the session goes on")
	}
	other.joinGuest(link, protocol.ID{2})
	if log := n.log.String(); !strings.Contains(log, "session panicked") || !strings.Contains(log, "no keys") {
		t.Errorf("the log says %s", log)
	}
}

// A client that reads late gets everything, whole and in order: what went out at once, in
// part, and what had to wait.
func TestLateReaderGetsAll(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	host := n.connect(t)
	host.create(link)
	host.joinHost(link, protocol.ID{1})
	guest := n.connect(t)
	guest.joinGuest(link, protocol.ID{2})
	expect[protocol.Peer](host)
	const frames = 30
	text := func(i int) string { return strings.Repeat(string(rune('a'+i)), 60_000+i) }
	for i := range frames {
		host.frame(1, text(i))
	}
	host.say(protocol.Renew{})
	expect[protocol.ICE](host) // so all frames before are on their way
	for i := range frames {
		if got := guest.line(); got != "frame 0 "+text(i) {
			t.Fatalf("frame %d is %.20q, of %d bytes", i, got, len(got))
		}
	}
}
