// Package mediafile reads the files a native peer plays (IVF with VP8 or VP9,
// Ogg with Opus), writes the WebM it records, and holds a built-in picture and
// tone for when no file is given.
//
// # Sources
//
// [IVF] and [Ogg] never end: after the last frame they start again with the
// first. They deliver what to send and how long it lasts; the caller paces. A
// source reads its file as it goes and holds one frame in memory.
//
// # Trust
//
// Files are untrusted. Sizes are bounded (see the Limit constants), and a file
// that breaks its format ends in an error that says where.
//
// No type here is safe for concurrent use, except [WebM].
package mediafile

import (
	"bytes"
	_ "embed" // for the built-in picture and tone
	"errors"
	"io"
	"time"
)

// Codecs as [IVF.Codec] returns them and [WebM.WriteVideo] takes them.
const (
	VP8 = "vp8"
	VP9 = "vp9"
)

// Limits of one file.
const (
	LimitFrameBytes  = 4 << 20          // one video frame
	LimitPacketBytes = 61_440           // one Opus packet, RFC 7845 §6
	LimitDuration    = 10 * time.Second // one video frame on screen
)

// Facts of the built-in picture and tone, for whoever checks what arrives.
// Eight bars of [PatternBarWidth] pixels fill the picture down to
// [PatternBarHeight]: white, yellow, cyan, green, magenta, red, blue, black.
// Below them, at 280 pixels from the top, a white square of [PatternBlock]
// pixels moves right by [PatternSpeed] pixels a second on dark grey and
// starts again at the left edge each [PatternLoop].
const (
	PatternWidth     = 640
	PatternHeight    = 360
	PatternFPS       = 15
	PatternBarWidth  = 80
	PatternBarHeight = 264
	PatternBlock     = 64
	PatternSpeed     = 144
	PatternLoop      = 4 * time.Second
	ToneHz           = 660
)

// Made by testdata/make-pattern.sh.
var (
	//go:embed pattern.ivf
	pattern string // a string, so that nobody can change it
	//go:embed tone.ogg
	tone string
)

// ErrFormat is wrapped by every error that is the file's fault.
var ErrFormat = errors.New("malformed media file")

// VideoFrame is one encoded picture.
type VideoFrame struct {
	Data     []byte // owned by the receiver
	Duration time.Duration
	Key      bool // decodable without an earlier frame
}

// AudioPacket is one Opus packet.
type AudioPacket struct {
	Data     []byte // owned by the receiver
	Duration time.Duration
}

// Pattern returns the built-in picture: VP8, 640×360, 15 frames a second, a
// loop of 4 s with a key frame each second.
func Pattern() (*IVF, error) { return newIVF(builtin(pattern)) }

// Tone returns the built-in sound: a 660 Hz sine, mono, in a loop of 4 s.
func Tone() (*Ogg, error) { return newOgg(builtin(tone)) }

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func builtin(s string) io.ReadSeekCloser { return nopCloser{bytes.NewReader([]byte(s))} }
