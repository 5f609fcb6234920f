package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/visavis-call/visavis/internal/bundle"
	"github.com/visavis-call/visavis/web"
)

// version is the release that this source is or becomes; web/package.json has
// the same (a test compares).
const version = "0.1.0"

// revision is set by the linker in builds of the Makefile; others have what the Go
// tool records.
var revision string

type versionCmd struct{}

// Run prints the version, the commit it was built from, and the digest of the
// web app: the one that the page shows, and that a build of the same source has.
func (versionCmd) Run(std streams) error {
	code := "not inside"
	if app, err := bundle.Load(web.Dist()); err == nil {
		code = app.Digest()
	} else if !errors.Is(err, bundle.ErrNotBuilt) {
		return err
	}
	_, err := fmt.Fprintf(std.out, "visavis %s (commit %s, %s %s/%s)\nweb app: %s\n",
		version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, code)
	return err
}

func commit() string {
	if revision != "" {
		return revision
	}
	name, changed := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				name = s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " with changes"
			}
		}
	}
	return name + changed
}
