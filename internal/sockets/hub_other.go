//go:build !linux

package sockets

import "syscall"

const canWatch = false

// Hub has nothing to do here: each connection has a goroutine that reads.
type Hub struct{}

type watched struct{}

func (*Hub) watch(*Conn) bool { return false }
func (*Hub) unwatch(*Conn)    {}

// Close implements io.Closer.
func (*Hub) Close() error { return nil }

// TryWrite writes nothing.
func (*Conn) TryWrite([]byte) int { return 0 }

func shutdown(syscall.RawConn) {} // there is none: nothing is watched
