package peer

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// visited is a host with one visitor in slot 1 who has proven the link, and what
// the host says to the server.
func visited(t *testing.T, cfg Config) (*hostSeat, <-chan outgoing) {
	t.Helper()
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan outgoing, 64)
	cfg.Link = link
	c := &Call{
		cfg: cfg, log: slog.New(slog.DiscardHandler), events: make(chan Event, eventQueue), ctx: ctx, cancel: cancel,
		inbox: make(chan func(), inboxSize), socket: &socket{out: out, cancel: cancel},
	}
	h, err := newHostSeat(c)
	if err != nil {
		t.Fatal(err)
	}
	c.seat = h
	guest, err := e2ee.NewGuest(e2ee.GuestConfig{Link: link.Guest()})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	hostCID, guestCID := protocol.ID{1}, protocol.ID{2}
	h.machine.Connected(hostCID, now)
	guest.Connected(guestCID, now)
	h.machine.PeerArrived(1, guestCID, now)
	guest.HostOnline(hostCID, now)
	for h.visitors[1] == nil {
		moved := false
		for _, e := range guest.Drain() {
			switch e := e.(type) {
			case e2ee.SendFrame:
				h.machine.Receive(1, e.Frame, now)
				moved = true
			case e2ee.Ready:
				if err := guest.Send([]byte(`{"t":"knock","name":"Ana"}`), now); err != nil {
					t.Fatal(err)
				}
				moved = true
			}
		}
		c.applyEffects()
		for len(out) > 0 {
			guest.Receive((<-out).data[2:], now)
			moved = true
		}
		if !moved {
			t.Fatal("the handshake stands still")
		}
	}
	return h, out
}

// said is what was told to the server since: "frame" for a sealed one.
func said(out <-chan outgoing) string {
	var all []string
	for len(out) > 0 {
		m := <-out
		if m.kind == websocket.MessageBinary {
			all = append(all, "frame")
			continue
		}
		var head struct{ Type string }
		if err := json.Unmarshal(m.data, &head); err != nil {
			all = append(all, err.Error())
		}
		all = append(all, head.Type)
	}
	return strings.Join(all, " ")
}

// The seat is taken away after the sealed word is on its way: a visitor learns
// why from the host, and a client that ignores the word loses its seat.
func TestSeatIsTakenAfterTheWord(t *testing.T) {
	h, out := visited(t, Config{})
	said(out)
	h.refuse(1, "not today")
	if got := said(out); got != "frame drop" {
		t.Errorf("refuse says %q, want the sealed word, then drop", got)
	}
	h, out = visited(t, Config{})
	said(out)
	h.c.finish(EndHangup, nil)
	if got := said(out); got != "frame drop" {
		t.Errorf("hangup says %q, want the sealed word, then drop", got)
	}
}

func TestOneTime(t *testing.T) {
	for _, tt := range []struct {
		name          string
		oneTime, good bool
		path          Path
		want          string
	}{
		{"a call took place", true, false, PathDirect, "frame end"},
		{"none took place", true, false, "", "frame drop"},
		{"ended by the person", false, true, "", "frame end"},
		{"not one-time", false, false, PathDirect, "frame drop"},
	} {
		h, out := visited(t, Config{OneTime: tt.oneTime})
		said(out)
		h.c.lastWay.Path, h.forGood = tt.path, tt.good
		h.c.finish(EndHangup, nil)
		if got := said(out); got != tt.want {
			t.Errorf("%s: says %q, want %q", tt.name, got, tt.want)
		}
	}
}
