package peer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/visavis-call/visavis/e2ee"
)

// pump sends the frames of one source at their own pace.
type pump struct {
	track  *webrtc.TrackLocalStaticSample
	sender *webrtc.RTPSender
	source Source // nil: the m-line exists, nothing is sent
	codec  Codec
	frames *frameCipher
	stream e2ee.FrameKind
	vp9    *vp9Payloader // nil: another codec
	muted  atomic.Bool
}

// addSender adds a sendonly transceiver. Without a source it stays silent.
func (c *connection) addSender(kind Kind, source Source) error {
	p, err := c.addTrack(kind, source)
	if err != nil {
		return err
	}
	c.senders[kind] = p
	return nil
}

func (c *connection) addTrack(kind Kind, source Source) (*pump, error) {
	codec := CodecOpus
	if kind == KindVideo {
		codec = CodecVP8
	}
	if source != nil {
		codec = source.Codec()
	}
	announced, err := capability(codec)
	if err != nil {
		return nil, err
	}
	// Stream and track ids are visible in the SDP; they must not tell anything.
	p := &pump{source: source, codec: codec, frames: c.frames, stream: e2ee.FrameMicrophone}
	if kind == KindVideo {
		p.stream = e2ee.FrameCamera
	}
	var options []func(*webrtc.TrackLocalStaticRTP)
	if codec == CodecVP9 {
		p.vp9 = &vp9Payloader{}
		options = append(options, p.vp9.option())
	}
	track, err := webrtc.NewTrackLocalStaticSample(announced, string(kind), "visavis", options...)
	if err != nil {
		return nil, fmt.Errorf("local track: %w", err)
	}
	transceiver, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if err != nil {
		return nil, fmt.Errorf("add sender: %w", err)
	}
	p.track, p.sender = track, transceiver.Sender()
	c.pumps.Go(func() { drainRTCP(c.ctx, p.sender) })
	return p, nil
}

// share adds one more video m-line, named as a screen in the descriptions that
// follow, and sends source over it. The caller negotiates.
func (c *connection) share(source Source) error {
	p, err := c.addTrack(KindVideo, source)
	if err != nil {
		return err
	}
	p.stream = e2ee.FrameScreen
	c.screens[p.sender] = true
	if c.negotiation.polite {
		// Both sides number their m-lines; a polite party whose offer may be
		// dropped must not take a number that the other then uses.
		for _, t := range c.pc.GetTransceivers() {
			if t.Sender() == p.sender {
				if err := t.SetMid(fmt.Sprintf("g%d", len(c.screens))); err != nil {
					return fmt.Errorf("name m-line: %w", err)
				}
			}
		}
	}
	c.shared = append(c.shared, p)
	return nil
}

// startShared begins sending the shared tracks that the other party has
// accepted. Call it when an answer has been applied. pion itself would send
// earlier: to it a track counts as negotiated once an offer has been made, even
// one that a glare has undone.
func (c *connection) startShared() {
	var waiting []*pump
	for _, p := range c.shared {
		if !c.negotiated(p) {
			waiting = append(waiting, p)
			continue
		}
		c.startPump(p)
	}
	c.shared = waiting
}

// negotiated reports whether the m-line of p is in the descriptions in force.
func (c *connection) negotiated(p *pump) bool {
	description := c.pc.CurrentLocalDescription()
	for _, t := range c.pc.GetTransceivers() {
		if t.Sender() == p.sender && t.Mid() != "" && description != nil {
			return strings.Contains(description.SDP, "a=mid:"+t.Mid()+"\r\n")
		}
	}
	return false
}

// startMedia begins sending the tracks of the media plan, once.
func (c *connection) startMedia() {
	if c.started {
		return
	}
	c.started = true
	for _, p := range c.senders {
		c.startPump(p)
	}
}

func (c *connection) mute(muted map[Kind]bool) {
	for kind, p := range c.senders {
		p.muted.Store(muted[kind])
	}
}

func (c *connection) startPump(p *pump) {
	if p.source != nil {
		c.pumps.Go(func() { p.run(c.ctx) })
	}
}

// run paces against a fixed start, so that the time a frame takes to send does
// not add up. It ends with ctx, or when the source has no more to give.
func (p *pump) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		frame, err := p.source.Next()
		if err != nil || frame.Duration <= 0 {
			return
		}
		if !p.muted.Load() {
			p.send(frame)
		}
		due = due.Add(frame.Duration)
		if late := time.Since(due); late > time.Second {
			due = time.Now() // the machine slept: go on from here, do not race
		}
		timer.Reset(time.Until(due))
	}
}

// send encrypts a frame and hands it to the transport.
func (p *pump) send(frame Frame) {
	data, ok := p.frames.seal(p.stream, p.codec, frame.Data)
	if !ok {
		return
	}
	if p.vp9 != nil {
		p.vp9.key.Store(vp9Key(frame.Data))
	}
	// An error means that the transport is gone or not there yet: the
	// call notices by itself, and a lost frame is what networks do.
	_ = p.track.WriteSample(media.Sample{Data: data, Duration: frame.Duration})
}

// drainRTCP reads what the receiver reports; the interceptors (NACK, reports)
// work only while somebody reads.
func drainRTCP(ctx context.Context, sender *webrtc.RTPSender) {
	for ctx.Err() == nil {
		if _, _, err := sender.ReadRTCP(); err != nil {
			return
		}
	}
}
