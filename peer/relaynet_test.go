package peer

import (
	"errors"
	"net"
	"testing"
	"time"
)

// pion asks for IPv4; a relay that has only IPv6 is reached all the same, and the own
// address is not told.
func TestRelayNetTakesAnyFamily(t *testing.T) {
	n, err := newRelayNet(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		far, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("no %s here: %v", host, err)
			continue
		}
		defer far.Close()
		near, err := n.ListenPacket("udp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		if _, err := near.WriteTo([]byte("hello"), far.LocalAddr()); err != nil {
			t.Errorf("to %s: %v", host, err)
			continue
		}
		_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, _, err := far.ReadFrom(make([]byte, 9)); err != nil {
			t.Errorf("at %s: %v", host, err)
		}
		if got := near.LocalAddr().String(); got != "0.0.0.0:9" {
			t.Errorf("UDP says it is %s", got)
		}

		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		to, err := n.ResolveTCPAddr("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := n.DialTCP("tcp4", nil, to)
		if err != nil {
			t.Errorf("to %s: %v", host, err)
			continue
		}
		defer conn.Close()
		if got := conn.LocalAddr().String(); got != "0.0.0.0:9" {
			t.Errorf("TCP says it is %s", got)
		}
	}
}

// Once it is over, no way to a relay is left, nor can there be another.
func TestRelayNetEnds(t *testing.T) {
	n, err := newRelayNet(0)
	if err != nil {
		t.Fatal(err)
	}
	open, err := n.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	closed, err := n.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil || len(n.ways) != 1 {
		t.Errorf("%d ways are remembered, want 1; %v", len(n.ways), err)
	}
	n.close()
	if _, _, err := open.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read = %v, want ErrClosed", err)
	}
	if _, err := n.ListenPacket("udp4", "0.0.0.0:0"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listen = %v, want ErrClosed", err)
	}
}
