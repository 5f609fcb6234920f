package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// greeting is what a visavis says to everybody who connects.
type greeting struct {
	host    string // that was asked
	welcome protocol.Welcome
	ahead   time.Duration // its clock is ahead of ours by so much
	unsure  time.Duration // by so much this may be wrong
	at      netip.AddrPort
	from    netip.AddrPort // our side of the connection
	chain   []*x509.Certificate
	conn    *websocket.Conn
}

// trustAnything is for connections to this machine, where the name of the certificate is
// that of the public URL, and is checked elsewhere.
func trustAnything(name string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"http/1.1"}} //nolint:gosec // see above
}

var errNotVisavis = errors.New("what answers there is no visavis")

// greet connects as a client does, reads the greeting, and leaves.
func greet(ctx context.Context, origin string, secure *tls.Config) (*greeting, error) {
	return greetAt(ctx, origin, netip.Addr{}, secure)
}

// greetAt is greet by one address of the name; invalid: whichever answers first.
func greetAt(ctx context.Context, origin string, at netip.Addr, secure *tls.Config) (*greeting, error) {
	g, err := openAt(ctx, origin, at, secure)
	if err != nil {
		return nil, err
	}
	_ = g.conn.CloseNow() // nothing was asked for
	return g, nil
}

// open is greet without leaving; the caller closes conn.
func open(ctx context.Context, origin string, secure *tls.Config) (*greeting, error) {
	return openAt(ctx, origin, netip.Addr{}, secure)
}

func openAt(ctx context.Context, origin string, at netip.Addr, secure *tls.Config) (*greeting, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	g := &greeting{}
	g.host, _, _ = hostPort(origin)
	transport := &http.Transport{TLSClientConfig: secure, DisableKeepAlives: true, TLSHandshakeTimeout: askTimeout}
	if at.IsValid() {
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(at.String(), port))
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		g.at, _ = netip.ParseAddrPort(info.Conn.RemoteAddr().String())
		g.from, _ = netip.ParseAddrPort(info.Conn.LocalAddr().String())
		if c, ok := info.Conn.(*tls.Conn); ok {
			g.chain = c.ConnectionState().PeerCertificates
		}
	}}
	asked := time.Now()
	ws, response, err := websocket.Dial(httptrace.WithClientTrace(ctx, trace), //nolint:bodyclose // its contract: there is nothing to close
		"ws"+strings.TrimPrefix(origin, "http")+protocol.PathSignaling, &websocket.DialOptions{
			HTTPClient:   &http.Client{Transport: transport, CheckRedirect: notFollowed},
			Subprotocols: []string{protocol.SubprotocolNative},
		})
	if err != nil {
		return nil, unopened(response, err)
	}
	if ws.Subprotocol() != protocol.SubprotocolNative {
		_ = ws.CloseNow() // it is not what we look for
		return nil, errNotVisavis
	}
	_, data, err := ws.Read(ctx)
	if err == nil {
		err = g.understand(data, asked, time.Now())
	}
	if err != nil {
		_ = ws.CloseNow() // the reason is told
		return nil, err
	}
	g.conn = ws
	return g, nil
}

// notFollowed is for redirects: clients do not follow them, and a stranger could have
// something of this network asked from here.
func notFollowed(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// movedError says that the server sends to another origin, as from HTTP to HTTPS.
type movedError struct{ origin string }

func (e *movedError) Error() string { return "it leads to " + e.origin + ": ask there" }

// unopened is why there is no WebSocket, without the layers that all say the same.
func unopened(response *http.Response, err error) error {
	if response != nil {
		if to, err := response.Location(); err == nil {
			return &movedError{to.Scheme + "://" + to.Host}
		}
	}
	if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("no WebSocket, but status %d (%s)", response.StatusCode, http.StatusText(response.StatusCode))
	}
	if asked, ok := errors.AsType[*url.Error](err); ok {
		return asked.Err // what came of it; the address is known
	}
	return err
}

// understand reads the greeting. The server's clock was read at some time between
// asked and now.
func (g *greeting) understand(data []byte, asked, now time.Time) error {
	m, err := protocol.DecodeServer(data)
	if err != nil {
		return errNotVisavis
	}
	welcome, ok := m.(protocol.Welcome)
	if !ok {
		return fmt.Errorf("%w: its first word is no greeting", errNotVisavis)
	}
	g.welcome = welcome
	g.unsure = now.Sub(asked) / 2
	g.ahead = time.UnixMilli(welcome.TimeMS).Sub(asked.Add(g.unsure))
	return nil
}

func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}

// stun is where the server answers STUN: host and port of its first URL at its own host,
// "" without one. Clients take no other either.
func (g *greeting) stun() string {
	for _, u := range g.welcome.STUN {
		host, port, err := net.SplitHostPort(strings.TrimPrefix(u, "stun:"))
		if err != nil || !sameHost(host, g.host) {
			continue
		}
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			return net.JoinHostPort(g.host, port)
		}
	}
	return ""
}
