package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// stunTries and stunWait are how often, and for how long each time, an answer over
	// UDP is waited for.
	stunTries = 4
	stunWait  = 600 * time.Millisecond
)

var errSilent = errors.New("no answer")

// mapping is an address of ours as a server sees it.
type mapping struct {
	via   string // who sees it
	local netip.AddrPort
	seen  netip.AddrPort
}

// ask sends one request over conn and returns the answer. Over a stream the message says
// how long it is; datagrams are sent again, since they may get lost.
func ask(conn net.Conn, request *stun.Message, stream bool) (*stun.Message, error) {
	tries := stunTries
	if stream {
		tries = 1
	}
	for range tries {
		wait := stunWait
		if stream {
			wait = askTimeout
		}
		if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
			return nil, err
		}
		if _, err := conn.Write(request.Raw); err != nil {
			return nil, err
		}
		answer, err := read(conn, request, stream)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			continue
		}
		return answer, err
	}
	return nil, errSilent
}

// read returns the next message that answers request.
func read(conn net.Conn, request *stun.Message, stream bool) (*stun.Message, error) {
	buffer := make([]byte, 1500)
	for {
		n := 0
		var err error
		if stream {
			n, err = readFrame(conn, buffer)
		} else {
			n, err = conn.Read(buffer)
		}
		if err != nil {
			return nil, err
		}
		m := &stun.Message{Raw: append([]byte{}, buffer[:n]...)}
		if m.Decode() == nil && m.TransactionID == request.TransactionID {
			return m, nil
		}
		if stream {
			return nil, errors.New("what answers is no STUN server")
		}
	}
}

// readFrame reads one STUN message from a stream (RFC 8489 §6.2.2).
func readFrame(r io.Reader, buffer []byte) (int, error) {
	const header = 20
	if _, err := io.ReadFull(r, buffer[:header]); err != nil {
		return 0, err
	}
	n := header + int(buffer[2])<<8 + int(buffer[3])
	if n > len(buffer) {
		return 0, errors.New("what answers is no STUN server")
	}
	_, err := io.ReadFull(r, buffer[header:n])
	return n, err
}

// seen asks the STUN server at the other end of conn what our address is.
func seen(conn net.Conn, stream bool) (netip.AddrPort, error) {
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, err
	}
	answer, err := ask(conn, request, stream)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(answer); err != nil {
		return netip.AddrPort{}, fmt.Errorf("STUN answer: %w", err)
	}
	addr, ok := netip.AddrFromSlice(mapped.IP)
	if !ok || mapped.Port < 0 || mapped.Port > 0xffff {
		return netip.AddrPort{}, errors.New("STUN answer: no address")
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(mapped.Port)), nil
}

// isTURN asks for a relay without credentials: a TURN server says that it wants some
// (RFC 8656 §7.2).
func isTURN(conn net.Conn, stream bool) error {
	udp := stun.RawAttribute{Type: stun.AttrRequestedTransport, Length: 4, Value: []byte{17, 0, 0, 0}}
	request, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udp)
	if err != nil {
		return err
	}
	answer, err := ask(conn, request, stream)
	if err != nil {
		return err
	}
	var refused stun.ErrorCodeAttribute
	if refused.GetFrom(answer) != nil || refused.Code != stun.CodeUnauthorized {
		return errors.New("it does not ask for credentials, as a TURN server does")
	}
	return nil
}

// dialUDP is a connection of which nothing has left yet.
func dialUDP(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: askTimeout}
	return d.DialContext(ctx, network, address)
}

// askFrom is seen for a socket of its own, used for several servers.
type askFrom struct {
	net.PacketConn
	to net.Addr
}

func (a askFrom) Read(b []byte) (int, error) {
	for {
		n, from, err := a.ReadFrom(b)
		if err != nil || from.String() == a.to.String() {
			return n, err
		}
	}
}

func (a askFrom) Write(b []byte) (int, error) { return a.WriteTo(b, a.to) }
func (a askFrom) RemoteAddr() net.Addr        { return a.to }
