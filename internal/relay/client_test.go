package relay

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/visavis-call/visavis/protocol"
)

func counter(t testing.TB, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue() + out.GetGauge().GetValue()
}

// until polls for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// rawClient speaks TURN message by message, so that a test can say anything.
type rawClient struct {
	t        testing.TB
	conn     net.Conn
	user     string
	password string
	nonce    stun.Nonce
}

func (r *relayed) client(t testing.TB, network string, call [16]byte, role protocol.Role) *rawClient {
	t.Helper()
	user, password, _ := r.Credentials(call, role, time.Now())
	addr := r.udp
	if network == "tcp" {
		addr = r.tcp
	}
	conn, err := r.dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rawClient{t: t, conn: conn, user: user, password: password}
}

// exchange sends a message and returns the answer; nil after quiet time.
func (c *rawClient) exchange(m *stun.Message, quiet time.Duration) *stun.Message {
	c.t.Helper()
	if _, err := c.conn.Write(m.Raw); err != nil {
		c.t.Fatal(err)
	}
	return c.receive(quiet)
}

func (c *rawClient) receive(quiet time.Duration) *stun.Message {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(quiet)); err != nil {
		c.t.Fatal(err)
	}
	buf := make([]byte, mtu)
	n, err := c.conn.Read(buf)
	if err != nil {
		return nil
	}
	out := &stun.Message{Raw: buf[:n]}
	if err := out.Decode(); err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	return out
}

// signed adds credentials to a request, once there is a nonce.
func (c *rawClient) signed(method stun.Method, attrs ...stun.Setter) *stun.Message {
	key := stun.MessageIntegrity(turn.GenerateAuthKey(c.user, DefaultRealm, c.password))
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	setters = append(setters, stun.NewUsername(c.user), stun.NewRealm(DefaultRealm), c.nonce, key, stun.Fingerprint)
	return stun.MustBuild(setters...)
}

// request sends a request with credentials; want is the error code, 0 for success.
func (c *rawClient) request(method stun.Method, want stun.ErrorCode, attrs ...stun.Setter) *stun.Message {
	c.t.Helper()
	if c.nonce == nil {
		first := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
		answer := c.exchange(first, 2*time.Second)
		if answer == nil || code(answer) != stun.CodeUnauthorized {
			c.t.Fatalf("request without credentials: %v", answer)
		}
		if err := c.nonce.GetFrom(answer); err != nil {
			c.t.Fatal(err)
		}
	}
	answer := c.exchange(c.signed(method, attrs...), 2*time.Second)
	if answer == nil {
		c.t.Fatalf("%v: no answer", method)
	}
	if got := code(answer); got != want {
		c.t.Fatalf("%v: got code %d, want %d", method, got, want)
	}
	return answer
}

// allocate returns the relayed transport address.
func (c *rawClient) allocate() stun.XORMappedAddress {
	c.t.Helper()
	answer := c.request(stun.MethodAllocate, 0, udpTransport)
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
		c.t.Fatal(err)
	}
	return relayed
}

func (c *rawClient) send(to stun.XORMappedAddress, data []byte) {
	c.t.Helper()
	m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		peerAddress(to), stun.RawAttribute{Type: stun.AttrData, Value: data})
	if _, err := c.conn.Write(m.Raw); err != nil {
		c.t.Fatal(err)
	}
}

// code returns the error code of an answer, or 0.
func code(m *stun.Message) stun.ErrorCode {
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		return 0
	}
	return e.Code
}

type peerAddress stun.XORMappedAddress

func (p peerAddress) AddTo(m *stun.Message) error {
	x := stun.XORMappedAddress(p)
	return x.AddToAs(m, stun.AttrXORPeerAddress)
}

func peer(ip string, port int) peerAddress { return peerAddress{IP: net.ParseIP(ip), Port: port} }

// mappedPeer is an IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2).
type mappedPeer struct {
	ip   string
	port uint16
}

func (p mappedPeer) AddTo(m *stun.Message) error {
	mask := binary.BigEndian.AppendUint32(nil, 0x2112A442)
	mask = append(mask, m.TransactionID[:]...)
	value := binary.BigEndian.AppendUint16([]byte{0, 2}, p.port^0x2112) // RFC 8489 §14.2
	for i, b := range net.ParseIP(p.ip).To16() {
		value = append(value, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}

func transport(n byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{n, 0, 0, 0}}
}

var udpTransport = transport(transportUDP)

func channelNumber(n uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: append(binary.BigEndian.AppendUint16(nil, n), 0, 0)}
}
