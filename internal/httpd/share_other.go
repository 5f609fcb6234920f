//go:build !linux

package httpd

import "syscall"

// sharePort does nothing: elsewhere the kernel does not spread datagrams over sockets.
func sharePort(string, string, syscall.RawConn) error { return nil }
