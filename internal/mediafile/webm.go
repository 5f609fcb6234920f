package mediafile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// How a WebM file is cut into clusters. A block's time is 16 bits of
// milliseconds relative to its cluster, so clusterMax must stay under 32 s.
const (
	clusterMin   = 900 * time.Millisecond // a key frame after this starts a new cluster
	clusterMax   = 5 * time.Second        // anything after this does
	clusterBytes = 8 << 20                // and so does this much, which bounds memory
)

// webmHeader is the space kept at the front for SeekHead, Info and Tracks.
// They are written again when a track appears and on Close.
const webmHeader = 512

const (
	trackVideo = 1
	trackAudio = 2
)

// ErrClosed is returned by writes to a closed [WebM].
var ErrClosed = errors.New("file already closed")

// WebM writes one video and one Opus track to a file. A track exists from its
// first frame on; a file with only one of them, or none, is valid too. What
// was written more than a few seconds ago survives a crash; duration and
// index need [WebM.Close]. It is safe for concurrent use.
type WebM struct {
	mu     sync.Mutex
	file   webmFile
	closed bool
	err    error // the first write error; final

	origin   int64  // where the content of the segment starts
	end      int64  // where the next cluster goes
	codec    string // of the video track; empty until its first key frame
	width    int
	height   int
	channels int // of the audio track; 0 until its first packet

	open    bool          // a cluster is being filled
	start   time.Duration // of that cluster
	cue     byte          // track that starts it, if one may seek there
	blocks  []byte
	cues    []byte
	last    [3]time.Duration // by track number
	length  time.Duration
	skipped uint64
}

type webmFile interface {
	io.WriterAt
	io.Closer
}

// CreateWebM creates the file at path. One that exists already stays as it is: a
// recording cannot be made again.
func CreateWebM(path string) (*WebM, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w, err := newWebM(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), f.Close())
	}
	return w, nil
}

func newWebM(f webmFile) (*WebM, error) {
	w := &WebM{file: f}
	head := element(idEBML,
		uintElement(idEBMLVersion, 1), uintElement(idEBMLReadVersion, 1),
		uintElement(idEBMLMaxIDLength, 4), uintElement(idEBMLMaxSizeLength, 8),
		stringElement(idDocType, "webm"),
		uintElement(idDocTypeVersion, 4), uintElement(idDocTypeReadVersion, 2))
	head = appendID(head, idSegment)
	head = binary.BigEndian.AppendUint64(head, unknownSize)
	w.origin = int64(len(head))
	w.end = w.origin + webmHeader
	if _, err := f.WriteAt(head, 0); err != nil {
		return nil, err
	}
	return w, w.writeHeader(0)
}

// WriteVideo writes one whole frame at its time since the start of the file.
// codec is [VP8] or [VP9] and must stay the same. Frames before the first key
// frame are dropped. A time earlier than that of the frame before is taken to
// be the same.
func (w *WebM) WriteVideo(codec string, at time.Duration, frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(len(frame), LimitFrameBytes); err != nil {
		return err
	}
	if codec != VP8 && codec != VP9 {
		return fmt.Errorf("write video: codec %q", codec)
	}
	if w.codec != "" && w.codec != codec {
		return fmt.Errorf("write video: codec changed from %s to %s", w.codec, codec)
	}
	key := keyFrame(codec, frame)
	if w.codec == "" {
		width, height, ok := 0, 0, false
		if key {
			width, height, ok = frameSize(codec, frame)
		}
		if !ok {
			w.skipped++
			return nil
		}
		w.codec, w.width, w.height = codec, width, height
		if err := w.fail(w.writeHeader(0)); err != nil {
			return err
		}
	}
	return w.block(trackVideo, at, 0, key, frame)
}

// WriteAudio writes one Opus packet at its time since the start of the file.
// A time earlier than that of the packet before is taken to be the same.
func (w *WebM) WriteAudio(at time.Duration, packet []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(len(packet), LimitPacketBytes); err != nil {
		return err
	}
	lasts, err := opusDuration(packet)
	if err != nil {
		return fmt.Errorf("write audio: %w", err)
	}
	if w.channels == 0 {
		w.channels = 1 + int(packet[0]>>2&1) // RFC 6716 §3.1: the stereo flag
		if err := w.fail(w.writeHeader(0)); err != nil {
			return err
		}
	}
	return w.block(trackAudio, at, lasts, true, packet)
}

// Skipped returns how many video frames were dropped for want of a key frame.
func (w *WebM) Skipped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.skipped
}

// Close writes what is left, the index and the duration. Later calls return nil.
func (w *WebM) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return errors.Join(w.finish(), w.file.Close())
}

func (w *WebM) finish() error {
	if w.err != nil {
		return nil // already reported; the file is as good as it gets
	}
	if err := w.flush(); err != nil {
		return err
	}
	var index int64
	if len(w.cues) > 0 {
		index = w.end - w.origin
		cues := element(idCues, w.cues)
		if _, err := w.file.WriteAt(cues, w.end); err != nil {
			return fmt.Errorf("write index: %w", err)
		}
		w.end += int64(len(cues))
	}
	size := binary.BigEndian.AppendUint64(nil, 1<<56|uint64(w.end-w.origin))
	if _, err := w.file.WriteAt(size, w.origin-8); err != nil {
		return fmt.Errorf("write size: %w", err)
	}
	return w.writeHeader(index)
}

func (w *WebM) usable(n, limit int) error {
	switch {
	case w.closed:
		return ErrClosed
	case w.err != nil:
		return w.err
	case n == 0 || n > limit:
		return fmt.Errorf("write: frame of %d bytes, want 1 to %d", n, limit)
	}
	return nil
}

func (w *WebM) fail(err error) error {
	if err != nil {
		w.err = err
	}
	return err
}

func (w *WebM) block(track byte, at, lasts time.Duration, key bool, data []byte) error {
	if lasts == 0 { // a video frame: as long as the one before it
		lasts = max(at-w.last[track], 0)
	}
	at = max(at, w.last[track])
	w.last[track] = at
	w.length = max(w.length, at+lasts)

	age := at - w.start
	seekable := key && (track == trackVideo || w.codec == "")
	if !w.open || age >= clusterMax || age >= clusterMin && seekable && track == trackVideo ||
		len(w.blocks)+len(data) > clusterBytes {
		if err := w.fail(w.flush()); err != nil {
			return err
		}
		w.open, w.start, w.cue = true, at, 0
		if seekable {
			w.cue = track
		}
	}
	var flags byte
	if key {
		flags = 0x80
	}
	// A block of the other track may be older than the cluster: negative.
	relative := int16(max(millis(at)-millis(w.start), -1<<15))
	head := []byte{0x80 | track, byte(uint16(relative) >> 8), byte(relative), flags}
	w.blocks = append(w.blocks, element(idSimpleBlock, head, data)...)
	return nil
}

// millis rounds: frames of 1/15 s must not come out a millisecond early.
func millis(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// flush writes the open cluster.
func (w *WebM) flush() error {
	if !w.open {
		return nil
	}
	cluster := element(idCluster, uintElement(idTimecode, uint64(millis(w.start))), w.blocks)
	if _, err := w.file.WriteAt(cluster, w.end); err != nil {
		return fmt.Errorf("write cluster: %w", err)
	}
	if w.cue != 0 {
		w.cues = append(w.cues, element(idCuePoint,
			uintElement(idCueTime, uint64(millis(w.start))),
			element(idCueTrackPositions,
				uintElement(idCueTrack, uint64(w.cue)),
				uintElement(idCueClusterPosition, uint64(w.end-w.origin))))...)
	}
	w.end += int64(len(cluster))
	w.open, w.blocks = false, w.blocks[:0]
	return nil
}

// writeHeader fills the space kept at the front. index is the place of the
// cues in the segment, or 0.
func (w *WebM) writeHeader(index int64) error {
	var head []byte
	if index > 0 {
		id := appendID(nil, idCues)
		head = element(idSeekHead, element(idSeek, element(idSeekID, id), uintElement(idSeekPosition, uint64(index))))
	}
	info := [][]byte{
		uintElement(idTimecodeScale, uint64(time.Millisecond)),
		stringElement(idMuxingApp, "visavis"), stringElement(idWritingApp, "visavis"),
	}
	if w.length > 0 {
		info = append(info, floatElement(idDuration, float64(millis(w.length))))
	}
	head = append(head, element(idInfo, info...)...)
	head = append(head, element(idTracks, w.tracks()...)...)
	head = append(head, voidElement(webmHeader-len(head))...)
	if _, err := w.file.WriteAt(head, w.origin); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	return nil
}

func (w *WebM) tracks() [][]byte {
	var out [][]byte
	if w.codec != "" {
		id := "V_VP8"
		if w.codec == VP9 {
			id = "V_VP9"
		}
		out = append(out, element(idTrackEntry,
			uintElement(idTrackNumber, trackVideo), uintElement(idTrackUID, trackVideo),
			uintElement(idTrackType, 1), stringElement(idCodecID, id),
			element(idVideo, uintElement(idPixelWidth, uint64(w.width)), uintElement(idPixelHeight, uint64(w.height)))))
	}
	if w.channels != 0 {
		out = append(out, element(idTrackEntry,
			uintElement(idTrackNumber, trackAudio), uintElement(idTrackUID, trackAudio),
			uintElement(idTrackType, 2), stringElement(idCodecID, "A_OPUS"),
			element(idCodecPrivate, opusHead(w.channels)),
			uintElement(idSeekPreRoll, uint64(80*time.Millisecond)), // RFC 7845 §4.6
			element(idAudio, floatElement(idSamplingFrequency, 48_000), uintElement(idChannels, uint64(w.channels)))))
	}
	return out
}

// opusHead is the identification header of RFC 7845 §5.1: version 1, no
// pre-skip, 48 kHz, no gain, mapping family 0.
func opusHead(channels int) []byte {
	head := append([]byte("OpusHead"), 1, byte(channels), 0, 0)
	head = binary.LittleEndian.AppendUint32(head, 48_000)
	return append(head, 0, 0, 0)
}
