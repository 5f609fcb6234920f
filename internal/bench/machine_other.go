//go:build !linux

package bench

import "errors"

var errLinux = errors.New("measuring a server needs Linux")

// Apart is there on Linux only.
func Apart(int) error { return errLinux }

// OpenFiles is there on Linux only.
func OpenFiles(uint64) error { return errLinux }
