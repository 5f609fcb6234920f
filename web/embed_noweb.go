//go:build noweb

// Package web carries the built browser client inside the binary; this build
// leaves it out.
package web

import (
	"embed"
	"io/fs"
)

// Dist is empty: this binary was built with the tag noweb.
func Dist() fs.FS { return embed.FS{} }
