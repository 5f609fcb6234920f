package peer

import (
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/e2ee"
)

// A server that keeps sending new relays does not reach into a gathering that runs:
// the race detector would say so. The last ones are used for the next.
func TestServersWaitForGathering(t *testing.T) {
	inbox := make(chan func(), 64)
	over := make(chan struct{})
	var conn *connection
	frames := newFrameCipher(e2ee.RoleHost)
	conn, err := newConnection(t.Context(), connectionConfig{
		frames: frames, host: true, reach: reach{loopback: true}, video: vp8Key(), audio: opusTone(),
		servers: []webrtc.ICEServer{{URLs: []string{"stun:127.0.0.1:9"}}}, // nobody answers there
		post:    func(_ <-chan struct{}, f func()) { inbox <- f },
		events: connectionEvents{
			candidate: func(_ *connection, candidate *webrtc.ICECandidate) {
				if candidate == nil {
					conn.applyServers()
					close(over)
				}
			},
			state: func(*connection, webrtc.PeerConnectionState) {},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.close)
	if _, err := conn.negotiation.offer(); err != nil {
		t.Fatal(err)
	}
	const last = "stun:127.0.0.1:8"
	for range 100 {
		conn.setServers([]webrtc.ICEServer{{URLs: []string{last}}})
	}
	if got := conn.pc.GetConfiguration().ICEServers[0].URLs[0]; got == last {
		t.Error("servers were replaced while they were being asked")
	}
	for done := false; !done; {
		select {
		case f := <-inbox:
			f()
		case <-over:
			done = true
		}
	}
	if got := conn.pc.GetConfiguration().ICEServers[0].URLs[0]; got != last {
		t.Errorf("the next gathering asks %s, want %s", got, last)
	}
}
