package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// maxNumber is how many files of one name a folder takes.
const maxNumber = 999

// Folder is a directory that received files go to. Nothing in it is ever
// overwritten: a second a.txt becomes "a (1).txt". What is not complete has a
// hidden name, and is removed when it will not be completed.
type Folder struct{ root *os.Root }

// OpenFolder opens an existing directory. Close it after the call.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{root}
	probe, name, err := f.temporary(rand.Text())
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if err := errors.Join(probe.Close(), root.Remove(name)); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// Close lets go of the directory.
func (f *Folder) Close() error { return f.root.Close() }

func (f *Folder) temporary(id string) (*os.File, string, error) {
	name := ".visavis-" + id + ".part"
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return file, name, err
}

// Create implements [Store]. The id is of the protocol's alphabet, which has no
// dots and no slashes.
func (f *Folder) Create(id, name string) (Sink, error) {
	file, temporary, err := f.temporary(id)
	if err != nil {
		return nil, err
	}
	return &part{Writer: file, file: file, folder: f, temporary: temporary, name: name}, nil
}

// part is a file that is being received.
type part struct {
	io.Writer
	file            *os.File
	folder          *Folder
	temporary, name string
}

// Finish implements [Sink].
func (p *part) Finish() (path string, err error) {
	if err := errors.Join(p.file.Sync(), p.file.Close()); err != nil {
		return "", err
	}
	name, err := p.folder.reserve(p.name)
	if err != nil {
		return "", err
	}
	if err := p.folder.root.Rename(p.temporary, name); err != nil {
		return "", errors.Join(err, p.folder.root.Remove(name))
	}
	return filepath.Join(p.folder.root.Name(), name), nil
}

// Discard implements [Sink].
func (p *part) Discard() {
	_ = p.file.Close() // it may be closed already
	_ = p.folder.root.Remove(p.temporary)
}

// reserve takes the first free name, with an empty file that is ours, because
// renaming would replace what somebody else puts there meanwhile.
func (f *Folder) reserve(name string) (string, error) {
	ending := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	for i := range maxNumber + 1 {
		if i > 0 {
			name = fmt.Sprintf("%s (%d)%s", stem, i, ending)
		}
		file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return name, file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%d files are called %s", maxNumber+1, name)
}

// Open opens a file to send. It must be a regular one, so that its size is known.
func Open(path string) (File, error) {
	if err := Look(path); err != nil {
		return File{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return File{}, errors.Join(err, f.Close())
	}
	return File{Name: filepath.Base(path), Size: info.Size(), Data: f}, nil
}

// Look fails if a file could not be sent: it is not there, is no regular one, or
// is too large.
func Look(path string) error {
	info, err := os.Stat(path) // not opened: a pipe would wait for a writer
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a regular file", path)
	case info.Size() > sealed.LimitFileBytes:
		return fmt.Errorf("%s: larger than 2 GiB, the most that can be sent", path)
	}
	return nil
}
