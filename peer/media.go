package peer

import "time"

// Kind is the kind of a track.
type Kind string

// The kinds of tracks.
const (
	KindAudio Kind = "audio"
	KindVideo Kind = "video"
)

// Codec is how a track is encoded.
type Codec string

// The codecs a native party sends and receives.
const (
	CodecVP8  Codec = "vp8"
	CodecVP9  Codec = "vp9"
	CodecOpus Codec = "opus"
)

// Frame is one encoded video frame or one Opus packet.
type Frame struct {
	Data     []byte
	Duration time.Duration // until the next frame
	// Time is when a received frame was captured, counted from the first frame
	// of its track. Sources leave it zero.
	Time time.Duration
}

// Source yields the frames of one track in order, without end. It is used by
// one goroutine, which keeps the pace: Next returns at once.
type Source interface {
	Codec() Codec
	Next() (Frame, error)
}

// Track says which of the other party's tracks a frame belongs to.
type Track struct {
	MID    string // "0"…"3" of the media plan; a screen's lines have others
	Kind   Kind
	Codec  Codec
	Screen bool // the picture or the sound of what is shared
}

// Sink takes what the other party sends. It is called from one goroutine per
// track, only after the media connection is bound to the handshake. An error
// ends the delivery of that track, not the call.
type Sink interface {
	WriteFrame(Track, Frame) error
}
