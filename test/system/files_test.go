package system

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// folder makes a party store files in a directory of the test.
func folder(t *testing.T, dir string, accept int64) func(*peer.Config) {
	return func(c *peer.Config) {
		f, err := files.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		c.Files, c.AcceptFiles = f, accept
	}
}

func bytesOf(size int) []byte {
	out := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(size)})
	_, _ = source.Read(out) // never fails
	return out
}

// Files go both ways, under safe names, beside talk and picture.
func TestFiles(t *testing.T) {
	s := testkit.StartServer(t)
	dir := t.TempDir()
	host, guest := s.Live(folder(t, dir, 0))
	up, down := bytesOf(3_000_000), bytesOf(2_000_001)
	first := guest.SendFile(files.File{Name: "../../a\u202e.txt", Size: int64(len(up)), Data: bytes.NewReader(up)})
	offer := testkit.Await(host, func(e peer.FileOffered) bool { return !e.Mine })
	if offer.Name != "a.txt" || offer.Size != int64(len(up)) || offer.ID != first || offer.CanRun {
		t.Errorf("offered: %+v", offer)
	}
	host.AcceptFile(first)
	host.Chat("meanwhile")
	said(t, host, guest, "meanwhile")
	second := host.SendFile(files.File{Name: "a.txt", Size: int64(len(down)), Data: bytes.NewReader(down)})
	testkit.Await(guest, func(e peer.FileOffered) bool { return !e.Mine && e.ID == second })
	testkit.Await(host, func(e peer.FileEnded) bool { return e.ID == first && e.Reason == sealed.FileStopReasonDone })
	guest.AcceptFile(second)
	for _, tt := range []struct {
		p    *testkit.Party
		id   string
		name string
		want []byte
	}{{host, first, "a.txt", up}, {guest, second, "a (1).txt", down}} {
		if tt.p == guest {
			e := testkit.Await(guest, func(e peer.FileEnded) bool { return e.ID == second })
			if e.Reason != sealed.FileStopReasonDone || e.Path != filepath.Join(dir, tt.name) {
				t.Errorf("%+v", e)
			}
		}
		if got, err := os.ReadFile(filepath.Join(dir, tt.name)); err != nil || !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %d bytes, %v", tt.name, len(got), err)
		}
	}
	third := host.SendFile(files.File{Name: "b", Size: 1, Data: bytes.NewReader(up)})
	testkit.Await(guest, func(e peer.FileOffered) bool { return e.ID == third })
	guest.StopFile(third)
	testkit.Await(host, func(e peer.FileEnded) bool { return e.ID == third && e.Reason == sealed.FileStopReasonDeclined })
}

// Keys are renewed again and again while files go both ways: nothing of them is
// lost.
func TestRekeyUnderFiles(t *testing.T) {
	s := testkit.StartServer(t)
	adjust := folder(t, t.TempDir(), sealed.LimitFileBytes)
	host, guest := s.Live(func(c *peer.Config) {
		c.RekeyEvery = 1200 * time.Millisecond
		adjust(c)
	})
	data := bytesOf(10_000_000)
	for epoch := uint16(1); epoch <= 3; {
		for _, p := range []*testkit.Party{host, guest} {
			p.SendFile(files.File{Name: fmt.Sprintf("%s-%d", p.Name, epoch), Size: int64(len(data)), Data: bytes.NewReader(data)})
		}
		for _, p := range []*testkit.Party{host, guest} {
			for range 2 {
				e := testkit.Await[peer.FileEnded](p, nil)
				if e.Reason != sealed.FileStopReasonDone {
					t.Fatalf("%s: %+v", p.Name, e)
				}
			}
		}
		for testkit.Seen(host, func(e peer.Rekeyed) bool { return e.Epoch >= epoch }) {
			epoch++
		}
	}
}
