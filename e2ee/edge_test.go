package e2ee

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// With real passwords, typed differently on the two sides.
func TestTypedPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, FlagPassword)
	host, err := NewHost(HostConfig{Link: w.link, Password: "caf\u00e9 au lait", Caps: testCaps()})
	if err != nil {
		t.Fatal(err)
	}
	w.host = host
	host.Connected(w.cid(), w.now)
	g := w.newGuest(nil, nil)
	w.arrive(1, g)
	if err := g.SetPassword("", w.now); CodeOf(err) != CodePasswordForm {
		t.Errorf("empty password: %v, want %v", err, CodePasswordForm)
	}
	if err := g.SetPassword("cafe\u0301\u00a0au lait", w.now); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if n := len(find[Ready](w.seenByHost)); n != 1 {
		t.Errorf("ready %d times, want 1", n)
	}
	if left := host.Budget().Left(); left != LimitGuesses {
		t.Errorf("%d guesses left, want %d", left, LimitGuesses)
	}
}

func TestConstructorsRefuseTheOtherLink(t *testing.T) {
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewHost(HostConfig{Link: link.Guest()}); CodeOf(err) != CodeParse {
		t.Errorf("host with a guest link: %v", err)
	}
	for _, l := range []Link{link, {}} {
		if _, err := NewGuest(GuestConfig{Link: l}); CodeOf(err) != CodeParse {
			t.Errorf("guest with a wrong link: %v", err)
		}
	}
	needs, err := NewLink(nil, FlagSFrameRequired)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewGuest(GuestConfig{Link: needs.Guest()}); CodeOf(err) != CodePolicy {
		t.Errorf("guest that cannot encrypt frames: %v", err)
	}
	if _, err := NewHost(HostConfig{Link: needs}); CodeOf(err) != CodePolicy {
		t.Errorf("host that cannot encrypt frames: %v", err)
	}
}

// What waits for its delay may find the world changed.
func TestDelayedHandshakeMeetsAChangedCall(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   Code
	}{
		{"locked meanwhile", func(w *world) { w.host.budget.Failures = LimitGuesses }, CodeLocked},
		{"somebody was admitted", func(w *world) { w.host.admitted = &admission{} }, CodeBusy},
	}
	for _, tt := range tests {
		w := newWorld(t, FlagPassword)
		w.newHost(Budget{Failures: 4, LastFailure: w.now}, nil)
		w.arrive(1, w.newGuest(testKey(1), nil))
		tt.change(w)
		w.host.Tick(w.now.Add(8 * time.Second))
		w.pump()
		if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{tt.want}) {
			t.Errorf("%s: guest is told %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A host that breaks the rules: only the guest's machine stops it.
func TestGuestRefusesWhatAHostMayNotSay(t *testing.T) {
	for json, want := range map[string]Code{
		`{"t":"sdp"}`:   CodeState,
		`{"t":"knock"}`: CodeState,
		`nonsense`:      CodeParse,
	} {
		w := newWorld(t, 0)
		w.ready(1)
		s := w.host.slots[1]
		w.host.send(1, s.session.signaling.seal([]byte(json)))
		w.pump()
		if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{want}) {
			t.Errorf("%s: guest says %v, want %v", json, got, want)
		}
	}
}

func TestGuestIsAskedForAPassword(t *testing.T) {
	w := newWorld(t, 0)
	w.relay = w.dropping(false, labelM2)
	w.arrive(1, w.newGuest(nil, nil))
	w.host.send(1, control{T: controlPWRequired}.encode())
	w.pump()
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodePWRequired}) {
		t.Errorf("guest says %v, want %v", got, CodePWRequired)
	}
}

// Control proves nothing, so what it says is taken for little.
func TestControlIsRead(t *testing.T) {
	tests := []struct {
		in   string
		want control
		code Code
	}{
		{`{"t":"abort","code":"E_DENIED"}`, control{controlAbort, CodeDenied}, ""},
		{`{"t":"abort","code":"E_HOSTKEY"}`, control{controlAbort, CodeConfirm}, ""},
		{`{"t":"abort"}`, control{controlAbort, CodeConfirm}, ""},
		{`{"t":"busy","code":"E_SEQ"}`, control{controlBusy, CodeBusy}, ""},
		{`{"t":"pw-required"}`, control{controlPWRequired, CodePWRequired}, ""},
		{`{`, control{}, CodeParse},
		{`{"t":{"a":1}}`, control{}, CodeParse},
		{`{"t":"` + strings.Repeat("x", 512) + `"}`, control{}, CodeParse},
	}
	for _, tt := range tests {
		got, err := decodeControl([]byte(tt.in))
		if CodeOf(err) != tt.code || err == nil && got != tt.want {
			t.Errorf("%.40s: %+v, %v; want %+v, %q", tt.in, got, err, tt.want, tt.code)
		}
	}
}

// A random source that ends is an error, never a weak key.
func TestNoRandomness(t *testing.T) {
	w := newWorld(t, 0)
	g := w.newGuest(nil, nil)
	g.random = strings.NewReader("too short")
	w.arrive(1, g)
	if got := failures(w.seenByGuest[1]); !reflect.DeepEqual(got, []Code{CodeState}) {
		t.Errorf("guest says %v, want %v", got, CodeState)
	}
	w.host.random = strings.NewReader("too short")
	w.arrive(2, w.newGuest(nil, nil))
	if got := failures(w.seenByHost); !reflect.DeepEqual(got, []Code{CodeState}) {
		t.Errorf("host says %v, want %v", got, CodeState)
	}
}
