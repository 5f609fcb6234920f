package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/visavis-call/visavis/internal/mediafile"
	"github.com/visavis-call/visavis/peer"
)

// videoSource and audioSource play files to a call.
type videoSource struct{ *mediafile.IVF }

func (v videoSource) Codec() peer.Codec { return peer.Codec(v.IVF.Codec()) }

func (v videoSource) Next() (peer.Frame, error) {
	f, err := v.IVF.Next()
	return peer.Frame{Data: f.Data, Duration: f.Duration}, err
}

type audioSource struct{ *mediafile.Ogg }

func (audioSource) Codec() peer.Codec { return peer.CodecOpus }

func (a audioSource) Next() (peer.Frame, error) {
	p, err := a.Ogg.Next()
	return peer.Frame{Data: p.Data, Duration: p.Duration}, err
}

// recorder writes the camera and the microphone of the other party to one file;
// what it shares of its screen is not recorded. RTP gives each track a clock of
// its own, so the tracks are aligned by when each began to arrive.
//
// The file is made when the first frame comes: a call that never takes place
// leaves none behind.
type recorder struct {
	path string

	mu     sync.Mutex      // each track has its own goroutine
	file   *mediafile.WebM // nil until the first frame
	err    error           // the first failure; nothing is written after it
	begun  time.Time
	tracks map[peer.Kind]recorded
}

type recorded struct {
	mid    string
	offset time.Duration
}

func newRecorder(path string) (*recorder, error) {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil, fmt.Errorf("--record %s: the file exists already and is not overwritten; give another name", path)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--record: %w", err)
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--record %s: there is no directory %s", path, dir)
	}
	return &recorder{path: path, tracks: map[peer.Kind]recorded{}}, nil
}

// WriteFrame implements peer.Sink.
func (r *recorder) WriteFrame(track peer.Track, f peer.Frame) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.write(track, f)
	}
	return r.err
}

// Close ends the recording and tells why it is not whole, if it is not.
func (r *recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return r.err
	}
	return errors.Join(r.err, r.file.Close())
}

func (r *recorder) write(track peer.Track, f peer.Frame) (err error) {
	if track.Screen {
		return nil
	}
	if r.file == nil {
		if r.file, err = mediafile.CreateWebM(r.path); err != nil {
			return err
		}
	}
	if r.begun.IsZero() {
		r.begun = time.Now()
	}
	into, ok := r.tracks[track.Kind]
	if !ok {
		into = recorded{track.MID, time.Since(r.begun)}
		r.tracks[track.Kind] = into
	}
	if into.mid != track.MID {
		return nil
	}
	if track.Kind == peer.KindAudio {
		return r.file.WriteAudio(into.offset+f.Time, f.Data)
	}
	return r.file.WriteVideo(string(track.Codec), into.offset+f.Time, f.Data)
}
