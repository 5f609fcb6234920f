package e2ee

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"
)

// sframeVectors is testdata/vectors/sframe.json: figures of RFC 9605, appendix
// C, and frames of this protocol's own profile.
type sframeVectors struct {
	Headers []string `json:"headers"` // "kid ctr hex", numbers in decimal
	Suite   struct {
		KID      uint64   `json:"kid"`
		CTR      uint64   `json:"ctr"`
		BaseKey  hexBytes `json:"base_key"`
		Key      hexBytes `json:"sframe_key"`
		Salt     hexBytes `json:"sframe_salt"`
		Metadata hexBytes `json:"metadata"`
		Nonce    hexBytes `json:"nonce"`
		PT       hexBytes `json:"pt"`
		CT       hexBytes `json:"ct"`
	} `json:"aes_256_gcm_sha512"`
	Frames []frameVector `json:"frames"`
}

// frameVector is one frame of the profile.
type frameVector struct {
	Media  hexBytes  `json:"media"`
	Epoch  uint16    `json:"epoch"`
	Sender Role      `json:"sender"`
	Kind   FrameKind `json:"kind"`
	VP8    bool      `json:"vp8"`
	CTR    uint64    `json:"ctr"`
	KID    uint64    `json:"kid"`
	Plain  hexBytes  `json:"plain"`
	Sealed hexBytes  `json:"sealed"`
}

func TestSFrameHeaderVectors(t *testing.T) {
	var v sframeVectors
	loadJSON(t, "sframe.json", &v)
	if len(v.Headers) != 289 {
		t.Fatalf("%d headers, RFC 9605 has 289", len(v.Headers))
	}
	for _, line := range v.Headers {
		var kid, ctr uint64
		var encoded string
		if _, err := fmt.Sscan(line, &kid, &ctr, &encoded); err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, line, appendSFrameHeader(nil, kid, ctr), want)
		gotKID, gotCTR, header, rest, ok := takeSFrameHeader(append(want, 0xaa))
		if !ok || gotKID != kid || gotCTR != ctr || len(header) != len(want) || len(rest) != 1 {
			t.Errorf("parsing %s gave %d %d %x %x", line, gotKID, gotCTR, header, rest)
		}
	}
}

func TestSFrameSuiteVector(t *testing.T) {
	var v sframeVectors
	loadJSON(t, "sframe.json", &v)
	s := v.Suite
	key := newSFrameKey(s.KID, s.BaseKey)
	equal(t, "salt", key.salt[:], s.Salt)
	nonce := key.nonce(s.CTR)
	equal(t, "nonce", nonce[:], s.Nonce)
	equal(t, "frame", key.seal(nil, s.CTR, s.Metadata, s.PT), s.CT)
}

func TestFrameVectors(t *testing.T) {
	var v sframeVectors
	loadJSON(t, "sframe.json", &v)
	if len(v.Frames) < 6 {
		t.Fatalf("%d frames", len(v.Frames))
	}
	for _, f := range append(v.Frames, framesOfCalls(t)...) {
		sealer := NewFrameSealer(f.Sender)
		sealer.SetKeys(f.Epoch, [64]byte(f.Media))
		var got []byte
		for range f.CTR + 1 {
			got, _ = sealer.Seal(f.Kind, f.VP8, f.Plain)
		}
		equal(t, fmt.Sprintf("KID %d", f.KID), got, f.Sealed)
		opener := NewFrameOpener(f.Sender)
		opener.SetKeys(f.Epoch, [64]byte(f.Media), time.Now())
		plain, result := opener.Open(f.Kind, f.VP8, f.Sealed, time.Now())
		if result != FrameOpened {
			t.Errorf("KID %d: result %d", f.KID, result)
		}
		equal(t, "opened", plain, f.Plain)
	}
}

// framesOfCalls are the frames in the vectors of whole calls.
func framesOfCalls(t *testing.T) []frameVector {
	t.Helper()
	var calls []struct {
		Media     hexBytes `json:"media"`
		Epoch     uint16   `json:"epoch"`
		AudioKID  uint64   `json:"sframe_audio_kid"`
		AudioText hexBytes `json:"sframe_audio_plain"`
		Audio     hexBytes `json:"sframe_audio_ctr0"`
		VideoKID  uint64   `json:"sframe_video_kid"`
		VideoText hexBytes `json:"sframe_video_plain"`
		Video     hexBytes `json:"sframe_video_ctr300"`
	}
	loadJSON(t, "e2ee.json", &calls)
	var frames []frameVector
	for _, c := range calls {
		frames = append(frames,
			frameVector{c.Media, c.Epoch, RoleHost, FrameMicrophone, false, 0, c.AudioKID, c.AudioText, c.Audio},
			frameVector{c.Media, c.Epoch, RoleGuest, FrameCamera, true, 300, c.VideoKID, c.VideoText, c.Video})
	}
	return frames
}

// pair is a sealer and the opener of the other side, with the same keys.
func pair(sender Role, epoch uint16, media [64]byte) (*FrameSealer, *FrameOpener) {
	s, o := NewFrameSealer(sender), NewFrameOpener(sender)
	s.SetKeys(epoch, media)
	o.SetKeys(epoch, media, time.Time{})
	return s, o
}

func mustSeal(t *testing.T, s *FrameSealer, kind FrameKind, vp8 bool, frame []byte) []byte {
	t.Helper()
	sealed, ok := s.Seal(kind, vp8, frame)
	if !ok {
		t.Fatal("not sealed")
	}
	return sealed
}

func expect(t *testing.T, what string, o *FrameOpener, kind FrameKind, frame []byte, now time.Time, want FrameResult) {
	t.Helper()
	if _, got := o.Open(kind, false, frame, now); got != want {
		t.Errorf("%s: result %d, want %d", what, got, want)
	}
}

func TestNoFrameLeavesWithoutKeys(t *testing.T) {
	s := NewFrameSealer(RoleHost)
	if _, ok := s.Seal(FrameCamera, false, []byte("frame")); ok {
		t.Error("sealed without keys")
	}
	expect(t, "opened without keys", NewFrameOpener(RoleHost), FrameCamera, []byte{0x50, 0, 1, 2}, time.Time{}, FrameNoKey)
}

func TestKeysSetAgainDoNotReuseCounters(t *testing.T) {
	media := [64]byte{1}
	s, _ := pair(RoleHost, 0, media)
	first := mustSeal(t, s, FrameCamera, false, []byte("frame"))
	s.SetKeys(0, media)
	if again := mustSeal(t, s, FrameCamera, false, []byte("frame")); bytes.Equal(first, again) {
		t.Error("the same frame was sealed the same way twice: counter and key repeat")
	}
}

// Attack A37: a frame again, of an old epoch, of another stream, of the other direction.
func TestOnlyFreshFramesOfThisStreamOpen(t *testing.T) {
	now := time.Unix(1_000, 0)
	first, second := [64]byte{1}, [64]byte{2}
	s, o := pair(RoleHost, 0, first)
	a := mustSeal(t, s, FrameCamera, false, []byte("a"))
	b := mustSeal(t, s, FrameCamera, false, []byte("b"))
	expect(t, "late", o, FrameCamera, b, now, FrameOpened)
	expect(t, "reordered", o, FrameCamera, a, now, FrameOpened)
	expect(t, "duplicate", o, FrameCamera, b, now, FrameRepeat)
	mic := mustSeal(t, s, FrameMicrophone, false, []byte("c"))
	expect(t, "other kind", o, FrameCamera, mic, now, FrameInvalid)
	guest, _ := pair(RoleGuest, 0, first)
	expect(t, "other direction", o, FrameCamera, mustSeal(t, guest, FrameCamera, false, []byte("d")), now, FrameInvalid)

	late := mustSeal(t, s, FrameCamera, false, []byte("e"))
	later := mustSeal(t, s, FrameCamera, false, []byte("f"))
	s.SetKeys(1, second)
	next := mustSeal(t, s, FrameCamera, false, []byte("g"))
	expect(t, "keys still to come", o, FrameCamera, next, now, FrameNoKey)
	o.SetKeys(1, second, now)
	expect(t, "new epoch", o, FrameCamera, next, now, FrameOpened)
	expect(t, "old epoch, 9 s", o, FrameCamera, late, now.Add(9*time.Second), FrameOpened)
	expect(t, "old epoch, 11 s", o, FrameCamera, later, now.Add(11*time.Second), FrameOld)
}

func TestReplayWindow(t *testing.T) {
	s, o := pair(RoleGuest, 3, [64]byte{9})
	var frames [][]byte
	for i := range 2*replaySpan + 10 {
		frames = append(frames, mustSeal(t, s, FrameMicrophone, false, binary.BigEndian.AppendUint32(nil, uint32(i))))
	}
	expect(t, "first", o, FrameMicrophone, frames[0], time.Time{}, FrameOpened)
	expect(t, "a jump", o, FrameMicrophone, frames[replaySpan], time.Time{}, FrameOpened)
	expect(t, "behind the window", o, FrameMicrophone, frames[0], time.Time{}, FrameRepeat)
	expect(t, "at its end", o, FrameMicrophone, frames[1], time.Time{}, FrameOpened)
	expect(t, "twice there", o, FrameMicrophone, frames[1], time.Time{}, FrameRepeat)
	expect(t, "a far jump", o, FrameMicrophone, frames[2*replaySpan+5], time.Time{}, FrameOpened)
	expect(t, "not seen, in the window", o, FrameMicrophone, frames[replaySpan+10], time.Time{}, FrameOpened)
	expect(t, "seen, out of the window", o, FrameMicrophone, frames[replaySpan], time.Time{}, FrameRepeat)
}

// Attack A36 and A38: what was not sealed, and what was changed on the way.
func TestChangedFramesDoNotOpen(t *testing.T) {
	s, _ := pair(RoleHost, 0, [64]byte{7})
	key := append([]byte{0x50, 0x42, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0}, "payload"...)
	delta := append([]byte{0x51}, "payload"...)
	for _, plain := range [][]byte{key, delta} {
		sealed := mustSeal(t, s, FrameCamera, true, plain)
		for i := range sealed {
			_, o := pair(RoleHost, 0, [64]byte{7})
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1
			if _, result := o.Open(FrameCamera, true, damaged, time.Time{}); result == FrameOpened {
				t.Errorf("opened with byte %d changed", i)
			}
		}
		_, o := pair(RoleHost, 0, [64]byte{7})
		if _, result := o.Open(FrameCamera, true, plain, time.Time{}); result == FrameOpened {
			t.Error("an unsealed frame was opened")
		}
	}
}

func FuzzFrameOpen(f *testing.F) {
	s := NewFrameSealer(RoleHost)
	s.SetKeys(0, [64]byte{7})
	sealed, _ := s.Seal(FrameCamera, true, append([]byte{0x50, 0x42, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0}, "payload"...))
	f.Add(sealed, true)
	f.Add([]byte{0xff}, false)
	f.Fuzz(func(t *testing.T, frame []byte, vp8 bool) {
		o := NewFrameOpener(RoleHost)
		o.SetKeys(0, [64]byte{7}, time.Time{})
		if plain, result := o.Open(FrameCamera, vp8, frame, time.Time{}); result == FrameOpened && !bytes.Equal(frame, sealed) {
			t.Errorf("%x opened as %x", frame, plain)
		}
	})
}
