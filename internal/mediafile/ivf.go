package mediafile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// Layout of an IVF file: https://wiki.multimedia.cx/index.php/IVF
const (
	ivfHeaderSize      = 32
	ivfFrameHeaderSize = 12
)

// IVF is an endless source of video frames. Create it with [OpenIVF].
type IVF struct {
	file   io.ReadSeekCloser
	in     *bufio.Reader
	codec  string
	width  int
	height int
	unit   [2]uint64 // one tick of a timestamp is unit[0]/unit[1] seconds
	start  int64     // offset of the first frame

	next ivfFrame // read ahead, because only it tells how long a frame lasts
	last time.Duration
}

type ivfFrame struct {
	data []byte
	pts  uint64
}

// OpenIVF opens the file at path and reads its first frame, which must be a key frame.
func OpenIVF(path string) (*IVF, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	v, err := newIVF(f)
	if err != nil {
		_ = f.Close() // opened for reading only
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return v, nil
}

func newIVF(f io.ReadSeekCloser) (*IVF, error) {
	v := &IVF{file: f, in: bufio.NewReaderSize(f, 64<<10)}
	var h [ivfHeaderSize]byte
	if _, err := io.ReadFull(v.in, h[:]); err != nil {
		return nil, fmt.Errorf("%w: IVF header: %w", ErrFormat, err)
	}
	if string(h[:4]) != "DKIF" {
		return nil, fmt.Errorf("%w: not an IVF file", ErrFormat)
	}
	switch fourCC := string(h[8:12]); fourCC {
	case "VP80":
		v.codec = VP8
	case "VP90":
		v.codec = VP9
	default:
		return nil, fmt.Errorf("%w: IVF codec %q, want VP80 or VP90", ErrFormat, fourCC)
	}
	v.width = int(binary.LittleEndian.Uint16(h[12:]))
	v.height = int(binary.LittleEndian.Uint16(h[14:]))
	v.unit = [2]uint64{uint64(binary.LittleEndian.Uint32(h[20:])), uint64(binary.LittleEndian.Uint32(h[16:]))}
	if v.unit[0] == 0 || v.unit[1] == 0 {
		return nil, fmt.Errorf("%w: IVF time base %d/%d", ErrFormat, v.unit[0], v.unit[1])
	}
	v.start = int64(binary.LittleEndian.Uint16(h[6:]))
	if v.start < ivfHeaderSize {
		return nil, fmt.Errorf("%w: IVF header length %d", ErrFormat, v.start)
	}
	v.last = time.Second / 30 // until two timestamps have been seen
	if err := v.rewind(); err != nil {
		return nil, err
	}
	if !keyFrame(v.codec, v.next.data) {
		return nil, fmt.Errorf("%w: the first frame is not a key frame", ErrFormat)
	}
	return v, nil
}

// Codec returns [VP8] or [VP9].
func (v *IVF) Codec() string { return v.codec }

// Size returns the picture's width and height as the file header claims them.
func (v *IVF) Size() (width, height int) { return v.width, v.height }

// Next returns the next frame. After the last one comes the first one again.
func (v *IVF) Next() (VideoFrame, error) {
	frame := v.next
	out := VideoFrame{Data: frame.data, Key: keyFrame(v.codec, frame.data)}
	err := v.read()
	switch {
	case errors.Is(err, io.EOF):
		if err := v.rewind(); err != nil {
			return VideoFrame{}, err
		}
	case err != nil:
		return VideoFrame{}, err
	default:
		if v.last, err = v.between(frame.pts, v.next.pts); err != nil {
			return VideoFrame{}, err
		}
	}
	out.Duration = v.last // of the last frame: as long as the one before it
	return out, nil
}

// Close closes the file.
func (v *IVF) Close() error { return v.file.Close() }

func (v *IVF) rewind() error {
	if _, err := v.file.Seek(v.start, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	v.in.Reset(v.file)
	if err := v.read(); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: IVF without frames", ErrFormat)
		}
		return err
	}
	return nil
}

// read fills next. It returns io.EOF at the end of the file.
func (v *IVF) read() error {
	var h [ivfFrameHeaderSize]byte
	if _, err := io.ReadFull(v.in, h[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("%w: IVF frame header: %w", ErrFormat, err)
	}
	size := binary.LittleEndian.Uint32(h[:])
	if size == 0 || size > LimitFrameBytes {
		return fmt.Errorf("%w: IVF frame of %d bytes", ErrFormat, size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(v.in, data); err != nil {
		return fmt.Errorf("%w: IVF frame cut short: %w", ErrFormat, noEOF(err))
	}
	v.next = ivfFrame{data, binary.LittleEndian.Uint64(h[4:])}
	return nil
}

func (v *IVF) between(from, to uint64) (time.Duration, error) {
	if to <= from {
		return 0, fmt.Errorf("%w: IVF timestamp %d after %d", ErrFormat, to, from)
	}
	seconds := float64(to-from) * float64(v.unit[0]) / float64(v.unit[1])
	if seconds > LimitDuration.Seconds() {
		return 0, fmt.Errorf("%w: IVF frame of %.0f s", ErrFormat, seconds)
	}
	return max(time.Duration(math.Round(seconds*float64(time.Second))), time.Millisecond), nil
}

// noEOF keeps a file that ends in the middle of something from looking like
// one that ended where it should.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
