// Package offload lets the kernel forward ChannelData between two clients of the relay:
// a program where packets come in (tcx, before Linux 6.6 clsact) rewrites them and sends them on,
// past sockets and past this process. It does what it is told, route by route; who may
// send to whom is the relay's business. What is not a route goes up to the relay.
//
// Packets that are forwarded here do not pass the machine's packet filter.
package offload

import (
	"errors"
	"net/netip"
)

// ErrUnsupported is why there is no offload here.
var ErrUnsupported = errors.New("not on this system")

// End is a client, as the server sees it: who sends from where to where, on which channel.
type End struct {
	Client, Server netip.AddrPort // IPv4
	Channel        uint16
}

// Options are for [Load].
type Options struct {
	// Rates are for each direction of an allocation, as in the server.
	BitsPerSecond, PacketsPerSecond int
	// Port of the server.
	Port uint16
	// Filter is to use the means of before Linux 6.6 in any case.
	Filter bool
}

// Routes and Ledgers are how many there can be.
const (
	Routes  = 8192
	Ledgers = 16384
)

// Account is what a route has carried and refused since it was made.
type Account struct {
	Packets, Bytes      uint64
	PacketRate, BitRate uint64 // refused
}

// Fits reports whether an end is one that the program knows how to handle.
func (e End) Fits() bool { return e.Client.Addr().Is4() && e.Server.Addr().Is4() }
