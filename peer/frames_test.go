package peer

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// framePair is what two parties with the same keys have.
func framePair() (sends, receives *frameCipher) {
	sends, receives = newFrameCipher(e2ee.RoleHost), newFrameCipher(e2ee.RoleGuest)
	media := [64]byte{3}
	sends.sealer.SetKeys(0, media)
	receives.opener.SetKeys(0, media, time.Time{})
	sends.mode.Store(framesOn)
	receives.mode.Store(framesOn)
	return sends, receives
}

func reading(cipher *frameCipher) (*frameReader, *[]sealed.SFrameState) {
	var said []sealed.SFrameState
	return &frameReader{
		cipher: cipher, kind: e2ee.FrameCamera,
		report: func(s sealed.SFrameState) { said = append(said, s) },
		rekey:  func() {},
	}, &said
}

func TestNothingPassesBeforeTheSession(t *testing.T) {
	c := newFrameCipher(e2ee.RoleGuest)
	if _, ok := c.seal(e2ee.FrameCamera, CodecVP8, []byte{1}); ok {
		t.Error("a frame left before there was a session")
	}
	r, _ := reading(c)
	if _, ok := r.open([]byte{1}, time.Time{}); ok {
		t.Error("a frame was taken before there was a session")
	}
}

// Attack A36: frames that were never sealed.
func TestPlainFramesAreAnAlarmWithinASecond(t *testing.T) {
	sends, receives := framePair()
	r, said := reading(receives)
	good, _ := sends.seal(e2ee.FrameCamera, CodecVP9, []byte("picture"))
	now := time.Unix(1, 0)
	if _, ok := r.open(good, now); !ok {
		t.Fatal("a good frame was dropped")
	}
	for range 30 { // a second of video
		now = now.Add(time.Second / 30)
		if _, ok := r.open([]byte("a picture in clear"), now); ok {
			t.Fatal("a plain frame was handed on")
		}
	}
	if len(*said) != 2 || (*said)[0] != sealed.SFrameStateActive || (*said)[1] != sealed.SFrameStateFailed {
		t.Errorf("said %v", *said)
	}
	again, _ := sends.seal(e2ee.FrameCamera, CodecVP9, []byte("picture"))
	if _, ok := r.open(again, now); ok {
		t.Error("the track goes on after it failed")
	}
}

func TestMissingKeysAskForARekey(t *testing.T) {
	sends, receives := framePair()
	sends.sealer.SetKeys(1, [64]byte{4})
	r, said := reading(receives)
	asked := 0
	r.rekey = func() { asked++ }
	for at := range 5 {
		frame, _ := sends.seal(e2ee.FrameCamera, CodecVP9, []byte("picture"))
		r.open(frame, time.Unix(int64(at), 0))
	}
	if asked != 1 || len(*said) != 0 {
		t.Errorf("asked %d times, said %v", asked, *said)
	}
}

func TestVP9PayloadOfAnOpaqueFrame(t *testing.T) {
	frame := bytes.Repeat([]byte{0xa5}, 3000)
	for _, key := range []bool{true, false} {
		p := &vp9Payloader{picture: 0x7fff}
		p.key.Store(key)
		var got []byte
		packets := p.Payload(1200, frame)
		for i, packet := range packets {
			var in codecs.VP9Packet
			rest, err := in.Unmarshal(packet)
			if err != nil {
				t.Fatal(err)
			}
			if in.P == key || in.B != (i == 0) || in.E != (i == len(packets)-1) || in.PictureID != 0x7fff {
				t.Errorf("packet %d of key=%v: P %v B %v E %v picture %x", i, key, in.P, in.B, in.E, in.PictureID)
			}
			got = append(got, rest...)
		}
		if !bytes.Equal(got, frame) || p.picture != 0 {
			t.Errorf("%d bytes come back of %d, next picture %d", len(got), len(frame), p.picture)
		}
	}
}
