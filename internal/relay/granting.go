package relay

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// grantingMax is how long closing an allocation waits for a permission in the
// making. It takes microseconds.
const grantingMax = 2 * time.Second

// granting knows the clients whose permission or channel is being made. pion/turn
// before 5.1.3 shows a permission to whoever closes the allocation before it has
// a timer, and a client can choose the moment (by the lifetime that it asks for): the
// server would fall over a nil timer. Closing therefore waits until the answer is on its way.
type granting struct {
	mu      sync.Mutex
	clients map[netip.AddrPort]chan struct{}
}

// begin is called when pion asks whether the client may have the permission.
func (g *granting) begin(client net.Addr) {
	c, ok := clientOf(0, client)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clients == nil {
		g.clients = map[netip.AddrPort]chan struct{}{}
	}
	if g.clients[c.addr] == nil {
		g.clients[c.addr] = make(chan struct{})
	}
}

// answered is called for each packet that pion sends to a client.
func (g *granting) answered(client net.Addr, packet []byte) {
	if len(packet) < 2 {
		return
	}
	var t stun.MessageType
	t.ReadValue(binary.BigEndian.Uint16(packet))
	if t.Method != stun.MethodCreatePermission && t.Method != stun.MethodChannelBind ||
		t.Class != stun.ClassSuccessResponse && t.Class != stun.ClassErrorResponse || packet[0]>>6 != 0 {
		return
	}
	g.end(client)
}

func (g *granting) end(client net.Addr) {
	c, _ := clientOf(0, client)
	g.mu.Lock()
	defer g.mu.Unlock()
	if made := g.clients[c.addr]; made != nil {
		close(made)
		delete(g.clients, c.addr)
	}
}

// wait is called when pion takes a permission away.
func (g *granting) wait(client net.Addr) {
	c, _ := clientOf(0, client)
	g.mu.Lock()
	made := g.clients[c.addr]
	g.mu.Unlock()
	if made == nil {
		return
	}
	timeout := time.NewTimer(grantingMax)
	defer timeout.Stop()
	select {
	case <-made:
	case <-timeout.C:
		g.end(client)
	}
}
