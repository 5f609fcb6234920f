package sockets

import (
	"net"
	"testing"
)

// accepted is a server's connection that nobody serves yet.
func accepted(t *testing.T, h *Hub) *Conn {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = client.Close(), server.Close(), l.Close() })
	return newConn(h, server, nil)
}

// A connection that the system does not watch, as when a user watches too many, is not
// believed to be watched: it would never be heard again, and never be gone.
func TestWatchThatFails(t *testing.T) {
	var hub Hub
	c := accepted(t, &hub)
	defer func() {
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !hub.watch(c) {
		t.Fatal("is not watched")
	}
	if hub.watch(c) { // the system refuses what it has already
		t.Error("is watched, says who was refused")
	}
	if n := len(c.watched.by.conns); n != 1 {
		t.Errorf("%d connections are known", n)
	}
}
