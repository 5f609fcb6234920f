// Package doctor finds what keeps a server from being reached and used: on the
// machine that it runs on ([Examine]), and from another machine ([Outside]).
//
// # Facts and findings
//
// Each check has two halves. One collects facts: it opens sockets, reads files of
// the kernel, asks other servers, and has a timeout. The other is pure and says what the
// facts mean: a [Finding], with a stable id, a sentence, and what mends it.
//
// # What it asks of others
//
// Nothing that a server does not answer to anybody: its greeting, which tells the
// time and where its STUN is, STUN itself, and a request for a relay without
// credentials, which a TURN server refuses. There is no service that sends packets to an
// address on request.
package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Level says how bad a finding is.
type Level string

// The levels, from good to bad.
const (
	OK      Level = "ok"
	Warning Level = "warning" // works, but not for everybody, or not for long
	Problem Level = "problem" // people will not be able to call
)

func (l Level) rank() int { return slices.Index([]Level{OK, Warning, Problem}, l) }

// Finding is the outcome of one check. Its JSON is a contract, and so are the ids.
type Finding struct {
	ID     string `json:"id"`
	Level  Level  `json:"level"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // a command or a setting
}

// Report is everything that was found.
type Report struct {
	Subject  string    `json:"subject"` // the address or server that was examined
	Worst    Level     `json:"worst"`
	Findings []Finding `json:"findings"`
	Next     []string  `json:"next,omitempty"` // what is worth to run after this
}

func report(subject string, findings []Finding) Report {
	r := Report{Subject: subject, Worst: OK, Findings: findings}
	for _, f := range findings {
		if f.Level.rank() > r.Worst.rank() {
			r.Worst = f.Level
		}
	}
	return r
}

func good(id, format string, args ...any) Finding {
	return Finding{ID: id, Level: OK, Text: fmt.Sprintf(format, args...)}
}

func warn(id, remedy, format string, args ...any) Finding {
	return Finding{ID: id, Level: Warning, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}

func bad(id, remedy, format string, args ...any) Finding {
	return Finding{ID: id, Level: Problem, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Config is the server's own settings, as far as they matter here, and what to ask.
type Config struct {
	Listen    string // host:port
	URL       string // public origin; "": whatever clients use
	Cert, Key string // files; "": no TLS by these
	TLS       bool   // the server does TLS itself
	ByPort    bool   // an ACME server looks at port 80 or 443, to see whose the name is
	Plain     string // second address, without TLS; "": none
	Data      string
	Metrics   string
	// MetricsAsked says that somebody chose Metrics: the server does not start without it.
	MetricsAsked bool
	TokenFile    string // "": everybody may make calls
	TokenErr     error  // that file cannot be used
	Connections  int    // that the server admits at once
	Offload      bool   // the kernel is to forward for the relay, if it can

	Via     []string      // origins of other visavis servers, to ask what they see
	Address []netip.Addr  // public ones, if they are known
	Hold    time.Duration // for so long an idle connection through the proxy is kept; 0: not at all

	proc  string      // where the kernel tells about itself; "": /proc
	trust *tls.Config // for the public URL; nil: what this machine trusts
}

const (
	// askTimeout bounds one question to one server.
	askTimeout = 5 * time.Second
	// examineTimeout bounds a whole examination, without Config.Hold.
	examineTimeout = 2 * time.Minute
)

// port of Listen, or 0.
func (c *Config) port() int {
	_, p, _ := net.SplitHostPort(c.Listen)
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// host that Listen names; invalid if it names none.
func (c *Config) host() netip.Addr {
	h, _, _ := net.SplitHostPort(c.Listen)
	if h == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	a, _ := netip.ParseAddr(h)
	return a
}

// onlyHere reports whether the server is for this machine alone, a proxy included.
func (c *Config) onlyHere() bool { return c.host().IsLoopback() }

// near is where the server is reached from this machine.
func (c *Config) near() string {
	at := "127.0.0.1"
	switch h := c.host(); {
	case h.IsValid() && !h.IsUnspecified():
		at = h.String()
	case h.Is6():
		at = "::1"
	}
	return net.JoinHostPort(at, strconv.Itoa(c.port()))
}

// family is "4" or "6" if Listen is for one alone (docs/operating.md, Addresses).
func (c *Config) family() string {
	switch h := c.host(); {
	case !h.IsValid():
		return ""
	case h.Is4():
		return "4"
	}
	return "6"
}

func (c *Config) procDir() string {
	if c.proc != "" {
		return c.proc
	}
	return "/proc"
}

// publicHost is the host name of URL, "" without one.
func (c *Config) publicHost() string {
	host, _, _ := hostPort(c.URL)
	return host
}

// hostPort splits an origin; the port is that of the scheme if it names none.
func hostPort(origin string) (host string, port int, secure bool) {
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok {
		return "", 0, false
	}
	secure = scheme == "https"
	port = 80
	if secure {
		port = 443
	}
	host = strings.TrimSuffix(rest, "/")
	if h, p, err := net.SplitHostPort(host); err == nil {
		n, _ := strconv.ParseUint(p, 10, 16)
		return h, int(n), secure
	}
	return strings.Trim(host, "[]"), port, secure
}

// Examine checks this machine and the settings.
func Examine(ctx context.Context, cfg Config) Report {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout+cfg.Hold)
	defer cancel()
	here := look(ctx, &cfg)
	var all []Finding
	for _, check := range []func(context.Context, *Config, *place) []Finding{
		checkPorts, checkFirewall, checkAddress, checkDNS, checkHTTPS, checkWays, checkCertificate, checkProxy, checkHairpin,
		checkClock, checkKernel, checkOffload, checkData, checkToken,
	} {
		all = append(all, check(ctx, &cfg, here)...)
	}
	r := report(cfg.Listen, all)
	switch {
	case cfg.URL != "":
		r.Next = []string{"on another machine: visavis doctor --outside " + cfg.URL, "on the same: visavis probe " + cfg.URL}
	case here.running != nil:
		r.Next = []string{"visavis probe " + here.origin}
	}
	return r
}

// place is what several checks want to know.
type place struct {
	origin     string    // by which this machine reaches the server
	running    *greeting // nil: no visavis answers there
	interfaces []netip.Addr
	mapped     []mapping // what others see
	via        []visited // the others
}

// visited is another server that was asked.
type visited struct {
	origin   string
	greeting *greeting
	err      error
}

func look(ctx context.Context, cfg *Config) *place {
	p := &place{origin: "http://" + cfg.near(), interfaces: interfaceAddrs()}
	if cfg.TLS {
		p.origin = "https://" + cfg.near()
	}
	if g, err := greet(ctx, p.origin, trustAnything(cfg.publicHost())); err == nil {
		p.running = g
	}
	for _, origin := range cfg.Via {
		g, err := greet(ctx, origin, nil)
		p.via = append(p.via, visited{origin, g, err})
	}
	return p
}

// interfaceAddrs are the unicast addresses of this machine, without loopback.
func interfaceAddrs() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if addr := prefix.Addr().Unmap(); addr.IsGlobalUnicast() {
			out = append(out, addr)
		}
	}
	return out
}

// isPublic reports whether addr is one that the whole internet can reach.
func isPublic(a netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598: behind a provider's NAT
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}
