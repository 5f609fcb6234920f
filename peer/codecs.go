package peer

import (
	"fmt"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

// RTP clock rates: RFC 7741 §4.1 and RFC 9628 §4.1 for video, RFC 7587 §4.1 for Opus.
const (
	videoClock = 90_000
	audioClock = 48_000
)

// registerCodecs registers Opus, VP9 (profile 0) and VP8 with retransmission.
func registerCodecs(media *webrtc.MediaEngine) error {
	feedback := []webrtc.RTCPFeedback{
		{Type: "nack"},
		{Type: "nack", Parameter: "pli"},
		{Type: "ccm", Parameter: "fir"},
	}
	for _, codec := range []struct {
		kind       webrtc.RTPCodecType
		parameters webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{RTPCodecCapability: opus(), PayloadType: 111}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: vp9(feedback), PayloadType: 98}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: rtx(98), PayloadType: 99}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: vp8(feedback), PayloadType: 96}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: rtx(96), PayloadType: 97}},
	} {
		if err := media.RegisterCodec(codec.parameters, codec.kind); err != nil {
			return fmt.Errorf("register %s: %w", codec.parameters.MimeType, err)
		}
	}
	return nil
}

func opus() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: audioClock, Channels: 2,
		SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
}

func vp8(feedback []webrtc.RTCPFeedback) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock, RTCPFeedback: feedback}
}

func vp9(feedback []webrtc.RTCPFeedback) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP9, ClockRate: videoClock,
		SDPFmtpLine: "profile-id=0", RTCPFeedback: feedback,
	}
}

func rtx(of int) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeRTX, ClockRate: videoClock,
		SDPFmtpLine: fmt.Sprintf("apt=%d", of),
	}
}

// capability is what a local track of codec announces.
func capability(codec Codec) (webrtc.RTPCodecCapability, error) {
	switch codec {
	case CodecOpus:
		return opus(), nil
	case CodecVP8:
		return vp8(nil), nil
	case CodecVP9:
		return vp9(nil), nil
	}
	return webrtc.RTPCodecCapability{}, fmt.Errorf("codec %q is not one of opus, vp8, vp9", codec)
}

// codecOf names the codec of a remote track, "" if it is not one of ours.
func codecOf(mime string) Codec {
	switch {
	case strings.EqualFold(mime, webrtc.MimeTypeOpus):
		return CodecOpus
	case strings.EqualFold(mime, webrtc.MimeTypeVP8):
		return CodecVP8
	case strings.EqualFold(mime, webrtc.MimeTypeVP9):
		return CodecVP9
	}
	return ""
}

// depacketizer returns what puts packets of codec together, and their clock.
func depacketizer(codec Codec) (rtp.Depacketizer, uint32) {
	switch codec {
	case CodecVP8:
		return &codecs.VP8Packet{}, videoClock
	case CodecVP9:
		return &codecs.VP9Packet{}, videoClock
	default:
		return &codecs.OpusPacket{}, audioClock
	}
}

// plainFP is a fingerprint as the sdp message carries it: lower case, no colons.
func plainFP(value string) string {
	return strings.ToLower(strings.ReplaceAll(value, ":", ""))
}
