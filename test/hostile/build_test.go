package hostile

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Somebody changes one hash of go.sum: the module in question is not built.
func TestTamperedDependency(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.sum" {
			line := regexp.MustCompile(`(?m)^github.com/coder/websocket v\S+ h1:.`)
			if !line.Match(b) {
				t.Fatal("go.sum has no line to change")
			}
			b = line.ReplaceAllFunc(b, func(l []byte) []byte { return append(l[:len(l)-1:len(l)-1], otherThan(l[len(l)-1])) })
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "noweb", "-modfile", filepath.Join(dir, "go.mod"), "-o", os.DevNull, "./cmd/visavis")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
	out, err := build.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "checksum mismatch") {
		t.Errorf("go build said %v: %s", err, out)
	}
	got(t, "A84", "the build refuses")
}

func otherThan(c byte) byte {
	if c == 'A' {
		return 'B'
	}
	return 'A'
}

// Somebody changes one hash of package-lock.json: npm does not take the package.
// Without the change it does.
func TestTamperedPackage(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../web/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]map[string]any `json:"packages"`
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		t.Fatal(err)
	}
	const name = "uqr" // has no dependencies
	entry := lock.Packages["node_modules/"+name]
	hash, ok := entry["integrity"].(string)
	if !ok {
		t.Fatalf("package-lock.json has no hash of %s", name)
	}
	if out, err := install(t, name, entry); err != nil {
		t.Fatalf("npm ci without a change: %v: %s", err, out)
	}
	at := len("sha512-")
	entry["integrity"] = hash[:at] + string(otherThan(hash[at])) + hash[at+1:]
	out, err := install(t, name, entry)
	if err == nil || !strings.Contains(out, "EINTEGRITY") {
		t.Errorf("npm ci said %v: %s", err, out)
	}
	got(t, "A84", "the build refuses")
}

// install runs npm ci for a project that needs nothing but this package.
func install(t *testing.T, name string, entry map[string]any) (string, error) {
	t.Helper()
	dir := t.TempDir()
	needs := map[string]any{name: entry["version"]}
	for file, content := range map[string]any{
		"package.json": map[string]any{"name": "a", "version": "1.0.0", "dependencies": needs},
		"package-lock.json": map[string]any{
			"name": "a", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
			"packages": map[string]any{"": map[string]any{"name": "a", "version": "1.0.0", "dependencies": needs}, "node_modules/" + name: entry},
		},
	} {
		b, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = dir
	out, err := npm.CombinedOutput()
	return string(out), err
}
