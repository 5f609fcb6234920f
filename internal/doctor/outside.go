package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// wayFacts are about one kind of address of a server.
type wayFacts struct {
	addr netip.Addr // invalid: the name has none
	here bool       // this machine has such an address itself
	err  error      // of a TCP connection
	took time.Duration
	page error // of the greeting by it, if there was one by the other kind
	udp  error // of STUN
	rtt  time.Duration
	seen netip.AddrPort
}

// outsideFacts are what a machine somewhere else finds.
type outsideFacts struct {
	origin, host string
	secure       bool
	lookup       error
	v4, v6       wayFacts
	greeting     *greeting
	greet        error
	stun         string
	turn         map[string]error // by transport: udp, tcp, tls
	now          time.Time
}

// Outside checks a server from this machine, which should be somewhere else. It asks
// only for what everybody may have.
func Outside(ctx context.Context, origin string) Report {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	host, port, secure := hostPort(origin)
	f := outsideFacts{origin: origin, host: host, secure: secure, turn: map[string]error{}, now: time.Now()}
	addrs := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a.Unmap())
	} else {
		addrs, f.lookup = lookup(ctx, host)
	}
	own := interfaceAddrs()
	f.v4, f.v6 = way(addrs, own, netip.Addr.Is4), way(addrs, own, netip.Addr.Is6)
	for _, w := range []*wayFacts{&f.v4, &f.v6} {
		w.connect(ctx, port)
	}
	if f.greeting, f.greet = greet(ctx, origin, nil); f.greet == nil {
		other := &f.v4 // than the one by which it was greeted
		if f.greeting.at.Addr().Unmap().Is4() {
			other = &f.v6
		}
		other.greet(ctx, origin)
		f.stun = f.greeting.stun()
		f.askRelay(ctx, port)
	}
	r := report(origin, judgeOutside(f))
	if f.greet == nil {
		r.Next = []string{"visavis probe " + origin}
	}
	return r
}

func way(addrs, own []netip.Addr, is func(netip.Addr) bool) wayFacts {
	w := wayFacts{here: len(filter(own, is)) > 0}
	if a := filter(addrs, is); len(a) > 0 {
		w.addr = a[0]
		w.here = w.here || a[0].IsLoopback()
	}
	return w
}

func (w *wayFacts) usable() bool { return w.addr.IsValid() && w.here }

func (w *wayFacts) connect(ctx context.Context, port int) {
	if !w.usable() {
		return
	}
	d := net.Dialer{Timeout: askTimeout}
	begun := time.Now()
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(w.addr.String(), strconv.Itoa(port)))
	w.err, w.took = err, time.Since(begun)
	if err == nil {
		_ = conn.Close() // that it opens is enough
	}
}

// greet asks by this kind of address alone: whoever has both is let down only now and
// then, and who has the other one always.
func (w *wayFacts) greet(ctx context.Context, origin string) {
	if w.usable() && w.err == nil {
		_, w.page = greetAt(ctx, origin, w.addr, nil)
	}
}

// askRelay asks STUN by each kind of address, and the relay by each transport. The
// relay has the address of STUN; with TLS it is on the port of the page.
func (f *outsideFacts) askRelay(ctx context.Context, port int) {
	_, text, err := net.SplitHostPort(f.stun)
	if err != nil {
		return
	}
	for _, w := range []*wayFacts{&f.v4, &f.v6} {
		if w.usable() {
			w.askSTUN(ctx, net.JoinHostPort(w.addr.String(), text))
		}
	}
	d := net.Dialer{Timeout: askTimeout}
	f.turn["udp"] = turnAt(func() (net.Conn, error) { return dialUDP(ctx, "udp", f.stun) }, false)
	f.turn["tcp"] = turnAt(func() (net.Conn, error) { return d.DialContext(ctx, "tcp", f.stun) }, true)
	if f.secure && text == strconv.Itoa(port) {
		f.turn["tls"] = turnAt(func() (net.Conn, error) {
			return (&tls.Dialer{NetDialer: &d}).DialContext(ctx, "tcp", f.stun)
		}, true)
	}
}

func (w *wayFacts) askSTUN(ctx context.Context, address string) {
	conn, err := dialUDP(ctx, "udp", address)
	if err != nil {
		w.udp = err
		return
	}
	defer conn.Close()
	begun := time.Now()
	w.seen, w.udp = seen(conn, false)
	w.rtt = time.Since(begun)
}

func turnAt(dial func() (net.Conn, error), stream bool) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return isTURN(conn, stream)
}

func judgeOutside(f outsideFacts) []Finding {
	if f.lookup != nil {
		return []Finding{judgeLookup("outside.dns", f.host, f.lookup)}
	}
	var out []Finding
	for _, w := range []struct {
		id, name string
		wayFacts
	}{{"outside.tcp4", "IPv4", f.v4}, {"outside.tcp6", "IPv6", f.v6}} {
		out = append(out, judgeWay(w.id, w.name, w.wayFacts))
	}
	if f.greet != nil {
		return append(out, judgeGreeting(f))
	}
	out = append(out, good("outside.visavis", "a visavis answers at %s", f.origin))
	if f.secure && len(f.greeting.chain) > 0 {
		out = append(out, judgeExpiry("outside.certificate", f.greeting.chain[0], f.now))
	}
	out = append(out, judgeOffset("outside.clock", otherClock{f.origin, f.greeting.ahead, f.greeting.unsure}))
	for _, w := range []struct {
		id, name string
		wayFacts
	}{{"outside.udp4", "IPv4", f.v4}, {"outside.udp6", "IPv6", f.v6}} {
		if !w.usable() {
			continue
		}
		switch {
		case w.udp != nil:
			out = append(out, bad(w.id, "open it for UDP, in the firewall of the machine and in that of its provider: "+f.stun, "no answer comes over UDP and %s: %v", w.name, w.udp))
		case f.stun == "":
			out = append(out, bad(w.id, "let a proxy pass Host on: docs/operating.md, Behind a proxy", "UDP over %s was not tried: the server names no STUN at %s, and clients take no other", w.name, f.host))
		default:
			out = append(out, good(w.id, "UDP goes both ways over %s, in %v; this machine is seen as %v", w.name, w.rtt.Round(100*time.Microsecond), w.seen.Addr()))
		}
	}
	return append(out, judgeTURN(f)...)
}

func judgeWay(id, name string, w wayFacts) Finding {
	switch {
	case !w.addr.IsValid():
		return good(id, "the server has no address for %s", name)
	case !w.here:
		return good(id, "%s was not tried: this machine has none", name)
	case w.err != nil:
		return bad(id, closedRemedy(w.err), "%s: %v", name, w.err)
	}
	if w.page != nil {
		return bad(id, "let the server, or the proxy in front, answer there as it does by the other kind of address; or take the record away that names "+w.addr.String(),
			"%s: TCP is open, but no visavis answers by it, only by the other kind of address: %v", name, w.page)
	}
	return good(id, "%s: TCP is open, in %v", name, w.took.Round(100*time.Microsecond))
}

// closedRemedy is for a port that TCP does not get to. Most firewalls say nothing; a
// refusal comes from a machine where nobody listens.
func closedRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the server (systemctl status visavis says why it does not run), or give it this port: server.listen; seldom a firewall refuses like this"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no way from this machine to there: try another one, or see ip route get on this one"
	}
	return "open the port for TCP, in the firewall of the machine and in that of its provider"
}

// judgeGreeting says why no visavis was found.
func judgeGreeting(f outsideFacts) Finding {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](f.greet); ok {
		remedy := "give the server a certificate for " + f.host + " with its whole chain; if its authority is one of your own: SSL_CERT_FILE=ca.pem visavis doctor"
		if expired, ok := errors.AsType[x509.CertificateInvalidError](f.greet); ok && expired.Reason == x509.Expired {
			remedy = "renew the certificate, and check both clocks"
		}
		return bad("outside.certificate", remedy, "the certificate is not accepted: %v", f.greet)
	}
	if moved, ok := errors.AsType[*movedError](f.greet); ok {
		return bad("outside.visavis", "use that address, in links too: visavis doctor --outside "+moved.origin, "no visavis answers at %s: %v", f.origin, f.greet)
	}
	if f.secure && (errors.Is(f.greet, syscall.ECONNRESET) || errors.Is(f.greet, io.EOF)) {
		return bad("outside.visavis", "if the server has no certificate, its address begins with http://; else its log says what is wrong", "no TLS comes about with %s: %v", f.origin, f.greet)
	}
	return bad("outside.visavis", "does the server run, and does a proxy pass WebSocket on? visavis doctor on its machine", "no visavis answers at %s: %v", f.origin, f.greet)
}

func judgeTURN(f outsideFacts) []Finding {
	var out []Finding
	for _, t := range []struct{ id, key, name, remedy string }{
		{"outside.turn_udp", "udp", "UDP", "open it for UDP, in the firewall of the machine and in that of its provider: " + f.stun},
		{"outside.turn_tcp", "tcp", "TCP", "open it for TCP; behind a proxy it has to be reachable beside the proxy: " + f.stun},
		{"outside.turn_tls", "tls", "TLS", "see outside.certificate"},
	} {
		err, tried := f.turn[t.key]
		switch {
		case !tried:
			out = append(out, good(t.id, "the relay over %s is not offered", t.name))
		case err != nil:
			out = append(out, bad(t.id, t.remedy, "the relay does not answer over %s: %v", t.name, err))
		default:
			out = append(out, good(t.id, "the relay answers over %s", t.name))
		}
	}
	return out
}
