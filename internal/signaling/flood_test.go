package signaling

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/sockets"
	"github.com/visavis-call/visavis/protocol"
)

// Pings and pongs, which nobody above the library sees, are frames as others are.
func TestPingsAreFrames(t *testing.T) {
	for name, head := range map[string]byte{"ping": 0x89, "pong": 0x8a} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *node) {
				c, r := n.raw(t)
				if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(newLink(t), protocol.ID{1})))); err != nil {
					t.Fatal(err)
				}
				said := make(chan []byte, 1)
				go func() {
					b, _ := io.ReadAll(r)
					said <- b
				}()
				sent := 0
				for ; sent < 10_000; sent++ {
					if _, err := c.Write(masked(head, []byte("x"))); err != nil {
						break
					}
				}
				if sent > 2*protocol.LimitFramesBurst {
					t.Errorf("%d were taken", sent)
				}
				_ = c.Close() // closed by the server, unless that was said above
				if n := bytes.Count(<-said, []byte{0x8a, 1, 'x'}); n > protocol.LimitFramesBurst {
					t.Errorf("%d were answered", n)
				}
			})
		})
	}
}

// Parts of a message that are empty are no bytes and no messages; in the goodbye nobody
// counts anything else.
func TestEmptyPartsEnd(t *testing.T) {
	join := masked(0x81, protocol.EncodeClient(guestJoin(newLink(t), protocol.ID{1})))
	tooLong := masked(0x81, make([]byte, protocol.LimitControlBytes+1))
	for name, first := range map[string][]byte{
		"of text":        append(bytes.Clone(join), masked(0x01, nil)...),
		"of a frame":     append(bytes.Clone(join), masked(0x02, []byte("ab"))...),
		"in the goodbye": append(tooLong, masked(0x02, nil)...),
		"of no message":  join,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *node) {
				c, r := n.raw(t)
				if _, err := c.Write(first); err != nil {
					t.Fatal(err)
				}
				go func() { _, _ = io.Copy(io.Discard, r) }() // until it is closed
				start := time.Now()
				sent := 0
				for ; sent < 10_000; sent++ {
					if _, err := c.Write(masked(0x00, nil)); err != nil {
						break
					}
				}
				if sent > protocol.LimitFramesBurst || time.Since(start) > time.Second {
					t.Errorf("%d were taken, in %v", sent, time.Since(start))
				}
			})
		})
	}
}

// What a client may send in parts is taken, again and again.
func TestPartsAreTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link := newLink(t)
		host := n.connect(t)
		host.create(link)
		host.joinHost(link, protocol.ID{1})
		guest, r := n.raw(t)
		go func() { _, _ = io.Copy(io.Discard, r) }() // until it is closed
		words := masked(0x81, protocol.EncodeClient(guestJoin(link, protocol.ID{2})))
		for range 3 {
			words = append(words, masked(0x02, []byte("\x00\x00"))...)
			for range sockets.MaxParts - 1 {
				words = append(words, masked(0x00, []byte("a"))...)
			}
			words = append(words, masked(0x80, nil)...)
		}
		if _, err := guest.Write(words); err != nil {
			t.Fatal(err)
		}
		expect[protocol.Peer](host)
		for range 3 {
			host.want("frame 1 " + strings.Repeat("a", sockets.MaxParts-1))
		}
	})
}

// A frame of 100 MB: the server says that it is too long, hears nothing more, keeps
// nothing, and hangs up once the client had its time to say goodbye.
func TestHugeFrameIsCut(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		c, r := n.raw(t)
		if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(newLink(t), protocol.ID{1})))); err != nil {
			t.Fatal(err)
		}
		said := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(r)
			said <- string(b)
		}()
		const size = 100 << 20
		start := time.Now()
		before, _ := used()
		head := binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, size)
		_, err := c.Write(append(head, 0, 0, 0, 0))
		for chunk, sent := make([]byte, 32<<10), 0; err == nil && sent < size; sent += len(chunk) {
			time.Sleep(5 * time.Millisecond) // 100 MB in 16 s
			_, err = c.Write(chunk)
		}
		if took := time.Since(start); err == nil || took > 6*time.Second {
			t.Errorf("the server hears on after %v", took)
		}
		if after, _ := used(); after-before > 1<<20 {
			t.Errorf("%d kB are kept", (after-before)/1024)
		}
		if got := <-said; !strings.Contains(got, "E_SIZE") {
			t.Errorf("the server said %q", got)
		}
	})
}

// A client that is told to leave and then begins a frame that never ends.
func TestUnfinishedFrameAtTheEnd(t *testing.T) {
	for name, words := range map[string][]byte{
		"too long, from the first byte": append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, 1<<40), make([]byte, 2*protocol.LimitFrameBytes)...),
		"after what was too long":       append(masked(0x81, make([]byte, protocol.LimitControlBytes+1)), 0x82, 0x80|126, 0xff, 0xff, 0, 0, 0, 0, 1),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *node) {
				c, r := n.raw(t)
				go func() { _, _ = c.Write(words) }() // and no more
				start := time.Now()
				took, last := closedAfter(r, start)
				if took > 15*time.Second || !strings.Contains(last, "E_SIZE") {
					t.Errorf("the server let go after %v, saying %q", took, last)
				}
			})
		})
	}
}

// Ten thousand connections from one address: as many stay as may, and what they
// cost is little.
func TestManyConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		before, _ := used()
		open, refused := 0, map[int]int{}
		for range 10_000 {
			c, err := n.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			status := upgrade(t, c, n.host)
			if status == http.StatusSwitchingProtocols {
				open++
				defer c.Close() //nolint:gocritic // all of them at the end
				continue
			}
			refused[status]++
			_ = c.Close()
		}
		after, _ := used()
		const limit = 1000 // of the harness
		if open != limit || refused[http.StatusServiceUnavailable] != 10_000-limit {
			t.Errorf("%d stay open, %v are refused; want %d, the others with 503", open, refused, limit)
		}
		if each := (after - before) / limit; each > 128<<10 {
			t.Errorf("%d kB for each", each/1024)
		}
	})
}

// upgrade asks for a WebSocket and returns the status of the answer.
func upgrade(t *testing.T, c io.ReadWriter, host string) int {
	t.Helper()
	if _, err := io.WriteString(c, upgradeRequest(host)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	switch {
	case bytes.HasSuffix(head, []byte("101")):
		return http.StatusSwitchingProtocols
	case bytes.HasSuffix(head, []byte("503")):
		return http.StatusServiceUnavailable
	default:
		return http.StatusTooManyRequests
	}
}
