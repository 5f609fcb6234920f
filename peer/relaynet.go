package peer

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// relayDial bounds the wait for a TCP connection to the relay.
const relayDial = 10 * time.Second

// relayNet is the network as pion gets it, with a way to relays for whoever has IPv6
// only. pion/ice (v4.4.2) asks for IPv4 whenever it goes to a relay, and only then does
// it call the methods here; they take whichever family leads there. They also keep
// the own address to themselves: pion would write it into the relayed candidate, where
// it helps nobody (RFC 8839 §5.1, rel-addr).
type relayNet struct{ *stdnet.Net }

func newRelayNet() (*relayNet, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	return &relayNet{n}, nil
}

// anyFamily turns udp4 and tcp4 into udp and tcp.
func anyFamily(network string) string { return strings.TrimSuffix(network, "4") }

// ListenPacket is for relays over UDP.
func (n *relayNet) ListenPacket(network, address string) (net.PacketConn, error) {
	if address == "0.0.0.0:0" {
		address = ":0"
	}
	conn, err := n.Net.ListenPacket(anyFamily(network), address)
	if err != nil {
		return nil, err
	}
	return quietPacketConn{conn}, nil
}

// ResolveTCPAddr is for relays over TCP and TLS.
func (n *relayNet) ResolveTCPAddr(network, address string) (*net.TCPAddr, error) {
	return n.Net.ResolveTCPAddr(anyFamily(network), address)
}

// DialTCP is for relays over TCP and TLS.
func (*relayNet) DialTCP(network string, _, to *net.TCPAddr) (transport.TCPConn, error) {
	conn, err := (&net.Dialer{Timeout: relayDial}).Dial(anyFamily(network), to.String())
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("dial a relay: a %T", conn), conn.Close())
	}
	return quietTCPConn{tcp}, nil
}

// quietPacketConn does not tell where it is.
type quietPacketConn struct{ net.PacketConn }

func (quietPacketConn) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4zero, Port: 9} }

// quietTCPConn does not either.
type quietTCPConn struct{ *net.TCPConn }

func (quietTCPConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 9} }
