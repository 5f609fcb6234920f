package peer

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
)

// The server is trusted with availability and nothing else. What it says twice is
// heard once, what it leaves out is missed after a time, and the STUN and TURN
// servers that it names are those of the link's own host.

const (
	// answerTimeout is how long the server may take for its next word: welcome,
	// joined, and to a guest whether the host is there.
	answerTimeout = 10 * time.Second
	// maxServerURLs bounds what connectivity checks are made with; the server has
	// five at most (internal/signaling/site.go).
	maxServerURLs = 8
	// iceBurst and iceEvery bound how often relay credentials are taken: each
	// time makes a host that waits gather again.
	iceBurst = 4
	iceEvery = 5 * time.Second
)

// greeting is how far one connection to the server has come.
type greeting int

const (
	greetingNone greeting = iota
	greetingWelcome
	greetingJoined
)

// reach of STUN and TURN URLs (RFC 7064, RFC 7065), and nothing else of RFC 3986.
var serverURL = regexp.MustCompile(`^(stun|turns?):(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.-]+)(:[0-9]{1,5})?(\?transport=(udp|tcp))?$`)

// ownServers keeps the URLs at the host of origin. Any other would be somebody
// else's machine, or one of this network, that we are told to send packets to,
// before the host is proven even.
func ownServers(in []protocol.Server, origin string) []protocol.Server {
	u, err := url.Parse(origin)
	if err != nil {
		return nil
	}
	left := maxServerURLs
	var out []protocol.Server
	for _, s := range in {
		kept := s
		kept.URLs = nil
		for _, text := range s.URLs {
			m := serverURL.FindStringSubmatch(text)
			if m == nil || left == 0 || !sameHost(strings.Trim(m[2], "[]"), u.Hostname()) {
				continue
			}
			left--
			kept.URLs = append(kept.URLs, text)
		}
		if len(kept.URLs) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}

// iceServers converts what the server announced. only, if not "", keeps only the
// relays that are reached so.
func iceServers(in []protocol.Server, only RelayTransport) []webrtc.ICEServer {
	var out []webrtc.ICEServer
	for _, s := range in {
		urls := make([]string, 0, len(s.URLs))
		for _, u := range s.URLs {
			if only == "" || !isTURN(u) || relayTransport(u) == only {
				urls = append(urls, u)
			}
		}
		if len(urls) > 0 {
			out = append(out, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
		}
	}
	return out
}

// expectAnswer waits for the server's next word. Without it the connection is
// given up like one that broke.
func (c *Call) expectAnswer() {
	stop(c.timers.answer)
	s := c.socket
	c.timers.answer = c.after(answerTimeout, func() {
		if c.socket == s && s != nil {
			c.socketLost(&protocol.WireError{Code: protocol.ErrorCodeTimeout, Detail: "the server does not answer"})
		}
	})
}

// lastWord is what the server has ended the call with, as far as it is up to the
// server.
type lastWord struct {
	reason EndReason
	err    *protocol.WireError
}

// outlivesServer reports whether the call goes on after the server's last word: as
// long as media flows past the server. What flows through its relay it can stop, so
// there its word is as good as the deed.
func (c *Call) outlivesServer() bool { return c.phase == PhaseLive && c.lastWay.Path != PathRelayed }

// dismissed is said by the server, which wants no more of this call. Two people who
// see each other do not need it, and a lie must not part them: the call goes on if it
// can, until one of them leaves. There is no way back into it.
func (c *Call) dismissed(reason EndReason, err *protocol.WireError) {
	switch {
	case c.word != nil:
	case !c.outlivesServer():
		c.finish(reason, err)
	default:
		c.word = &lastWord{reason, err}
		c.leaveServer(true)
	}
}

// mayTakeServers is false for credentials that come faster than a server of good
// will sends them.
func (l *signalingLink) mayTakeServers(now time.Time) bool {
	if since := now.Sub(l.iceAt); since > 0 {
		l.iceTokens = min(iceBurst, l.iceTokens+float64(since)/float64(iceEvery))
		l.iceAt = now
	}
	if l.iceTokens < 1 {
		return false
	}
	l.iceTokens--
	return true
}
