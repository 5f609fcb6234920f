//go:build !linux

package relay

import "net"

// withOrigin returns nil: here the kernel chooses the source address.
func withOrigin(net.PacketConn) net.PacketConn { return nil }
