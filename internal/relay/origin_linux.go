package relay

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// originConn is a UDP socket that knows at which of its addresses each
// datagram arrived (ip(7), ipv6(7): PKTINFO).
type originConn struct {
	*net.UDPConn
	v6   bool // the socket is IPv6, and maybe takes IPv4 too
	oob  [128]byte
	from origins
}

// withOrigin returns nil if the socket cannot tell, or needs not because it is
// bound to one address.
func withOrigin(pc net.PacketConn) net.PacketConn {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return nil
	}
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok || !bound.IP.IsUnspecified() {
		return nil
	}
	c := &originConn{UDPConn: udp, from: origins{}}
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil
	}
	if c.v6, err = speaksIPv6(raw); err != nil {
		return nil
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if c.v6 {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	if err != nil || failed != nil {
		return nil
	}
	return c
}

// speaksIPv6 tells an IPv6 socket, which maybe takes IPv4 too, from an IPv4 one.
func speaksIPv6(raw syscall.RawConn) (bool, error) {
	var domain int
	var failed error
	err := raw.Control(func(fd uintptr) { domain, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN) })
	return domain == unix.AF_INET6, errors.Join(err, failed)
}

// ReadFrom implements [net.PacketConn], for one goroutine.
func (c *originConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, oobn, _, from, err := c.ReadMsgUDPAddrPort(p, c.oob[:])
	if err != nil {
		return 0, nil, err
	}
	return n, c.from.addr(from, destination(c.oob[:oobn])), nil
}

// WriteTo implements [net.PacketConn].
func (c *originConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return c.UDPConn.WriteTo(p, addr)
	}
	to, local := split(udp)
	if !local.IsValid() {
		return c.WriteToUDPAddrPort(p, to)
	}
	n, _, err := c.WriteMsgUDPAddrPort(p, source(local, c.v6), to)
	return n, err
}

// destination reads the address a datagram was sent to.
func destination(oob []byte) netip.Addr {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 16:
			return netip.AddrFrom16([16]byte(m.Data))
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(m.Data[8:])) // after ipi_ifindex and ipi_spec_dst: ipi_addr
		}
	}
	return netip.Addr{}
}

// source makes the control message that sends from local. The interface is
// left to routing.
func source(local netip.Addr, v6 bool) []byte {
	level, kind, size := unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo
	if v6 {
		level, kind, size = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo
	}
	oob := make([]byte, unix.CmsgSpace(size))
	data := oob[unix.CmsgLen(0):]
	// struct cmsghdr: cmsg_len has the size of a pointer, in either byte order.
	if unix.SizeofPtr == 8 {
		binary.NativeEndian.PutUint64(oob, uint64(unix.CmsgLen(size)))
	} else {
		binary.NativeEndian.PutUint32(oob, uint32(unix.CmsgLen(size)))
	}
	binary.NativeEndian.PutUint32(oob[unix.SizeofPtr:], uint32(level))
	binary.NativeEndian.PutUint32(oob[unix.SizeofPtr+4:], uint32(kind))
	if v6 {
		ip := local.As16() // an IPv4 address in its mapped form, which is what Linux wants
		copy(data, ip[:])
	} else {
		ip := local.Unmap().As4()
		copy(data[4:], ip[:])
	}
	return oob
}
