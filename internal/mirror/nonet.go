package mirror

import (
	"context"
	"errors"
	"net"

	"github.com/pion/transport/v4"
)

var errNoNet = errors.New("a mirror has no network")

// noNet is the network as a mirror sees it: no interfaces, no sockets, no names.
// pion uses it for all that does not go through the line.
type noNet struct{}

func (noNet) ListenPacket(string, string) (net.PacketConn, error)           { return nil, errNoNet }
func (noNet) ListenUDP(string, *net.UDPAddr) (transport.UDPConn, error)     { return nil, errNoNet }
func (noNet) ListenTCP(string, *net.TCPAddr) (transport.TCPListener, error) { return nil, errNoNet }
func (noNet) Dial(string, string) (net.Conn, error)                         { return nil, errNoNet }
func (noNet) DialUDP(string, *net.UDPAddr, *net.UDPAddr) (transport.UDPConn, error) {
	return nil, errNoNet
}

func (noNet) DialTCP(string, *net.TCPAddr, *net.TCPAddr) (transport.TCPConn, error) {
	return nil, errNoNet
}
func (noNet) ResolveIPAddr(string, string) (*net.IPAddr, error)           { return nil, errNoNet }
func (noNet) ResolveUDPAddr(string, string) (*net.UDPAddr, error)         { return nil, errNoNet }
func (noNet) ResolveTCPAddr(string, string) (*net.TCPAddr, error)         { return nil, errNoNet }
func (noNet) Interfaces() ([]*transport.Interface, error)                 { return nil, nil }
func (noNet) InterfaceByIndex(int) (*transport.Interface, error)          { return nil, errNoNet }
func (noNet) InterfaceByName(string) (*transport.Interface, error)        { return nil, errNoNet }
func (n noNet) CreateDialer(*net.Dialer) transport.Dialer                 { return n }
func (noNet) CreateListenConfig(*net.ListenConfig) transport.ListenConfig { return noListen{} }

type noListen struct{}

func (noListen) Listen(context.Context, string, string) (net.Listener, error) { return nil, errNoNet }

func (noListen) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return nil, errNoNet
}

var _ transport.Net = noNet{}
