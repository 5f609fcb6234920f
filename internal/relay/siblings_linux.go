package relay

import (
	"context"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// siblings opens n more sockets where pc is bound, if others may be there. It
// opens fewer when the system has no more.
func siblings(pc net.PacketConn, n int) []net.PacketConn {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return nil
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil
	}
	network, ok := shared(raw)
	if !ok {
		return nil
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, failed)
	}}
	var all []net.PacketConn
	for range n {
		s, err := lc.ListenPacket(context.Background(), network, udp.LocalAddr().String())
		if err != nil {
			break
		}
		all = append(all, s)
	}
	return all
}

// shared reports whether a socket's port may be shared, and by what network.
func shared(raw syscall.RawConn) (network string, ok bool) {
	v6, err := speaksIPv6(raw)
	if err != nil {
		return "", false
	}
	var reuse, only int
	err = raw.Control(func(fd uintptr) {
		reuse, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT) // 0: it may not
		if v6 {
			only, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY) // 0: for both families
		}
	})
	switch {
	case err != nil || reuse == 0:
		return "", false
	case !v6:
		return "udp4", true
	case only == 1:
		return "udp6", true
	}
	return "udp", true
}
