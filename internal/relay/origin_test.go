package relay

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// A server bound to all addresses answers from the one it was asked at.
func TestAnswersFromAskedAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs 127.0.0.2, which only Linux has without being told")
	}
	for _, network := range []string{"udp4", "udp"} { // an IPv4 socket, and one for both families
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		pc, err := net.ListenPacket(network, ":0")
		if err != nil {
			t.Fatal(err)
		}
		port := pc.LocalAddr().(*net.UDPAddr).Port
		served := make(chan error, 1)
		go func() { served <- s.ServePacket(pc) }()

		// A connected socket takes answers from its peer only. From 127.0.0.1 to
		// 127.0.0.2 the kernel's own choice for the way back is 127.0.0.1.
		conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		c := &rawClient{t: t, conn: conn}
		m := c.exchange(stun.MustBuild(stun.TransactionID, stun.BindingRequest), 2*time.Second)
		if m == nil {
			t.Errorf("%s: no answer", network)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}
