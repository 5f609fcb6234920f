package mirror

import (
	"encoding/binary"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// Limits of one check, beside those of its line.
const (
	maxPings  = 400
	maxBursts = 2
)

// reflection is what the mirror makes of messages: pure, but for the clock that it
// is given. The messages are in protocol/netcheck.go.
type reflection struct {
	pings  uint32
	bursts int
	first  time.Time // of what was sent upwards
	bins   [protocol.CheckBins]uint32
}

// burst is what the browser wants to be sent.
type burst struct {
	bitsPerSecond int
	length        time.Duration
}

// take returns the reply to a message, and the burst that it asks for; nil and
// zero: none. Whatever is not a message is ignored.
func (r *reflection) take(message []byte, now time.Time) (reply []byte, b burst) {
	if len(message) == 0 || len(message) > protocol.CheckPacket {
		return nil, burst{}
	}
	switch message[0] {
	case protocol.CheckPing:
		return r.ping(message), burst{}
	case protocol.CheckUp:
		r.up(len(message), now)
	case protocol.CheckReport:
		return r.report(), burst{}
	case protocol.CheckDown:
		return nil, r.down(message)
	}
	return nil, burst{}
}

// ping gives the number back, and how many pings came so far.
func (r *reflection) ping(message []byte) []byte {
	if len(message) < 5 || r.pings >= maxPings {
		return nil
	}
	r.pings++
	return binary.BigEndian.AppendUint32(append([]byte{protocol.CheckPing}, message[1:5]...), r.pings)
}

// up counts by the time since the first packet.
func (r *reflection) up(size int, now time.Time) {
	if r.first.IsZero() {
		r.first = now
	}
	bin := now.Sub(r.first) / (protocol.CheckBinMS * time.Millisecond)
	if bin < protocol.CheckBins {
		r.bins[bin] += uint32(size) //nolint:gosec // at most CheckPacket
	}
}

func (r *reflection) report() []byte {
	out := []byte{protocol.CheckReport}
	for _, n := range r.bins {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return out
}

func (r *reflection) down(message []byte) burst {
	if len(message) < 5 || r.bursts >= maxBursts {
		return burst{}
	}
	rate := 1000 * int(binary.BigEndian.Uint16(message[1:]))
	length := time.Duration(binary.BigEndian.Uint16(message[3:])) * time.Millisecond
	if rate == 0 || length == 0 {
		return burst{}
	}
	r.bursts++
	return burst{min(rate, protocol.CheckMaxBPS), min(length, protocol.CheckMaxMS*time.Millisecond)}
}

// due is how many packets of a burst should have gone after this time.
func (b burst) due(after time.Duration) int {
	return int(float64(b.bitsPerSecond) * min(after, b.length).Seconds() / (8 * protocol.CheckPacket))
}
