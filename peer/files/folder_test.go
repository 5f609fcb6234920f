package files

import (
	"os"
	"path/filepath"
	"testing"
)

func receive(t *testing.T, f *Folder, name, text string) string {
	t.Helper()
	sink, err := f.Create(testID(1), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	path, err := sink.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func openFolder(t *testing.T) (*Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// Nothing is overwritten, not even through a link; only this user may read it, and
// nobody may run it.
func TestFolder(t *testing.T) {
	f, dir := openFolder(t)
	outside := filepath.Join(t.TempDir(), "outside")
	for _, path := range []string{outside, filepath.Join(dir, "a.txt")} {
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"a.txt", "a (1).txt"}, {"a.txt", "a (2).txt"}, {"link.txt", "link (1).txt"}, {"README", "README"}, {"README", "README (1)"},
	} {
		path := receive(t, f, tt.name, "theirs")
		if want := filepath.Join(dir, tt.want); path != want {
			t.Errorf("%s is at %s, want %s", tt.name, path, want)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v; want 0600", path, info.Mode(), err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "theirs" {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
	for _, path := range []string{outside, filepath.Join(dir, "a.txt")} {
		if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
}

// What is not complete is hidden, and gone when it is thrown away.
func TestFolderDiscards(t *testing.T) {
	f, dir := openFolder(t)
	sink, err := f.Create(testID(1), "a.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0][0] != '.' {
		t.Errorf("while it comes there is %v", got)
	}
	if _, err := f.Create(testID(1), "b.txt"); err == nil {
		t.Error("two files are written to one place")
	}
	sink.Discard()
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// A store does not leave its directory, whatever it is asked for.
func TestFolderStaysInside(t *testing.T) {
	f, dir := openFolder(t)
	sink, err := f.Create(testID(1), "../escaped")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := sink.Finish(); err == nil {
		t.Errorf("stored at %s", path)
	}
	sink.Discard()
	if got := names(t, filepath.Dir(dir)); len(got) != 1 {
		t.Errorf("outside: %v", got)
	}
	if _, err := OpenFolder(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that does not exist is taken")
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil || f.Name != "a.txt" || f.Size != 5 {
		t.Errorf("%+v, %v", f, err)
	}
	closeData(f.Data)
	for _, bad := range []string{dir, filepath.Join(dir, "missing"), os.DevNull} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%s can be sent", bad)
		}
	}
}
