package httpd

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharePort allows more sockets on the port of this one (socket(7), SO_REUSEPORT).
func sharePort(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, failed)
}
