package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	requestTimeout = 15 * time.Second
	// slack is how much longer than expected an answer is read, to tell a longer
	// file from an endless one.
	slack = 1 << 10
	// maxManifest bounds a list of files that is not ours.
	maxManifest = 1 << 20
)

// Problem is what is wrong with one file or header.
type Problem string

// The problems.
const (
	ProblemMissing Problem = "missing" // the server does not have it
	ProblemChanged Problem = "changed" // other bytes
	ProblemPolicy  Problem = "policy"  // Content-Security-Policy allows other scripts
)

// Difference is one thing that a server sends otherwise.
type Difference struct {
	Path    string  `json:"path"`
	Problem Problem `json:"problem"`
	As      string  `json:"as"` // the content coding that was asked for
}

// Report is the outcome of [Bundle.Compare].
type Report struct {
	Same          bool         `json:"same"`
	Version       string       `json:"version"`
	Digest        string       `json:"digest"`
	ServerVersion string       `json:"server_version"` // what it says of itself; "" if nothing
	ServerDigest  string       `json:"server_digest"`  // of the list that it shows
	Files         int          `json:"files"`
	Differences   []Difference `json:"differences"`
}

// Compare asks the server at origin (scheme://host[:port]) for every page and
// file of the app, in each form that browsers ask for, and compares byte by byte.
// It returns an error if the server could not be asked; differences are none.
func (b *Bundle) Compare(ctx context.Context, client *http.Client, origin string) (Report, error) {
	r := Report{Version: b.Version, Digest: b.Digest(), Files: len(b.Files), Differences: []Difference{}}
	c := comparison{bundle: b, client: sameOrigin(client), origin: origin, report: &r}
	if err := c.manifest(ctx); err != nil {
		return r, err
	}
	for _, page := range []string{"/", "/new", "/c"} {
		if err := c.file(ctx, page, indexFile); err != nil {
			return r, err
		}
	}
	for _, f := range b.Files {
		if f.Path == indexFile {
			continue
		}
		if err := c.file(ctx, "/"+f.Path, f.Path); err != nil {
			return r, err
		}
	}
	r.Same = len(r.Differences) == 0
	return r, nil
}

type comparison struct {
	bundle *Bundle
	client *http.Client
	origin string
	report *Report
}

func (c *comparison) differs(path string, problem Problem, as string) {
	c.report.Differences = append(c.report.Differences, Difference{path, problem, as})
}

// manifest reads which app the server says it has.
func (c *comparison) manifest(ctx context.Context) error {
	answer, err := c.get(ctx, "/"+ManifestFile, "identity", maxManifest)
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		c.differs("/"+ManifestFile, ProblemMissing, "identity")
		return nil
	}
	c.report.ServerDigest = hash(answer.body)
	var m Manifest
	if json.Unmarshal(answer.body, &m) == nil && len(m.Version) <= 64 {
		c.report.ServerVersion = m.Version
	}
	if !bytes.Equal(answer.body, c.bundle.manifest) {
		c.differs("/"+ManifestFile, ProblemChanged, "identity")
	}
	return nil
}

// file compares what is at path with the app's file name. A server may send
// something else to those who ask for a compressed form, so all are asked for.
func (c *comparison) file(ctx context.Context, path, name string) error {
	want, err := fs.ReadFile(c.bundle.files, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, coding := range []string{"identity", "gzip", "br"} {
		a, err := c.get(ctx, path, coding, int64(len(want))+slack)
		switch {
		case err != nil:
			return err
		case a.status != http.StatusOK:
			c.differs(path, ProblemMissing, coding)
		case !c.equal(a, want, name):
			c.differs(path, ProblemChanged, coding)
		case name == indexFile && scriptSources(a.policy) != ScriptSources(want):
			c.differs(path, ProblemPolicy, coding)
		}
	}
	return nil
}

// equal compares an answer with a file. A brotli answer is compared with the
// file's own brotli form.
func (c *comparison) equal(a answer, want []byte, name string) bool {
	switch a.coding {
	case "":
		return bytes.Equal(a.body, want)
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil {
			return false
		}
		plain, err := io.ReadAll(io.LimitReader(z, int64(len(want))+slack))
		return err == nil && bytes.Equal(plain, want)
	case "br":
		own, err := fs.ReadFile(c.bundle.files, name+".br")
		return err == nil && bytes.Equal(a.body, own)
	}
	return false
}

type answer struct {
	status int
	coding string // Content-Encoding
	policy string // Content-Security-Policy
	body   []byte
}

// get asks as a browser does that follows a link: a server that lies to some
// should not know us by our headers.
func (c *comparison) get(ctx context.Context, path, coding string, limit int64) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.origin+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("ask for %s: %w", path, err)
	}
	r.Header.Set("Accept-Encoding", coding)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	response, err := c.client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("ask for %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return answer{}, fmt.Errorf("read %s: %w", path, err)
	}
	h := response.Header
	return answer{response.StatusCode, h.Get("Content-Encoding"), strings.Join(h.Values("Content-Security-Policy"), "; "), body}, nil
}

// scriptSources is the script-src directive of a policy; one that is given twice
// is none.
func scriptSources(policy string) string {
	found := ""
	for directive := range strings.SplitSeq(policy, ";") {
		directive = strings.Join(strings.Fields(directive), " ")
		if strings.HasPrefix(directive, "script-src ") {
			if found != "" {
				return ""
			}
			found = directive
		}
	}
	return found
}

// sameOrigin returns a copy of client that follows no redirect to elsewhere:
// the code must come from where people get it.
func sameOrigin(client *http.Client) *http.Client {
	it := *client
	it.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if from := via[0].URL; r.URL.Scheme != from.Scheme || r.URL.Host != from.Host || len(via) > 3 {
			return fmt.Errorf("it leads to %s: ask there", (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}).String())
		}
		return nil
	}
	return &it
}

// Origin reads scheme://host[:port] from an address that a person gave: with or
// without a path, a link to a call included.
func Origin(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("want an address like https://call.example.org")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}
