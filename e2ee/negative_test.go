package e2ee

import (
	"bytes"
	"crypto/ed25519"
	"testing"
)

// actors are one host and one guest without machines, for messages that no
// machine would make.
type actors struct {
	host, guest terms
	caps        Caps
	raw         []byte
}

func newActors(t testing.TB) *actors {
	t.Helper()
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := &actors{
		host:  terms{link: link, cidGuest: [16]byte{1}, cidHost: [16]byte{2}},
		guest: terms{link: link.Guest(), cidGuest: [16]byte{1}, cidHost: [16]byte{2}},
	}
	if a.raw, a.caps, err = encodeCaps(link, testCaps()); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *actors) start(t testing.TB) *guestHandshake {
	t.Helper()
	r, err := newGuestRandom(nil)
	if err != nil {
		t.Fatal(err)
	}
	return startGuest(a.guest, a.caps, a.raw, nil, r)
}

func (a *actors) answer(t testing.TB, raw []byte) (*hostHandshake, []byte, error) {
	t.Helper()
	m1, err := parseM1(raw)
	if err != nil {
		return nil, nil, err
	}
	r, err := newHostRandom(nil)
	if err != nil {
		t.Fatal(err)
	}
	return answerM1(a.host, m1, a.caps, a.raw, nil, r)
}

// result is how far both sides came when something bent the messages.
type result struct {
	guest, host       *Session
	guestErr, hostErr error
}

// play runs a handshake; bend may change any message on its way.
func (a *actors) play(t testing.TB, bend func(label string, m []byte) []byte) (r result) {
	t.Helper()
	guest := a.start(t)
	host, m2, err := a.answer(t, bend(labelM1, guest.m1))
	if err != nil {
		r.hostErr = err
		return r
	}
	m3, err := guest.receiveM2(bend(labelM2, m2))
	if err != nil {
		r.guestErr = err
		return r
	}
	var m4 []byte
	if m4, r.host, r.hostErr = host.receiveM3(bend(labelM3, m3)); r.hostErr != nil {
		return r
	}
	r.guest, r.guestErr = guest.receiveM4(bend(labelM4, m4))
	return r
}

func straight(_ string, m []byte) []byte { return m }

// TestFlipEveryByte changes every byte of every message once, some 2 700 times
// in all. Whoever receives it must notice; which codes say so is fixed.
func TestFlipEveryByte(t *testing.T) {
	t.Parallel()
	a := newActors(t)
	guest := a.start(t)
	host, m2, err := a.answer(t, guest.m1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Code]bool{}
	flip := func(label string, m []byte, receive func([]byte) error, allowed map[Code]bool) {
		for i := range m {
			flipped := bytes.Clone(m)
			flipped[i] ^= 0x01 << (i % 8)
			code := CodeOf(receive(flipped))
			if !allowed[code] {
				t.Fatalf("%s byte %d flipped: %q", label, i, code)
			}
			seen[code] = true
		}
	}
	// A damaged share or key is noticed by the host; other damage changes the
	// transcript under the host's signature.
	flip(labelM1, guest.m1, func(m []byte) error {
		_, reply, err := a.answer(t, m)
		if err == nil {
			_, err = guest.receiveM2(reply)
		}
		return err
	}, set(CodeParse, CodeVersion, CodePoint, CodeKEM, CodeHostSig))
	flip(labelM2, m2, func(m []byte) error {
		_, err := guest.receiveM2(m)
		return err
	}, set(CodeParse, CodeVersion, CodeHostKey, CodeHostSig))
	m3, err := guest.receiveM2(m2)
	if err != nil {
		t.Fatal(err)
	}
	flip(labelM3, m3, func(m []byte) error {
		_, _, err := host.receiveM3(m)
		return err
	}, set(CodeParse, CodeConfirm))
	m4, _, err := host.receiveM3(m3)
	if err != nil {
		t.Fatal(err)
	}
	flip(labelM4, m4, func(m []byte) error {
		_, err := guest.receiveM4(m)
		return err
	}, set(CodeParse, CodeConfirm, CodeCommit))
	if _, err := guest.receiveM4(m4); err != nil {
		t.Errorf("the genuine message after them: %v", err)
	}
	for _, code := range []Code{CodeParse, CodeVersion, CodePoint, CodeKEM, CodeHostKey, CodeHostSig, CodeConfirm, CodeCommit} {
		if !seen[code] {
			t.Errorf("no flip led to %v", code)
		}
	}
}

func set(codes ...Code) map[Code]bool {
	m := map[Code]bool{}
	for _, c := range codes {
		m[c] = true
	}
	return m
}

func TestCutAndLongMessages(t *testing.T) {
	a := newActors(t)
	for _, label := range []string{labelM1, labelM2, labelM3, labelM4} {
		for name, bend := range map[string]func([]byte) []byte{
			"empty":             func([]byte) []byte { return nil },
			"cut":               func(m []byte) []byte { return m[:len(m)-1] },
			"long":              func(m []byte) []byte { return append(bytes.Clone(m), 0) },
			"non-minimal label": func(m []byte) []byte { return append([]byte{0x82, 0x00}, m[1:]...) },
			"one more field":    func(m []byte) []byte { return append(bytes.Clone(m), lv([]byte("x"))...) },
			"another label":     func(m []byte) []byte { return append([]byte{2, 'M', '9'}, m[3:]...) },
			"huge length":       func(m []byte) []byte { return append(bytes.Clone(m[:3]), 0xff, 0xff, 0xff, 0xff, 0x0f) },
		} {
			r := a.play(t, func(l string, m []byte) []byte {
				if l == label {
					return bend(m)
				}
				return m
			})
			if code := CodeOf(r.hostErr) + CodeOf(r.guestErr); code != CodeParse {
				t.Errorf("%s %s: %v %v, want %v", label, name, r.hostErr, r.guestErr, CodeParse)
			}
		}
	}
}

func TestReplays(t *testing.T) {
	a := newActors(t)
	old := map[string][]byte{}
	a.play(t, func(l string, m []byte) []byte { old[l] = bytes.Clone(m); return m })
	for label, want := range map[string]Code{labelM1: CodeHostSig, labelM2: CodeHostSig, labelM3: CodeConfirm, labelM4: CodeCommit} {
		r := a.play(t, func(l string, m []byte) []byte {
			if l == label {
				return old[l]
			}
			return m
		})
		if code := CodeOf(r.hostErr) + CodeOf(r.guestErr); code != want {
			t.Errorf("%s replayed: host %v, guest %v; want %v", label, r.hostErr, r.guestErr, want)
		}
	}
	// A whole recorded run against a host with a fresh connection id.
	b := *a
	b.host.cidHost = [16]byte{3}
	hs, _, err := b.answer(t, old[labelM1])
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := hs.receiveM3(old[labelM3]); CodeOf(err) != CodeConfirm {
		t.Errorf("recorded run: %v, want %v", err, CodeConfirm)
	}
}

func TestReflection(t *testing.T) {
	a := newActors(t)
	g := a.start(t)
	if _, err := g.receiveM2(g.m1); CodeOf(err) != CodeParse {
		t.Errorf("M1 reflected as M2: %v, want %v", err, CodeParse)
	}
	link := a.guest.link
	frame := newOuterSender(&link, RoleGuest, [16]byte{1}).seal(g.m1)
	if _, err := newOuterReceiver(&link, RoleHost, [16]byte{1}).open(frame); CodeOf(err) != CodeOuter {
		t.Errorf("guest's frame as the host's: %v, want %v", err, CodeOuter)
	}
}

func TestWrongPasswordAndWrongParty(t *testing.T) {
	other, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		bend func(*actors)
		want Code
	}{
		{"password", func(a *actors) { a.guest.password = testKey(1) }, CodeConfirm},
		{"guest's connection id", func(a *actors) { a.guest.cidGuest[0] ^= 1 }, CodeHostSig},
		{"host's connection id", func(a *actors) { a.guest.cidHost[0] ^= 1 }, CodeHostSig},
		// Who has L, even with the password, but not the host's key.
		{"host key", func(a *actors) { a.host.link.seed = other.seed }, CodeHostKey},
		{"host key in the guest's link", func(a *actors) { a.guest.link.hkh[0] ^= 1 }, CodeHostKey},
	}
	for _, tt := range tests {
		a := newActors(t)
		tt.bend(a)
		r := a.play(t, straight)
		if code := CodeOf(r.hostErr) + CodeOf(r.guestErr); code != tt.want {
			t.Errorf("wrong %s: host %v, guest %v; want %v", tt.name, r.hostErr, r.guestErr, tt.want)
		}
	}
}

// An impostor shows the genuine host's public key, but cannot sign with it.
func TestForgedHostSignature(t *testing.T) {
	a := newActors(t)
	r := a.play(t, func(l string, m []byte) []byte {
		if l != labelM2 {
			return m
		}
		f, err := splitLV(m, 4)
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		return lv(f[0], f[1], f[2], ed25519.Sign(key, []byte("anything")))
	})
	if CodeOf(r.guestErr) != CodeHostSig {
		t.Errorf("guest says %v, want %v", r.guestErr, CodeHostSig)
	}
}

// TestChangedNonceAfterCommitment is a host in the middle that looks for a
// nonce with matching words after it has seen the guest's.
func TestChangedNonceAfterCommitment(t *testing.T) {
	a := newActors(t)
	guest := a.start(t)
	host, m2, err := a.answer(t, guest.m1)
	if err != nil {
		t.Fatal(err)
	}
	m3, err := guest.receiveM2(m2)
	if err != nil {
		t.Fatal(err)
	}
	host.nonce[0] ^= 1 // the tag over it is right
	m4, _, err := host.receiveM3(m3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guest.receiveM4(m4); CodeOf(err) != CodeCommit {
		t.Errorf("guest says %v, want %v", err, CodeCommit)
	}
}

// TestManInTheMiddleShowsInTheWords: someone replaced the guest's link by one
// of his own and runs a call with each side. Only the words tell.
func TestManInTheMiddleShowsInTheWords(t *testing.T) {
	for range scale(10, 1000) {
		left, right := newActors(t).play(t, straight), newActors(t).play(t, straight)
		if left.guest.SAS() != left.host.SAS() {
			t.Fatal("words differ in an honest call")
		}
		if left.guest.SAS().Emoji == right.host.SAS().Emoji {
			t.Fatal("words of two calls are the same")
		}
	}
}
