// Package relayload puts the load of many calls on a TURN server, over UDP, and
// measures what becomes of it.
//
// A call is two parties that both have an allocation and a channel to the other's:
// what one sends goes to the server, and from there to the other. Each sends as a
// call does: sound, 50 packets a second of 120 bytes, and video, 150 of 1100, in bursts.
//
// # One socket
//
// The generator must not be the bottleneck. All parties share one socket, which
// names the source of each datagram in a control message (ip(7), IP_PKTINFO), so
// one system call sends for many of them and one receives for many, and the server
// still sees a client of its own for each party: each has an address of its own,
// in a network (/24) of its own, because servers limit and count by address. The
// kernel's time stamp says when a datagram came, so it does not matter when it is read.
//
// # Ownership
//
// A [Generator] belongs to one goroutine.
package relayload

import (
	"fmt"
	"net/netip"

	"github.com/pion/stun/v4"
)

// Credential is what a party allocates with.
type Credential struct{ Username, Password string }

// Party is one client of the server: an address, and what it was given.
type Party struct {
	credential Credential
	source     [4]byte
	relayed    stun.XORMappedAddress
	// Of the last 401 or 438 (RFC 8489 §9.2.4).
	realm stun.Realm
	nonce stun.Nonce
	key   stun.MessageIntegrity
}

// Generator is the socket of all parties, and their server.
type Generator struct {
	socket  *socket
	sources netip.Prefix
	used    int // parties made so far
}

// sourceBits is what each party's own network leaves of an address; in a range smaller
// than that of maxSourceBits there are none besides those left alone.
const sourceBits, maxSourceBits = 8, 15

// New opens the socket. All addresses of sources must be local ones, as those of
// 127.0.0.0/8 are.
func New(server netip.AddrPort, sources netip.Prefix) (*Generator, error) {
	if !server.Addr().Is4() || !sources.Addr().Is4() || sources.Bits() > maxSourceBits {
		return nil, fmt.Errorf("load: want an IPv4 server, and a range of sources of /%d or larger", maxSourceBits)
	}
	s, err := openSocket(server)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &Generator{socket: s, sources: sources}, nil
}

// Close closes the socket. Allocations end by themselves, or by [Generator.Release].
func (g *Generator) Close() error { return g.socket.close() }

// Parties makes a party for each credential; two neighbors are a call.
func (g *Generator) Parties(credentials []Credential) []*Party {
	parties := make([]*Party, len(credentials))
	for i, c := range credentials {
		parties[i] = &Party{credential: c, source: sourceOf(g.sources, g.used)}
		g.used = (g.used + 1) % maxParties(g.sources)
	}
	return parties
}

// maxParties is how many networks there are; the first of them is left alone, for
// 127.0.0.1 and its like are in it.
func maxParties(sources netip.Prefix) int { return 1<<(32-sources.Bits()-sourceBits) - 256 }

// sourceOf is the first address of network i.
func sourceOf(sources netip.Prefix, i int) [4]byte {
	base := sources.Masked().Addr().As4()
	n := uint32(i+256)<<sourceBits | 1
	for octet := range base {
		base[octet] |= byte(n >> (24 - 8*octet))
	}
	return base
}
