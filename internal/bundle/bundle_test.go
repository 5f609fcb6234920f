package bundle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const page = `<!doctype html><script type="importmap">{"integrity":{}}</script><title>visavis</title>`

// app is a built app, as the build leaves it.
func app(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{
		"index.html":       {Data: []byte(page)},
		"assets/a.js":      {Data: []byte(strings.Repeat("let a = 1;\n", 200))},
		"assets/a.js.br":   {Data: []byte("pretend brotli")},
		"assets/style.css": {Data: []byte("a{}")},
	}
	m := Manifest{Version: "1.2.3"}
	for _, path := range []string{"assets/a.js", "assets/style.css", "index.html"} {
		content := files[path].Data
		m.Files = append(m.Files, File{path, int64(len(content)), hash(content)})
	}
	list, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	files[ManifestFile] = &fstest.MapFile{Data: list}
	return files
}

func load(t *testing.T, dist fs.FS) *Bundle {
	t.Helper()
	b, err := Load(dist)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serve sends files as a server of ours does, unless lie answers.
func serve(t *testing.T, files fstest.MapFS, lie func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; "+ScriptSources([]byte(page)))
		if lie != nil && lie(w, r) {
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" || name == "new" || name == "c" {
			name = indexFile
		}
		f, ok := files[name]
		if !ok || strings.HasSuffix(name, ".br") {
			http.NotFound(w, r)
			return
		}
		body := f.Data
		br, compressed := files[name+".br"]
		switch coding := r.Header.Get("Accept-Encoding"); {
		case coding == "br" && compressed:
			w.Header().Set("Content-Encoding", "br")
			body = br.Data
		case coding == "gzip":
			w.Header().Set("Content-Encoding", "gzip")
			body = zipped(body)
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

func TestSameCode(t *testing.T) {
	files := app(t)
	got, err := load(t, files).Compare(t.Context(), http.DefaultClient, serve(t, files, nil))
	if err != nil {
		t.Fatal(err)
	}
	digest := hash(files[ManifestFile].Data)
	want := Report{
		Same: true, Version: "1.2.3", Digest: digest, ServerVersion: "1.2.3", ServerDigest: digest, Files: 3, Differences: []Difference{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// One byte, one page, one coding, one word of the policy: each is found and named.
func TestOtherCode(t *testing.T) {
	changed := func(path, coding string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path || r.Header.Get("Accept-Encoding") != coding {
				return false
			}
			body := []byte(strings.Repeat("let a = 1;\n", 199) + "let a = 2;\n")
			if coding == "gzip" {
				w.Header().Set("Content-Encoding", "gzip")
				body = zipped(body)
			}
			_, _ = w.Write(body)
			return true
		}
	}
	for name, tt := range map[string]struct {
		lie  func(http.ResponseWriter, *http.Request) bool
		want Difference
	}{
		"byte":            {changed("/assets/a.js", "identity"), Difference{"/assets/a.js", ProblemChanged, "identity"}},
		"byte, zipped":    {changed("/assets/a.js", "gzip"), Difference{"/assets/a.js", ProblemChanged, "gzip"}},
		"no brotli":       {changed("/assets/a.js", "br"), Difference{"/assets/a.js", ProblemChanged, "br"}},
		"page of calls":   {changed("/c", "gzip"), Difference{"/c", ProblemChanged, "gzip"}},
		"list":            {changed("/bundle.json", "identity"), Difference{"/bundle.json", ProblemChanged, "identity"}},
		"gone":            {gone("/assets/style.css"), Difference{"/assets/style.css", ProblemMissing, "identity"}},
		"policy":          {policy("/c", "script-src 'self' 'unsafe-inline'"), Difference{"/c", ProblemPolicy, "identity"}},
		"policy twice":    {policy("/", ScriptSources([]byte(page))+"; script-src *"), Difference{"/", ProblemPolicy, "identity"}},
		"policy, nothing": {policy("/new", ""), Difference{"/new", ProblemPolicy, "identity"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := app(t)
			got, err := load(t, files).Compare(t.Context(), http.DefaultClient, serve(t, files, tt.lie))
			if err != nil {
				t.Fatal(err)
			}
			if got.Same || len(got.Differences) == 0 || got.Differences[0] != tt.want {
				t.Errorf("got %+v, want first difference %+v", got, tt.want)
			}
		})
	}
}

func gone(path string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		http.NotFound(w, r)
		return true
	}
}

func policy(path, directives string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			w.Header().Set("Content-Security-Policy", directives)
		}
		return false
	}
}

func TestServerThatCannotBeAsked(t *testing.T) {
	files := app(t)
	elsewhere := serve(t, files, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "https://other.example/", http.StatusFound)
		return true
	})
	for name, origin := range map[string]string{"leads elsewhere": elsewhere, "nobody": "http://127.0.0.1:1"} {
		if _, err := load(t, files).Compare(t.Context(), http.DefaultClient, origin); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A file that does not end costs no more than the one that was expected.
func TestEndlessAnswer(t *testing.T) {
	files := app(t)
	origin := serve(t, files, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/assets/a.js" {
			return false
		}
		for i := 0; i < 1<<14; i++ {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return true // the other side has seen enough
			}
		}
		t.Error("16 MB were read")
		return true
	})
	got, err := load(t, files).Compare(t.Context(), http.DefaultClient, origin)
	if err != nil || got.Same {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLoad(t *testing.T) {
	if _, err := Load(fstest.MapFS{".gitkeep": {}}); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("without an app: %v", err)
	}
	files := app(t)
	files["assets/a.js"].Data = []byte("other")
	if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "assets/a.js") {
		t.Errorf("with a file that differs from the list: %v", err)
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://Call.Example.org":           "https://call.example.org",
		"https://call.example.org/c#gSecret": "https://call.example.org",
		"http://127.0.0.1:8080/":             "http://127.0.0.1:8080",
		"call.example.org":                   "",
		"ftp://call.example.org":             "",
		"https://":                           "",
	} {
		if got, err := Origin(in); got != want || (err == nil) != (want != "") {
			t.Errorf("Origin(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}
