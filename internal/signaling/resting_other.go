//go:build !unix

package signaling

import "syscall"

const canRest = false

func waitReadable(syscall.RawConn) {}
