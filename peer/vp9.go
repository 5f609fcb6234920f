package peer

import (
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// vp9Payloader packetizes VP9 without looking into it: an encrypted frame
// cannot be parsed, as pion's own payloader does. What it has to know is said
// before each frame. One spatial and one temporal layer (RFC 9628 §4.2, not flexible mode).
type vp9Payloader struct {
	key     atomic.Bool
	picture uint16
}

const (
	vp9PictureID = 0x80 // I
	vp9Predicted = 0x40 // P
	vp9Begin     = 0x08 // B
	vp9End       = 0x04 // E
	vp9Header    = 3    // descriptor and a picture ID of 15 bits
)

// Payload implements rtp.Payloader.
func (p *vp9Payloader) Payload(mtu uint16, frame []byte) [][]byte {
	room := int(mtu) - vp9Header
	if room <= 0 || len(frame) == 0 {
		return nil
	}
	first := byte(vp9PictureID | vp9Begin)
	if !p.key.Load() {
		first |= vp9Predicted
	}
	var out [][]byte
	for len(frame) > 0 {
		n := min(room, len(frame))
		if n == len(frame) {
			first |= vp9End
		}
		packet := append(make([]byte, 0, vp9Header+n), first, 0x80|byte(p.picture>>8), byte(p.picture))
		out = append(out, append(packet, frame[:n]...))
		frame = frame[n:]
		first &^= vp9Begin
	}
	p.picture = (p.picture + 1) & 0x7fff
	return out
}

// option makes a track use it.
func (p *vp9Payloader) option() func(*webrtc.TrackLocalStaticRTP) {
	return webrtc.WithPayloader(func(webrtc.RTPCodecCapability) (rtp.Payloader, error) { return p, nil })
}

// vp9Key reports whether a frame of profile 0 stands alone (VP9 bitstream
// specification §6.2: not shown again, frame_type 0).
func vp9Key(frame []byte) bool { return len(frame) > 0 && frame[0]&0x0c == 0 }
