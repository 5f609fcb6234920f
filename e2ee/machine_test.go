package e2ee

import (
	"reflect"
	"testing"
	"time"
)

func TestCallFromKnockToBye(t *testing.T) {
	w := newWorld(t, 0)
	w.ready(1)
	if words := last[Ready](t, w.seenByHost).Session.SAS(); words != last[Ready](t, w.seenByGuest[1]).Session.SAS() {
		t.Error("words differ")
	}
	w.hostSays(1, `{"t":"hello","name":"Hana"}`)
	w.guestSays(1, `{"t":"knock","name":"Gio"}`)
	w.hostSays(1, `{"t":"hold","msg":"a minute"}`)
	w.guestSays(1, `{"t":"knock","name":"Gio again"}`)
	w.hostSays(1, `{"t":"admit","policy":{}}`)
	w.hostSays(1, `{"t":"sdp","type":"offer"}`)
	w.guestSays(1, `{"t":"sdp","type":"answer"}`)
	w.guestSays(1, `{"t":"chat","id":"1","text":"hi"}`)
	w.hostSays(1, `{"t":"bye","reason":"hangup"}`)

	want := []string{"hello", "hold", "admit", "sdp", "bye"}
	if got := said(w.seenByGuest[1]); !reflect.DeepEqual(got, want) {
		t.Errorf("guest heard %v, want %v", got, want)
	}
	want = []string{"knock", "knock", "sdp", "chat"}
	if got := said(w.seenByHost); !reflect.DeepEqual(got, want) {
		t.Errorf("host heard %v, want %v", got, want)
	}
	if err := w.guests[1].Send([]byte(`{"t":"chat","id":"2","text":"?"}`), w.now); CodeOf(err) != CodeState {
		t.Errorf("chat after bye: %v, want %v", err, CodeState)
	}
	if left := last[ResumeChanged](t, w.seenByHost).States; len(left) != 0 {
		t.Errorf("host keeps %d resume states after bye", len(left))
	}
	if left := last[ResumeChanged](t, w.seenByGuest[1]).States; len(left) != 0 {
		t.Errorf("guest keeps %d resume states after bye", len(left))
	}
}

func said(effects []Effect) (types []string) {
	for _, m := range find[Message](effects) {
		types = append(types, m.Type)
	}
	return types
}

// The host may be wrong in thinking that M4 arrived, so it shows nobody before
// the first sealed frame.
func TestHostWaitsForFirstSealedFrame(t *testing.T) {
	w := newWorld(t, 0)
	w.relay = func(toHost bool, _ uint16, frame []byte) [][]byte {
		if toHost && kindOf(w.inner(true, frame)) == "sealed" {
			return nil
		}
		return [][]byte{frame}
	}
	g := w.newGuest(nil, nil)
	w.arrive(1, g)
	if g.session == nil || w.host.slots[1].session == nil {
		t.Fatal("handshake did not complete")
	}
	if n := len(find[Ready](w.seenByHost)); n != 0 {
		t.Errorf("host is ready %d times without a sealed frame", n)
	}
	if err := w.host.Send(1, []byte(`{"t":"hello"}`), w.now); CodeOf(err) != CodeState {
		t.Errorf("host speaks to a guest that is not there: %v", err)
	}
	if err := w.host.Admitted(1, w.now); CodeOf(err) != CodeState {
		t.Errorf("host admits a guest that is not there: %v", err)
	}
}

func TestWhoMaySayWhat(t *testing.T) {
	tests := []struct {
		from  Role
		t     string
		phase phase
		want  verdict
	}{
		{RoleGuest, "knock", phaseReady, deliver},
		{RoleGuest, "knock", phaseHeld, deliver},
		{RoleGuest, "knock", phaseAdmitted, ignore},
		{RoleHost, "knock", phaseReady, violation},
		{RoleHost, "hello", phaseReady, deliver},
		{RoleGuest, "hello", phaseReady, violation},
		{RoleHost, "admit", phaseReady, deliver},
		{RoleGuest, "admit", phaseReady, violation},
		{RoleHost, "hold", phaseKnocked, deliver},
		{RoleHost, "hold", phaseAdmitted, violation},
		{RoleHost, "deny", phaseHeld, deliver},
		{RoleGuest, "deny", phaseHeld, violation},
		{RoleHost, "sdp", phaseReady, violation},
		{RoleGuest, "sdp", phaseKnocked, violation},
		{RoleGuest, "ice", phaseHeld, violation},
		{RoleGuest, "ice-end", phaseReady, violation},
		{RoleGuest, "chat", phaseReady, violation},
		{RoleHost, "state", phaseReady, violation},
		{RoleGuest, "want", phaseReady, violation},
		{RoleHost, "want", phaseAdmitted, deliver},
		{RoleHost, "sdp", phaseAdmitted, deliver},
		{RoleGuest, "chat-ack", phaseAdmitted, deliver},
		{RoleGuest, "verify", phaseReady, deliver},
		{RoleGuest, "bye", phaseReady, deliver},
		{RoleHost, "err", phaseKnocked, deliver},
		{RoleHost, "from-the-future", phaseReady, ignore},
		{RoleGuest, "cue", phaseReady, ignore}, // over the data channel only, as beat and report
		{RoleGuest, "cue", phaseAdmitted, ignore},
		{RoleHost, "beat", phaseAdmitted, ignore},
		{RoleHost, "report", phaseAdmitted, ignore},
		{RoleGuest, "ready", phaseReady, ignore},
		{RoleGuest, "bye", phaseOver, ignore},
		{RoleGuest, "bye", phaseNone, ignore},
	}
	for _, tt := range tests {
		if got := tt.phase.judge(tt.from, tt.t); got != tt.want {
			t.Errorf("%s says %q in phase %d: %v, want %v", tt.from, tt.t, tt.phase, got, tt.want)
		}
	}
}

// A guest that breaks the rules: it has the keys, so only the machine stops it.
func TestSDPBeforeAdmissionIsRefused(t *testing.T) {
	w := newWorld(t, 0)
	g := w.ready(1)
	if err := g.Send([]byte(`{"t":"sdp"}`), w.now); CodeOf(err) != CodeState {
		t.Errorf("guest's own machine: %v, want %v", err, CodeState)
	}
	g.send(g.session.signaling.seal([]byte(`{"t":"sdp"}`)))
	w.pump()
	if got := failures(w.seenByHost); !reflect.DeepEqual(got, []Code{CodeState}) {
		t.Errorf("host says %v, want %v", got, CodeState)
	}
	if n := len(find[Message](w.seenByHost)); n != 0 {
		t.Errorf("host delivered %d messages", n)
	}
}

func TestMessageBounds(t *testing.T) {
	w := newWorld(t, 0)
	w.ready(1)
	w.hostSays(1, `{"t":"admit"}`)
	w.forget()
	long := make([]byte, LimitMessageBytes)
	for i := range long {
		long[i] = 'x'
	}
	frame := func(n int) []byte { return []byte(`{"t":"chat","text":"` + string(long[:n-22]) + `"}`) }
	tests := []struct {
		name string
		json []byte
		want Code
	}{
		{"longest", frame(LimitMessageBytes), ""},
		{"too long", frame(LimitMessageBytes + 1), CodeSize},
		{"deepest", []byte(`{"t":"chat","a":[[[[[1]]]]]}`), ""},
		{"too deep", []byte(`{"t":"chat","a":[[[[[[1]]]]]]}`), CodeParse},
		{"brackets in text", []byte(`{"t":"chat","text":"[[[[[[[[[[\"[["}`), ""},
		{"not JSON", []byte(`{"t":"chat"`), CodeParse},
		{"no type", []byte(`{"text":"x"}`), CodeParse},
		{"not an object", []byte(`["chat"]`), CodeParse},
		{"two values", []byte(`{"t":"chat"}{}`), CodeParse},
		{"not UTF-8", []byte("{\"t\":\"chat\",\"text\":\"\xff\"}"), CodeParse},
	}
	for _, tt := range tests {
		if err := w.host.Send(1, tt.json, w.now); CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	w.pump()
	if n := len(find[Message](w.seenByGuest[1])); n != 3 {
		t.Errorf("guest heard %d messages, want 3", n)
	}
}

func TestOnlyOneGuestIsAdmitted(t *testing.T) {
	w := newWorld(t, 0)
	w.ready(1)
	w.ready(2)
	if err := w.host.Admitted(1, w.now); err != nil {
		t.Fatal(err)
	}
	if err := w.host.Admitted(1, w.now); err != nil {
		t.Errorf("admitting again: %v", err)
	}
	if err := w.host.Admitted(2, w.now); CodeOf(err) != CodeBusy {
		t.Errorf("second admission: %v, want %v", err, CodeBusy)
	}
	w.arrive(3, w.newGuest(nil, nil))
	if got := failures(w.seenByGuest[3]); !reflect.DeepEqual(got, []Code{CodeBusy}) {
		t.Errorf("third visitor is told %v, want %v", got, CodeBusy)
	}
	w.host.Release(w.now)
	if err := w.host.Admitted(2, w.now); err != nil {
		t.Errorf("after release: %v", err)
	}
}

func TestClose(t *testing.T) {
	for code, want := range map[Code]Code{CodeDenied: CodeDenied, CodeGone: CodeGone, CodeBusy: CodeBusy, CodeLocked: CodeLocked} {
		w := newWorld(t, 0)
		g := w.newGuest(nil, nil)
		w.relay = func(bool, uint16, []byte) [][]byte { return nil }
		w.arrive(1, g)
		w.relay = nil
		w.host.Close(1, code, w.now)
		w.pump()
		if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{want}) {
			t.Errorf("close with %v: guest is told %v, want %v", code, got, want)
		}
	}
}

func TestSlotsAreBounded(t *testing.T) {
	w := newWorld(t, 0)
	for slot := uint16(1); slot <= LimitSlots; slot++ {
		w.ready(slot)
	}
	w.arrive(9, w.newGuest(nil, nil))
	if got := failures(w.seenByGuest[9]); !reflect.DeepEqual(got, []Code{CodeBusy}) {
		t.Errorf("one guest too many is told %v, want %v", got, CodeBusy)
	}
	if err := w.host.Admitted(1, w.now); err != nil {
		t.Fatal(err)
	}
	w.host.PeerArrived(9, [16]byte{99}, w.now)
	if w.host.slots[9] == nil {
		t.Error("the admitted guest takes a waiting place")
	}
}

func TestTimeouts(t *testing.T) {
	// The guest hears nothing: M1, then M3 unanswered.
	for _, lost := range []string{labelM2, labelM4} {
		w := newWorld(t, 0)
		w.relay = w.dropping(false, lost)
		w.arrive(1, w.newGuest(nil, nil))
		w.pass(handshakeTimeout - time.Millisecond)
		if got := failures(w.seenByGuest[1]); got != nil {
			t.Errorf("%s lost: guest fails early with %v", lost, got)
		}
		w.pass(time.Millisecond)
		if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeTimeout}) {
			t.Errorf("%s lost: guest says %v, want %v", lost, got, CodeTimeout)
		}
	}
	// The host hears no M3.
	w := newWorld(t, 0)
	w.relay = w.dropping(true, labelM3)
	w.arrive(1, w.newGuest(nil, nil))
	w.host.Tick(w.now.Add(handshakeTimeout - time.Millisecond))
	if w.host.slots[1].hs == nil {
		t.Error("host gave up early")
	}
	w.host.Tick(w.now.Add(handshakeTimeout))
	w.pump()
	if got := failures(w.seenByHost); !reflect.DeepEqual(got, []Code{CodeTimeout}) {
		t.Errorf("M3 lost: host says %v, want %v", got, CodeTimeout)
	}
	if w.host.Budget().Failures != 0 {
		t.Error("a timeout counts as a guess")
	}
}

// dropping loses the frames of one kind in one direction.
func (w *world) dropping(toHost bool, kind string) func(bool, uint16, []byte) [][]byte {
	return func(direction bool, _ uint16, frame []byte) [][]byte {
		if direction == toHost && kindOf(w.inner(direction, frame)) == kind {
			return nil
		}
		return [][]byte{frame}
	}
}

func TestKnockTimeout(t *testing.T) {
	w := newWorld(t, 0)
	w.ready(1)
	w.guestSays(1, `{"t":"knock","name":"Gio"}`)
	w.pass(knockTimeout - time.Second)
	w.guestSays(1, `{"t":"knock","name":"Gio"}`) // saying it again buys no time
	if got := failures(w.seenByGuest[1]); got != nil {
		t.Fatalf("guest fails early with %v", got)
	}
	w.pass(time.Second)
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeTimeout}) {
		t.Errorf("guest says %v, want %v", got, CodeTimeout)
	}

	w = newWorld(t, 0)
	w.ready(1)
	w.guestSays(1, `{"t":"knock","name":"Gio"}`)
	w.hostSays(1, `{"t":"hold"}`)
	w.pass(2 * knockTimeout)
	if got := failures(w.seenByGuest[1]); got != nil {
		t.Errorf("a guest that is held fails with %v", got)
	}
}

func TestOuterViolationsCloseTheConnection(t *testing.T) {
	w := newWorld(t, 0)
	w.ready(1)
	junk := make([]byte, 600)
	for range outerViolations - 1 {
		w.host.Receive(1, junk, w.now)
		w.guests[1].Receive(junk, w.now)
	}
	w.pump()
	if a, b := failures(w.seenByHost), failures(w.seenByGuest[1]); a != nil || b != nil {
		t.Fatalf("failed early: %v, %v", a, b)
	}
	w.host.Receive(1, junk, w.now)
	w.guests[1].Receive(junk, w.now)
	w.pump()
	if a, b := failures(w.seenByHost), failures(w.seenByGuest[1]); !reflect.DeepEqual(a, []Code{CodeOuter}) || !reflect.DeepEqual(b, []Code{CodeOuter}) {
		t.Errorf("host %v, guest %v; want %v", a, b, CodeOuter)
	}
}

// Two guests share the host's counter; nothing may be sealed twice under one
// nonce, and neither guest may be disturbed by the gaps.
func TestHostCounterIsSharedByItsGuests(t *testing.T) {
	w := newWorld(t, 0)
	used := map[string]bool{}
	w.relay = func(toHost bool, _ uint16, frame []byte) [][]byte {
		head := string(frame[:outerHeader])
		if !toHost && used[head] {
			t.Error("host repeats a counter")
		}
		used[head] = true
		return [][]byte{frame}
	}
	w.ready(1)
	w.ready(2)
	w.hostSays(1, `{"t":"hello"}`)
	w.hostSays(2, `{"t":"hello"}`)
	w.hostSays(1, `{"t":"hold"}`)
	for slot := uint16(1); slot <= 2; slot++ {
		if got := failures(w.seenByGuest[slot]); got != nil {
			t.Errorf("guest %d fails with %v", slot, got)
		}
	}
}
