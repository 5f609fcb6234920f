package hostile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row is complete, no id is there twice, and the test that shows it exists.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Attacks() {
		if seen[a.ID] || a.Does == "" || a.Against == "" || a.Expected == "" {
			t.Errorf("%s is there twice, or not complete", a.ID)
		}
		seen[a.ID] = true
		if len(a.Proofs) == 0 {
			t.Errorf("%s: nothing shows it", a.ID)
		}
		for _, p := range a.Proofs {
			if !exists(t, p) {
				t.Errorf("%s: no %s in %s", a.ID, p.Test, p.Where)
			}
		}
	}
}

func exists(t *testing.T, p Proof) bool {
	t.Helper()
	pattern, text := filepath.Join("../..", "web", p.Where), p.Test
	if p.Runner == Go {
		pattern, text = filepath.Join("../..", p.Where, "*_test.go"), "func "+p.Test+"(t *testing.T)"
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), text) {
			return true
		}
	}
	return false
}

// docs/threat-model.md has the same table.
func TestTableInTheDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Attacks() {
		row := regexp.MustCompile(`(?m)^\| ` + a.ID + ` \| .* \|$`).FindString(string(b))
		if want := "| " + a.ID + " | " + a.Does + " | " + a.Against + " | " + a.Expected + " |"; row != want {
			t.Errorf("docs/threat-model.md says %q, the table %q", row, want)
		}
	}
}
