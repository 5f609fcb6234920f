package signaling

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/visavis-call/visavis/protocol"
)

var errOrigin = errors.New("origin not allowed")

// site is this server as one client sees it.
type site struct {
	origin string // scheme://host[:port] of its links
	host   string // name or address for STUN and TURN URLs
}

// siteOf decides under which name the client reached us, and whether it may
// come: a browser only from our own origin, anybody else only with the native
// subprotocol.
func (s *Server) siteOf(r *http.Request) (site, error) {
	it, err := s.reached(r)
	if err != nil {
		return site{}, err
	}
	offered := subprotocols(r)
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 0 && slices.Contains(offered, protocol.SubprotocolNative):
		return it, nil
	case len(origins) == 1 && origins[0] == it.origin && slices.Contains(offered, protocol.SubprotocolWeb):
		return it, nil
	}
	return site{}, errOrigin
}

// reached is this server under the name that the client used for it.
func (s *Server) reached(r *http.Request) (site, error) {
	it := site{origin: s.cfg.PublicURL}
	if it.origin == "" {
		it.origin = scheme(r) + "://" + strings.ToLower(r.Host)
	}
	u, err := url.Parse(it.origin)
	if err != nil || !validHost(u.Hostname()) {
		return site{}, errOrigin
	}
	it.host = u.Hostname()
	return it, nil
}

// scheme is https if this hop is, or if a proxy on this machine says that its own is.
func scheme(r *http.Request) string {
	if r.TLS != nil || fromLoopback(r) && r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}

// hostPattern is what can stand in a STUN URL: RFC 7064 leaves no room for more.
var hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

func validHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == ""
	}
	return hostPattern.MatchString(host)
}

func subprotocols(r *http.Request) []string {
	var out []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(p))
		}
	}
	return out
}

// sourceOf is whom limits are counted for: an address, or an IPv6 /64, which is
// what one subscriber has. Behind a proxy on this machine it is the last address
// that the proxy vouches for.
func sourceOf(r *http.Request) netip.Prefix {
	addr := remoteAddr(r)
	if addr.IsLoopback() {
		lines := r.Header.Values("X-Forwarded-For")
		if len(lines) > 0 {
			list := strings.Split(lines[len(lines)-1], ",")
			if a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
				addr = a.Unmap().WithZone("")
			}
		}
	}
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

func fromLoopback(r *http.Request) bool { return remoteAddr(r).IsLoopback() }

// remoteAddr is the zero address if the listener has none, as in tests.
func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// stunURLs may be given to anybody.
func (s *Server) stunURLs(host string) []string {
	return []string{"stun:" + s.relayAddr(host)}
}

// turnURLs are in the order of preference.
func (s *Server) turnURLs(host string) []string {
	var urls []string
	for _, t := range s.transports() {
		urls = append(urls, s.turnURL(host, t))
	}
	return urls
}

// transports are the ways into the relay.
func (s *Server) transports() []protocol.CheckTransport {
	all := []protocol.CheckTransport{protocol.CheckTransportUDP, protocol.CheckTransportTCP}
	if s.cfg.RelayTLS {
		all = append(all, protocol.CheckTransportTLS)
	}
	return all
}

func (s *Server) turnURL(host string, t protocol.CheckTransport) string {
	addr := s.relayAddr(host)
	if t == protocol.CheckTransportTLS {
		return "turns:" + addr + "?transport=tcp"
	}
	return "turn:" + addr + "?transport=" + string(t)
}

func (s *Server) relayAddr(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(s.cfg.RelayPort))
}
