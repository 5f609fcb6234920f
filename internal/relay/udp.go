package relay

import (
	"net"

	"github.com/pion/turn/v5"
	"golang.org/x/sync/errgroup"
)

// ServePacket serves STUN and TURN on a UDP socket. It blocks until Close (also
// one that came before), then returns nil, or until pc fails. It closes pc. Where
// the port may be shared, it opens more sockets there, of which the kernel
// gives one to each client.
func (s *Server) ServePacket(pc net.PacketConn) error {
	if at, ok := pc.LocalAddr().(*net.UDPAddr); ok {
		s.offloadPort(uint16(at.Port))
	}
	same := []net.PacketConn{pc}
	if s.path != PathSlow {
		same = append(same, siblings(pc, s.sockets-1)...)
	}
	var all []socket
	for _, pc := range same {
		all = append(all, s.open(pc))
	}
	var serving errgroup.Group
	for _, one := range all {
		serving.Go(func() error {
			err := s.servePacket(one.PacketConn, one.fast)
			if err != nil {
				for _, other := range all {
					_ = other.Close() // what ended this one is the error that counts
				}
			}
			return err
		})
	}
	return serving.Wait()
}

// socket is one of a UDP port.
type socket struct {
	net.PacketConn
	fast *table // nil: everything is for pion
}

func (s *Server) open(pc net.PacketConn) socket {
	if c := withOrigin(pc); c != nil {
		pc = c
	}
	if s.path != PathSlow {
		if c, t := withFastPath(pc, s.metrics); t != nil {
			return socket{c, t}
		}
	}
	return socket{pc, nil}
}

// servePacket serves one socket. The listener that its clients belong to is its own.
func (s *Server) servePacket(pc net.PacketConn, fast *table) error {
	return s.serve(pc.Close, func(l *listener, cfg *turn.ServerConfig) {
		guard := &packetGuard{PacketConn: pc, gate: s.gate(l), listener: l}
		s.loop.open(l.id, front{fast, func(net.Addr, net.Addr) outlet { return guard }})
		cfg.PacketConnConfigs = []turn.PacketConnConfig{{
			PacketConn:            guard,
			RelayAddressGenerator: s.loop,
			PermissionHandler:     s.loop.permit(l.id),
		}}
	})
}
