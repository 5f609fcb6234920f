//go:build unix

package signaling

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const canRest = true

// waitReadable waits in the runtime's poller. It has to look before each wait, for
// what came earlier is not told again.
func waitReadable(c syscall.RawConn) {
	_ = c.Read(func(fd uintptr) bool { // an error is what the next Read returns, too
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK)
		return err != unix.EAGAIN && err != unix.EINTR
	})
}
