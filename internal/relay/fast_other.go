//go:build !linux

package relay

import (
	"net"
	"net/netip"
)

type wire struct{}

func newWire(netip.AddrPort, netip.Addr, bool) wire { return wire{} }

// withFastPath returns nil, nil: here everything goes through pion.
func withFastPath(net.PacketConn, *metrics) (net.PacketConn, *table) { return nil, nil }

// siblings returns none.
func siblings(net.PacketConn, int) []net.PacketConn { return nil }
