package httpd

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/bundle"
	"github.com/visavis-call/visavis/protocol"
)

const (
	indexFile = "index.html"
	// assetDir holds files with a hash of their content in the name.
	assetDir = "assets/"
	// minGzip is where compression begins to pay: one packet.
	minGzip = 1400
)

// notBuilt is shown by a binary without the client.
const notBuilt = "visavis: this binary was built without the web app. Run `make build`, then start it again.\n" +
	"Signaling and relay work; so does `visavis call`.\n"

// app serves the web client from memory.
type app struct {
	files   map[string]*file
	scripts string // the script-src directive of its page
}

// file is one file of the client, in the encodings that there are.
type file struct {
	contentType string
	etag        string
	cache       string
	plain       []byte
	encoded     map[string][]byte // by content coding
}

// loadApp reads the built client. Files beside it that end in .br or .gz are its
// precompressed forms; what has no .gz is compressed here.
func loadApp(dist fs.FS) (*app, error) {
	a := &app{files: make(map[string]*file), scripts: bundle.ScriptSources(nil)}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "." {
			return fs.SkipAll // built without the client
		}
		if err != nil {
			return err
		}
		if d.IsDir() || strings.HasPrefix(path.Base(name), ".") || isEncoded(name) {
			return nil
		}
		f, err := loadFile(dist, name)
		if err != nil {
			return err
		}
		a.files[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read web app: %w", err)
	}
	if f := a.files[indexFile]; f != nil {
		a.scripts = bundle.ScriptSources(f.plain)
	}
	return a, nil
}

func isEncoded(name string) bool {
	return strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz")
}

func loadFile(dist fs.FS, name string) (*file, error) {
	plain, err := fs.ReadFile(dist, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	f := &file{
		contentType: contentType(name),
		etag:        hex.EncodeToString(sum[:12]),
		cache:       "no-cache",
		plain:       plain,
		encoded:     make(map[string][]byte),
	}
	if strings.HasPrefix(name, assetDir) {
		f.cache = "public, max-age=31536000, immutable"
	}
	for coding, suffix := range map[string]string{"br": ".br", "gzip": ".gz"} {
		if b, err := fs.ReadFile(dist, name+suffix); err == nil {
			f.encoded[coding] = b
		}
	}
	if f.encoded["gzip"] == nil && len(plain) >= minGzip && compressible(f.contentType) {
		f.encoded["gzip"] = compress(plain)
	}
	return f, nil
}

func contentType(name string) string {
	switch path.Ext(name) { // what the system's table may lack or get wrong
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.HasPrefix(contentType, "application/") ||
		contentType == "image/svg+xml"
}

func compress(b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// route adds the pages and files of the app.
func (a *app) route(mux *http.ServeMux) {
	for _, route := range []string{"/{$}", "/new", "/test", protocol.PathCall} {
		mux.HandleFunc("GET "+route, a.page)
	}
	// Browsers keep the fragment, and with it the key of the link.
	mux.Handle("GET "+protocol.PathCall+"/{$}", http.RedirectHandler(protocol.PathCall, http.StatusPermanentRedirect))
	mux.HandleFunc("GET /", a.asset)
}

// page serves the one page of all routes.
func (a *app) page(w http.ResponseWriter, r *http.Request) {
	if f := a.files[indexFile]; f != nil {
		f.serve(w, r)
		return
	}
	http.Error(w, notBuilt, http.StatusServiceUnavailable)
}

// asset serves a file by its path; everything else does not exist.
func (a *app) asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	f := a.files[name]
	if f == nil || name == indexFile {
		a.missing(w, r)
		return
	}
	f.serve(w, r)
}

// missing answers a person who mistyped an address with the app, which says so
// in the person's language. A program gets one line of text.
func (a *app) missing(w http.ResponseWriter, r *http.Request) {
	f := a.files[indexFile]
	if f == nil || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(f.plain) // the reader may have gone
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	body, tag := f.plain, f.etag
	if len(f.encoded) > 0 {
		h.Set("Vary", "Accept-Encoding")
	}
	for _, coding := range []string{"br", "gzip"} {
		if b := f.encoded[coding]; b != nil && accepts(r.Header.Get("Accept-Encoding"), coding) {
			h.Set("Content-Encoding", coding)
			body, tag = b, f.etag+"-"+coding
			break
		}
	}
	h.Set("ETag", strconv.Quote(tag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepts reads Accept-Encoding as far as it matters: a coding is listed, and
// not with q=0.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && weight > 0
	}
	return false
}
