package e2ee

import (
	"bytes"
	"testing"
)

// What comes from the network, as it comes: the machines take it or drop it.

func FuzzControl(f *testing.F) {
	f.Add([]byte(`{"t":"abort","code":"E_DENIED"}`))
	f.Add([]byte(`{"t":"busy","code":"E_LOCKED"}`))
	f.Add([]byte(`{"t":"pw-required","code":[[[["E"]]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeControl(b)
		if err == nil && c.T == controlAbort && c.Code != c.Code.Public() {
			t.Errorf("%q tells %s", b, c.Code)
		}
	})
}

// FuzzOuter is what a server can do that does not know the link: it gets nobody in,
// and what the two say to each other still arrives.
func FuzzOuter(f *testing.F) {
	f.Add([]byte{}, []byte{1})
	f.Add(make([]byte, 16), bytes.Repeat([]byte{0xff}, 600))
	f.Fuzz(func(t *testing.T, toHost, toGuest []byte) {
		w, g := admitted(t)
		w.forget()
		w.host.Receive(1, toHost, w.now)
		w.host.Receive(2, toHost, w.now)
		g.Receive(toGuest, w.now)
		w.pump()
		w.guestSays(1, `{"t":"state"}`)
		w.hostSays(1, `{"t":"state"}`)
		if n := len(find[Message](w.seenByHost)) + len(find[Message](w.seenByGuest[1])); n != 2 {
			t.Errorf("%x to the host, %x to the guest: %d messages arrived, want 2", toHost, toGuest, n)
		}
	})
}

// FuzzData is what anybody could do who had the media connection without its keys.
func FuzzData(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add(append([]byte{0x11, 0, 1}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		w, g := admitted(t)
		if json, err := w.host.OpenData(frame, w.now); json != nil || err == nil {
			t.Errorf("%x to the host: %q, %v", frame, json, err)
		}
		if plain, err := g.OpenFile(frame, w.now); plain != nil || err == nil {
			t.Errorf("%x to the guest, of a file: %q, %v", frame, plain, err)
		}
		w.agree(g, 0)
	})
}

// FuzzRekeySaid is what the other party itself may say about the keys: at worst
// they are not renewed.
func FuzzRekeySaid(f *testing.F) {
	f.Add([]byte(`{"t":"rekey","n":"AAAAAAAAAAAAAAAAAAAAAA","to":"AAAAAAAAAAAAAAAAAAAAAA"}`), true)
	f.Add([]byte(`{"t":"rekey-ok","n":"AAAAAAAAAAAAAAAAAAAAAA","to":"AA"}`), false)
	f.Add([]byte(`{"t":"hs","n":"AAAAAAAAAAAAAAAAAAAAAA","b":"AAAA"}`), true)
	f.Add([]byte(`{"t":"rekey-please"}`), false)
	f.Fuzz(func(t *testing.T, json []byte, toHost bool) {
		w, g := admitted(t)
		w.data = true
		w.now = w.now.Add(2 * rekeyPause)
		from, open := w.host.admitted.keys.current, g.OpenData
		if toHost {
			from, open = g.keys.current, w.host.OpenData
		}
		frame, err := from.SealData(json)
		if err != nil {
			return // no message at all
		}
		_, _ = open(frame, w.now)
		w.pump()
		if h := w.host.admitted; h != nil && h.keys.current.epoch > 1 || g.keys.current.epoch > 1 {
			t.Errorf("%q: keys of another epoch", json)
		}
	})
}
