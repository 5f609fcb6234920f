package peer_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// noise is the same bytes for everybody who asks for so many, without a copy.
type noise int64

func (n noise) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		if off+int64(i) >= int64(n) {
			return i, io.EOF
		}
		at := uint64(off + int64(i))
		b[i] = byte(at ^ at>>8 ^ at>>16)
	}
	return len(b), nil
}

func noiseOf(size int64) files.File {
	return files.File{Name: "noise.bin", Size: size, Data: noise(size)}
}

func hashOf(t *testing.T, r io.Reader) (sum [32]byte) {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// arrived fails unless the file at path is the noise of this size.
func arrived(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if hashOf(t, f) != hashOf(t, io.NewSectionReader(noise(size), 0, size)) {
		t.Errorf("%s holds other bytes than were sent", path)
	}
}

// saving makes both parties take all files without a question.
func saving(t *testing.T) func(*peer.Config) {
	return func(c *peer.Config) {
		folder, err := files.OpenFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = folder.Close() })
		c.Files, c.AcceptFiles = folder, sealed.LimitFileBytes
	}
}

// The media connection is replaced three times while files go both ways: each goes
// on where it was.
func TestFilesSurviveTheConnection(t *testing.T) {
	s := testkit.StartServer(t)
	host, guest := s.Live(saving(t))
	const size = 24 << 20
	host.SendFile(noiseOf(size))
	guest.SendFile(noiseOf(size + 1))
	for i := range 3 {
		for _, p := range []*testkit.Party{host, guest} {
			testkit.Await(p, func(e peer.FileProgress) bool { return e.Mine && e.Done > int64(i)*size/4 && e.Done < size })
		}
		host.CutMedia()
		testkit.AwaitLive(host, guest)
	}
	for _, p := range []*testkit.Party{host, guest} {
		for range 2 {
			e := testkit.Await[peer.FileEnded](p, nil)
			if e.Reason != sealed.FileStopReasonDone || e.Problem != "" || e.Done != e.Size {
				t.Errorf("%s: %+v", p.Name, e)
			}
			if !e.Mine {
				arrived(t, e.Path, e.Size)
			}
		}
	}
}

// Whoever hangs up in the middle is told, and so is the other; no part stays.
func TestCallEndsWhileAFileComes(t *testing.T) {
	s := testkit.StartServer(t)
	dir := t.TempDir()
	host, guest := s.Live(func(c *peer.Config) {
		folder, err := files.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = folder.Close() })
		c.Files = folder
	})
	id := host.SendFile(noiseOf(1 << 30))
	testkit.Await[peer.FileOffered](guest, nil)
	guest.AcceptFile(id)
	testkit.Await[peer.FileProgress](guest, nil)
	guest.Hangup()
	for _, p := range []*testkit.Party{host, guest} {
		e := testkit.Await[peer.FileEnded](p, nil)
		if e.Reason != sealed.FileStopReasonFailed || e.Problem != files.ProblemOver {
			t.Errorf("%s: %+v", p.Name, e)
		}
		testkit.AwaitEnd(p)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A party that sends frames of its own making on the channel for files ends the
// call, as one that forges words does.
func TestForgedFileFrames(t *testing.T) {
	forged := make([]byte, 100)
	for i := range forged {
		forged[i] = byte(rand.Uint32())
	}
	forged[0] = 0x11
	for name, frame := range map[string][]byte{"forged": forged, "empty": {}, "too long": make([]byte, files.MaxChunk+65)} {
		t.Run(name, func(t *testing.T) {
			s := testkit.StartServer(t)
			host, guest := s.Live(saving(t))
			guest.SendRaw(frame)
			if e := testkit.AwaitEnd(host); e.Code != "E_SEQ" {
				t.Errorf("host ended with %q (%v)", e.Code, e.Err)
			}
			testkit.AwaitEnd(guest)
		})
	}
}
