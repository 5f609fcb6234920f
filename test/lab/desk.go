package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
)

const help = `
  node NAME [OPTIONS]           a machine with one link
  attach NAME [OPTIONS]         one more link
  switch NAME [OPTIONS]         another link, and the old ones go
  detach NAME                   the newest link goes
      OPTIONS: if=wlan0  family=dual|4|6  nat=none|endpoint-independent|port-restricted|symmetric|one-to-one
               firewall=open|no-udp|only-tcp:443|only:443  router (for a later firewall)
               ethernet (a device with an address of hardware, IPv4 only)  and impairments
  link NAME WORDS               impair its newest link both ways (NAME/wlan0: that one)
  send NAME WORDS               only from it
  receive NAME WORDS            only to it
      WORDS: delay=50ms jitter=10ms loss=20% burst=1%/25% dup=1% reorder=1% reorder-by=10ms
             rate=150k queue=64k down up clear     (what is not named stays as it is)
  firewall NAME open|no-udp|only-tcp:443|only:443
  cut A B | mend A B            the direct way between two nodes
  server start|stop|kill|url    on the node "server"
  server offload auto|off       whether the kernel is to relay; SIGHUP tells a server that runs (takes a node with ethernet)
  server metric NAME            one of its numbers
  status [json]                 every link and what became of its packets
  wait 5s | quit`

// desk carries out commands.
type desk struct {
	lab    *netlab.Lab
	out    io.Writer
	binary string
	server *server // or nil
}

func (d *desk) close() error {
	if d.server == nil {
		return nil
	}
	return d.server.close()
}

func (d *desk) command(ctx context.Context, verb string, args []string) (string, error) {
	name, rest := "", args
	if len(args) > 0 {
		name, rest = args[0], args[1:]
	}
	switch verb {
	case "help":
		return help, nil
	case "status":
		if name == "json" {
			return d.links()
		}
		return d.status(), nil
	case "wait":
		return "", wait(ctx, name)
	case "server":
		return d.serve(ctx, name, strings.Join(rest, " "))
	case "node":
		n, err := d.lab.AddNode(ctx, name)
		if err != nil {
			return "", err
		}
		return attach(ctx, n, n.Attach, rest)
	}
	name, wanted, _ := strings.Cut(name, "/")
	n := d.lab.Node(name)
	if n == nil {
		return "", fmt.Errorf("%s: no command, or no node %q; try help", verb, name)
	}
	switch verb {
	case "attach":
		return attach(ctx, n, n.Attach, rest)
	case "switch":
		return attach(ctx, n, n.Switch, rest)
	case "cut", "mend":
		return "", d.cut(n, verb == "cut", rest)
	}
	for _, l := range slices.Backward(n.Links()) {
		if wanted == "" || l.Interface == wanted {
			return onLink(ctx, l, verb, rest)
		}
	}
	return "", fmt.Errorf("%s has no such link", name)
}

func onLink(ctx context.Context, l *netlab.Link, verb string, words []string) (string, error) {
	switch verb {
	case "detach":
		return "", l.Remove(ctx)
	case "firewall":
		f, err := netlab.ParseFirewall(strings.Join(words, " "))
		if err != nil {
			return "", err
		}
		return "", l.SetFirewall(ctx, f)
	case "link", "send", "receive":
		return impair(l, verb, words)
	}
	return "", fmt.Errorf("no command %q; try help", verb)
}

// impair changes what the words name and says what holds now.
func impair(l *netlab.Link, verb string, words []string) (string, error) {
	up, down := l.Impairments()
	var err, err2 error
	if verb != "receive" {
		up, err = netlab.ParseImpairment(up, words...)
	}
	if verb != "send" {
		down, err2 = netlab.ParseImpairment(down, words...)
	}
	if err := errors.Join(err, err2); err != nil {
		return "", err
	}
	return fmt.Sprintf("sends: %s; receives: %s", up, down), l.Set(up, down)
}

type attacher = func(context.Context, netlab.LinkOptions) (*netlab.Link, error)

func attach(ctx context.Context, n *netlab.Node, make attacher, words []string) (string, error) {
	o, err := parseOptions(words)
	if err != nil {
		return "", err
	}
	link, err := make(ctx, o)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("namespace=%s interface=%s addresses=%v", n.Namespace(), link.Interface, link.Addrs), nil
}

func parseOptions(words []string) (o netlab.LinkOptions, err error) {
	var impairments []string
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "if":
			o.Interface = value
		case "nat":
			o.NAT, err = netlab.ParseNAT(value)
		case "firewall":
			o.Firewall, err = netlab.ParseFirewall(value)
		case "router":
			o.Router = true
		case "ethernet":
			o.Ethernet = true
		case "mtu":
			o.MTU, err = strconv.Atoi(value)
		case "family":
			o.Family, err = parseFamily(value)
		default:
			impairments = append(impairments, word)
		}
		if err != nil {
			return o, err
		}
	}
	o.Up, err = netlab.ParseImpairment(netlab.Impairment{}, impairments...)
	o.Down = o.Up
	return o, err
}

func parseFamily(text string) (netlab.Family, error) {
	switch text {
	case "dual":
		return netlab.DualStack, nil
	case "4":
		return netlab.IPv4Only, nil
	case "6":
		return netlab.IPv6Only, nil
	}
	return netlab.DualStack, fmt.Errorf("%q is no family: dual, 4, 6", text)
}

func (d *desk) cut(a *netlab.Node, cut bool, names []string) error {
	b := d.lab.Node(strings.Join(names, " "))
	if b == nil {
		return fmt.Errorf("no node %v", names)
	}
	if cut {
		d.lab.Cut(a, b)
	} else {
		d.lab.Mend(a, b)
	}
	return nil
}

func wait(ctx context.Context, text string) error {
	t, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(t):
	}
	return nil
}

func (d *desk) serve(ctx context.Context, verb, what string) (string, error) {
	switch {
	case verb == "start" && d.server == nil:
		n := d.lab.Node("server")
		if n == nil || len(n.Links()) == 0 {
			return "", errors.New("there is no node server yet")
		}
		s, err := newServer(n, d.binary)
		if err != nil {
			return "", err
		}
		d.server = s
		fallthrough
	case verb == "start":
		return fmt.Sprintf("url=%s cert=%s", d.server.url, d.server.cert), d.server.start(ctx)
	case d.server == nil:
		return "", errors.New("the server has not been started")
	case verb == "url":
		return fmt.Sprintf("url=%s cert=%s", d.server.url, d.server.cert), nil
	case verb == "stop":
		return "", d.server.stop()
	case verb == "kill":
		return "", d.server.kill()
	case verb == "offload":
		return d.server.offload(ctx, what)
	case verb == "metric":
		value, err := d.server.metric(ctx, what)
		return "value=" + value, err
	}
	return "", errors.New("server start, stop, kill, url, offload or metric")
}

func (d *desk) status() string {
	var out strings.Builder
	for _, n := range d.lab.Nodes() {
		for _, l := range n.Links() {
			up, down := l.Impairments()
			sent, received := l.Counters()
			fmt.Fprintf(&out, "\n  %s %s %v\n    sends: %s %s\n    receives: %s %s",
				n.Name, l.Interface, l.Addrs, up, tell(sent), down, tell(received))
		}
	}
	return out.String()
}

// links is status for programs.
func (d *desk) links() (string, error) {
	type link struct {
		Node      string       `json:"node"`
		Interface string       `json:"interface"`
		Addresses []netip.Addr `json:"addresses"`
	}
	all := []link{}
	for _, n := range d.lab.Nodes() {
		for _, l := range n.Links() {
			all = append(all, link{n.Name, l.Interface, l.Addrs})
		}
	}
	text, err := json.Marshal(all)
	return "links=" + string(text), err
}

func tell(c netlab.Counters) string {
	return fmt.Sprintf("(%d packets: %d lost, %d found the queue full, %d fell into an outage, %d kB delivered)",
		c.Sent, c.Lost, c.Overflow, c.Outage, c.Bytes/1000)
}
