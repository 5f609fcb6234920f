// Package netlab is a network in a box, for tests: the server, the host and the
// guest each live in a network namespace of their own, and what lies between
// them can be made as bad as the worst hotel's Wi-Fi, while a call runs.
//
//	        Node "host"            this process               Node "server"
//	┌──────────────────────┐   ┌──────────────────┐   ┌───────────────────────┐
//	│ eth0 (TUN) 198.18.1.2├──▶│ up ─▶ hub ─▶ down├──▶│ eth0 (TUN) 198.18.3.2 │
//	│                      │◀──┤down ◀─ hub ◀─ up │◀──┤                       │
//	└──────────────────────┘   └──────────────────┘   └───────────────────────┘
//
// # The network
//
// A [Node] is a namespace. A [Link] joins it to the hub: a TUN device inside the
// namespace whose packets this process reads, impairs, looks up by destination,
// impairs again and writes to the TUN device of the receiver. So a [Link] is
// somebody's access line, with an [Impairment] for each direction, and a packet
// from host to guest suffers the host's "up" and the guest's "down". The hub is
// not a router hop: it does not count down TTLs. It carries what is addressed to a
// node of the lab and drops the rest, also what bears a source address that is
// not of its link (as providers should, BCP 38).
//
// A link with a [NAT] or a [Firewall] has a router between: one more namespace, with nft.
//
// Addresses are those set aside for network tests, which behave like public
// ones: 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180); behind a NAT 10.0.0.0/8.
//
// # What it leaves alone
//
// No interface is made in the namespace this process runs in, and nothing
// there is changed: programs that watch the network, such as browsers of
// other tests, see nothing of a lab. Namespaces bear the id of the process
// that made them; [New] removes those of processes that died.
//
// # Ownership
//
// A [Lab] owns its namespaces, devices and goroutines until [Lab.Close] returns.
// All methods may be called from anywhere, also while packets flow.
package netlab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a lab. The zero value is one that logs nothing.
type Options struct {
	// Log hears what was made and removed; nil: nobody.
	Log *slog.Logger
	// Seed of the dice for loss, jitter and so on: the same seed and the same
	// packets have the same fate. 0 is a seed like any other.
	Seed uint64
}

// maxLinks is how many links a lab may make in its life: each has an octet.
const maxLinks = 250

// teardownTimeout bounds the removal of a lab; it is milliseconds when all is well.
const teardownTimeout = 20 * time.Second

// Lab is one network.
type Lab struct {
	log    *slog.Logger
	seed   uint64
	prefix string // of the names of namespaces
	hub    *hub

	mu    sync.Mutex
	nodes []*Node
	links int // made so far
}

// Check says why there can be no lab here, or returns nil.
func Check() error {
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		missing = append(missing, "/dev/net/tun")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, "the command "+tool)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the network lab needs %s", strings.Join(missing, " and "))
	}
	return nil
}

// New returns an empty lab, after it has removed what labs of dead processes left.
func New(ctx context.Context, o Options) (*Lab, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	prefix, err := newPrefix()
	if err != nil {
		return nil, err
	}
	if err := removeStale(ctx, log); err != nil {
		return nil, fmt.Errorf("remove the remains of an earlier lab: %w", err)
	}
	return &Lab{log: log, seed: o.Seed, prefix: prefix, hub: newHub()}, nil
}

// AddNode makes a namespace in which nothing is yet but loopback. The name is
// short, in lower case letters and digits, and new.
func (l *Lab) AddNode(ctx context.Context, name string) (*Node, error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return nil, fmt.Errorf("%q is no name for a node: lower case letters and digits", name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.nodes, func(n *Node) bool { return n.Name == name }) {
		return nil, fmt.Errorf("there is a node %q already", name)
	}
	ns, err := newNamespace(ctx, l.prefix+name)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", name, err)
	}
	n := &Node{Name: name, lab: l, ns: ns}
	l.nodes = append(l.nodes, n)
	l.log.Debug("namespace made", slog.String("node", name), slog.String("namespace", ns.name))
	return n, nil
}

// Node returns the node of this name, or nil.
func (l *Lab) Node(name string) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.nodes, func(n *Node) bool { return n.Name == name }); i >= 0 {
		return l.nodes[i]
	}
	return nil
}

// Nodes are all there are, the oldest first.
func (l *Lab) Nodes() []*Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.nodes)
}

// Cut breaks the direct way between two nodes, whichever links they have: what one
// sends to an address of the other is lost. Both still reach everybody else.
func (l *Lab) Cut(a, b *Node) { l.hub.cut(a, b, true) }

// Mend undoes [Lab.Cut].
func (l *Lab) Mend(a, b *Node) { l.hub.cut(a, b, false) }

// nextLink is the number of a new link, from 1.
func (l *Lab) nextLink() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links == maxLinks {
		return 0, fmt.Errorf("a lab makes at most %d links", maxLinks)
	}
	l.links++
	return l.links, nil
}

// Close ends every process inside the lab and removes all of it.
func (l *Lab) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), teardownTimeout)
	defer cancel()
	l.mu.Lock()
	nodes := l.nodes
	l.nodes = nil
	l.mu.Unlock()
	var errs []error
	for _, n := range nodes {
		for _, link := range n.Links() {
			errs = append(errs, link.Remove(ctx))
		}
		errs = append(errs, n.ns.remove(ctx))
	}
	return errors.Join(errs...)
}
