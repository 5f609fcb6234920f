package e2ee

import (
	"bytes"
	"testing"
)

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
