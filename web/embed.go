//go:build !noweb

// Package web carries the built browser client inside the binary. Build it with
// `make build`; build tag noweb leaves it out for work on Go code only.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the built client. It has no index.html when the client was not built.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the path is a constant: cannot happen
	}
	return sub
}
