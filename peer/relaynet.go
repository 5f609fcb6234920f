package peer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

const (
	// relayDial bounds the wait for a TCP connection to the relay.
	relayDial = 10 * time.Second
	// relayFarewell is for taking leave of the relays.
	relayFarewell = time.Second
)

// relayNet is the network as pion gets it, with a way to relays for whoever has IPv6
// only. pion/ice (v4.4.2) asks for IPv4 whenever it goes to a relay, and only then does
// it call the methods here; they take whichever family leads there. They also keep
// the own address to themselves: pion would write it into the relayed candidate, where
// it helps nobody (RFC 8839 §5.1, rel-addr).
type relayNet struct {
	*stdnet.Net
	family int // the one there may be; 0: both

	mu    sync.Mutex
	ways  map[io.Closer]struct{} // to relays, open
	ended bool
}

func newRelayNet(family int) (*relayNet, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	return &relayNet{Net: n, family: family, ways: map[io.Closer]struct{}{}}, nil
}

// close ends all ways to relays, also those to come: pion gives up at once then, and does
// not ask a relay again that does not answer.
func (n *relayNet) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	for w := range n.ways {
		_ = w.Close() // what can fail here is already gone
	}
}

// keep remembers a way for close.
func (n *relayNet) keep(way io.Closer) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return errors.Join(net.ErrClosed, way.Close())
	}
	n.ways[way] = struct{}{}
	return nil
}

// drop closes a way.
func (n *relayNet) drop(way io.Closer) error {
	n.mu.Lock()
	delete(n.ways, way)
	n.mu.Unlock()
	return way.Close()
}

// allowed turns udp4 and tcp4 into udp and tcp, or into those of the one family.
func (n *relayNet) allowed(network string) string {
	network = strings.TrimSuffix(network, "4")
	if n.family != 0 && !strings.HasSuffix(network, "6") {
		network += strconv.Itoa(n.family)
	}
	return network
}

// ResolveUDPAddr is for relays over UDP, if network is udp; else for STUN and the like,
// which name a family.
func (n *relayNet) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	if network == "udp" {
		network = n.allowed(network)
	}
	return n.Net.ResolveUDPAddr(network, address)
}

// ListenPacket is for relays over UDP.
func (n *relayNet) ListenPacket(network, address string) (net.PacketConn, error) {
	if address == "0.0.0.0:0" {
		address = ":0"
	}
	conn, err := n.Net.ListenPacket(n.allowed(network), address)
	if err != nil {
		return nil, err
	}
	if err := n.keep(conn); err != nil {
		return nil, err
	}
	return quietPacketConn{conn, n}, nil
}

// ResolveTCPAddr is for relays over TCP and TLS.
func (n *relayNet) ResolveTCPAddr(network, address string) (*net.TCPAddr, error) {
	return n.Net.ResolveTCPAddr(n.allowed(network), address)
}

// DialTCP is for relays over TCP and TLS.
func (n *relayNet) DialTCP(network string, _, to *net.TCPAddr) (transport.TCPConn, error) {
	conn, err := (&net.Dialer{Timeout: relayDial}).Dial(n.allowed(network), to.String())
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("dial a relay: a %T", conn), conn.Close())
	}
	if err := n.keep(tcp); err != nil {
		return nil, err
	}
	return quietTCPConn{tcp, n}, nil
}

// quietPacketConn does not tell where it is.
type quietPacketConn struct {
	net.PacketConn
	net *relayNet
}

func (quietPacketConn) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4zero, Port: 9} }
func (c quietPacketConn) Close() error      { return c.net.drop(c.PacketConn) }

// quietTCPConn does not either.
type quietTCPConn struct {
	*net.TCPConn
	net *relayNet
}

func (quietTCPConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 9} }
func (c quietTCPConn) Close() error      { return c.net.drop(c.TCPConn) }
