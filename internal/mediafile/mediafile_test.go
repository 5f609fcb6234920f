package mediafile

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestPatternLoops(t *testing.T) {
	v, err := Pattern()
	if err != nil {
		t.Fatal(err)
	}
	if w, h := v.Size(); v.Codec() != VP8 || w != PatternWidth || h != PatternHeight {
		t.Fatalf("pattern is %s %dx%d", v.Codec(), w, h)
	}
	const loop = PatternFPS * int(PatternLoop/time.Second)
	var first []byte
	var total time.Duration
	for i := range 2 * loop {
		f, err := v.Next()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if want := i%PatternFPS == 0; f.Key != want {
			t.Errorf("frame %d: key %v, want %v", i, f.Key, want)
		}
		switch i {
		case 0:
			first = f.Data
		case loop:
			if string(f.Data) != string(first) {
				t.Error("the loop does not start with the first frame")
			}
		}
		total += f.Duration
	}
	if d := total - 2*PatternLoop; d.Abs() > time.Millisecond {
		t.Errorf("two loops last %v", total)
	}
	if w, h, ok := frameSize(VP8, first); !ok || w != PatternWidth || h != PatternHeight {
		t.Errorf("key frame says %dx%d", w, h)
	}
}

func TestToneLoops(t *testing.T) {
	o, err := Tone()
	if err != nil {
		t.Fatal(err)
	}
	if o.Channels() != 1 {
		t.Fatalf("channels %d", o.Channels())
	}
	first, again := "", false
	for i := range 450 {
		p, err := o.Next()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if p.Duration != 20*time.Millisecond {
			t.Errorf("packet %d lasts %v", i, p.Duration)
		}
		if i == 0 {
			first = string(p.Data)
		} else if string(p.Data) == first {
			again = true
		}
	}
	if !again {
		t.Error("450 packets of a loop of about 201, and the first one never came back")
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := OpenIVF(filepath.Join(t.TempDir(), "none.ivf")); err == nil || errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want a file error", err)
	}
}
