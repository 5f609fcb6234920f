package peer_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A guest that is admitted but lies about its media connection is found out, and
// nothing of what it sends is taken.
func TestLies(t *testing.T) {
	another := strings.Repeat("ab", 32)
	for name, tt := range map[string]struct {
		lie         peer.Lie
		host, guest protocol.ErrorCode // who notices, and what; "" for anything
	}{
		"fingerprint of another certificate": {
			lie:  peer.Lie{SDP: func(m *sealed.SDP) { m.FP = another }},
			host: protocol.ErrorCodeSDP,
		},
		"two fingerprints": {
			lie:  peer.Lie{SDP: func(m *sealed.SDP) { m.SDP += "a=fingerprint:sha-256 " + strings.Repeat("AB:", 31) + "AB\r\n" }},
			host: protocol.ErrorCodeSDP,
		},
		"too many m-lines": {
			lie:  peer.Lie{SDP: func(m *sealed.SDP) { m.SDP += strings.Repeat("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", 8) }},
			host: protocol.ErrorCodeSDP,
		},
		"proof for another connection": {
			lie:  peer.Lie{Binding: func(fpGuest, _ *[32]byte) { fpGuest[0] ^= 1 }},
			host: protocol.ErrorCodeBind,
		},
		"host's certificate is not the announced one": {
			lie:   peer.Lie{Remote: func(fp *string) { *fp = another }},
			guest: protocol.ErrorCodeDTLSFP,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.StartServer(t)
			link := s.NewCall(0)
			host, guest := s.Host(link, nil), s.Guest(link, nil)
			knock := testkit.Await[peer.Knocked](host, nil)
			guest.Corrupt(tt.lie)
			host.Admit(knock.Slot)
			h, g := testkit.AwaitEnd(host), testkit.AwaitEnd(guest)
			// A guest that takes another certificate for its own misses the host's proof,
			// too: whoever looks first hangs up on the other.
			bind := tt.host == protocol.ErrorCodeBind && g.Code == tt.host
			if tt.host != "" && h.Code != tt.host && !bind || tt.guest != "" && g.Code != tt.guest {
				t.Errorf("host ended with %q (%v), guest with %q (%v); want %q and %q", h.Code, h.Err, g.Code, g.Err, tt.host, tt.guest)
			}
			if h.Received != (peer.Received{}) || len(host.Tracks()) > 0 {
				t.Errorf("host took %+v from a connection that was never proven", h.Received)
			}
			if testkit.Seen[peer.Connected](host, nil) {
				t.Error("host was told that it is connected")
			}
		})
	}
}
