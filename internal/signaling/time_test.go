package signaling

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// pipes is a network inside a bubble of fake time: no buffers, no delays.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// inBubble runs f with a server in fake time.
func inBubble(t *testing.T, f func(t *testing.T, n *node)) {
	synctest.Test(t, func(t *testing.T) {
		n := parts(t, nil)
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		n.dial, n.host = p.dial, "call.example"
		web := &http.Server{Handler: n.Server}
		var serving sync.WaitGroup
		serving.Go(func() { _ = web.Serve(p) })
		t.Cleanup(func() { _ = web.Close(); serving.Wait() })
		f(t, n)
	})
}

// raw makes a WebSocket by hand: a client that does just what it is told.
func (n *node) raw(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := n.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, upgradeRequest(n.host)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err == nil {
		err = response.Body.Close()
	}
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", response, err)
	}
	return c, r
}

func upgradeRequest(host string) string {
	return "GET /ws HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: " + protocol.SubprotocolNative + "\r\n\r\n"
}

// closedAfter waits for the server to end the connection; how long, and with
// what as its last words.
func closedAfter(r io.Reader, since time.Time) (time.Duration, string) {
	last, _ := io.ReadAll(r)
	return time.Since(since), string(last)
}

func TestJoinDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		start := time.Now()
		c := n.connect(t)
		c.create(newLink(t)) // to create is not to join
		c.want(`{"type":"error","code":"E_TIMEOUT"}`, "close 4006")
		if got, want := time.Since(start), protocol.LimitJoinMS*time.Millisecond; got != want {
			t.Errorf("closed after %v, want %v", got, want)
		}
	})
}

func TestAnsweringClientStays(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		c := n.connect(t)
		c.joinGuest(newLink(t), protocol.ID{1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second) // not when a ping is due
		defer cancel()
		if _, _, err := c.conn.Read(ctx); !errors.Is(err, context.DeadlineExceeded) { // to read is to answer pings
			t.Errorf("a client that answers pings was closed: %v", err)
		}
	})
}

func TestSilentClientIsCut(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		start := time.Now()
		c, r := n.raw(t)
		join := protocol.EncodeClient(guestJoin(newLink(t), protocol.ID{1}))
		if _, err := c.Write(masked(0x81, join)); err != nil {
			t.Fatal(err)
		}
		took, _ := closedAfter(r, start) // reads all, answers no ping
		if want := protocol.LimitPingMS*time.Millisecond + pongTimeout; took != want {
			t.Errorf("cut after %v, want %v", took, want)
		}
	})
}

// masked is a client's WebSocket frame with an all-zero mask (RFC 6455 §5.2).
func masked(head byte, payload []byte) []byte {
	length := []byte{0x80 | byte(len(payload))}
	if len(payload) > 125 {
		length = []byte{0x80 | 126, byte(len(payload) >> 8), byte(len(payload))}
	}
	return append(append(append([]byte{head}, length...), 0, 0, 0, 0), payload...)
}

func TestTrickledFrameIsCut(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		c, r := n.raw(t)
		if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(newLink(t), protocol.ID{1})))); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var trickling sync.WaitGroup
		defer trickling.Wait()
		trickling.Go(func() {
			for _, b := range masked(0x82, make([]byte, 1000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		took, _ := closedAfter(r, start)
		if want := 10 * time.Second; took < want || took > want+2*time.Second {
			t.Errorf("cut after %v, want about %v", took, want)
		}
	})
}

func TestSlowReaderIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link := newLink(t)
		host := n.connect(t)
		host.create(link)
		host.joinHost(link, protocol.ID{1})
		c, _ := n.raw(t) // reads nothing from here on
		if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(link, protocol.ID{2})))); err != nil {
			t.Fatal(err)
		}
		expect[protocol.Peer](host)
		start := time.Now()
		var took time.Duration
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone))
			took = time.Since(start)
		}()
		sent := 0
		for ; sent < 2*protocol.LimitWriteQueue; sent++ {
			select {
			case <-gone:
			default:
				host.frame(1, "x")
				time.Sleep(time.Second / protocol.LimitFramesPerSecond)
				continue
			}
			break
		}
		<-gone
		if want := writeTimeout; took > want {
			t.Errorf("a reader that stopped was cut after %v, want at most %v", took, want)
		}
	})
}

// A client that wakes up after its queue has overflowed is told why it must
// leave, and need not read the backlog first.
func TestOverflowIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link := newLink(t)
		host := n.connect(t)
		host.create(link)
		host.joinHost(link, protocol.ID{1})
		c, r := n.raw(t)
		if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(link, protocol.ID{2})))); err != nil {
			t.Fatal(err)
		}
		expect[protocol.Peer](host)
		for range protocol.LimitWriteQueue + 10 {
			host.frame(1, "x")
			time.Sleep(time.Second / protocol.LimitFramesPerSecond)
		}
		synctest.Wait()
		go func() { // the answer to the close frame, masked: 4100
			time.Sleep(time.Millisecond)
			_, _ = c.Write(masked(0x88, []byte{0x10, 0x04}))
		}()
		_, last := closedAfter(r, time.Now())
		if !strings.HasSuffix(last, "\x88\x02\x10\x04") {
			t.Errorf("last words %q, want close code 4100", last[max(0, len(last)-40):])
		}
		if got := strings.Count(last, "\x82\x03\x00\x00x"); got > 10 {
			t.Errorf("%d frames of the backlog were sent before the close", got)
		}
		host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone))
	})
}

// A guest whose old connection is dead, though nobody has noticed yet, gets its
// seat back; one who is alive keeps others out.
func TestGrantedSeatIsProbed(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link := newLink(t)
		host := n.connect(t)
		host.create(link)
		host.joinHost(link, protocol.ID{1})
		c, r := n.raw(t)
		if _, err := c.Write(masked(0x81, protocol.EncodeClient(guestJoin(link, protocol.ID{2})))); err != nil {
			t.Fatal(err)
		}
		var draining sync.WaitGroup // takes what comes and answers nothing: a dead network behind a live buffer
		draining.Go(func() { _, _ = io.Copy(io.Discard, r) })
		defer draining.Wait()
		expect[protocol.Peer](host)
		host.say(protocol.Grant{Slot: 1})
		synctest.Wait()

		start := time.Now()
		again := n.connect(t)
		again.joinGuest(link, protocol.ID{3})
		if got := time.Since(start); got != probeTimeout {
			t.Errorf("seated after %v, want %v", got, probeTimeout)
		}
		host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone), peerIs(2, protocol.ID{3}, protocol.PeerStateWaiting))

		host.say(protocol.Grant{Slot: 2})
		expect[protocol.ICE](again)
		var alive sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		alive.Go(func() { _, _, _ = again.conn.Read(ctx) }) // to read is to answer pings
		third := n.connect(t)
		third.say(guestJoin(link, protocol.ID{4}))
		third.want(refusedBusy, "close 4003")
		cancel()
		alive.Wait()
	})
}

// Guests who send as much as they may do not cost a slow host its connection,
// nor keep it from hearing another guest.
func TestFloodOfGuests(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link, host, flood := n.pair(t)
		more, quiet := n.connect(t), n.connect(t)
		more.joinGuest(link, protocol.ID{3})
		expect[protocol.Peer](host)
		quiet.joinGuest(link, protocol.ID{4})
		expect[protocol.Peer](host)
		// From here on the host reads nothing for a second.
		for range protocol.LimitFramesBurst - 1 {
			flood.frame(0, "x")
			more.frame(0, "x")
		}
		quiet.frame(0, "hello")
		time.Sleep(time.Second)
		for line := host.line(); line != "frame 3 hello"; line = host.line() {
			if !strings.HasSuffix(line, " x") {
				t.Fatalf("the host was told %s", line)
			}
		}
	})
}
