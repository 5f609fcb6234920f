package netlab

import (
	"net/netip"
	"sync"
)

// hub finds the link a packet goes to.
type hub struct {
	mu     sync.RWMutex
	routes map[netip.Addr]*Link
	cuts   map[[2]*Node]bool // both orders
}

func newHub() *hub {
	return &hub{routes: map[netip.Addr]*Link{}, cuts: map[[2]*Node]bool{}}
}

func (h *hub) add(l *Link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range l.public {
		h.routes[a] = l
	}
}

func (h *hub) remove(l *Link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range l.public {
		delete(h.routes, a)
	}
}

func (h *hub) cut(a, b *Node, cut bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cut {
		h.cuts[[2]*Node{a, b}], h.cuts[[2]*Node{b, a}] = true, true
	} else {
		delete(h.cuts, [2]*Node{a, b})
		delete(h.cuts, [2]*Node{b, a})
	}
}

// forward hands a packet that has passed the sender's link to the receiver's.
func (h *hub) forward(from *Link, packet []byte) {
	src, dst, ok := ends(packet)
	if !ok {
		return
	}
	h.mu.RLock()
	to := h.routes[dst]
	lost := h.routes[src] != from || to == nil || h.cuts[[2]*Node{from.node, to.node}]
	h.mu.RUnlock()
	if !lost {
		to.down.send(packet)
	}
}

// ends reads source and destination of an IP packet.
func ends(packet []byte) (src, dst netip.Addr, ok bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20])), true
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40])), true
	}
	return src, dst, false
}
