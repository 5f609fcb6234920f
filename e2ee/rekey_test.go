package e2ee

import (
	"bytes"
	"strings"
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

// A31: the old epoch's keys are gone ten seconds after the change, and what
// comes under them then is not heard and ends nothing.
func TestA31OldKeysFade(t *testing.T) {
	lanes(t, func(t *testing.T, w *world, g *Guest) {
		late, err := g.SealData([]byte(`{"t":"chat","id":"late"}`))
		if err != nil {
			t.Fatal(err)
		}
		tooLate, err := g.SealData([]byte(`{"t":"chat","id":"too late"}`))
		if err != nil {
			t.Fatal(err)
		}
		if !w.data { // otherwise the channel keeps the order anyway
			g.Rekey(w.now)
			w.pump()
			if json, err := w.host.OpenData(late, w.now); err != nil || json == nil {
				t.Errorf("a frame on its way was lost: %v", err)
			}
		} else {
			w.toHost(late)
			w.toHost(tooLate)
			g.Rekey(w.now)
			w.pump()
		}
		w.pass(fadeTime)
		if w.host.admitted.keys.previous != nil || g.keys.previous != nil {
			t.Error("old keys are still there")
		}
		if json, err := w.host.OpenData(tooLate, w.now); err != nil || json != nil {
			t.Errorf("%s %v under keys that are gone", json, err)
		}
		w.agree(g, 1)
	})
}

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

// A29: a host that answers a re-key with another epoch, or with a fresh
// session, gets nowhere; the session goes on.
func TestA29RekeyToAnotherEpoch(t *testing.T) {
	for name, bend := range map[string]func(*ResumeState) *ResumeState{
		"jump":     func(r *ResumeState) *ResumeState { r.Epoch++; return r },
		"rollback": func(r *ResumeState) *ResumeState { r.Epoch--; return r },
		"fresh":    func(*ResumeState) *ResumeState { return nil },
	} {
		w, g := admitted(t)
		w.data = true
		w.now = w.now.Add(2 * rekeyPause)
		g.Rekey(w.now)
		w.pump()
		w.now = w.now.Add(2 * rekeyPause)
		g.rekey.run, g.rekey.n = true, [16]byte{1}
		g.rekeyM1([16]byte{2}, w.now)
		g.Drain()
		resume := *g.resume
		m1, err := parseM1(g.rekey.hs.m1)
		if err != nil {
			t.Fatal(err)
		}
		random, err := newHostRandom(nil)
		if err != nil {
			t.Fatal(err)
		}
		terms := terms{link: w.link, cidGuest: [16]byte{1}, cidHost: [16]byte{2}}
		_, m2, err := answerM1(terms, m1, w.host.caps, w.host.rawCaps, bend(&resume), random)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.rekeyAnswer(base64url(m2), w.now); CodeOf(err) != CodeEpoch {
			t.Errorf("%s: %v, want %v", name, err, CodeEpoch)
		}
		g.rekeyFailed(w.now)
		w.agree(g, 1)
	}
}

// A30: a re-key uses its resume secret up, and a guest that knows only the id
// gets no further than anybody.
func TestA30RekeyUsesItsSecretUp(t *testing.T) {
	lanes(t, func(t *testing.T, w *world, g *Guest) {
		used := *g.resume
		g.Rekey(w.now)
		w.pump()
		if w.host.findResume(used.ID[:], w.now) != nil {
			t.Error("host still knows the used state")
		}
		w.forget()
		w.arrive(2, w.newGuest(nil, &used))
		if n := len(find[Ready](w.seenByHost)); n != 0 {
			t.Error("a used state opened the door")
		}
		w.agree(g, 1)
	})
}

// A32: what is stored and what the link gives opens nothing recorded.
func TestA32StoredStateOpensNothingRecorded(t *testing.T) {
	w, g := admitted(t)
	w.now = w.now.Add(2 * rekeyPause)
	var frames [][]byte
	record := func(to bool, _ uint16, frame []byte) [][]byte {
		frames = append(frames, w.inner(to, frame))
		return [][]byte{frame}
	}
	w.relay = record
	w.guestSays(1, `{"t":"chat","text":"in epoch 0"}`)
	g.Rekey(w.now)
	w.pump()
	w.guestSays(1, `{"t":"chat","text":"in epoch 1"}`)
	w.pass(fadeTime)
	stored := append(last[ResumeChanged](t, w.seenByHost).States, last[ResumeChanged](t, w.seenByGuest[1]).States...)
	if len(frames) < 8 || len(stored) != 2 {
		t.Fatalf("%d frames, %d states", len(frames), len(stored))
	}
	roots := [][]byte{w.link.l[:], w.link.psk[:], w.link.outer[:], w.link.seed[:]}
	for _, s := range stored {
		roots = append(roots, s.Secret[:], s.ID[:])
	}
	for _, frame := range frames {
		if frame[0] != frameSealed {
			continue
		}
		for _, root := range roots {
			for _, key := range [][]byte{root[:min(32, len(root))], expand(extract(nil, root), "seal g2h", nil, 32)} {
				if len(key) != 32 {
					continue
				}
				aad := append([]byte(prefix+"seal g2h"), frame[:sealedHeader]...)
				if plain, err := newAEAD(key).Open(nil, append(make([]byte, 4), frame[3:sealedHeader]...), frame[sealedHeader:], aad); err == nil {
					t.Fatalf("long-term state opens %s", plain)
				}
			}
		}
		if bytes.Contains(frame, []byte("in epoch")) {
			t.Fatal("not sealed")
		}
	}
	for _, k := range []*keyring{w.host.admitted.keys, g.keys} {
		if k.previous != nil {
			t.Error("keys of the epoch before are still in memory")
		}
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
