package netlab

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"
)

// Node is a machine of the lab: a network namespace. Files and processes are
// those of the real machine.
type Node struct {
	Name string

	lab *Lab
	ns  *namespace

	mu    sync.Mutex
	links []*Link
}

// Namespace is its name, as ip netns exec takes it.
func (n *Node) Namespace() string { return n.ns.name }

// Command is [exec.CommandContext] for a program that runs on this node. The id of
// the process is that of the program. [Lab.Close] ends it, and its children.
func (n *Node) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.ns.name, name}, args...)...)
}

// Do calls f on this node: sockets that f opens belong to it for good. Goroutines
// that f starts do not run on the node.
func (n *Node) Do(f func() error) error { return n.ns.do(f) }

// Links are those the node has now, the oldest first.
func (n *Node) Links() []*Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.links)
}

// Attach gives the node one more link. Several may be up at once: what is sent from
// the address of one leaves by it, and what has no address yet takes the oldest.
func (n *Node) Attach(ctx context.Context, o LinkOptions) (*Link, error) {
	link, err := newLink(ctx, n, o)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = append(n.links, link)
	return link, nil
}

// Switch is what a phone does at the door: a new link, with another address,
// and the old ones are gone a moment later.
func (n *Node) Switch(ctx context.Context, o LinkOptions) (*Link, error) {
	old := n.Links()
	link, err := n.Attach(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, l := range old {
		if err := l.Remove(ctx); err != nil {
			return nil, err
		}
	}
	return link, nil
}

// freeName is the first of eth0, eth1 … that no link has.
func (n *Node) freeName() string {
	links := n.Links()
	for i := 0; ; i++ {
		name := fmt.Sprintf("eth%d", i)
		if !slices.ContainsFunc(links, func(l *Link) bool { return l.Interface == name }) {
			return name
		}
	}
}

func (n *Node) forget(l *Link) (known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.links, l)
	if i >= 0 {
		n.links = slices.Delete(n.links, i, i+1)
	}
	return i >= 0
}
