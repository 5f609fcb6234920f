package mediafile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func source(b []byte) io.ReadSeekCloser { return nopCloser{bytes.NewReader(b)} }

// changed returns a copy with some bytes replaced.
func changed(b []byte, at int, with ...byte) []byte {
	out := bytes.Clone(b)
	copy(out[at:], with)
	return out
}

// all reads n frames, and returns the first error.
func all(b []byte, n int) error {
	v, err := newIVF(source(b))
	for i := 0; i < n && err == nil; i++ {
		_, err = v.Next()
	}
	return err
}

func TestHostileIVF(t *testing.T) {
	good := []byte(pattern)
	second := ivfHeaderSize + ivfFrameHeaderSize + int(binary.LittleEndian.Uint32(good[ivfHeaderSize:]))
	if err := all(good, 200); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "header"},
		{"header only", good[:ivfHeaderSize], "without frames"},
		{"not IVF", changed(good, 0, 'R', 'I', 'F', 'F'), "not an IVF"},
		{"H.264", changed(good, 8, 'H', '2', '6', '4'), "H264"},
		{"no time base", changed(good, 16, 0, 0, 0, 0), "time base"},
		{"short header", changed(good, 6, 4, 0), "header length"},
		{"huge frame", changed(good, ivfHeaderSize, 0xff, 0xff, 0xff, 0xff), "4294967295 bytes"},
		{"empty frame", changed(good, ivfHeaderSize, 0, 0, 0, 0), "0 bytes"},
		{"no key frame", changed(good, ivfHeaderSize+ivfFrameHeaderSize, good[ivfHeaderSize+ivfFrameHeaderSize]|1), "key frame"},
		{"cut frame", good[:len(good)-1], "cut short"},
		{"cut frame header", append(bytes.Clone(good), 1, 2, 3), "frame header"},
		{"time stands still", changed(good, second+4, 0), "timestamp"},
		{"time jumps", changed(good, second+4, 0, 0, 0, 0, 1), "frame of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := all(tt.file, 100)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func allOgg(b []byte, n int) error {
	o, err := newOgg(source(b))
	for i := 0; i < n && err == nil; i++ {
		_, err = o.Next()
	}
	return err
}

func TestHostileOgg(t *testing.T) {
	good := []byte(tone)
	head := bytes.Index(good, []byte("OpusHead"))
	tags := bytes.Index(good[4:], []byte("OggS")) + 4
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no Opus stream"},
		{"not Ogg", []byte(pattern), "not an Ogg page"},
		{"checksum", changed(good, head, 'o'), "checksum"},
		{"headers only", good[:tags], "no Opus packets"},
		{"cut", good[:len(good)-5], "cut short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := allOgg(tt.file, 450)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestStereo(t *testing.T) {
	o, err := OpenOgg("testdata/stereo.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if o.Channels() != 2 {
		t.Errorf("channels %d", o.Channels())
	}
	p, err := o.Next()
	if err != nil || p.Duration != 60*time.Millisecond {
		t.Errorf("packet of %v, %v", p.Duration, err)
	}
}

func TestVP9(t *testing.T) {
	v, err := OpenIVF("testdata/vp9.ivf")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for i := range 8 {
		f, err := v.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := i%2 == 0; f.Key != want {
			t.Errorf("frame %d: key %v, want %v", i, f.Key, want)
		}
		if f.Duration != 100*time.Millisecond {
			t.Errorf("frame %d lasts %v", i, f.Duration)
		}
	}
}

func FuzzIVF(f *testing.F) {
	f.Add([]byte(pattern)[:2000])
	if b, err := os.ReadFile("testdata/vp9.ivf"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := all(b, 50); err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%v does not blame the file", err)
		}
	})
}

func FuzzOgg(f *testing.F) {
	f.Add([]byte(tone)[:4000])
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := allOgg(b, 50); err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%v does not blame the file", err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(true, []byte(pattern)[44:60])
	f.Add(false, []byte{0x82, 0x49, 0x83, 0x42, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, vp8 bool, b []byte) {
		codec := VP9
		if vp8 {
			codec = VP8
		}
		if w, h, ok := frameSize(codec, b); ok && (w < 1 || h < 1 || w > 65536 || h > 65536) {
			t.Errorf("%dx%d", w, h)
		}
		_ = keyFrame(codec, b)
	})
}
