package e2ee

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// guess lets one guest try one password and reports what it was told.
func (w *world) guess(slot uint16, key byte) []Effect {
	g := w.newGuest(testKey(key), nil)
	w.arrive(slot, g)
	w.pass(8 * time.Second) // the longest delay
	return w.seenByGuest[slot]
}

func TestWrongPassword(t *testing.T) {
	w := newWorld(t, FlagPassword)
	w.arrive(1, w.newGuest(testKey(2), nil))
	if got := find[WrongPassword](w.seenByGuest[1]); !reflect.DeepEqual(got, []WrongPassword{{Failures: 1}}) {
		t.Errorf("guest sees %v", got)
	}
	if got := find[WrongPassword](w.seenByHost); !reflect.DeepEqual(got, []WrongPassword{{Failures: 1}}) {
		t.Errorf("host sees %v", got)
	}
	if got := failures(w.seenByHost); !reflect.DeepEqual(got, []Code{CodeConfirm}) {
		t.Errorf("host says %v, want %v", got, CodeConfirm)
	}
	if got := last[BudgetChanged](t, w.seenByHost).Budget; got.Failures != 1 || !got.LastFailure.Equal(w.now) {
		t.Errorf("budget is %+v", got)
	}
	if n := len(find[Ready](w.seenByHost)); n != 0 {
		t.Error("host was rung")
	}
	// The right one on the same connection.
	w.guests[1].SetStretched(testKey(1), w.now)
	w.pump()
	w.pass(time.Second)
	if n := len(find[Ready](w.seenByHost)); n != 1 {
		t.Errorf("ready %d times after the right password, want 1", n)
	}
}

func TestFiveGuessesLock(t *testing.T) {
	w := newWorld(t, FlagPassword)
	for i := range LimitGuesses {
		w.guess(1, 2)
		got := last[WrongPassword](t, w.seenByHost)
		if want := (WrongPassword{Failures: i + 1, Locked: i+1 == LimitGuesses}); got != want {
			t.Errorf("guess %d: %+v, want %+v", i+1, got, want)
		}
		w.leave(1)
		w.forget()
	}
	if got := failures(w.guess(1, 1)); !reflect.DeepEqual(got, []Code{CodeLocked}) {
		t.Errorf("right password when locked: %v, want %v", got, CodeLocked)
	}
	w.leave(1)
	w.forget()
	w.host.Allow(LimitGuesses)
	w.guess(1, 1)
	if n := len(find[Ready](w.seenByHost)); n != 1 {
		t.Errorf("ready %d times after unlocking, want 1", n)
	}
}

// Four handshakes answered in parallel must not give four more guesses.
func TestGuessesInFlightAreBounded(t *testing.T) {
	w := newWorld(t, FlagPassword)
	w.newHost(Budget{Failures: LimitGuesses - 1, LastFailure: w.now.Add(-time.Hour)}, nil)
	var held []func()
	w.relay = func(toHost bool, slot uint16, frame []byte) [][]byte {
		if toHost && kindOf(w.inner(true, frame)) == labelM3 {
			held = append(held, func() { w.host.Receive(slot, frame, w.now) })
			return nil
		}
		return [][]byte{frame}
	}
	for slot := uint16(1); slot <= LimitSlots; slot++ {
		w.arrive(slot, w.newGuest(testKey(2), nil))
	}
	w.relay = nil
	for _, release := range held {
		release()
	}
	w.pump()
	if len(held) != LimitSlots {
		t.Fatalf("%d handshakes in flight, want %d", len(held), LimitSlots)
	}
	if got := w.host.Budget(); got.Failures != LimitGuesses {
		t.Errorf("%d guesses were checked, want %d", got.Failures, LimitGuesses)
	}
	want := []Code{CodeConfirm, CodeLocked, CodeLocked, CodeLocked}
	if got := failures(w.seenByHost); !reflect.DeepEqual(got, want) {
		t.Errorf("host says %v, want %v", got, want)
	}
}

func TestDelaysGrow(t *testing.T) {
	w := newWorld(t, FlagPassword)
	for i, delay := range []time.Duration{0, 1, 2, 4, 8} {
		delay *= time.Second
		w.newHost(Budget{Failures: i, LastFailure: w.now}, nil)
		w.arrive(1, w.newGuest(testKey(1), nil))
		if delay > 0 {
			w.pass(delay - time.Millisecond)
			if n := len(find[Ready](w.seenByHost)); n != 0 {
				t.Errorf("after %d failures: answered before %v", i, delay)
			}
			w.pass(time.Millisecond)
		}
		if n := len(find[Ready](w.seenByHost)); n != 1 {
			t.Errorf("after %d failures: not answered after %v", i, delay)
		}
		w.leave(1)
		w.forget()
	}
}

func TestDelayWithClockSetBack(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := Budget{Failures: 2, LastFailure: now.Add(24 * time.Hour)}
	if at := b.answerAt(now); at.Sub(now) != 2*time.Second {
		t.Errorf("answers in %v, want 2s", at.Sub(now))
	}
}

func TestBudgetSurvivesAReload(t *testing.T) {
	w := newWorld(t, FlagPassword)
	for range 3 {
		w.guess(1, 2)
		w.leave(1)
	}
	stored, err := json.Marshal(last[BudgetChanged](t, w.seenByHost).Budget)
	if err != nil {
		t.Fatal(err)
	}
	var b Budget
	if err := json.Unmarshal(stored, &b); err != nil {
		t.Fatal(err)
	}
	w.newHost(b, nil)
	w.forget()
	for range 2 {
		w.guess(1, 2)
		w.leave(1)
	}
	if got := last[WrongPassword](t, w.seenByHost); !got.Locked || got.Failures != LimitGuesses {
		t.Errorf("after 3 + 2 failures: %+v, want locked", got)
	}
}

// Only a wrong tag is a guess. Everything else costs the allowance alone.
func TestHandshakeAllowance(t *testing.T) {
	w := newWorld(t, FlagPassword)
	w.relay = w.dropping(true, labelM3)
	for range LimitHandshakes {
		w.arrive(1, w.newGuest(testKey(2), nil))
		w.pass(handshakeTimeout)
		w.leave(1)
	}
	if got := w.host.Budget(); got != (Budget{}) {
		t.Errorf("abandoned handshakes were counted as guesses: %+v", got)
	}
	w.relay = nil
	w.forget()
	w.arrive(1, w.newGuest(testKey(1), nil))
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeBusy}) {
		t.Errorf("handshake %d is answered %v, want %v", LimitHandshakes+1, got, CodeBusy)
	}
	w.leave(1)
	w.forget()
	w.pass(time.Hour)
	w.arrive(1, w.newGuest(testKey(1), nil))
	if n := len(find[Ready](w.seenByHost)); n != 1 {
		t.Errorf("ready %d times an hour later, want 1", n)
	}
}

func TestMalformedM1CostsTheAllowance(t *testing.T) {
	w := newWorld(t, 0)
	w.relay = func(bool, uint16, []byte) [][]byte { return nil }
	g := w.newGuest(nil, nil)
	w.arrive(1, g)
	w.relay = nil
	for range LimitHandshakes {
		w.host.Receive(1, g.out.seal(lv([]byte(labelM1), []byte("junk"))), w.now)
	}
	w.arrive(2, w.newGuest(nil, nil))
	if got := failures(w.seenByGuest[2]); !reflect.DeepEqual(got, []Code{CodeBusy}) {
		t.Errorf("guest is told %v, want %v", got, CodeBusy)
	}
	if w.host.Budget().Failures != 0 {
		t.Error("a malformed M1 counts as a guess")
	}
}

func TestGuestStopsAfterFiveWrongPasswords(t *testing.T) {
	w := newWorld(t, FlagPassword)
	g := w.newGuest(testKey(2), nil)
	w.arrive(1, g)
	for i := 1; i < LimitGuesses; i++ {
		w.pass(8 * time.Second)
		g.SetStretched(testKey(byte(2+i)), w.now)
		w.pump()
		w.pass(8 * time.Second)
	}
	if got := last[WrongPassword](t, w.seenByGuest[1]); got != (WrongPassword{Failures: LimitGuesses, Locked: true}) {
		t.Errorf("guest sees %+v", got)
	}
	w.forget()
	g.SetStretched(testKey(1), w.now)
	w.pump()
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeLocked}) {
		t.Errorf("sixth try: %v, want %v", got, CodeLocked)
	}
}

func TestGuestWaitsForAPassword(t *testing.T) {
	w := newWorld(t, FlagPassword)
	g := w.newGuest(nil, nil)
	w.arrive(1, g)
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodePWRequired}) {
		t.Errorf("guest says %v, want %v", got, CodePWRequired)
	}
	g.SetStretched(testKey(1), w.now)
	w.pump()
	if n := len(find[Ready](w.seenByHost)); n != 1 {
		t.Errorf("ready %d times, want 1", n)
	}
}

func TestHostNeedsThePasswordOfItsLink(t *testing.T) {
	with, err := NewLink(nil, FlagPassword)
	if err != nil {
		t.Fatal(err)
	}
	without, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewHost(HostConfig{Link: with}); CodeOf(err) != CodePWRequired {
		t.Errorf("no password: %v, want %v", err, CodePWRequired)
	}
	if _, err := NewHost(HostConfig{Link: without, Stretched: testKey(1)}); CodeOf(err) != CodePasswordForm {
		t.Errorf("password without flag: %v, want %v", err, CodePasswordForm)
	}
}
