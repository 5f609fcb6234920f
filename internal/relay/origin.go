package relay

import (
	"net"
	"net/netip"
)

// A server with several addresses (every one has loopback too) must answer
// from the address it was asked at: clients drop answers from any other, and
// browsers do ask a loopback server from their LAN address. A socket bound to
// all addresses lets the kernel choose, which gets this wrong. So the guard
// reads the destination of each datagram, and hands it through pion, which
// returns addresses as it got them, in the zone of the client's address.
//
// A link-local client has a real zone; there the kernel's choice is right.

// origins makes and keeps zone strings. It belongs to the reading goroutine.
type origins map[netip.Addr]string

// originsLimit is generous: a machine has few addresses, but all of
// 127.0.0.0/8 counts.
const originsLimit = 1024

func (o origins) addr(from netip.AddrPort, local netip.Addr) *net.UDPAddr {
	a := net.UDPAddrFromAddrPort(from)
	if !local.IsValid() || from.Addr().IsLinkLocalUnicast() {
		return a
	}
	zone, ok := o[local]
	if !ok {
		if len(o) >= originsLimit {
			clear(o)
		}
		zone = local.String()
		o[local] = zone
	}
	a.Zone = zone
	return a
}

// split undoes addr.
func split(a *net.UDPAddr) (to netip.AddrPort, local netip.Addr) {
	to = a.AddrPort()
	if to.Addr().IsLinkLocalUnicast() {
		return to, netip.Addr{}
	}
	local, err := netip.ParseAddr(a.Zone)
	if err != nil {
		local = netip.Addr{}
	}
	return netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()), local
}
