//go:build linux

package scan

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"testing"
	"unicode/utf16"
)

// marker is something that was planted and is looked for, in every form in which
// a program might keep it.
type marker struct {
	name  string
	forms [][]byte
}

// secret is a marker of bytes: as they are, in hex, in base64.
func secret(name string, value []byte) marker {
	forms := [][]byte{value, []byte(hex.EncodeToString(value)), fmt.Appendf(nil, "%X", value)}
	for _, coding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
		forms = append(forms, base64Forms(coding, value)...)
	}
	return marker{name, distinct(forms)}
}

// base64Forms is value as it looks in the middle of something longer: it may
// begin at any of three positions of a group, and the characters that it shares
// with its neighbors are left out.
func base64Forms(coding *base64.Encoding, value []byte) [][]byte {
	var forms [][]byte
	for before := range 3 {
		text := coding.EncodeToString(append(make([]byte, before), value...))
		first := (before*8 + 5) / 6 // the first character that holds nothing of what is before
		last := (before + len(value)) * 8 / 6
		forms = append(forms, []byte(text[first:last]))
	}
	return forms
}

// words is a marker of text, which may also be escaped or in UTF-16.
func words(name, text string) marker {
	m := secret(name, []byte(text))
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	m.forms = distinct(append(m.forms, bytes.Trim(quoted, `"`), wide, []byte(url.QueryEscape(text)), []byte(url.PathEscape(text))))
	return m
}

func distinct(forms [][]byte) [][]byte {
	slices.SortFunc(forms, bytes.Compare)
	return slices.CompactFunc(forms, bytes.Equal)
}

// text is a text that exists nowhere else.
func text(about string) string { return about + " ünd " + rand.Text() }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

const (
	chunk = 1 << 20
	block = 4 << 10
)

// finder looks for many markers at once.
type finder struct {
	byStart [1 << 16][]needle // by the first two bytes
	longest int
}

type needle struct {
	name  string
	bytes []byte
}

func newFinder(markers []marker) *finder {
	f := &finder{}
	for _, m := range markers {
		for _, form := range m.forms {
			start := binary.LittleEndian.Uint16(form)
			f.byStart[start] = append(f.byStart[start], needle{m.name, form})
			f.longest = max(f.longest, len(form))
		}
	}
	return f
}

// read returns the names of the markers in r. It holds one chunk at a time, and
// enough of the one before to see what lies across.
func (f *finder) read(r io.Reader) (map[string]bool, error) {
	found := map[string]bool{}
	window := make([]byte, 0, chunk+f.longest)
	for {
		n, err := io.ReadFull(r, window[len(window):len(window)+chunk])
		window = window[:len(window)+n]
		f.search(window, found)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return found, nil
		default:
			return found, err
		}
		tail := window[max(0, len(window)-f.longest):]
		window = window[:copy(window[:cap(window)], tail)]
	}
}

// search is not watched by the race detector: it alone reads window, hundreds of
// megabytes of it.
//
//go:norace
func (f *finder) search(window []byte, found map[string]bool) {
	skippable := f.byStart[0] == nil
	for i := 0; i+1 < len(window); i++ {
		if skippable && i+8 <= len(window) && binary.LittleEndian.Uint64(window[i:]) == 0 { // most memory is empty
			i += 6 // the last zero may be followed by something
			continue
		}
		for _, n := range f.byStart[binary.LittleEndian.Uint16(window[i:])] {
			if bytes.HasPrefix(window[i:], n.bytes) {
				found[n.name] = true
			}
		}
	}
}

// A scan that finds nothing proves something only if it finds what is there.
func TestFinder(t *testing.T) {
	value := random(32)
	value[0], value[31] = 0xfb, 0 // base64 with - and +; an end that looks empty
	bare, said := secret("bare", value), words("said", text("said"))
	f := newFinder([]marker{bare, said, secret("absent", random(32))})
	for _, m := range []marker{bare, said} {
		for _, form := range m.forms {
			for _, at := range []int{0, 1, block - 1, chunk - 1, chunk - len(form) + 1, chunk, 2*chunk - 3, 3*chunk - len(form)} {
				hay := make([]byte, 3*chunk)
				copy(hay[at:], form)
				found, err := f.read(bytes.NewReader(hay[:min(len(hay), at+len(form)+7)]))
				if complete := at+len(form) <= len(hay); err != nil || complete && (len(found) != 1 || !found[m.name]) {
					t.Errorf("%s: form %q at %d: found %v, %v", m.name, form, at, found, err)
				}
			}
		}
	}
	for before := range 4 {
		for after := range 4 {
			hidden := slices.Concat(random(before), value, random(after))
			for _, coding := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
				found, err := f.read(bytes.NewReader([]byte(coding.EncodeToString(hidden))))
				if err != nil || !found["bare"] || len(found) != 1 {
					t.Errorf("base64 with %d bytes before and %d after: found %v, %v", before, after, found, err)
				}
			}
		}
	}
}
