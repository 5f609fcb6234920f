package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// proxyFacts are about a proxy in front of the server.
type proxyFacts struct {
	url     string
	running bool // the server behind it
	err     error
	unseen  bool          // the way from here to the public URL is closed
	hold    time.Duration // asked for
	held    time.Duration // until it was cut; 0: it was not
	// Connections to the server while one goes through the proxy, and those of them
	// from a loopback address of this machine.
	clients, near int
}

// checkProxy connects as people do, through the public URL, if that is a proxy's.
func checkProxy(ctx context.Context, cfg *Config, here *place) []Finding {
	_, _, secure := hostPort(cfg.URL)
	if cfg.TLS || !secure {
		return nil
	}
	f := proxyFacts{url: cfg.URL, running: here.running != nil, hold: cfg.Hold}
	g, err := open(ctx, cfg.URL, cfg.trust)
	f.err = err
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		f.unseen = true
	}
	if err == nil {
		f.clients, f.near = clients(cfg.procDir(), cfg.port())
		f.held = hold(ctx, g.conn, cfg.Hold)
	}
	return judgeProxy(f)
}

// hold waits in a call that nobody has made, as a guest does whose host is away, and
// returns after how long the connection was cut; 0 if it was not.
func hold(ctx context.Context, conn *websocket.Conn, d time.Duration) time.Duration {
	defer func() { _ = conn.CloseNow() }() // nobody waits for us
	if d == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var call, cid protocol.ID
	_, _ = rand.Read(call[:]) // never fails (crypto/rand)
	_, _ = rand.Read(cid[:])
	begun := time.Now()
	join := protocol.Join{Role: protocol.RoleGuest, Call: call.String(), CID: cid.String()}
	err := conn.Write(ctx, websocket.MessageText, protocol.EncodeClient(join))
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
	if ctx.Err() != nil {
		return 0
	}
	return max(time.Millisecond, time.Since(begun))
}

func judgeProxy(f proxyFacts) []Finding {
	switch {
	case f.unseen:
		return []Finding{warn("proxy.websocket", "visavis doctor --outside "+f.url+" on another machine", "%s cannot be reached from this machine: %v", f.url, f.err)}
	case f.err != nil && !f.running:
		return []Finding{warn("proxy.websocket", "start the server, then run this again", "through the proxy nothing answers, and no server runs here: %v", f.err)}
	case f.err != nil:
		return []Finding{bad("proxy.websocket", "let the proxy pass WebSocket on (Upgrade, Connection), and Host: docs/operating.md, Behind a proxy", "the server runs, but it does not answer through %s: %v", f.url, f.err)}
	}
	out := []Finding{good("proxy.websocket", "the proxy at %s passes WebSocket on", f.url)}
	if f.running && f.clients > 0 {
		if f.near > 0 {
			out = append(out, good("proxy.near", "the proxy comes from this machine: what it says of its clients (X-Forwarded-For) is believed"))
		} else {
			out = append(out, warn("proxy.near", "let the proxy on this machine connect to 127.0.0.1, and server.listen include it", "the proxy does not come from a loopback address: what it says of its clients (X-Forwarded-For) is not believed, and all share the limits of one address"))
		}
	}
	switch {
	case f.hold == 0:
	case f.held > 0:
		out = append(out, bad("proxy.idle", "proxy_read_timeout 75s; or the like: the server says something every 20 s", "the proxy cut a connection after %v", f.held.Round(time.Second)))
	default:
		out = append(out, good("proxy.idle", "a connection that had little to say was held for %v", f.hold))
	}
	return out
}
