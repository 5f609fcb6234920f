package netlab_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
)

// udp opens a socket on a node; addr may be the zero Addr.
func udp(t *testing.T, n *netlab.Node, addr netip.Addr, port uint16) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	err := n.Do(func() (err error) {
		var at *net.UDPAddr
		if addr.IsValid() {
			at = net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port))
		}
		conn, err = net.ListenUDP("udp", at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// mirror answers each packet with the address it came from, and the packet: what
// STUN does (RFC 8489 §2), in fewer bytes.
func mirror(t *testing.T, n *netlab.Node, addr netip.Addr, port uint16) netip.AddrPort {
	t.Helper()
	conn := udp(t, n, addr, port)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			k, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			text := append([]byte(from.String()+" "), b[:k]...)
			_, _ = conn.WriteToUDPAddrPort(text, from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return netip.AddrPortFrom(addr, port)
}

// ask sends to a mirror and returns how it saw the sender, or the zero AddrPort.
func ask(t *testing.T, conn *net.UDPConn, to netip.AddrPort, wait time.Duration) (netip.AddrPort, time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := conn.WriteToUDPAddrPort([]byte("?"), to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 200)
	for {
		_ = conn.SetReadDeadline(start.Add(wait))
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return netip.AddrPort{}, 0
		}
		if err != nil {
			t.Fatal(err)
		}
		if from.Addr().Unmap() == to.Addr() && from.Port() == to.Port() {
			seen, _, _ := strings.Cut(string(b[:n]), " ")
			return netip.MustParseAddrPort(seen), time.Since(start)
		}
	}
}

// flood sends n packets of this length, one each gap, from host to server, and
// returns which came when.
func flood(t *testing.T, from, to *net.UDPConn, n, length int, gap time.Duration) (numbers []int, took time.Duration) {
	t.Helper()
	done := make(chan struct{})
	var first time.Time
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			_ = to.SetReadDeadline(time.Now().Add(700 * time.Millisecond))
			if _, _, err := to.ReadFromUDPAddrPort(b); err != nil {
				return
			}
			if first.IsZero() {
				first = time.Now()
			}
			numbers, took = append(numbers, int(binary.BigEndian.Uint32(b))), time.Since(first)
		}
	}()
	local := netip.MustParseAddrPort(to.LocalAddr().String())
	ticker := time.NewTicker(gap)
	defer ticker.Stop()
	b := make([]byte, length)
	for i := range n {
		binary.BigEndian.PutUint32(b, uint32(i))
		if _, err := from.WriteToUDPAddrPort(b, local); err != nil {
			t.Fatal(err)
		}
		<-ticker.C
	}
	<-done
	return numbers, took
}
