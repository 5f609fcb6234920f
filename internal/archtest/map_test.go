package archtest

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestMap holds the table of folders in ARCHITECTURE.md against the tree: every
// package is in it, by its path or by its last part, and every folder exists.
func TestMap(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n## Where is …\n")
	if !found {
		t.Fatal("the table is not there")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	named := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			named[name[1]] = true
			if _, err := os.Stat("../../" + name[1]); err != nil && strings.Contains(name[1], "/") {
				t.Errorf("%s is in the table and nowhere else", name[1])
			}
		}
		for _, name := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cells[2], -1) {
			named[name[1]] = true // a part of the folder, told beside it
		}
	}
	for _, p := range load(t) {
		at := p.path
		if strings.HasPrefix(at, "test/hostile/") { // its command
			at = path.Dir(at)
		}
		if !named[at] && !named[path.Base(at)] {
			t.Errorf("%s is not in the table of ARCHITECTURE.md", at)
		}
	}
}
