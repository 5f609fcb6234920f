package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsNameEveryID compares the ids in this package's source with those of
// docs/operating.md, both ways.
func TestDocsNameEveryID(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	const area = `(port|metrics|firewall|address|nat|dns|https|ways|cert|proxy|hairpin|clock|kernel|data|via|outside)`
	_, section, _ := strings.Cut(string(page), "| Ids | What is looked at |")
	section, _, _ = strings.Cut(section, "## Health")
	var told []string
	for row := range strings.Lines(section) {
		for _, m := range regexp.MustCompile("`([a-z_0-9.]+)`").FindAllStringSubmatch(row, -1) {
			if strings.HasPrefix(row, "| `outside.*`") {
				m[1] = "outside." + m[1]
			}
			if regexp.MustCompile(`^` + area + `(\.[a-z0-9_]+)?$`).MatchString(m[1]) {
				told = append(told, m[1])
			}
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(`+area+`\.[a-z0-9_]+)"|(?:good|warn|bad)\("([a-z]+)"`).FindAllStringSubmatch(string(source), -1) {
			used = append(used, m[1]+m[3])
		}
	}
	for _, id := range used {
		if !slices.Contains(told, id) {
			t.Errorf("docs/operating.md does not name %s", id)
		}
	}
	for _, id := range told {
		if !slices.Contains(used, id) {
			t.Errorf("docs/operating.md names %s, which there is not", id)
		}
	}
	if len(used) < 40 {
		t.Errorf("found only %d ids", len(used))
	}
}
