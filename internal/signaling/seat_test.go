package signaling

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// mute is a guest whose network is dead, though nobody has noticed yet: it takes
// what comes and answers nothing. It returns the guest's seat.
func (n *node) mute(t *testing.T, m protocol.Join) string {
	t.Helper()
	c, r := n.raw(t)
	if _, err := c.Write(masked(0x81, protocol.EncodeClient(m))); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := protocol.DecodeServer(textFrame(t, r))
		if err != nil {
			t.Fatal(err)
		}
		if joined, ok := m.(protocol.Joined); ok {
			drain(t, c, r)
			return joined.Seat
		}
	}
}

// drain reads until the end of the test, or of the connection.
func drain(t *testing.T, c net.Conn, r io.Reader) {
	t.Helper()
	var draining sync.WaitGroup
	draining.Go(func() { _, _ = io.Copy(io.Discard, r) })
	t.Cleanup(func() { _ = c.Close(); draining.Wait() })
}

// textFrame reads one unmasked WebSocket frame (RFC 6455 §5.2).
func textFrame(t *testing.T, r *bufio.Reader) []byte {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	length := int(head[1])
	if length == 126 {
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		length = int(head[0])<<8 | int(head[1])
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return payload
}

// taken is a call with its host and a granted guest in slot 1 whose network is
// dead, and that guest's seat.
func (n *node) taken(t *testing.T) (link e2ee.Link, host *client, seat string) {
	t.Helper()
	link = newLink(t)
	host = n.connect(t)
	host.create(link)
	host.joinHost(link, protocol.ID{1})
	seat = n.mute(t, guestJoin(link, protocol.ID{2}))
	expect[protocol.Peer](host)
	host.say(protocol.Grant{Slot: 1})
	synctest.Wait()
	return link, host, seat
}

// claims joins as a guest that says it was there, and returns how long it took.
func (c *client) claims(link e2ee.Link, cid protocol.ID, seat string) time.Duration {
	c.t.Helper()
	m := guestJoin(link, cid)
	m.Seat = seat
	start := time.Now()
	c.say(m)
	c.seat = expect[protocol.Joined](c).Seat
	took := time.Since(start)
	expect[protocol.Host](c)
	return took
}

// Who has the seat of a dead connection has it back without the probe, and
// nothing that came with a grant until its host grants again.
func TestSeatComesBackAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link, host, seat := n.taken(t)
		again := n.connect(t)
		if took := again.claims(link, protocol.ID{3}, seat); took != 0 {
			t.Errorf("seated after %v, want at once", took)
		}
		host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone), peerIs(2, protocol.ID{3}, protocol.PeerStateWaiting))
		again.say(protocol.Renew{})
		again.want(`{"type":"error","code":"E_STATE"}`)
		host.say(protocol.Grant{Slot: 2})
		expect[protocol.ICE](again)
		again.frame(0, "here I am")
		host.want("frame 2 here I am")
	})
}

// The connection that is replaced is told so, whether its client was there or not.
func TestSeatIsTakenOver(t *testing.T) {
	n := serve(t, nil)
	link, host, guest := n.pair(t)
	again := n.connect(t)
	again.claims(link, protocol.ID{3}, guest.seat)
	guest.want(`{"type":"error","code":"E_REPLACED"}`, "close 4001")
	host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone), peerIs(2, protocol.ID{3}, protocol.PeerStateWaiting))
}

// Somebody with the link, but not with the seat, waits for the probe like anybody,
// whatever it shows.
func TestStolenSeat(t *testing.T) {
	tests := map[string]func(t *testing.T, n *node, link e2ee.Link, host *client, seat string) string{
		"none":    func(*testing.T, *node, e2ee.Link, *client, string) string { return "" },
		"guessed": func(*testing.T, *node, e2ee.Link, *client, string) string { return protocol.ID{9}.String() },
		"zero":    func(*testing.T, *node, e2ee.Link, *client, string) string { return protocol.ID{}.String() },
		"one bit off": func(t *testing.T, _ *node, _ e2ee.Link, _ *client, seat string) string {
			id, err := protocol.ParseID(seat)
			if err != nil {
				t.Fatal(err)
			}
			id[15] ^= 1
			return id.String()
		},
		"of the same slot in another call": func(t *testing.T, n *node, _ e2ee.Link, _ *client, _ string) string {
			_, _, other := n.taken(t)
			return other
		},
		"that has served": func(t *testing.T, n *node, link e2ee.Link, host *client, seat string) string {
			m := guestJoin(link, protocol.ID{5})
			m.Seat = seat
			n.mute(t, m) // the guest itself came back with it, and lost its network again
			host.want(peerIs(1, protocol.ID{2}, protocol.PeerStateGone), peerIs(2, protocol.ID{5}, protocol.PeerStateWaiting))
			host.say(protocol.Grant{Slot: 2})
			synctest.Wait()
			return seat
		},
	}
	for name, steal := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *node) {
				link, host, seat := n.taken(t)
				thief := n.connect(t)
				stolen := steal(t, n, link, host, seat)
				if took := thief.claims(link, protocol.ID{4}, stolen); took != probeTimeout {
					t.Errorf("seated after %v, want %v", took, probeTimeout)
				}
			})
		})
	}
}

// A holder who answers stays, and who shows a wrong seat hears what everybody
// hears, as fast.
func TestWrongSeatIsNoOracle(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link, host, guest := n.pair(t)
		waiting := n.connect(t)
		waiting.joinGuest(link, protocol.ID{6})
		expect[protocol.Peer](host)
		host.say(protocol.Grant{Slot: 1})
		expect[protocol.ICE](guest)
		ctx, cancel := context.WithCancel(t.Context())
		var alive sync.WaitGroup
		alive.Go(func() { _, _, _ = guest.conn.Read(ctx) }) // to read is to answer pings
		for _, seat := range []string{"", protocol.ID{9}.String()} {
			m := guestJoin(link, protocol.ID{4})
			m.Seat = seat
			thief, start := n.connect(t), time.Now()
			thief.say(m)
			thief.want(refusedBusy, "close 4003")
			if took := time.Since(start); took != 0 {
				t.Errorf("refused after %v, want at once", took)
			}
		}
		// A seat is good for itself alone: not for another of the same call.
		n.connect(t).claims(link, protocol.ID{7}, waiting.seat)
		waiting.want(`{"type":"error","code":"E_REPLACED"}`, "close 4001")
		host.want(peerIs(2, protocol.ID{6}, protocol.PeerStateGone), peerIs(3, protocol.ID{7}, protocol.PeerStateWaiting))
		cancel()
		alive.Wait()
	})
}

// A host shows its signature, and never waits for a connection of its own.
func TestHostNeverWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		link := newLink(t)
		n.connect(t).create(link)
		first, r := n.raw(t)
		welcome, err := protocol.DecodeServer(textFrame(t, r))
		if err != nil {
			t.Fatal(err)
		}
		nonce, err := protocol.DecodeBytes(welcome.(protocol.Welcome).Nonce, 32)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first.Write(masked(0x81, protocol.EncodeClient(hostJoin(link, n.origin(), nonce, protocol.ID{1})))); err != nil {
			t.Fatal(err)
		}
		drain(t, first, r)
		synctest.Wait()
		again, start := n.connect(t), time.Now()
		if joined := again.joinHost(link, protocol.ID{2}); joined.Seat != "" {
			t.Error("a host was given a seat to show")
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("seated after %v, want at once", took)
		}
	})
}
