package httpd

import (
	"net"
	"strconv"
	"testing"
	"time"
)

// What one listens on, and by which loopback addresses it is reached, by TCP and UDP.
func TestListenFamilies(t *testing.T) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else {
		_ = l.Close()
	}
	for _, tt := range []struct {
		listen string
		v4, v6 bool
	}{
		{":0", true, true},
		{"0.0.0.0:0", true, false},
		{"[::]:0", false, true},
		{"127.0.0.1:0", true, false},
		{"[::1]:0", false, true},
	} {
		l, pc, err := Listen(t.Context(), tt.listen)
		if err != nil {
			t.Errorf("%s: %v", tt.listen, err)
			continue
		}
		port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		for host, want := range map[string]bool{"127.0.0.1": tt.v4, "::1": tt.v6} {
			at := net.JoinHostPort(host, port)
			if got := reachedByTCP(at); got != want {
				t.Errorf("%s: TCP to %s: %v, want %v", tt.listen, host, got, want)
			}
			if got := reachedByUDP(t, pc, at); got != want {
				t.Errorf("%s: UDP to %s: %v, want %v", tt.listen, host, got, want)
			}
		}
		_, _ = l.Close(), pc.Close()
	}
}

func reachedByTCP(at string) bool {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// reachedByUDP: where nobody listens, the sender is told so (ICMP).
func reachedByUDP(t *testing.T, pc net.PacketConn, at string) bool {
	t.Helper()
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, conn := range []interface{ SetDeadline(time.Time) error }{c, pc} {
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("?")); err != nil {
		return false
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		b := make([]byte, 1)
		if _, from, err := pc.ReadFrom(b); err == nil {
			_, _ = pc.WriteTo(b, from)
		}
	}()
	_, err = c.Read(make([]byte, 1))
	_ = pc.SetDeadline(time.Now()) // ends the goroutine where nothing came
	<-answered
	return err == nil
}

func TestListenRefusesATakenUDPPort(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	if l, pc, err := Listen(t.Context(), udp.LocalAddr().String()); err == nil {
		_, _ = l.Close(), pc.Close()
		t.Error("listened on a port whose UDP side is taken")
	}
}
