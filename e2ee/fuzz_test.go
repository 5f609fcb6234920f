package e2ee

import (
	"bytes"
	"testing"
)

// Every parser: no panic, and what it takes, it takes in one spelling only.

func FuzzSplitLV(f *testing.F) {
	f.Add([]byte{})
	f.Add(lv([]byte("a"), nil))
	f.Add(lv(make([]byte, 200), []byte("b")))
	f.Add([]byte{0x80, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, err := splitLV(b, 2)
		if err == nil && !bytes.Equal(lv(fields...), b) {
			t.Errorf("%x is another spelling", b)
		}
	})
}

func FuzzParseFragment(f *testing.F) {
	link, err := NewLink(nil, FlagPassword)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(link.Fragment())
	f.Add(link.Guest().Fragment())
	f.Add("#g")
	f.Add("hAg")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseFragment(s)
		if err != nil {
			if c := CodeOf(err); c != CodeParse && c != CodeVersion {
				t.Errorf("code %v", c)
			}
			return
		}
		if again := l.Fragment(); again != s && "#"+again != s {
			t.Errorf("%q is another spelling of %q", s, again)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	link, err := NewLink(nil, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(link.URL("https://call.example"))
	f.Add(link.Guest().URL("http://[::1]:8080"))
	f.Add("https://a/c#h")
	f.Fuzz(func(t *testing.T, s string) {
		origin, l, err := ParseURL(s)
		if err != nil {
			return
		}
		if again, l2, err := ParseURL(l.URL(origin)); err != nil || again != origin || l2 != l {
			t.Errorf("origin %q does not round trip: %q, %v", origin, again, err)
		}
	})
}

func FuzzMessages(f *testing.F) {
	a := newActors(f)
	a.play(f, func(_ string, m []byte) []byte { f.Add(m); return m })
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseM1(b); err == nil && len(m.ek) != 1184 {
			t.Error("M1 of another size")
		}
		if m, err := parseM2(b); err == nil && !bytes.Equal(append(m.signedBytes, lv(m.sig)...), b) {
			t.Error("M2 in another spelling")
		}
		for _, label := range []string{labelM3, labelM4} {
			if nonce, tag, err := parseConfirmation(b, label); err == nil && !bytes.Equal(lv([]byte(label), nonce, tag), b) {
				t.Errorf("%s in another spelling", label)
			}
		}
	})
}

func FuzzCaps(f *testing.F) {
	f.Add([]byte(`{"sframe":1,"v":["vp9"],"rec":1,"relay":0,"app":"web 1.0.3"}`))
	f.Add([]byte(`{"sframe":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCaps(b); err == nil && (c.SFrame < 0 || c.SFrame > 2 || len(b) > maxCapsBytes) {
			t.Errorf("%q is taken", b)
		}
	})
}

func FuzzUnpad(f *testing.F) {
	f.Add(pad([]byte("x")))
	f.Add(pad(make([]byte, 600)))
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, b []byte) {
		if inner, err := unpad(b); err == nil && !bytes.Equal(pad(inner), b) {
			t.Error("padded in another way")
		}
	})
}

func FuzzMessageType(f *testing.F) {
	f.Add([]byte(`{"t":"chat","text":"[[[[\"[["}`))
	f.Add([]byte(`{"t":"x","a":[[[[[]]]]]}`))
	f.Add([]byte(`{"t":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := messageType(b); err == nil && (len(b) > LimitMessageBytes || depth(b) > LimitMessageDepth) {
			t.Errorf("%q is taken", b)
		}
	})
}

// FuzzInner feeds both machines with what only someone with the link can send.
func FuzzInner(f *testing.F) {
	f.Add(true, []byte(`{"t":"abort","code":"E_DENIED"}`))
	f.Add(false, lv([]byte("M1"), make([]byte, 32)))
	f.Add(true, []byte{0x10, 0, 0})
	f.Add(false, []byte{0x20})
	f.Fuzz(func(t *testing.T, ready bool, inner []byte) {
		if len(inner) == 0 || len(inner) > 60_000 {
			return
		}
		w := newWorld(t, 0)
		g := w.newGuest(nil, nil)
		if !ready {
			w.relay = func(bool, uint16, []byte) [][]byte { return nil }
		}
		w.arrive(1, g)
		w.relay = nil
		admitted := func() bool { return w.host.admitted != nil || g.phase == phaseAdmitted }
		g.Receive(w.host.out.seal(inner), w.now)
		w.host.Receive(1, g.out.seal(inner), w.now)
		w.pump()
		if admitted() {
			t.Errorf("%q admitted somebody", inner)
		}
	})
}
