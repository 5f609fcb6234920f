package e2ee

import (
	"reflect"
	"testing"
	"time"
)

// admitted returns a world with one admitted guest in slot 1.
func admitted(t *testing.T) (*world, *Guest) {
	t.Helper()
	w := newWorld(t, 0)
	g := w.ready(1)
	w.guestSays(1, `{"t":"knock","name":"Gio"}`)
	w.hostSays(1, `{"t":"admit"}`)
	return w, g
}

func TestResumeOverANewConnection(t *testing.T) {
	w, g := admitted(t)
	first := last[Ready](t, w.seenByHost).Session
	w.host.Verified(1, true)
	g.Verified(true)
	for epoch := uint16(1); epoch <= 3; epoch++ {
		w.leave(epoch)
		w.pass(30 * time.Second)
		w.forget()
		w.arrive(1+epoch, g)
		h, c := last[Ready](t, w.seenByHost), last[Ready](t, w.seenByGuest[1+epoch])
		if !h.Resumed || !c.Resumed || h.Session.Epoch() != epoch || c.Session.Epoch() != epoch {
			t.Fatalf("epoch %d: host %v %d, guest %v %d", epoch, h.Resumed, h.Session.Epoch(), c.Resumed, c.Session.Epoch())
		}
		if h.Session.SAS() != c.Session.SAS() || h.Session.SAS() == first.SAS() {
			t.Error("words are not fresh and equal")
		}
		if !h.Session.Verified() || !c.Session.Verified() {
			t.Error("the words' status is lost")
		}
		w.guestSays(1+epoch, `{"t":"sdp"}`) // admitted without a knock
	}
}

func TestResumeAfterBothReload(t *testing.T) {
	w, _ := admitted(t)
	host := last[ResumeChanged](t, w.seenByHost).States
	guest := last[ResumeChanged](t, w.seenByGuest[1]).States
	w.leave(1)
	w.forget()
	w.newHost(Budget{}, host)
	w.arrive(1, w.newGuest(nil, &guest[0]))
	if !last[Ready](t, w.seenByHost).Resumed {
		t.Error("not resumed")
	}
	w.arrive(2, w.newGuest(nil, nil))
	if got := failures(w.seenByGuest[2]); !reflect.DeepEqual(got, []Code{CodeBusy}) {
		t.Errorf("a stranger is told %v, want %v", got, CodeBusy)
	}
}

func TestHostReconnectsWhileTheGuestStays(t *testing.T) {
	w, g := admitted(t)
	w.forget()
	g.HostOffline(w.now)
	w.host.Connected(w.cid(), w.now)
	w.host.PeerArrived(5, g.out.cid, w.now)
	w.guests = map[uint16]*Guest{5: g}
	g.HostOnline(w.host.out.cid, w.now)
	w.pump()
	if !last[Ready](t, w.seenByHost).Resumed {
		t.Error("not resumed")
	}
}

func TestGuestWasNeverAdmitted(t *testing.T) {
	w := newWorld(t, 0)
	g := w.ready(1)
	w.leave(1)
	w.forget()
	w.arrive(2, g)
	if last[Ready](t, w.seenByHost).Resumed || last[Ready](t, w.seenByGuest[2]).Resumed {
		t.Error("resumed into a call it was never let in")
	}
}

func TestResumeExpires(t *testing.T) {
	w, g := admitted(t)
	w.pass(3 * time.Hour) // a living session keeps its state alive
	state := last[ResumeChanged](t, w.seenByHost).States
	if len(state) != 1 || !state[0].Expires.After(w.now) {
		t.Fatal("state of a living session expired")
	}
	w.leave(1)
	w.pass(ResumeLifetime - time.Second)
	if w.host.findResume(g.resume.ID[:], w.now) == nil {
		t.Fatal("expired early")
	}
	w.pass(time.Second)
	w.forget()
	w.arrive(2, g)
	if last[Ready](t, w.seenByHost).Resumed || last[Ready](t, w.seenByGuest[2]).Resumed {
		t.Error("resumed after its time")
	}
}

// Who stole only the id fails at the tag; who replays a used state is a stranger.
func TestResumeSecretIsNeededAndUsedOnce(t *testing.T) {
	w, g := admitted(t)
	stolen := *g.resume
	stolen.Secret = [32]byte{1}
	used := *g.resume
	w.forget()
	w.arrive(2, w.newGuest(nil, &stolen))
	if n := len(find[Ready](w.seenByHost)) + len(find[Ready](w.seenByGuest[2])); n != 0 {
		t.Error("resumed without the secret")
	}
	if w.host.Budget().Failures == 0 {
		t.Error("a wrong tag was not counted")
	}
	if g.phase != phaseAdmitted || !w.host.isAdmitted(1) {
		t.Error("the thief disturbed the guest who is there")
	}

	w.leave(1)
	w.arrive(3, g)
	w.leave(3)
	w.forget()
	w.host.Release(w.now)
	w.arrive(4, w.newGuest(nil, &used))
	w.pass(time.Second) // the delay after the thief's failure
	if last[Ready](t, w.seenByGuest[4]).Resumed {
		t.Error("resumed with a used secret")
	}
}

func TestReturningGuestTakesItsOldPlace(t *testing.T) {
	w, g := admitted(t)
	state := *g.resume
	w.forget()
	// The server has not noticed that slot 1 is dead.
	again := w.newGuest(nil, &state)
	w.arrive(2, again)
	if !last[Ready](t, w.seenByHost).Resumed || !w.host.isAdmitted(2) {
		t.Fatal("not resumed")
	}
	if err := w.host.Send(1, []byte(`{"t":"chat"}`), w.now); CodeOf(err) != CodeState {
		t.Errorf("old slot still hears: %v", err)
	}
	w.host.PeerGone(1, w.now)
	if !w.host.isAdmitted(2) {
		t.Error("the old slot's end took the guest along")
	}
}

func TestGuestGivesUpReturningAfterAMinute(t *testing.T) {
	w, g := admitted(t)
	w.leave(1)
	w.guests[1] = g
	w.forget()
	w.pass(resumeTimeout - time.Second)
	if got := failures(w.seenByGuest[1]); got != nil {
		t.Errorf("gave up early: %v", got)
	}
	w.pass(time.Second)
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeTimeout}) {
		t.Errorf("guest says %v, want %v", got, CodeTimeout)
	}
}

// A frame that the relay drops breaks the sequence; the machines repair it by
// themselves, and give up on a relay that does nothing else.
func TestLostSealedFrameIsRepaired(t *testing.T) {
	for _, toHost := range []bool{true, false} {
		w, g := admitted(t)
		w.forget()
		w.relay = func(bool, uint16, []byte) [][]byte { return nil }
		w.guestSays(1, `{"t":"state"}`)
		w.hostSays(1, `{"t":"state"}`)
		w.relay = nil
		if toHost {
			w.guestSays(1, `{"t":"state"}`)
		} else {
			w.hostSays(1, `{"t":"state"}`)
		}
		if !last[Ready](t, w.seenByHost).Resumed || !last[Ready](t, w.seenByGuest[1]).Resumed {
			t.Errorf("to host %v: not repaired", toHost)
		}
		if g.phase != phaseAdmitted {
			t.Errorf("to host %v: guest is in phase %d", toHost, g.phase)
		}
		if got := failures(w.seenByGuest[1]); got != nil {
			t.Errorf("to host %v: guest says %v", toHost, got)
		}
	}
}

func TestRepairIsBounded(t *testing.T) {
	w, g := admitted(t)
	for range maxRestarts + 1 {
		w.relay = func(bool, uint16, []byte) [][]byte { return nil }
		w.hostSays(1, `{"t":"state"}`)
		w.relay = nil
		w.hostSays(1, `{"t":"state"}`)
	}
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeSeq}) {
		t.Errorf("guest says %v, want %v", got, CodeSeq)
	}
	if g.session != nil {
		t.Error("session lives on")
	}
}

// Both sides notice at once; their messages cross.
func TestRepairsThatCross(t *testing.T) {
	w, g := admitted(t)
	w.relay = func(bool, uint16, []byte) [][]byte { return nil }
	w.guestSays(1, `{"t":"state"}`)
	w.hostSays(1, `{"t":"state"}`)
	var frames []func()
	w.relay = func(toHost bool, slot uint16, frame []byte) [][]byte {
		frames = append(frames, func() {
			if toHost {
				w.host.Receive(slot, frame, w.now)
			} else {
				g.Receive(frame, w.now)
			}
		})
		return nil
	}
	w.guestSays(1, `{"t":"state"}`)
	w.hostSays(1, `{"t":"state"}`)
	for len(frames) > 0 {
		next := frames
		frames = nil
		for _, deliver := range next {
			deliver()
		}
		w.pump()
	}
	if g.phase != phaseAdmitted || !w.host.isAdmitted(1) || !w.host.slots[1].seen {
		t.Errorf("not repaired: guest %v in phase %d", failures(w.seenByGuest[1]), g.phase)
	}
}

func TestEpochRules(t *testing.T) {
	state := &ResumeState{Epoch: 4}
	tests := []struct {
		name   string
		resume *ResumeState
		m2     message2
		want   Code
	}{
		{"fresh", nil, message2{}, ""},
		{"fresh although asked to resume", state, message2{}, ""},
		{"resumed", state, message2{resumed: true, epoch: 5}, ""},
		{"resumed unasked", nil, message2{resumed: true, epoch: 1}, CodeEpoch},
		{"jump", state, message2{resumed: true, epoch: 6}, CodeEpoch},
		{"rollback", state, message2{resumed: true, epoch: 4}, CodeEpoch},
		{"fresh with an epoch", nil, message2{epoch: 1}, CodeEpoch},
	}
	for _, tt := range tests {
		g := &guestHandshake{resume: tt.resume}
		if _, err := g.checkEpoch(&tt.m2); CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
