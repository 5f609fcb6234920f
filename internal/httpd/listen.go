package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// portAttempts bounds the search for a number that is free for TCP and for UDP.
const portAttempts = 16

// Listen opens addr for TCP and for UDP, on the same port. Port 0 means any
// that is free for both. Where the system can, more sockets of this user may
// join the UDP port; that of TCP is nobody else's.
//
// Without a host it is both families, on 0.0.0.0 only IPv4, on [::] only IPv6.
func Listen(ctx context.Context, addr string) (net.Listener, net.PacketConn, error) {
	var lc net.ListenConfig
	shared := net.ListenConfig{Control: sharePort}
	for range portAttempts {
		tcp, err := lc.Listen(ctx, "tcp"+family(addr), addr)
		if err != nil {
			return nil, nil, fmt.Errorf("listen on TCP: %w", err)
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("listen address: %w", err), tcp.Close())
		}
		anyPort := port == "0" || port == ""
		_, real, err := net.SplitHostPort(tcp.Addr().String())
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("listen address: %w", err), tcp.Close())
		}
		udp, err := shared.ListenPacket(ctx, "udp"+family(addr), net.JoinHostPort(host, real))
		if err == nil {
			return tcp, udp, nil
		}
		err = errors.Join(fmt.Errorf("listen on UDP: %w", err), tcp.Close())
		if !anyPort || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("no port is free for both TCP and UDP")
}

// ListenPlain opens addr for TCP alone, of the families that [Listen] takes.
func ListenPlain(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp"+family(addr), addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP without TLS: %w", err)
	}
	return l, nil
}

// family is what follows "tcp" or "udp" in the network of an address. Left alone, Go
// takes both families for 0.0.0.0 as well as for [::].
func family(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	switch ip, err := netip.ParseAddr(host); {
	case err != nil: // none, or a name
		return ""
	case ip.Is4():
		return "4"
	}
	return "6"
}
