package e2ee

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestOuterFrames(t *testing.T) {
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	cid := [16]byte{1}
	out := newOuterSender(&link, RoleHost, cid)
	for _, n := range []int{1, 127, 128, 510, 511, 2_046, 2_047, 60_027} {
		frame := out.seal(make([]byte, n))
		size := len(frame) - outerHeader - 16
		ok := false
		for _, s := range outerSizes() {
			ok = ok || s == size
		}
		if !ok {
			t.Errorf("%d bytes are padded to %d", n, size)
		}
	}
	in := newOuterReceiver(&link, RoleHost, cid)
	first, second := out.seal([]byte("1")), out.seal([]byte("2"))
	if _, err := in.open(first); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"repeated": first, "short": first[:30], "empty": nil, "other cid": append([]byte{9}, second[1:]...),
	} {
		if _, err := in.open(bad); CodeOf(err) != CodeOuter {
			t.Errorf("%s: %v, want %v", name, err, CodeOuter)
		}
	}
	for i := range second {
		flipped := bytes.Clone(second)
		flipped[i] ^= 1
		if _, err := in.open(flipped); CodeOf(err) != CodeOuter {
			t.Fatalf("byte %d flipped: %v, want %v", i, err, CodeOuter)
		}
	}
	if got, err := in.open(second); err != nil || string(got) != "2" {
		t.Errorf("the real frame after them: %q, %v", got, err)
	}
}

func TestPadding(t *testing.T) {
	good := pad([]byte("x"))
	dirty := bytes.Clone(good)
	dirty[511] = 1
	for name, b := range map[string][]byte{
		"dirty": dirty, "cut": good[:511], "empty inner": make([]byte, 512), "next size": append(good, make([]byte, 2_048-512)...), "nothing": nil,
	} {
		if _, err := unpad(b); CodeOf(err) != CodeOuter {
			t.Errorf("%s: %v, want %v", name, err, CodeOuter)
		}
	}
}

func TestSealedFramesAreInOrder(t *testing.T) {
	r := newActors(t).play(t, straight)
	seal := func() []byte {
		b, err := r.guest.SealData([]byte(`{"t":"chat"}`))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, second, third := seal(), seal(), seal()
	signaling := r.guest.signaling.seal([]byte(`{"t":"chat"}`))
	own, err := r.host.SealData([]byte(`{"t":"chat"}`))
	if err != nil {
		t.Fatal(err)
	}
	epoch := bytes.Clone(first)
	binary.BigEndian.PutUint16(epoch[1:], 1)
	for name, bad := range map[string][]byte{
		"ahead": second, "signaling frame": signaling, "own frame": own, "other epoch": epoch, "cut": first[:len(first)-1], "empty": nil,
	} {
		if _, err := r.host.OpenData(bad); CodeOf(err) != CodeSeq {
			t.Errorf("%s: %v, want %v", name, err, CodeSeq)
		}
	}
	for _, frame := range [][]byte{first, second} {
		if _, err := r.host.OpenData(frame); err != nil {
			t.Errorf("in order: %v", err)
		}
	}
	if _, err := r.host.OpenData(second); CodeOf(err) != CodeSeq {
		t.Errorf("repeated: %v, want %v", err, CodeSeq)
	}
	if _, err := r.guest.SealData([]byte(`not JSON`)); CodeOf(err) != CodeParse {
		t.Errorf("not JSON: %v, want %v", err, CodeParse)
	}
	r.host.Wipe()
	if _, err := r.host.OpenData(third); CodeOf(err) != CodeSeq {
		t.Errorf("after Wipe: %v, want %v", err, CodeSeq)
	}
}

func TestBindIsBoundToEverything(t *testing.T) {
	a := newActors(t)
	r, other := a.play(t, straight), a.play(t, straight)
	g, h := [32]byte{1}, [32]byte{2}
	bind := r.guest.Bind(RoleGuest, g, h)
	if err := r.host.CheckBind(bind[:], RoleGuest, g, h); err != nil {
		t.Errorf("genuine: %v", err)
	}
	for name, err := range map[string]error{
		"role":         r.host.CheckBind(bind[:], RoleHost, g, h),
		"certificate":  r.host.CheckBind(bind[:], RoleGuest, g, [32]byte{3}),
		"certificates": r.host.CheckBind(bind[:], RoleGuest, h, g),
		"session":      other.host.CheckBind(bind[:], RoleGuest, g, h),
		"length":       r.host.CheckBind(bind[:31], RoleGuest, g, h),
		"nothing":      r.host.CheckBind(nil, RoleGuest, g, h),
	} {
		if CodeOf(err) != CodeBind {
			t.Errorf("other %s: %v, want %v", name, err, CodeBind)
		}
	}
}
