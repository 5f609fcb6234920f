package offload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// routing talks to the kernel about interfaces (rtnetlink(7)). What is asked and what is
// done takes place in the network namespace in which it was opened.
type routing struct {
	fd  int
	seq uint32
}

func openRouting() (*routing, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	wait := unix.Timeval{Sec: 1} // it answers at once
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return nil, errors.Join(fmt.Errorf("open netlink: %w", err), unix.Close(fd))
	}
	return &routing{fd: fd}, nil
}

func (r *routing) Close() error { return unix.Close(r.fd) }

// interfaceTo returns the interface of the way to an IPv4 address from one of ours.
func (r *routing) interfaceTo(to, from netip.Addr) (int, error) {
	r.seq++
	const header, attribute = unix.SizeofNlMsghdr + unix.SizeofRtMsg, unix.SizeofRtAttr + 4
	m := make([]byte, header+2*attribute)
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], unix.RTM_GETROUTE)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(m[8:], r.seq)
	m[unix.SizeofNlMsghdr] = unix.AF_INET
	m[unix.SizeofNlMsghdr+1], m[unix.SizeofNlMsghdr+2] = 32, 32 // whole addresses
	for i, a := range []struct {
		kind uint16
		ip   netip.Addr
	}{{unix.RTA_DST, to}, {unix.RTA_SRC, from}} {
		at := m[header+i*attribute:]
		binary.NativeEndian.PutUint16(at, attribute)
		binary.NativeEndian.PutUint16(at[2:], a.kind)
		ip := a.ip.As4()
		copy(at[unix.SizeofRtAttr:], ip[:])
	}
	if err := unix.Sendto(r.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, fmt.Errorf("ask for a route: %w", err)
	}
	return r.answer()
}

func (r *routing) answer() (int, error) {
	m, err := r.receive()
	if err != nil {
		return 0, fmt.Errorf("ask for a route: %w", err)
	}
	if m.Header.Type != unix.RTM_NEWROUTE {
		return 0, fmt.Errorf("no route: %w", ErrUnsupported)
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return 0, fmt.Errorf("ask for a route: %w", err)
	}
	for _, a := range attributes {
		if a.Attr.Type == unix.RTA_OIF && len(a.Value) == 4 {
			return int(binary.NativeEndian.Uint32(a.Value)), nil
		}
	}
	return 0, fmt.Errorf("a route without an interface: %w", ErrUnsupported)
}

// receive returns the first message of the answer to the last question.
func (r *routing) receive() (syscall.NetlinkMessage, error) {
	buf := make([]byte, 4096)
	for {
		n, _, err := unix.Recvfrom(r.fd, buf, 0)
		if err != nil {
			return syscall.NetlinkMessage{}, err
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return syscall.NetlinkMessage{}, err
		}
		for _, m := range messages {
			if m.Header.Seq == r.seq { // the others answer questions that were given up
				return m, nil
			}
		}
	}
}
