package peer

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"
)

// maxLate is how many packets, and how long, a frame may wait for a missing one.
// Video sends tens of packets a frame; retransmission needs one round trip and a
// half. After an outage nothing missing comes any more: time ends the wait.
const (
	maxLateVideo = 512
	maxLateAudio = 32
	maxLateTime  = 600 * time.Millisecond
)

// counters are written by the receiving goroutines and read by the call.
type counters struct {
	videoFrames  atomic.Uint64
	screenFrames atomic.Uint64
	audioPackets atomic.Uint64
	arrivals     arrivals
	sound        soundMeter
}

// receiver reads one remote track.
type receiver struct {
	info  Track
	track *webrtc.TrackRemote
	pc    *webrtc.PeerConnection
	bound <-chan struct{} // closed when the connection is bound
	count *counters
	sink  Sink

	frames *frameReader
}

// run reads until the track ends or ctx does. Nothing is taken before the
// binding: until then packets wait in pion's bounded buffer, because nobody
// knows yet whose they are.
func (r *receiver) run(ctx context.Context) {
	select {
	case <-r.bound:
	case <-ctx.Done():
		return
	}
	if r.info.Kind == KindVideo {
		r.askKeyFrame() // what waited may have overflowed
	}
	builder, clock := newBuilder(r.info)
	sound := r.info.Kind == KindAudio && !r.info.Screen
	if sound {
		r.count.sound.begin()
	}
	var first *uint32
	var numbers sequence
	var gap bool // frames were dropped: video cannot go on without a whole picture
	for {
		packet, _, err := r.track.ReadRTP()
		if err != nil {
			return // the track or the connection has ended
		}
		r.count.arrivals.packets.Add(1)
		r.count.arrivals.lost.Add(numbers.lost(packet.SequenceNumber))
		r.count.arrivals.bytes.Add(int64(len(packet.Payload)))
		if sound {
			r.count.sound.came(soundPacket{packet.SequenceNumber, packet.Timestamp, time.Now()})
		}
		if len(packet.Payload) == 0 {
			continue // padding, as bandwidth probes send it
		}
		builder.Push(packet)
		for sample := builder.Pop(); sample != nil; sample = builder.Pop() {
			data, ok := r.frames.open(sample.Data, time.Now())
			if !ok || len(data) == 0 {
				gap = gap || len(sample.Data) > 0
				continue
			}
			if r.info.Kind == KindVideo {
				r.countFrame()
				if (sample.PrevDroppedPackets > 0 || gap) && first != nil {
					r.askKeyFrame()
				}
			} else {
				r.count.audioPackets.Add(1)
			}
			gap = false
			if first == nil {
				first = &sample.PacketTimestamp
			}
			// The difference wraps as the RTP clock does (RFC 3550 §5.1); 13
			// hours of video pass before it is ambiguous.
			since := time.Duration(sample.PacketTimestamp-*first) * time.Second / time.Duration(clock)
			r.deliver(Frame{Data: data, Duration: sample.Duration, Time: since})
		}
	}
}

// newBuilder puts the frames of a track together; clock is that of its timestamps.
func newBuilder(track Track) (builder *samplebuilder.SampleBuilder, clock uint32) {
	late := uint16(maxLateVideo)
	if track.Kind == KindAudio {
		late = maxLateAudio
	}
	parser, clock := depacketizer(track.Codec)
	return samplebuilder.New(late, parser, clock, samplebuilder.WithMaxTimeDelay(maxLateTime)), clock
}

func (r *receiver) countFrame() {
	if r.info.Screen {
		r.count.screenFrames.Add(1)
	} else {
		r.count.videoFrames.Add(1)
	}
}

func (r *receiver) deliver(f Frame) {
	if r.sink == nil {
		return
	}
	if err := r.sink.WriteFrame(r.info, f); err != nil {
		r.sink = nil
	}
}

func (r *receiver) askKeyFrame() {
	// A lost request is repeated with the next lost packet.
	_ = r.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(r.track.SSRC())}})
}

// drainReceiverRTCP keeps the receiver's interceptors working.
func drainReceiverRTCP(ctx context.Context, rx *webrtc.RTPReceiver) {
	for ctx.Err() == nil {
		if _, _, err := rx.ReadRTCP(); err != nil {
			return
		}
	}
}
