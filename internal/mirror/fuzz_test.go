package mirror

import (
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// Whatever a browser sends, and in whichever order: what it gets back, or has sent
// to itself, stays within the limits of one check.
func FuzzReflection(f *testing.F) {
	f.Add([]byte{5, protocol.CheckPing, 0, 0, 0, 1, 1, protocol.CheckUp, 1, protocol.CheckReport})
	f.Add([]byte{5, protocol.CheckDown, 0xff, 0xff, 0xff, 0xff, 5, protocol.CheckDown, 0, 1, 0, 1})
	f.Add([]byte{2, protocol.CheckPing, 1, 0, 9, 9})
	f.Fuzz(func(t *testing.T, script []byte) { // length(1) and message, again and again
		var r reflection
		now := time.Unix(0, 0)
		pings, bursts := 0, 0
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			message := script[1 : 1+n]
			script = script[1+n:]
			reply, b := r.take(message, now)
			now = now.Add(protocol.CheckBinMS * time.Millisecond / 2)
			if b != (burst{}) {
				bursts++
			}
			if b.bitsPerSecond < 0 || b.bitsPerSecond > protocol.CheckMaxBPS || b.length < 0 || b.length > protocol.CheckMaxMS*time.Millisecond {
				t.Errorf("%x asks for %+v", message, b)
			}
			if reply == nil {
				continue
			}
			switch {
			case reply[0] == protocol.CheckPing && message[0] == protocol.CheckPing && len(reply) == 9:
				pings++
			case reply[0] == protocol.CheckReport && message[0] == protocol.CheckReport && len(reply) == 1+4*protocol.CheckBins:
			default:
				t.Errorf("%x is answered with %x", message, reply)
			}
		}
		if pings > maxPings || bursts > maxBursts {
			t.Errorf("%d pings were answered, %d bursts sent", pings, bursts)
		}
	})
}
