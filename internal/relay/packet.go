package relay

import (
	"bytes"
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
	// What comes next, and from where, if the last frame was one to go first. The reader's.
	next []byte
	from net.Addr
}

// ReadFrom implements [net.PacketConn].
func (g *packetGuard) ReadFrom(p []byte) (int, net.Addr, error) {
	if g.next != nil {
		n := copy(p, g.next)
		g.next = nil
		return n, g.from, nil
	}
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
		v := g.gate.admit(p[:n], from)
		if v.reply != nil {
			_, _ = g.WriteTo(v.reply, from) // a datagram may get lost anyway
		}
		if v.first != nil {
			g.next, g.from = bytes.Clone(v.pass), from
			return copy(p, v.first), from, nil
		}
		if v.pass != nil {
			return copy(p, v.pass), from, nil
		}
	}
}

// WriteTo implements [net.PacketConn].
func (g *packetGuard) WriteTo(p []byte, to net.Addr) (int, error) {
	if g.gate.server.answersOwn(p) {
		return len(p), nil
	}
	g.gate.server.loop.answered(g.gate.listener, to, p)
	return g.PacketConn.WriteTo(p, to)
}
