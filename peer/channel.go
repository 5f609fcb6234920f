package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	bindTimeout  = 40 * time.Second
	flushTimeout = 500 * time.Millisecond
	// controlBuffer bounds what waits in the data channel for a slow receiver;
	// beyond it messages are refused, and with them the call.
	controlBuffer = 1 << 20
	dataFrameType = 0x11
)

// channel is the ctl data channel: first the proof that this media connection
// belongs to the handshake, then sealed messages under the keys of the epoch in
// use. The proof is not repeated when those change.
type channel struct {
	own     e2ee.Role
	theirs  e2ee.Role
	fpHost  [32]byte
	fpGuest [32]byte
	sent    bool
	proven  bool          // the other party's proof was right
	bound   bool          // both
	gate    chan struct{} // closed when bound: media may be taken
	timer   *time.Timer
}

// newChannel prepares the binding of the current connection.
func (c *Call) newChannel() error {
	own, err := rawFP(c.conn.fp)
	if err != nil {
		return err
	}
	theirs, err := rawFP(c.conn.remote.fp)
	if err != nil {
		return err
	}
	ch := &channel{own: e2ee.RoleHost, theirs: e2ee.RoleGuest, fpHost: own, fpGuest: theirs, gate: c.conn.gate}
	if c.seat.role() == protocol.RoleGuest {
		ch.own, ch.theirs, ch.fpHost, ch.fpGuest = ch.theirs, ch.own, theirs, own
	}
	c.channel = ch
	return nil
}

func (c *Call) onOpened(conn *connection) {
	ch := c.channel
	if conn != c.conn || ch == nil || ch.sent {
		return
	}
	proof, err := c.seat.keys().Bind(ch.own, ch.fpGuest, ch.fpHost)
	if err == nil {
		err = conn.control.Send(proof[:])
	}
	if err != nil {
		c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeBind, Detail: err.Error()})
		return
	}
	ch.sent = true
	ch.timer = c.after(bindTimeout, func() {
		if c.channel == ch && !ch.bound {
			c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeBind, Detail: "no proof in time"})
		}
	})
	c.checkBound()
}

func (c *Call) onMessage(conn *connection, data []byte) {
	ch := c.channel
	if conn != c.conn || ch == nil {
		return
	}
	if !ch.proven {
		if err := c.seat.keys().CheckBind(data, ch.theirs, ch.fpGuest, ch.fpHost); err != nil {
			c.finish(EndError, err)
			return
		}
		ch.proven = true
		c.checkBound()
		return
	}
	now := time.Now()
	json, err := c.openData(data, now)
	if err != nil {
		c.finish(EndError, err)
		return
	}
	c.seat.keys().Alive(now)
	if json != nil {
		c.peerMessage(messageType(json), json)
	}
}

func (c *Call) checkBound() {
	ch := c.channel
	if ch.bound || !ch.sent || !ch.proven {
		return
	}
	ch.bound = true
	stop(ch.timer)
	close(ch.gate)
	c.flowing()
	c.tellState()
	c.resendChat()
	c.filesConnected()
}

// openData opens a sealed frame; the result is nil for what is not for us.
func (c *Call) openData(frame []byte, now time.Time) ([]byte, error) {
	if len(frame) == 0 || frame[0] != dataFrameType || len(frame) > sealed.LimitBytes+64 {
		return nil, &protocol.WireError{Code: protocol.ErrorCodeSeq, Detail: "not a sealed data frame"}
	}
	return c.seat.keys().OpenData(frame, now)
}

// tell says m over the data channel, or over signaling before that is bound.
func (c *Call) tell(m any) {
	if c.tellDirect(m) {
		return
	}
	c.tellSignaled(m)
}

// tellSignaled says m through the server.
func (c *Call) tellSignaled(m any) bool {
	return c.socket != nil && c.seat.say(marshal(m)) == nil
}

func (c *Call) tellDirect(m any) bool { return c.sendDirect(marshal(m)) }

func (c *Call) sendDirect(json []byte) bool {
	ch := c.channel
	if ch == nil || !ch.bound || c.conn.control.ReadyState() != webrtc.DataChannelStateOpen ||
		c.conn.control.BufferedAmount() > controlBuffer {
		return false
	}
	frame, err := c.seat.keys().SealData(json)
	if err != nil {
		return false
	}
	return c.conn.control.Send(frame) == nil
}

// tellBoth says m over whatever still works; the receiver acts on the first.
func (c *Call) tellBoth(m any) {
	c.tellDirect(m)
	c.tellSignaled(m)
}

func (c *Call) tellState() {
	if c.channel == nil || !c.channel.bound {
		return
	}
	c.tell(sealed.State{
		T:      "state",
		Mic:    c.cfg.Audio != nil && !c.muted[KindAudio],
		Cam:    c.cfg.Video != nil && !c.muted[KindVideo],
		Screen: len(c.conn.screens) > 0,
		SFrame: c.framesState(),
		Rec:    c.cfg.Recording,
		Held:   c.held(),
	})
}

// flush waits until what was said last over the data channel has left.
func (c *connection) flush() {
	if c.control.ReadyState() != webrtc.DataChannelStateOpen {
		return
	}
	empty := make(chan struct{}, 1)
	c.control.SetBufferedAmountLowThreshold(0)
	c.control.OnBufferedAmountLow(func() {
		select {
		case empty <- struct{}{}:
		default:
		}
	})
	if c.control.BufferedAmount() == 0 {
		return
	}
	timeout := time.NewTimer(flushTimeout)
	defer timeout.Stop()
	select {
	case <-empty:
	case <-timeout.C:
	}
}
