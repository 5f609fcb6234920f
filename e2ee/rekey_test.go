package e2ee

import (
	"testing"
	"time"
)

// lanes runs a test with re-key messages over the server and over the data
// channel.
func lanes(t *testing.T, run func(t *testing.T, w *world, g *Guest)) {
	for name, data := range map[string]bool{"server": false, "data channel": true} {
		t.Run(name, func(t *testing.T) {
			w, g := admitted(t)
			w.data = data
			w.forget()
			w.now = w.now.Add(2 * rekeyPause)
			run(t, w, g)
		})
	}
}

// epochs are the epochs that a side was told to use, for sending or at all.
func epochs(effects []Effect, sending bool) (out []uint16) {
	for _, e := range find[Epoch](effects) {
		if e.Sending == sending {
			out = append(out, e.Session.Epoch())
		}
	}
	return out
}

// agree fails unless both sides send under the same keys of this epoch, and
// hear each other by both lanes.
func (w *world) agree(g *Guest, epoch uint16) {
	w.t.Helper()
	h, c := w.host.admitted.keys.current, g.keys.current
	if h.epoch != epoch || c.epoch != epoch {
		w.t.Fatalf("host is in epoch %d, guest in %d, want %d", h.epoch, c.epoch, epoch)
	}
	if h.Media() != c.Media() || h.SAS() != c.SAS() || h.ID() != c.ID() {
		w.t.Fatal("one epoch, different keys")
	}
	frame, err := g.SealData([]byte(`{"t":"chat"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	if json, err := w.host.OpenData(frame, w.now); err != nil || json == nil {
		w.t.Fatalf("data channel to host: %s %v", json, err)
	}
	if frame, err = w.host.SealData([]byte(`{"t":"chat"}`)); err != nil {
		w.t.Fatal(err)
	}
	if json, err := g.OpenData(frame, w.now); err != nil || json == nil {
		w.t.Fatalf("data channel to guest: %s %v", json, err)
	}
}

func TestRekey(t *testing.T) {
	lanes(t, func(t *testing.T, w *world, g *Guest) {
		w.host.Verified(1, true)
		g.Verified(true)
		before := g.keys.current.Media()
		g.Rekey(w.now)
		w.pump()
		w.agree(g, 1)
		if g.keys.current.Media() == before {
			t.Error("keys are not fresh")
		}
		if !g.keys.current.Verified() || !w.host.admitted.keys.current.Verified() {
			t.Error("the words' status is lost")
		}
		w.guestSays(1, `{"t":"state"}`)
		w.hostSays(1, `{"t":"state"}`)
		if n := len(find[Message](w.seenByHost)) + len(find[Message](w.seenByGuest[1])); n != 2 {
			t.Errorf("%d messages arrived over the server, want 2", n)
		}
		if n := len(find[Ready](w.seenByHost)) + len(find[Ready](w.seenByGuest[1])); n != 0 {
			t.Error("a re-key is not a new session")
		}
	})
}

// A host takes the new keys to hear with at M4, and to speak with only when it
// has heard the guest under them.
func TestHostChangesItsKeysAfterTheGuest(t *testing.T) {
	w, g := admitted(t)
	w.data = true
	w.now = w.now.Add(2 * rekeyPause)
	w.forget()
	var held [][]byte
	w.channel = func(toHost bool, frame []byte) [][]byte {
		if toHost && len(epochs(w.seenByGuest[1], true))+len(find[Epoch](g.effects)) > 0 {
			held = append(held, frame) // "ready" is on its way
			return nil
		}
		return [][]byte{frame}
	}
	g.Rekey(w.now)
	w.pump()
	if got := epochs(w.seenByHost, false); len(got) != 1 || len(epochs(w.seenByHost, true)) != 0 {
		t.Fatalf("host hears with %v and speaks with %v", got, epochs(w.seenByHost, true))
	}
	w.hostSays(1, `{"t":"state"}`) // still under the old keys; the guest still has them
	if len(find[Message](w.seenByGuest[1])) != 1 {
		t.Error("what was said under the old keys was lost")
	}
	w.channel = nil
	for _, f := range held {
		w.toHost(f)
	}
	w.pump()
	if got := epochs(w.seenByHost, true); len(got) != 1 {
		t.Errorf("host speaks with %v", got)
	}
	w.agree(g, 1)
}

func TestTheHostAsksForIt(t *testing.T) {
	lanes(t, func(_ *testing.T, w *world, g *Guest) {
		w.host.Rekey(w.now)
		w.pump()
		w.agree(g, 1)
	})
}

// Both are woken at once.
func TestTriggersThatCross(t *testing.T) {
	lanes(t, func(_ *testing.T, w *world, g *Guest) {
		g.Rekey(w.now)
		w.host.Rekey(w.now)
		g.Rekey(w.now)
		w.pump()
		w.agree(g, 1)
	})
}

func TestKeysAreRenewedInTime(t *testing.T) {
	w, g := admitted(t)
	w.data = true
	w.pass(RekeyInterval - time.Second)
	if g.keys.current.epoch != 0 {
		t.Fatal("too early")
	}
	w.pass(time.Second)
	w.agree(g, 1)
	w.pass(10 * RekeyInterval)
	w.agree(g, 11)
}

// A guest that never begins is reminded; here its clock stands still.
func TestTheHostReminds(t *testing.T) {
	w, g := admitted(t)
	g.rekey.at = time.Time{}
	w.pass(RekeyInterval + RekeyInterval/10)
	w.agree(g, 1)
}

func TestKeysAreRenewedAfterTheirFrames(t *testing.T) {
	w, g := admitted(t)
	w.now = w.now.Add(2 * rekeyPause)
	g.keys.current.data.sent = RekeyFrames
	w.host.admitted.keys.current.data.received = RekeyFrames
	w.pass(0)
	w.agree(g, 1)
}
