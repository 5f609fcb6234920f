package files_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/files"
)

// TestNames reads what the browser's engine reads too.
func TestNames(t *testing.T) {
	data, err := os.ReadFile("../../protocol/testdata/vectors/filenames.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Safe string
		Runs       bool
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		if got := files.SafeName(v.Name, peer.CleanLine); got != v.Safe {
			t.Errorf("%q is stored as %q, want %q", v.Name, got, v.Safe)
		}
		if got := files.CanRun(v.Safe); got != v.Runs {
			t.Errorf("%q can run: %v, want %v", v.Safe, got, v.Runs)
		}
	}
}

// A file system counts bytes, not letters.
func TestLongNames(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("📄", 118) + ".md":     strings.Repeat("📄", 59) + ".md",
		strings.Repeat("é", 119):             strings.Repeat("é", 119),
		"a." + strings.Repeat("ж", 500):      "a." + strings.Repeat("ж", 118),
		strings.Repeat("x", 119) + ".tar.gz": strings.Repeat("x", 117) + ".gz",
	} {
		got := files.SafeName(name, peer.CleanLine)
		if got != want {
			t.Errorf("%q is stored as %q, want %q", name, got, want)
		}
		if len(got) > files.LimitNameBytes {
			t.Errorf("%q has %d bytes", got, len(got))
		}
	}
}

// Whatever a stranger calls a file: it is stored in the folder, is seen there and is no device.
func FuzzSafeName(f *testing.F) {
	f.Add("../../etc/passwd")
	f.Add("COM1.txt")
	f.Add("a\u202etxt.exe\x00")
	f.Add(strings.Repeat("é", 300) + ".tar.gz")
	device := regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)
	f.Fuzz(func(t *testing.T, stranger string) {
		name := files.SafeName(stranger, peer.CleanLine)
		if name == "" || name[0] == '.' || len(name) > files.LimitNameBytes || strings.ContainsAny(name, "/\\:<>|?*\"\x00\n") || device.MatchString(name) {
			t.Errorf("%q is stored as %q", stranger, name)
		}
	})
}
