package signaling

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

func TestFramesKnowWhereMessagesEnd(t *testing.T) {
	unmasked := []byte{0x8a, 0x01, 'x'} // no client may send it, but it has an end, too
	long := append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, 70_000), make([]byte, 4+70_000)...)
	for name, parts := range map[string][][]byte{
		"short":                   {masked(0x82, []byte("hello")), masked(0x81, nil)},
		"of two bytes of length":  {masked(0x82, make([]byte, 300)), masked(0x82, make([]byte, 126))},
		"of eight":                {long, masked(0x82, []byte("x"))},
		"control":                 {masked(0x8a, []byte("1")), unmasked, masked(0x89, nil)},
		"in parts":                {append(masked(0x02, []byte("hel")), masked(0x80, []byte("lo"))...)},
		"in parts, a ping within": {bytes.Join([][]byte{masked(0x01, []byte("hel")), masked(0x89, []byte("1")), masked(0x00, nil), masked(0x80, []byte("lo"))}, nil)},
	} {
		var f frames
		for _, message := range parts {
			for i, b := range message {
				if i > 0 && f.whole() {
					t.Fatalf("%s: whole after %d of %d bytes", name, i, len(message))
				}
				f.pass([]byte{b})
			}
			if !f.whole() {
				t.Fatalf("%s: not whole after all %d bytes", name, len(message))
			}
		}
		f.pass(bytes.Join(parts, nil))
		if !f.whole() {
			t.Errorf("%s: not whole after everything at once", name)
		}
		f.pass(parts[0][:len(parts[0])-1])
		if f.whole() {
			t.Errorf("%s: whole without the last byte", name)
		}
	}
}

// resting waits until so many sessions of this process are read at rest.
func resting(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if strings.Count(string(stacks), ".(*restingConn).rest(") == want {
			return
		}
	}
	t.Fatalf("no %d sessions at rest", want)
}

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
		resting(t, 2)
		for _, p := range words.pieces {
			if _, err := guest.Write(p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * n.quiet) // long enough to rest, if that were allowed here
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

// Who is at rest and whose client goes is gone.
func TestClosedAtRest(t *testing.T) {
	n := serve(t, nil)
	_, host, guest := n.pair(t)
	resting(t, 2)
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

// The writer is there while there is something to write, and then not.
func TestOutboxStartsAndEndsItsWriter(t *testing.T) {
	var b outbox
	b.push(outgoing{frame: []byte("a")})
	wrote, writers := make(chan string, 4), make(chan struct{}, 4)
	b.open(func() {
		writers <- struct{}{}
		for o, ok := b.next(); ok; o, ok = b.next() {
			wrote <- string(o.frame)
		}
	})
	if got := <-wrote; got != "a" {
		t.Errorf("wrote %q", got)
	}
	b.finishForTest(t)
	b.push(outgoing{frame: []byte("b")})
	if got := <-wrote; got != "b" || len(writers) != 2 {
		t.Errorf("wrote %q, by writer %d", got, len(writers))
	}
	b.finish()
	b.push(outgoing{frame: []byte("c")})
	if _, ok := b.next(); ok {
		t.Error("something is taken after the end")
	}
}

// finishForTest waits for the writer, and lets it start again.
func (b *outbox) finishForTest(t *testing.T) {
	t.Helper()
	b.finish()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = false
}
