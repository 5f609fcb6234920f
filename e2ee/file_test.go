package e2ee

import (
	"bytes"
	"testing"
)

// fileVector is one frame of testdata/vectors/files.json: the keys come from prk
// and th4 of a call of e2ee.json.
type fileVector struct {
	Case  int
	Role  Role
	Epoch uint16
	Ctr   uint64
	Key   hexBytes
	Plain hexBytes
	Frame hexBytes
}

func TestVectorFileFrames(t *testing.T) {
	var frames []fileVector
	loadJSON(t, "files.json", &frames)
	calls := loadVectors(t)
	for i, f := range frames {
		call := calls[f.Case]
		name := "files g2h"
		receiver := RoleHost
		if f.Role == RoleHost {
			name, receiver = "files h2g", RoleGuest
		}
		equal(t, "key", expand(call.PRK, name, call.TH4, 32), f.Key)
		d := newDuplex(frameData, "files", f.Role, call.PRK, call.TH4, f.Epoch)
		d.sent = f.Ctr
		equal(t, "frame", d.seal(f.Plain), f.Frame)
		back := newDuplex(frameData, "files", receiver, call.PRK, call.TH4, f.Epoch)
		plain, err := back.openLater(f.Frame)
		if err != nil || !bytes.Equal(plain, f.Plain) {
			t.Errorf("frame %d opens as %x, %v", i, plain, err)
		}
	}
}

func TestFileFramesMayBeMissingNotRepeated(t *testing.T) {
	r := newActors(t).play(t, straight)
	first, second, third := r.guest.SealFile([]byte("1")), r.guest.SealFile([]byte("2")), r.guest.SealFile([]byte("3"))
	if _, err := r.host.OpenFile(first); err != nil {
		t.Fatal(err)
	}
	if got, err := r.host.OpenFile(third); err != nil || string(got) != "3" {
		t.Fatalf("after a gap: %q, %v", got, err)
	}
	forged := bytes.Clone(r.guest.SealFile([]byte("4")))
	forged[len(forged)-1] ^= 1
	for name, bad := range map[string][]byte{
		"repeated": third, "late": second, "own": r.host.SealFile(nil), "short": third[:5], "forged": forged, "empty": nil,
	} {
		if _, err := r.host.OpenFile(bad); CodeOf(err) != CodeSeq {
			t.Errorf("%s: %v, want %v", name, err, CodeSeq)
		}
	}
	if got, err := r.host.OpenFile(r.guest.SealFile([]byte("5"))); err != nil || string(got) != "5" {
		t.Errorf("after a forged one: %q, %v", got, err)
	}
}

// A file goes on while the keys change: what was sealed before opens after, the
// first frame under the new keys shows the host that its guest has them, and
// nothing opens twice.
func TestFilesDuringRekey(t *testing.T) {
	w, g := admitted(t)
	w.data = true
	w.now = w.now.Add(2 * rekeyPause)
	if _, err := (&Guest{}).SealFile(nil); CodeOf(err) != CodeState {
		t.Errorf("sealed without keys: %v", err)
	}
	part := func(text string) (up, down []byte) {
		up, err := g.SealFile([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if down, err = w.host.SealFile([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return up, down
	}
	opens := func(up, down []byte, text string) {
		t.Helper()
		if got, err := w.host.OpenFile(up, w.now); err != nil || string(got) != text {
			t.Fatalf("host opens %q, %v; want %q", got, err, text)
		}
		if got, err := g.OpenFile(down, w.now); err != nil || string(got) != text {
			t.Fatalf("guest opens %q, %v; want %q", got, err, text)
		}
	}
	oldUp, oldDown := part("before")
	w.channel = func(toHost bool, frame []byte) [][]byte {
		if toHost && g.keys.current.epoch == 1 {
			return nil // the guest's "ready" is lost
		}
		return [][]byte{frame}
	}
	g.Rekey(w.now)
	w.pump()
	if h := w.host.admitted.keys; h.current.epoch != 0 || g.keys.current.epoch != 1 {
		t.Fatalf("host seals under epoch %d, guest under %d; want 0 and 1", h.current.epoch, g.keys.current.epoch)
	}
	betweenUp, betweenDown := part("between")
	opens(oldUp, oldDown, "before")
	opens(betweenUp, betweenDown, "between")
	if h := w.host.admitted.keys; h.current.epoch != 1 {
		t.Fatal("the host did not take a part of a file for the guest's word")
	}
	w.channel = nil
	w.pump()
	up, down := part("after")
	opens(up, down, "after")
	for name, frame := range map[string][]byte{"of this epoch": up, "of the one before": oldUp} {
		if _, err := w.host.OpenFile(frame, w.now); CodeOf(err) != CodeSeq {
			t.Errorf("a frame %s opens twice: %v", name, err)
		}
	}
	w.now = w.now.Add(2 * fadeMax)
	w.host.Tick(w.now)
	g.Tick(w.now)
	if got, err := w.host.OpenFile(oldUp, w.now); got != nil || err != nil {
		t.Errorf("a frame under keys that are gone: %q, %v; want nothing", got, err)
	}
}
