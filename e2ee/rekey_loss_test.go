package e2ee

import (
	"strings"
	"testing"
	"time"
)

// Any one message of the run is lost, on either lane: the call goes on, and the
// keys are renewed a little later.
func TestLostRekeyMessages(t *testing.T) {
	for lost := range 8 {
		w, g := admitted(t)
		w.data = true
		w.now = w.now.Add(2 * rekeyPause)
		n := 0
		w.channel = func(_ bool, frame []byte) [][]byte {
			if n++; n-1 == lost {
				return nil
			}
			return [][]byte{frame}
		}
		g.Rekey(w.now)
		w.pump()
		// A reliable channel loses nothing but when it is replaced.
		w.host.admitted.keys.bound()
		g.keys.bound()
		w.pass(time.Minute)
		if got := failures(append(w.seenByHost, w.seenByGuest[1]...)); got != nil {
			t.Fatalf("message %d: %v", lost, got)
		}
		w.guestSays(1, `{"t":"state"}`)
		w.hostSays(1, `{"t":"state"}`)
		if g.keys.current.epoch == 0 {
			t.Errorf("message %d: never renewed", lost)
		}
		w.agree(g, g.keys.current.epoch)
	}
}

// The socket is lost at every step of a run, and the guest comes back by a new
// one: one of the two wins, nobody knocks again.
func TestRekeyMeetsAResume(t *testing.T) {
	for step := range 8 {
		w, g := admitted(t)
		w.data = true
		w.now = w.now.Add(2 * rekeyPause)
		n := 0
		var held []func()
		w.channel = func(toHost bool, frame []byte) [][]byte {
			if n++; n > step { // the channel stands still, the socket does not
				held = append(held, func() {
					if toHost {
						_, _ = w.host.OpenData(frame, w.now)
					} else {
						_, _ = g.OpenData(frame, w.now)
					}
				})
				return nil
			}
			return [][]byte{frame}
		}
		g.Rekey(w.now)
		w.pump()
		w.leave(1)
		w.arrive(2, g)
		w.channel = nil
		for _, f := range held {
			f()
		}
		w.pump()
		w.host.admitted.keys.bound()
		g.keys.bound()
		if got := failures(append(w.seenByHost, w.seenByGuest[2]...)); got != nil {
			t.Fatalf("step %d: %v", step, got)
		}
		if g.phase != phaseAdmitted || !w.host.isAdmitted(2) {
			t.Fatalf("step %d: guest is out", step)
		}
		w.guestSays(2, `{"t":"state"}`)
		w.hostSays(2, `{"t":"state"}`)
		w.agree(g, g.keys.current.epoch)
	}
}

// M4 of a resumption is lost with its connection: the guest comes back with the
// secret that it still has.
func TestLostM4OfAResumption(t *testing.T) {
	w, g := admitted(t)
	w.leave(1)
	w.forget()
	w.relay = func(toHost bool, _ uint16, frame []byte) [][]byte {
		if !toHost && strings.HasPrefix(string(w.inner(false, frame)), "\x02M4") {
			return nil
		}
		return [][]byte{frame}
	}
	w.arrive(2, g)
	w.relay = nil
	w.leave(2)
	w.arrive(3, g)
	if got := failures(w.seenByGuest[3]); got != nil || g.phase != phaseAdmitted {
		t.Fatalf("guest says %v in phase %d", got, g.phase)
	}
	w.agree(g, 1)
}

// The server is away for an hour while media flows.
func TestKeysAreRenewedWithoutAServer(t *testing.T) {
	w, g := admitted(t)
	w.data = true
	w.now = w.now.Add(2 * rekeyPause)
	w.host.PeerGone(1, w.now)
	g.Disconnected(w.now)
	g.returnBy = time.Time{} // a client goes on while media flows
	for range 60 {
		w.pass(time.Minute)
		w.host.Alive(w.now)
		g.Alive(w.now)
	}
	w.agree(g, 2)
	w.leave(1)
	w.forget()
	w.arrive(2, g)
	if !last[Ready](t, w.seenByHost).Resumed {
		t.Error("not resumed after the server is back")
	}
}

// A channel that replaces another may begin later, since the last frames over
// the old one are lost with it; it may not skip after that, and never go back.
func TestAnotherChannelBeginsLater(t *testing.T) {
	w, g := admitted(t)
	seal := func() []byte {
		frame, err := g.SealData([]byte(`{"t":"chat"}`))
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	first := seal()
	w.toHost(first)
	seal() // lost with the channel
	var fpGuest, fpHost [32]byte
	proof, err := g.Bind(RoleGuest, fpGuest, fpHost)
	if err != nil {
		t.Fatal(err)
	}
	third := seal()
	if _, err := w.host.OpenData(third, w.now); CodeOf(err) != CodeSeq {
		t.Errorf("over the same channel: %v, want %v", err, CodeSeq)
	}
	if err := w.host.CheckBind(proof[:], RoleGuest, fpGuest, fpHost); err != nil {
		t.Fatal(err)
	}
	if _, err := w.host.OpenData(first, w.now); CodeOf(err) != CodeSeq {
		t.Errorf("repeated: %v, want %v", err, CodeSeq)
	}
	w.toHost(third)
	seal()
	if _, err := w.host.OpenData(seal(), w.now); CodeOf(err) != CodeSeq {
		t.Errorf("skipped: %v, want %v", err, CodeSeq)
	}
}
