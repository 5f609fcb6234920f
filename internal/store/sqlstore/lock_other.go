//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sqlstore

import "os"

// lockDir does nothing where there is no flock.
func lockDir(string) (*os.File, error) { return nil, nil }
