package mediafile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// parsed is a file as an independent library reads it.
type parsed struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment webm.Segment    `ebml:"Segment"`
}

// record writes a file and reads it back.
func record(t *testing.T, write func(*WebM)) (parsed, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.webm")
	w, err := CreateWebM(path)
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out parsed
	if err := ebml.Unmarshal(bytes.NewReader(raw), &out); err != nil {
		t.Fatalf("not readable: %v", err)
	}
	return out, raw
}

// playVideo writes n frames and returns when the last one ends.
func playVideo(t *testing.T, w *WebM, v *IVF, n int) time.Duration {
	t.Helper()
	var at time.Duration
	for range n {
		f, err := v.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteVideo(v.Codec(), at, f.Data); err != nil {
			t.Fatal(err)
		}
		at += f.Duration
	}
	return at
}

// playAudio writes packets until that time and returns their number.
func playAudio(t *testing.T, w *WebM, o *Ogg, until time.Duration) (n int) {
	t.Helper()
	for at := time.Duration(0); at < until; n++ {
		p, err := o.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteAudio(at, p.Data); err != nil {
			t.Fatal(err)
		}
		at += p.Duration
	}
	return n
}

func sources(t *testing.T) (*IVF, *Ogg) {
	t.Helper()
	v, err := Pattern()
	if err != nil {
		t.Fatal(err)
	}
	o, err := Tone()
	if err != nil {
		t.Fatal(err)
	}
	return v, o
}

// blocks counts the blocks of each track, and checks that time never goes back.
func blocks(t *testing.T, s webm.Segment) map[uint64]int {
	t.Helper()
	count := make(map[uint64]int)
	last := make(map[uint64]int64)
	for _, c := range s.Cluster {
		for _, b := range c.SimpleBlock {
			at := int64(c.Timecode) + int64(b.Timecode)
			if at < last[b.TrackNumber] {
				t.Errorf("track %d goes from %d ms back to %d ms", b.TrackNumber, last[b.TrackNumber], at)
			}
			last[b.TrackNumber] = at
			count[b.TrackNumber]++
		}
	}
	return count
}

func TestWebM(t *testing.T) {
	const frames = 15 * 12
	var packets int
	video, audio := sources(t)
	out, raw := record(t, func(w *WebM) {
		// The tracks arrive in turns, as from two goroutines with a lag.
		step := 10 * time.Second / 100
		nextVideo, nextAudio := time.Duration(0), time.Duration(0)
		for n := 0; n < frames; {
			for limit := nextVideo + step; nextVideo < limit && n < frames; n++ {
				f, err := video.Next()
				if err != nil {
					t.Fatal(err)
				}
				if err := w.WriteVideo(VP8, nextVideo, f.Data); err != nil {
					t.Fatal(err)
				}
				nextVideo += f.Duration
			}
			for ; nextAudio < nextVideo; packets++ {
				p, err := audio.Next()
				if err != nil {
					t.Fatal(err)
				}
				if err := w.WriteAudio(nextAudio, p.Data); err != nil {
					t.Fatal(err)
				}
				nextAudio += p.Duration
			}
		}
	})
	if out.Header.DocType != "webm" {
		t.Errorf("doc type %q", out.Header.DocType)
	}
	if got := out.Segment.Info.Duration; got < 11_990 || got > 12_050 {
		t.Errorf("duration %v ms, want 12 s", got)
	}
	tracks := out.Segment.Tracks.TrackEntry
	if len(tracks) != 2 {
		t.Fatalf("%d tracks", len(tracks))
	}
	if v := tracks[0]; v.CodecID != "V_VP8" || v.Video.PixelWidth != PatternWidth || v.Video.PixelHeight != PatternHeight {
		t.Errorf("video track %+v", v)
	}
	if a := tracks[1]; a.CodecID != "A_OPUS" || a.Audio.Channels != 1 || a.Audio.SamplingFrequency != 48_000 {
		t.Errorf("audio track %+v", a)
	}
	if n := blocks(t, out.Segment); n[trackVideo] != frames || n[trackAudio] != packets {
		t.Errorf("blocks %v, want %d and %d", n, frames, packets)
	}
	checkIndex(t, out, raw)
}

// checkIndex looks up what SeekHead and Cues point at.
func checkIndex(t *testing.T, out parsed, raw []byte) {
	t.Helper()
	origin := bytes.Index(raw, appendID(nil, idSegment)) + 12
	if out.Segment.SeekHead == nil || out.Segment.Cues == nil {
		t.Fatal("no index")
	}
	at := func(pos uint64, id uint32) bool { return bytes.HasPrefix(raw[origin+int(pos):], appendID(nil, id)) }
	if !at(out.Segment.SeekHead.Seek[0].SeekPosition, idCues) {
		t.Error("SeekHead does not point at Cues")
	}
	points := out.Segment.Cues.CuePoint
	if len(points) != 12 {
		t.Errorf("%d cues, want one for each key frame", len(points))
	}
	for i, p := range points {
		if p.CueTime != uint64(i)*1000 {
			t.Errorf("cue %d at %d ms", i, p.CueTime)
		}
		if !at(p.CueTrackPositions[0].CueClusterPosition, idCluster) {
			t.Errorf("cue %d does not point at a cluster", i)
		}
	}
}

func TestWebMWithOneTrackOrNone(t *testing.T) {
	video, audio := sources(t)
	out, _ := record(t, func(w *WebM) { playVideo(t, w, video, 20) })
	if tr := out.Segment.Tracks.TrackEntry; len(tr) != 1 || tr[0].CodecID != "V_VP8" {
		t.Errorf("video only: tracks %+v", tr)
	}
	out, _ = record(t, func(w *WebM) { playAudio(t, w, audio, 12*time.Second) })
	if tr := out.Segment.Tracks.TrackEntry; len(tr) != 1 || tr[0].CodecID != "A_OPUS" {
		t.Errorf("audio only: tracks %+v", tr)
	}
	if n := len(out.Segment.Cues.CuePoint); n != 3 {
		t.Errorf("audio only: %d cues in 12 s, want one each 5 s", n)
	}
	out, _ = record(t, func(*WebM) {})
	if n := len(out.Segment.Tracks.TrackEntry); n != 0 {
		t.Errorf("nothing written: %d tracks", n)
	}
}

func TestWebMVP9(t *testing.T) {
	v, err := OpenIVF("testdata/vp9.ivf")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	out, _ := record(t, func(w *WebM) { playVideo(t, w, v, 4) })
	if tr := out.Segment.Tracks.TrackEntry[0]; tr.CodecID != "V_VP9" || tr.Video.PixelWidth != 98 || tr.Video.PixelHeight != 66 {
		t.Errorf("track %+v, %+v", tr, tr.Video)
	}
}

func TestWebMStartsAtKeyFrame(t *testing.T) {
	video, _ := sources(t)
	if _, err := video.Next(); err != nil { // the key frame is lost
		t.Fatal(err)
	}
	out, _ := record(t, func(w *WebM) {
		playVideo(t, w, video, 20)
		if n := w.Skipped(); n != PatternFPS-1 {
			t.Errorf("%d frames skipped, want %d", n, PatternFPS-1)
		}
	})
	first := out.Segment.Cluster[0].SimpleBlock[0]
	if !first.Keyframe {
		t.Error("the first block is not a key frame")
	}
}

func TestWebMRefuses(t *testing.T) {
	record(t, func(w *WebM) {
		if err := w.WriteVideo("h264", 0, []byte{1}); err == nil {
			t.Error("takes H.264")
		}
		if err := w.WriteVideo(VP8, 0, nil); err == nil {
			t.Error("takes an empty frame")
		}
		if err := w.WriteAudio(0, []byte{3}); !errors.Is(err, ErrFormat) {
			t.Errorf("half an Opus packet: %v", err)
		}
		video, _ := sources(t)
		playVideo(t, w, video, 1)
		if err := w.WriteVideo(VP9, 0, []byte{0x82}); err == nil {
			t.Error("the codec may change")
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := w.WriteVideo(VP8, 0, []byte{1}); !errors.Is(err, ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
	})
}

// fullDisk takes the header and fails after it.
type fullDisk struct{ left int }

func (d *fullDisk) WriteAt(p []byte, _ int64) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}
func (d *fullDisk) Close() error { return nil }

func TestWebMDiskFull(t *testing.T) {
	w, err := newWebM(&fullDisk{left: 4096})
	if err != nil {
		t.Fatal(err)
	}
	_, audio := sources(t)
	var failed error
	for at := time.Duration(0); at < time.Minute && failed == nil; at += 20 * time.Millisecond {
		p, err := audio.Next()
		if err != nil {
			t.Fatal(err)
		}
		failed = w.WriteAudio(at, p.Data)
	}
	if failed == nil {
		t.Fatal("a minute of sound in 4 kB")
	}
	if err := w.WriteAudio(time.Minute, []byte{0xf8, 0}); err == nil {
		t.Error("writing goes on after an error")
	}
	if err := w.Close(); err != nil {
		t.Errorf("the error comes twice: %v", err)
	}
}
