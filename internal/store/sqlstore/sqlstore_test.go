package sqlstore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/store"
	"github.com/visavis-call/visavis/internal/store/storetest"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		db := open(t, filepath.Join(t.TempDir(), "a dir? with #odd% letters"))
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	})
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	c := store.Call{ID: protocol.ID{1}, Key: [32]byte{2}, Expires: time.UnixMilli(5_000)}
	db := open(t, dir)
	if _, err := db.Create(t.Context(), c, time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir) // migrates a second time
	defer db.Close()
	got, found, err := db.Lookup(t.Context(), c.ID, time.UnixMilli(0))
	if err != nil || !found || got != c {
		t.Errorf("Lookup = %+v, %v, %v; want %+v", got, found, err, c)
	}
}

// Only the owner can read what is kept, whatever the umask.
func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	db := open(t, dir)
	defer db.Close()
	c := store.Call{ID: protocol.ID{1}, Expires: time.UnixMilli(5_000)}
	if _, err := db.Create(t.Context(), c, time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", d.Name(), got, want)
		}
		seen++
		return nil
	})
	if err != nil || seen < 3 { // directory, database, write-ahead log
		t.Errorf("saw %d files, %v", seen, err)
	}
}

// The key of a call that is over is not left on the disk.
func TestEndedKeyIsErased(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	key := [32]byte([]byte("MARKER-MARKER-MARKER-MARKER-KEY!"))
	c := store.Call{ID: protocol.ID{1}, Key: key, Expires: time.UnixMilli(5_000)}
	if _, err := db.Create(t.Context(), c, time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	if err := db.End(t.Context(), c.ID, time.UnixMilli(1)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil { // the last connection clears the write-ahead log
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, key[:]) {
			t.Errorf("%s holds the key", f.Name())
		}
	}
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(t.Context(), file); err == nil {
		t.Error("opened a file as a directory", db.Close())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte("this is no database, but long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), dir)
	if err == nil {
		t.Fatal("opened rubbish as a database", db.Close())
	}
	if !strings.Contains(err.Error(), filepath.Join(dir, fileName)) {
		t.Errorf("%v: does not name the file", err)
	}
}

// Two servers on one directory would each believe that the calls are theirs.
func TestOneServerPerDirectory(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if second, err := Open(t.Context(), dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		if err == nil {
			_ = second.Close()
		}
		t.Errorf("second server: %v, want %v with the path", err, ErrInUse)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil { // free again
		t.Error(err)
	}
}
