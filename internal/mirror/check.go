package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
)

// Label is of the one data channel that the mirror answers on.
const Label = "check"

// sctpAgain is as in package peer: a lossy line is just what is to be measured.
const sctpAgain = 2 * time.Second

// receiveBuffer bounds what waits for the missing piece of a message, in bytes.
const receiveBuffer = 256 << 10

// What became of a check: the values of the label result.
const (
	resultDone    = "done"     // the browser hung up
	resultNobody  = "nobody"   // it never came
	resultTimeout = "timeout"  // it stayed until its time was over
	resultStopped = "shutdown" // the server stops
)

// check is one connection. Its goroutine is run's; pion calls the reflection, and a
// burst has a goroutine of its own.
type check struct {
	line Line
	mux  *ice.UDPMuxDefault
	pc   *webrtc.PeerConnection

	opened, over chan struct{} // closed once
	overOnce     sync.Once
	openOnce     sync.Once
	bursts       sync.WaitGroup
}

// newCheck takes over the line, and closes it if it returns an error.
func newCheck(ctx context.Context, line Line, offer string) (_ *check, answer string, err error) {
	c := &check{line: line, opened: make(chan struct{}), over: make(chan struct{})}
	c.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: line.Conn(), Logger: &logging.DefaultLeveledLogger{}})
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings(c.mux)), webrtc.WithMediaEngine(&webrtc.MediaEngine{}))
	if c.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, "", fmt.Errorf("peer connection: %w", err)
	}
	c.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			c.end()
		}
	})
	c.pc.OnDataChannel(c.take)
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return nil, "", errors.Join(protocol.ErrorCodeSDP.Err(), err)
	}
	answer, err = c.answer(ctx)
	return c, answer, err
}

// answer is complete: there is one candidate, and it is known at once.
func (c *check) answer(ctx context.Context) (string, error) {
	d, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return "", errors.Join(protocol.ErrorCodeSDP.Err(), err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(d); err != nil {
		return "", errors.Join(protocol.ErrorCodeSDP.Err(), err)
	}
	select {
	case <-gathered:
		return c.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather: %w", ctx.Err())
	}
}

// take serves the one channel that there is. Whoever opens another, or one of
// another name, wants something else: each costs memory.
func (c *check) take(channel *webrtc.DataChannel) {
	first := false
	c.openOnce.Do(func() { first = channel.Label() == Label })
	if !first {
		c.end()
		return
	}
	close(c.opened)
	c.serve(channel)
}

func (c *check) end() { c.overOnce.Do(func() { close(c.over) }) }

// run waits for the end, and closes everything. It returns what became of the check.
func (c *check) run(ctx context.Context) string {
	defer c.close()
	lifetime, connect := time.NewTimer(Lifetime), time.NewTimer(connectTime)
	defer lifetime.Stop()
	defer connect.Stop()
	for opened := c.opened; ; {
		select {
		case <-opened:
			connect.Stop()
			opened = nil
		case <-connect.C:
			return resultNobody
		case <-c.over:
			return resultDone
		case <-lifetime.C:
			return resultTimeout
		case <-ctx.Done():
			return resultStopped
		}
	}
}

func (c *check) close() {
	c.end()
	if c.pc != nil {
		_ = c.pc.GracefulClose() // what can fail here is already gone
	}
	c.bursts.Wait()
	_ = c.mux.Close()
	_ = c.line.Close()
}

// settings are of a peer that lives in the relay: one address, no socket, no
// question to anybody.
func settings(mux ice.UDPMux) webrtc.SettingEngine {
	var e webrtc.SettingEngine
	e.LoggerFactory = silent{}
	e.SetLite(true)
	e.SetICEUDPMux(mux)
	e.SetNet(noNet{})
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// The browser begins: DTLS has its own proof that whoever asks also hears the
	// answer (RFC 6347 §4.2.1).
	e.SetDTLSInsecureSkipHelloVerify(false)
	_ = e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) // refuses only unknown roles
	e.SetSCTPRTOMax(sctpAgain)
	e.SetSCTPMaxReceiveBufferSize(receiveBuffer)
	return e
}

// checkOffer takes an offer of one data channel and nothing else. Candidates have
// no place in it: the mirror asks nobody. Nor has a line that begins after a bare
// CR: pion passes over that, and would find what was not looked at here.
func checkOffer(sdp string) error {
	if len(sdp) > protocol.LimitCheckOffer {
		return protocol.ErrorCodeSize.Err()
	}
	if strings.Count(sdp, "\r") != strings.Count(sdp, "\r\n") {
		return protocol.ErrorCodeSDP.Err()
	}
	lines := 0
	for line := range strings.Lines(sdp) {
		switch {
		case strings.HasPrefix(line, "m="):
			lines++
			if !strings.HasPrefix(line, "m=application ") {
				return protocol.ErrorCodeSDP.Err()
			}
		case strings.HasPrefix(line, "a=candidate:"), strings.HasPrefix(line, "a=ice-lite"):
			return protocol.ErrorCodeSDP.Err()
		}
	}
	if lines != 1 {
		return protocol.ErrorCodeSDP.Err()
	}
	return nil
}

type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger {
	return &logging.DefaultLeveledLogger{} // level 0 is disabled
}
