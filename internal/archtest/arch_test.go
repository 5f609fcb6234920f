package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/visavis-call/visavis/"

// pkg is what go list says about a package, and its parsed files.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Imports    []string

	GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string

	path  string // ImportPath inside the module
	files []file
}

type file struct {
	name string // inside the module
	test bool
	fset *token.FileSet
	ast  *ast.File
}

func (f *file) line(p token.Pos) int { return f.fset.Position(p).Line }

// load runs go list on the whole module and parses all its files.
func load(t *testing.T) []*pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &pkg{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.path = strings.TrimPrefix(p.ImportPath, module)
		p.parse(t, slices.Concat(p.GoFiles, p.IgnoredGoFiles), false)
		p.parse(t, slices.Concat(p.TestGoFiles, p.XTestGoFiles), true)
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

func (p *pkg) parse(t *testing.T, names []string, test bool) {
	t.Helper()
	for _, name := range names {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !ast.IsGenerated(parsed) {
			p.files = append(p.files, file{p.path + "/" + name, test || strings.HasSuffix(name, "_test.go"), fset, parsed})
		}
	}
}

// TestArchitecture goes through every package once for each rule.
func TestArchitecture(t *testing.T) {
	all := load(t)
	for name, rule := range map[string]func(*testing.T, *pkg){
		"imports":   checkImports,
		"doc":       checkDoc,
		"name":      checkName,
		"length":    checkLength,
		"functions": checkFunctions,
		"state":     checkState,
		"logging":   checkLogging,
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range all {
				rule(t, p)
			}
		})
	}
}

func checkImports(t *testing.T, p *pkg) {
	allowed, known := imports()[p.path]
	if !known && !unbound(p.path) {
		t.Errorf("%s: not in the table of imports; say what it may import", p.path)
		return
	}
	small, isSmall := foreign()[p.path]
	for _, imported := range p.Imports {
		ours, isOurs := strings.CutPrefix(imported, module)
		host, _, _ := strings.Cut(imported, "/")
		switch {
		case isOurs && ours == "internal/testkit" && !unbound(p.path):
			t.Errorf("%s imports %s, which is for tests", p.path, ours)
		case isOurs && !unbound(p.path) && ours != "internal/telemetry" && !slices.Contains(allowed, ours):
			t.Errorf("%s must not import %s", p.path, ours)
		case !isOurs && isSmall && strings.Contains(host, ".") && !covered(small, imported):
			t.Errorf("%s must not import %s", p.path, imported)
		}
	}
}

func covered(modules []string, imported string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		return imported == m || strings.HasSuffix(m, "/") && strings.HasPrefix(imported, m)
	})
}

func checkDoc(t *testing.T, p *pkg) {
	want := "Package " + p.Name + " "
	if p.Name == "main" {
		want = "Command "
	}
	for _, f := range p.files {
		if f.ast.Doc != nil && strings.HasPrefix(f.ast.Doc.Text(), want) {
			return
		}
	}
	t.Errorf("%s: no file has a package doc that starts with %q", p.path, want)
}

func checkName(t *testing.T, p *pkg) {
	for segment := range strings.SplitSeq(p.path, "/") {
		if slices.Contains(vagueNames(), segment) {
			t.Errorf("%s: %q does not say what the package does", p.path, segment)
		}
	}
}

func checkLength(t *testing.T, p *pkg) {
	for _, f := range p.files {
		n := f.line(f.ast.FileEnd)
		if n > fileHard {
			t.Errorf("%s has %d lines, at most %d", f.name, n, fileHard)
		} else if n > fileSoft && !f.test {
			t.Logf("%s has %d lines; %d would be better", f.name, n, fileSoft)
		}
	}
}

func checkFunctions(t *testing.T, p *pkg) {
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Name.Name == "init" && fn.Recv == nil && !strings.HasPrefix(p.path, "cmd/") {
				t.Errorf("%s:%d: init runs unseen", f.name, f.line(fn.Pos()))
			}
			n := f.line(fn.End()) - f.line(fn.Pos()) + 1
			if _, excused := longFunctions()[p.path+"."+fn.Name.Name]; n > funcMax && !f.test && !excused {
				t.Errorf("%s:%d: %s has %d lines, at most %d", f.name, f.line(fn.Pos()), fn.Name.Name, n, funcMax)
			}
		}
	}
}

// checkState allows package variables that hold what nobody changes: errors,
// patterns, embedded files, and checks like "var _ Interface = T{}".
func checkState(t *testing.T, p *pkg) {
	if strings.HasPrefix(p.path, "cmd/") {
		return
	}
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR || f.test {
				continue
			}
			for _, s := range group.Specs {
				v := s.(*ast.ValueSpec) // all that a var declaration holds
				if !embedded(group, v) && !constant(v) {
					t.Errorf("%s:%d: package variable %s", f.name, f.line(v.Pos()), v.Names[0].Name)
				}
			}
		}
	}
}

func embedded(group *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{group.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

func constant(v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	for _, value := range v.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok || !slices.Contains(constantCalls(), qualified(call.Fun)) {
			return false
		}
	}
	return len(v.Values) > 0
}

func checkLogging(t *testing.T, p *pkg) {
	if strings.HasPrefix(p.path, "cmd/") {
		return
	}
	for _, f := range p.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok && slices.Contains(defaultLoggers(), qualified(e)) {
				t.Errorf("%s:%d: %s uses the default logger", f.name, f.line(e.Pos()), qualified(e))
			}
			return true
		})
	}
}

// qualified returns "pkg.Name" of a selector, or "".
func qualified(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
