package peer

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
)

// RelayTransport is a way into a relay.
type RelayTransport string

// The ways into a relay. RelayNone, in a Config, uses no relay at all: media goes
// directly or not.
const (
	RelayUDP  RelayTransport = "udp"
	RelayTCP  RelayTransport = "tcp"
	RelayTLS  RelayTransport = "tls"
	RelayNone RelayTransport = "none"
)

// Route is a path as one party has found it, to judge a network by. Sound tells of
// loss, because it is sent once, while pictures are asked for again.
type Route struct {
	// Local and Remote are the kinds of the two candidates in use: host, srflx, prflx
	// or relay (RFC 8445 §5.1.1).
	Local, Remote string
	Relay         RelayTransport // how this party reaches its relay; "" if it uses none
	Family        int            // 4 or 6, of a direct path; 0: relayed
	// RTT is the mean of the connectivity checks of this path, Checks how many they were.
	RTT    time.Duration
	Checks int
	// Sound and Lost are the packets of the other party's sound that came and that did not.
	Sound, Lost int
	// Jitter is by how much the time on the way differs from one packet of sound to the
	// next, in the mean; 0 if too few came.
	Jitter time.Duration
}

func isTURN(url string) bool {
	return strings.HasPrefix(url, "turn:") || strings.HasPrefix(url, "turns:")
}

// relayTransport is how a TURN URL (RFC 7065 §3.1) is reached.
func relayTransport(url string) RelayTransport {
	_, query, _ := strings.Cut(url, "?transport=")
	switch {
	case strings.HasPrefix(url, "turns:"):
		return RelayTLS
	case query == "tcp":
		return RelayTCP
	}
	return RelayUDP
}

// relayTransports lists what is offered, each once.
func relayTransports(in []protocol.Server) []RelayTransport {
	var out []RelayTransport
	for _, s := range in {
		for _, u := range s.URLs {
			if t := relayTransport(u); isTURN(u) && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// route is the path of the moment, nil while there is none.
func (c *Call) route() *Route {
	if c.conn == nil || c.channel == nil || !c.channel.bound {
		return nil
	}
	r := c.conn.route()
	if r != nil {
		r.Sound, r.Lost, r.Jitter = c.received.sound.result()
	}
	return r
}

func (c *connection) route() *Route {
	pair, ok := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return nil
	}
	stats := c.pc.GetStats()
	local, _ := stats[pair.LocalCandidateID].(webrtc.ICECandidateStats)
	remote, _ := stats[pair.RemoteCandidateID].(webrtc.ICECandidateStats)
	r := &Route{
		Local: local.CandidateType.String(), Remote: remote.CandidateType.String(),
		Relay: RelayTransport(local.RelayProtocol), Checks: int(pair.ResponsesReceived),
	}
	if relay := webrtc.ICECandidateTypeRelay.String(); r.Local != relay && r.Remote != relay {
		r.Family = familyOf(remote.IP)
	}
	if r.Checks > 0 {
		r.RTT = time.Duration(pair.TotalRoundTripTime * float64(time.Second) / float64(r.Checks))
	}
	return r
}

// soundSettle packets come before jitter is measured: those that waited for the
// binding are read at once.
const soundSettle = 25

// soundMeter follows the packets of the other party's sound.
type soundMeter struct {
	mu      sync.Mutex // the receiver writes, the call reads
	numbers sequence
	number  int   // of packets that came
	missing int64 // of those that did not
	last    soundPacket
	since   int           // packets of this track
	wander  time.Duration // sum of the differences
	steps   int           // how many they are
}

type soundPacket struct {
	number uint16
	stamp  uint32
	at     time.Time
}

// begin is for a track of another connection, whose numbers are its own.
func (s *soundMeter) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers, s.since = sequence{}, 0
}

// came takes one packet. Its stamp is the sender's clock (RFC 3550 §5.1).
func (s *soundMeter) came(p soundPacket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	s.missing += s.numbers.lost(p.number)
	s.since++
	if s.since > soundSettle {
		sent := time.Duration(int32(p.stamp-s.last.stamp)) * time.Second / audioClock //nolint:gosec // the wrap is meant
		s.wander += (p.at.Sub(s.last.at) - sent).Abs()
		s.steps++
	}
	s.last = p
}

func (s *soundMeter) result() (came, lost int, jitter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steps > 0 {
		jitter = s.wander / time.Duration(s.steps)
	}
	return s.number, int(max(0, s.missing)), jitter
}
