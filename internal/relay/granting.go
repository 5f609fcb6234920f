package relay

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// grantingMax is how long closing an allocation waits for a permission in the
// making. It takes microseconds.
const grantingMax = 2 * time.Second

// granting is a permission of an allocation in the making. pion/turn before 5.1.3 shows
// a permission to whoever closes the allocation before it has a timer, and a client can
// choose the moment (by the lifetime that it asks for): the server would fall over a nil
// timer. Closing therefore waits until pion goes on: to the next permission, or to the answer.
//
// A permission that is there is not in the making, though it is asked for again: pion then waits for
// whoever closes, who would wait for pion, and behind both all clients of the socket.
type granting struct {
	mu   sync.Mutex
	made chan struct{} // nil: none is in the making
}

func (g *granting) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made == nil {
		g.made = make(chan struct{})
	}
}

func (g *granting) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made != nil {
		close(g.made)
		g.made = nil
	}
}

// wait is called when pion takes a permission away.
func (g *granting) wait() {
	g.mu.Lock()
	made := g.made
	g.mu.Unlock()
	if made == nil {
		return
	}
	timeout := time.NewTimer(grantingMax)
	defer timeout.Stop()
	select {
	case <-made:
	case <-timeout.C:
		g.end()
	}
}

// ask is called when pion asks whether the allocation may have a permission.
func (a *allocation) ask() {
	if a.permitted.Load() {
		a.granting.end() // of the one before
	} else {
		a.granting.begin()
	}
}

// answered is called for each packet that pion sends to a client of a listener.
func (l *loop) answered(listener uint32, near net.Addr, packet []byte) {
	if len(packet) < 2 {
		return
	}
	var t stun.MessageType
	t.ReadValue(binary.BigEndian.Uint16(packet))
	if t.Method != stun.MethodCreatePermission && t.Method != stun.MethodChannelBind ||
		t.Class != stun.ClassSuccessResponse && t.Class != stun.ClassErrorResponse || packet[0]>>6 != 0 {
		return
	}
	if c, ok := clientOf(listener, near); ok {
		if a, _ := l.kept(c); a != nil {
			a.granting.end()
		}
	}
}
