package protocol

import (
	"bytes"
	"testing"
)

func FuzzDecodeCheckRequest(f *testing.F) {
	f.Add([]byte(`{"offer":"v=0"}`))
	f.Add([]byte(`{"offer":"v=0"} {}`))
	f.Add([]byte(`{"offer":1,"other":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := DecodeCheckRequest(body); err == nil && len(r.Offer) > LimitCheckOffer {
			t.Errorf("an offer of %d bytes is taken", len(r.Offer))
		}
	})
}

func FuzzSplitFrame(f *testing.F) {
	f.Add([]byte{0, 1, 'x'})
	f.Add([]byte{0, 1})
	f.Fuzz(func(t *testing.T, frame []byte) {
		slot, outer, ok := SplitFrame(frame)
		if ok && !bytes.Equal(AppendFrame(nil, slot, outer), frame) {
			t.Errorf("%x reads as slot %d, %x", frame, slot, outer)
		}
	})
}
