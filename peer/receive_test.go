package peer

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// After an outage frames come again in less than a second, however few packets a
// picture has, and a single packet that is late is waited for.
func TestFramesAfterAGap(t *testing.T) {
	const fps = 30
	builder, clock := newBuilder(Track{Kind: KindVideo, Codec: CodecVP8})
	popped := 0
	push := func(frame uint16) {
		builder.Push(&rtp.Packet{
			Header:  rtp.Header{SequenceNumber: frame, Timestamp: uint32(frame) * clock / fps, Marker: true},
			Payload: []byte{0x10, 0, 0, 0}, // RFC 7741 §4.2: the start of a partition
		})
		for builder.Pop() != nil {
			popped++
		}
	}
	for frame := uint16(0); frame < fps; frame++ {
		if frame != 20 {
			push(frame)
		}
	}
	if popped > 20 {
		t.Errorf("%d frames came out, the 21st is not here yet", popped)
	}
	push(20)
	if popped < fps-1 {
		t.Errorf("%d of the first %d frames came out, one packet was late", popped, fps)
	}
	popped = 0
	const back = 5 * fps // four seconds of nothing
	var took time.Duration
	for frame := uint16(back); frame < back+fps && popped == 0; frame++ {
		push(frame)
		took += time.Second / fps
	}
	if popped == 0 || took > 700*time.Millisecond {
		t.Errorf("%d frames came %v after the gap, want one within 700 ms", popped, took)
	}
}
