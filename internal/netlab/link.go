package netlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
)

// Family says which Internet a link gives.
type Family int

// The families.
const (
	DualStack Family = iota
	IPv4Only
	IPv6Only
)

// LinkOptions of a new link. The zero value is a perfect line with public addresses.
type LinkOptions struct {
	// Interface is the name of the device on the node; empty: eth0, eth1 and so on.
	// Browsers guess the kind of network from it: wlan0, wwan0.
	Interface string
	// Family: behind a NAT there is IPv4 only, whatever is asked.
	Family   Family
	NAT      NAT
	Firewall Firewall
	// Router is between even without NAT or firewall, so that one can be set later.
	Router bool
	// Ethernet is what the node's device is then, with addresses of hardware, and a router at the
	// other end of the wire; else it is a TUN device, which knows IP alone. IPv4 only.
	Ethernet bool
	MTU      int        // of the node's device; 0: that of Ethernet. IPv6 needs 1280 (RFC 8200 §5)
	Up, Down Impairment // from the node, and to it
}

// mtu is that of Ethernet.
const mtu = 1500

// Link is the access line of a node.
type Link struct {
	// Interface is the device on the node.
	Interface string
	// Addrs are the node's own on this link: IPv4 first, if it has it.
	Addrs []netip.Addr

	node     *Node
	public   []netip.Addr // for which the hub sends packets here
	router   *router      // or nil
	ethernet bool         // the device is one
	up, down *pipe

	mu    sync.Mutex
	imp   [2]Impairment // up, down: what was set last
	ctx   context.Context
	stop  context.CancelFunc
	files []*os.File // TUN devices, closed to end the readers
	tasks sync.WaitGroup
}

// Addr4 is the node's IPv4 address on this link, or the zero Addr.
func (l *Link) Addr4() netip.Addr { return l.addr(netip.Addr.Is4) }

// Addr6 is the node's IPv6 address on this link, or the zero Addr.
func (l *Link) Addr6() netip.Addr { return l.addr(netip.Addr.Is6) }

// Public are the addresses under which others reach the node, or see it: those of its
// router, if that translates.
func (l *Link) Public() []netip.Addr { return slices.Clone(l.public) }

func (l *Link) addr(is func(netip.Addr) bool) netip.Addr {
	for _, a := range l.Addrs {
		if is(a) {
			return a
		}
	}
	return netip.Addr{}
}

func newLink(ctx context.Context, n *Node, o LinkOptions) (*Link, error) {
	if err := errors.Join(o.Up.Validate(), o.Down.Validate()); err != nil {
		return nil, err
	}
	number, err := n.lab.nextLink()
	if err != nil {
		return nil, err
	}
	l := &Link{Interface: o.Interface, node: n, imp: [2]Impairment{o.Up, o.Down}}
	if l.Interface == "" {
		l.Interface = n.freeName()
	}
	l.ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx)) // ends with Remove
	if err := l.build(ctx, number, o); err != nil {
		_ = l.release(ctx) // takes away as much as there is; err says what matters
		return nil, fmt.Errorf("link of %s: %w", n.Name, err)
	}
	return l, nil
}

func (l *Link) build(ctx context.Context, number int, o LinkOptions) error {
	var near *os.File // nil: no TUN device
	if !o.Ethernet {
		var err error
		if near, err = l.node.ns.tun(l.Interface); err != nil {
			return err
		}
		l.files = append(l.files, near)
	}
	wan := near // where packets enter and leave the hub
	if o.NAT != NATNone || o.Firewall.set() || o.Router || o.Ethernet {
		var err error
		if wan, err = l.addRouter(ctx, number, near, o); err != nil {
			return err
		}
	} else {
		l.Addrs = addresses(number, o.Family)
		l.public = l.Addrs
	}
	if err := l.configure(ctx, number, cmp.Or(o.MTU, mtu)); err != nil {
		return err
	}
	l.open(uint64(number), wan)
	return nil
}

// addresses of link n that the Internet knows.
func addresses(n int, f Family) (out []netip.Addr) {
	if f != IPv6Only {
		out = append(out, netip.AddrFrom4([4]byte{198, 18, byte(n), 2}))
	}
	if f != IPv4Only {
		out = append(out, netip.AddrFrom16([16]byte{0x20, 0x01, 0, 2, 0, 0, 0, byte(n), 15: 2}))
	}
	return out
}

// configure gives the device its addresses, and a way out for each.
func (l *Link) configure(ctx context.Context, number, mtu int) error {
	table := 100 + number // also the metric: the oldest link is the default
	if err := l.node.ns.ip(ctx, fmt.Sprintf("link set %s mtu %d up", l.Interface, mtu)); err != nil {
		return err
	}
	for _, a := range l.Addrs {
		prefix, nodad := netip.PrefixFrom(a, 24), ""
		if a.Is6() {
			prefix, nodad = netip.PrefixFrom(a, 64), " nodad"
		}
		err := l.node.ns.ipFor(
			ctx, a,
			fmt.Sprintf("addr add %s dev %s%s", prefix, l.Interface, nodad),
			fmt.Sprintf("route add default dev %s metric %d", l.Interface, table),
			fmt.Sprintf("route add default dev %s table %d", l.Interface, table),
			fmt.Sprintf("rule add from %s lookup %d", a, table),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// open starts the packets.
func (l *Link) open(number uint64, wan *os.File) {
	hub := l.node.lab.hub
	l.up = newPipe(l.node.lab.seed, 2*number, l.imp[0], func(b []byte) { hub.forward(l, b) })
	l.down = newPipe(l.node.lab.seed, 2*number+1, l.imp[1], func(b []byte) { write(wan, b) })
	l.tasks.Go(func() { l.up.run(l.ctx) })
	l.tasks.Go(func() { l.down.run(l.ctx) })
	l.tasks.Go(func() { read(wan, l.up.send) })
	hub.add(l)
}

// read passes on each packet until the device is closed.
func read(device *os.File, to func([]byte)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := device.Read(buffer)
		if err != nil {
			return
		}
		to(append([]byte(nil), buffer[:n]...))
	}
}

// write never waits: the kernel takes or drops the packet. A device that is
// down, or closed by now, loses it.
func write(device *os.File, packet []byte) { _, _ = device.Write(packet) }

// Set changes both directions at once, for all packets sent after it returned.
func (l *Link) Set(up, down Impairment) error {
	if err := errors.Join(up.Validate(), down.Validate()); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.imp = [2]Impairment{up, down}
	l.up.change(l.ctx, up)
	l.down.change(l.ctx, down)
	return nil
}

// SetBoth is Set with the same for both directions.
func (l *Link) SetBoth(i Impairment) error { return l.Set(i, i) }

// Impairments are those set last.
func (l *Link) Impairments() (up, down Impairment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.imp[0], l.imp[1]
}

// Counters tell what became of packets so far.
func (l *Link) Counters() (up, down Counters) { return l.up.count.read(), l.down.count.read() }

// SetFirewall replaces the firewall of a link that has a router.
func (l *Link) SetFirewall(ctx context.Context, f Firewall) error {
	if l.router == nil {
		return fmt.Errorf("%s of %s has no router for a firewall: attach it with one", l.Interface, l.node.Name)
	}
	return l.router.setFirewall(ctx, f)
}

// Remove takes the device off the node, with its addresses, as when a cable or a
// stick is pulled. Programs see the interface go.
func (l *Link) Remove(ctx context.Context) error {
	if !l.node.forget(l) {
		return nil
	}
	l.node.lab.hub.remove(l)
	return l.release(ctx)
}

// release undoes newLink, also one that stopped halfway.
func (l *Link) release(ctx context.Context) error {
	l.stop()
	for _, f := range l.files {
		f.Close()
	}
	l.tasks.Wait()
	var err error
	if l.ethernet { // else it goes when its file is closed
		err = l.node.ns.ip(ctx, "link delete "+l.Interface)
	}
	for _, a := range l.Addrs { // routes went with the device, rules did not
		err = errors.Join(err, l.node.ns.ipFor(ctx, a, fmt.Sprintf("rule delete from %s", a)))
	}
	if l.router != nil {
		err = errors.Join(err, l.router.ns.remove(ctx))
	}
	return err
}
