package relay

import (
	"errors"
	"net"
)

// packetErrors is how many reads in a row may fail before a socket is given up.
const packetErrors = 100

// packetGuard is the UDP socket as pion sees it: only what the gate admits.
// Reading is pion's one goroutine's; writing is anybody's.
type packetGuard struct {
	net.PacketConn
	gate     *gate
	listener *listener
}

// ReadFrom implements [net.PacketConn].
func (g *packetGuard) ReadFrom(p []byte) (int, net.Addr, error) {
	for failed := 0; ; {
		n, from, err := g.PacketConn.ReadFrom(p)
		if err != nil {
			// One bad read is not the end of the server.
			if failed++; failed < packetErrors && !errors.Is(err, net.ErrClosed) {
				continue
			}
			g.listener.done <- err // buffered, and pion stops reading now
			return 0, nil, err
		}
		failed = 0
		if n >= mtu {
			g.gate.drop(dropSize)
			continue
		}
		pass, reply := g.gate.admit(p[:n], from)
		if reply != nil {
			_, _ = g.WriteTo(reply, from) // a datagram may get lost anyway
		}
		if pass != nil {
			return copy(p, pass), from, nil
		}
	}
}

// WriteTo implements [net.PacketConn].
func (g *packetGuard) WriteTo(p []byte, to net.Addr) (int, error) {
	g.gate.server.loop.granting.answered(to, p)
	return g.PacketConn.WriteTo(p, to)
}
