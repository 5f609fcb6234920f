package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// maxPerSource bounds connections that speak HTTP, for one address (IPv6: one /64). A
// browser has six; WebSockets do not count, they have limits of their own.
const maxPerSource = 512

// crowd counts connections by where they come from, so that one client that keeps as
// many as it can does not take the memory and the file descriptors of all. Those from
// this machine are a proxy's, and not counted.
type crowd struct {
	mu      sync.Mutex
	open    map[net.Conn]netip.Prefix
	sources map[netip.Prefix]int
}

func newCrowd() *crowd {
	return &crowd{open: make(map[net.Conn]netip.Prefix), sources: make(map[netip.Prefix]int)}
}

// follow is [http.Server.ConnState].
func (c *crowd) follow(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !c.enter(conn) {
			_ = conn.Close() // refused; nothing was written
		}
	case http.StateHijacked, http.StateClosed:
		c.leave(conn)
	case http.StateActive, http.StateIdle:
	}
}

func (c *crowd) enter(conn net.Conn) bool {
	from := sourceOf(conn)
	if !from.IsValid() || from.Addr().IsLoopback() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources[from] >= maxPerSource {
		return false
	}
	c.open[conn] = from
	c.sources[from]++
	return true
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, ok := c.open[conn]
	if !ok {
		return
	}
	delete(c.open, conn)
	if c.sources[from]--; c.sources[from] == 0 {
		delete(c.sources, from)
	}
}
