package peer

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"
)

// reach says which remote addresses this party is willing to send packets to.
// The other party is authenticated but not trusted: its candidates must not
// turn this machine into a probe of its own loopback or link-local services.
type reach struct {
	loopback  bool // the server itself is on loopback: both parties are on this machine
	linkLocal bool // asked for with Config.LAN
	family    int  // Config.Family
}

// allows reports whether connectivity checks may be sent to addr. Private
// ranges stay allowed: two people in one building talk directly.
func (r reach) allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast():
		return false
	case addr.Is4() && addr.As4() == [4]byte{255, 255, 255, 255}:
		return false
	case addr.IsLoopback():
		return r.loopback
	case addr.IsLinkLocalUnicast():
		return r.linkLocal
	}
	return true
}

// networkTypes are those of the one family, nil for both.
func (r reach) networkTypes() []webrtc.NetworkType {
	switch r.family {
	case 4:
		return []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	case 6:
		return []webrtc.NetworkType{webrtc.NetworkTypeUDP6}
	}
	return nil
}

// allowsIP is allows in the form pion wants; it also sees the addresses that
// mDNS names resolve to.
func (r reach) allowsIP(ip net.IP) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && r.allows(addr)
}

// allowsCandidate reports whether a candidate attribute is well formed and
// leads somewhere this party may send to (RFC 8839 §5.1). Of host names only
// mDNS ones (RFC 8828) pass: anything else would be a DNS query on request. Of
// transports only UDP does: a passive TCP candidate (RFC 6544) asks us to connect
// to whatever it names.
func (r reach) allowsCandidate(candidate string) bool {
	// Parsers disagree about white space other than one space, and about where the
	// address is then.
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if len(candidate) > 512 || strings.ContainsFunc(candidate, odd) || strings.Contains(candidate, "  ") {
		return false
	}
	fields := strings.Split(strings.TrimPrefix(candidate, "candidate:"), " ")
	if len(fields) < 8 {
		return false
	}
	if !strings.EqualFold(fields[2], "udp") {
		return false
	}
	address, port := fields[4], fields[5]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false
	}
	if name, ok := strings.CutSuffix(strings.ToLower(address), ".local"); ok {
		return name != "" && !strings.ContainsAny(name, "./:")
	}
	addr, err := netip.ParseAddr(address)
	return err == nil && addr.Zone() == "" && r.allows(addr)
}

// isLoopbackHost reports whether host (no port) names this machine.
func isLoopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
