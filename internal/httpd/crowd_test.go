package httpd

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// gets reports whether a request over a new connection from addr is answered. The
// connection stays.
func gets(t *testing.T, b *branch, addr string) bool {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close() })
	if err := near.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if !b.deliver(from{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}) {
		t.Fatal("nobody accepts")
	}
	if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: call.example.org\r\n\r\n"); err != nil {
		return false
	}
	r, err := http.ReadResponse(bufio.NewReader(near), nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil && r.Body.Close() == nil
}

// One client that keeps its connections has so many and no more; everybody else is served,
// and it is too, once it has let go.
func TestOneClientKeepsConnections(t *testing.T) {
	t.Parallel()
	b := newBranch(&net.TCPAddr{})
	s := newServer(http.NotFoundHandler())
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(b) }()
	t.Cleanup(func() { _ = s.Close(); <-served })
	for i := range maxPerSource {
		if !gets(t, b, "[2001:db8::1]:1000") {
			t.Fatalf("connection %d was refused", i)
		}
	}
	if gets(t, b, "[2001:db8::2]:1000") {
		t.Error("one more in the same /64 is served")
	}
	for _, other := range []string{"[2001:db8:0:1::1]:1000", "192.0.2.1:1000", "127.0.0.1:1000"} {
		if !gets(t, b, other) {
			t.Errorf("%s is not served", other)
		}
	}
}

// Connections that end, and those that become WebSockets, are not counted any more.
func TestCrowdForgets(t *testing.T) {
	c := newCrowd()
	for _, state := range []http.ConnState{http.StateClosed, http.StateHijacked} {
		_, far := net.Pipe()
		conn := from{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1"))}
		c.follow(conn, http.StateNew)
		if len(c.sources) != 1 {
			t.Errorf("before %v: %d sources", state, len(c.sources))
		}
		c.follow(conn, state)
		c.follow(conn, http.StateClosed)
		if len(c.open)+len(c.sources) > 0 {
			t.Errorf("after %v: %d connections are remembered", state, len(c.open))
		}
	}
}
