// Package bundle identifies the web app and compares what a server sends with
// what this binary carries.
//
// The build writes bundle.json: every file of the app with its size and
// sha-256, in the order of their paths. The digest of the app is the sha-256 of
// bundle.json. The same source makes the same digest on any machine.
package bundle

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
)

// ManifestFile is where the list of files stands, in the app and on a server.
const ManifestFile = "bundle.json"

const indexFile = "index.html"

// ErrNotBuilt is returned by [Load] for a binary without the web app.
var ErrNotBuilt = errors.New("this binary was built without the web app")

// File is one file of the app.
type File struct {
	Path   string `json:"path"` // slashes, no leading one
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Manifest is bundle.json.
type Manifest struct {
	Version string `json:"version"` // of the release
	Files   []File `json:"files"`
}

// Bundle is a web app whose files are those of its manifest. Create it with [Load].
type Bundle struct {
	Manifest
	files    fs.FS
	manifest []byte
}

// Load reads the app in dist and checks every file against the manifest.
func Load(dist fs.FS) (*Bundle, error) {
	raw, err := fs.ReadFile(dist, ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, fmt.Errorf("read list of files: %w", err)
	}
	b := &Bundle{files: dist, manifest: raw}
	if err := json.Unmarshal(raw, &b.Manifest); err != nil {
		return nil, fmt.Errorf("read list of files: %w", err)
	}
	for _, f := range b.Files {
		content, err := fs.ReadFile(dist, f.Path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Path, err)
		}
		if got := hash(content); got != f.SHA256 {
			return nil, fmt.Errorf("%s: its sha-256 is %s, the list says %s", f.Path, got, f.SHA256)
		}
	}
	return b, nil
}

// Digest names the app: 64 hex digits.
func (b *Bundle) Digest() string { return hash(b.manifest) }

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// importMap is the page's one inline script: the hashes of all others.
var importMap = regexp.MustCompile(`(?s)<script type="importmap">(.*?)</script>`)

// InlineSource is the source expression that allows the import map of a page in
// the Content-Security-Policy (CSP level 3 §2.3.1), and no other inline script;
// "" if the page has none.
func InlineSource(page []byte) string {
	found := importMap.FindSubmatch(page)
	if found == nil {
		return ""
	}
	sum := sha256.Sum256(found[1])
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ScriptSources is the script-src directive that a server of this page sends.
func ScriptSources(page []byte) string {
	const own = "script-src 'self' 'wasm-unsafe-eval'"
	if inline := InlineSource(page); inline != "" {
		return own + " " + inline
	}
	return own
}
