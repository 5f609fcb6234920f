package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// lostTimeout is how long a lost media connection may take to come back.
const lostTimeout = 60 * time.Second

// aloneTimeout is the same when no server helps with it.
const aloneTimeout = 10 * time.Second

// serverSign is how long the server may take to answer while the other party is
// silent, too, before it is taken for lost.
const serverSign = 600 * time.Millisecond

// beatBacklog is how many bytes may wait in the data channel for a beat to join them:
// a few beats, since pion counts what is not acknowledged yet.
const beatBacklog = 1024

// watchPath begins to feel whether the other party is there, once.
func (c *Call) watchPath() {
	if c.timers.pulse == nil {
		c.timers.pulse = c.after(pulseLook, c.feel)
	}
}

// feel looks at the traffic, acts on silence at once, and says so a little later.
func (c *Call) feel() {
	c.timers.pulse = c.after(pulseLook, c.feel)
	now := time.Now()
	var f *flow
	if c.channel != nil && c.channel.bound {
		f = c.conn.flow()
	}
	theirs := c.measuring.remote
	found := c.pulse.look(now, f, theirs.Mic || theirs.Cam || theirs.Screen)
	switch {
	case found.silent && c.phase == PhaseLive:
		c.recovery.begin(now)
		c.checkServer()
	case found.heard:
		c.flowing()
	case c.pulse.silent() && c.phase == PhaseLive && now.Sub(c.pulse.silentSince) >= pulseLabel:
		c.mediaLost()
	}
	if found.beat {
		c.beat()
	}
	c.recover(now)
}

// beat promises the next sign of life, or tries again with the next look if the path
// is too slow for what waits already.
func (c *Call) beat() {
	if c.conn == nil || c.conn.control.BufferedAmount() > beatBacklog ||
		!c.tellDirect(sealed.Beat{T: "beat", MS: pulseBeat.Milliseconds()}) {
		c.pulse.unsaid()
	}
}

// flowing is said when media can flow, first or again.
func (c *Call) flowing() {
	if c.channel == nil || !c.channel.bound || c.pulse.silent() { // what pion says comes late
		return
	}
	c.recovery.end()
	stop(c.timers.lost)
	c.live()
}

// mediaLost is what pion says, or a silence that lasts.
func (c *Call) mediaLost() {
	if c.phase != PhaseLive && c.phase != PhaseReconnecting {
		return
	}
	c.reconnecting()
	now := time.Now()
	c.recovery.begin(now)
	c.recover(now)
}

// reconnecting says so, and gives up after a time.
func (c *Call) reconnecting() {
	if c.phase != PhaseLive {
		return
	}
	c.setPhase(PhaseReconnecting)
	stop(c.timers.lost)
	patience, end := lostTimeout, lastWord{EndError, &protocol.WireError{Code: protocol.ErrorCodeTimeout, Detail: "media lost"}}
	if c.word != nil {
		patience, end = aloneTimeout, *c.word
	}
	c.timers.lost = c.after(patience, func() {
		if c.phase == PhaseReconnecting {
			c.finish(end.reason, end.err)
		}
	})
}

// mediaGone drops a connection that the other party does not have any more, and
// begins anew, once: an answer to the first of two offers would pass for one to the
// second.
func (c *Call) mediaGone() {
	now := time.Now()
	c.dropConn()
	c.reconnecting()
	c.recovery.begin(now)
	c.renewConn(now)
}

// recover restarts ICE if it is time to, or makes another connection.
func (c *Call) recover(now time.Time) {
	if !c.recovery.due(now) || !c.seat.reachable() {
		// Nothing may carry an offer to the other party: the data channel will not, since
		// pion gives the old path up when it makes one.
		return
	}
	if c.conn == nil || !c.conn.usable() || c.recovery.restarts(now) {
		c.renewConn(now)
		return
	}
	c.conn.local, c.conn.gathered = nil, false // of the path that is lost
	c.conn.applyServers()
	offer, err := c.conn.negotiation.restart()
	if err != nil {
		c.log.Debug("ICE restart", "error", err)
		c.renewConn(now)
		return
	}
	c.sendSDP(sealed.SDPTypeOffer, offer.SDP)
}

// renewConn begins media anew; only a host may offer a connection.
func (c *Call) renewConn(now time.Time) {
	c.recovery.replaced(now)
	c.seat.renew()
}

// resumed: the other party is there again, over another connection to the server.
// Media that flows is left alone.
func (c *Call) resumed() {
	now := time.Now()
	if c.conn == nil || c.channel == nil || !c.channel.bound || !c.conn.usable() {
		c.renewConn(now)
		return
	}
	if later := c.conn.remote.later; later != nil {
		c.onSDP(*later)
	}
	c.recovery.hurry(now)
	c.recover(now)
}

// checkServer asks the server for a sign of life, which fresh relay credentials are,
// and gives the connection up if none comes: TCP does not notice for minutes that
// the way is gone.
func (c *Call) checkServer() {
	s := c.socket
	if s == nil {
		if c.link.waiting {
			stop(c.timers.dial)
			c.link.waiting = false
			c.dial()
		}
		return
	}
	if !c.link.online {
		return
	}
	s.control(protocol.Renew{})
	heard := c.link.heard
	stop(c.timers.sign)
	c.timers.sign = c.after(serverSign, func() {
		if c.socket == s && c.link.heard == heard {
			c.socketLost(&protocol.WireError{Code: protocol.ErrorCodeTimeout, Detail: "the server does not answer"})
		}
	})
}

// onState follows pion, which notices a dead path later than the pulse does.
func (c *Call) onState(conn *connection, state webrtc.PeerConnectionState) {
	if conn != c.conn {
		return
	}
	switch state {
	case webrtc.PeerConnectionStateConnected:
		if !conn.certificateMatches() {
			c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeDTLSFP})
			return
		}
		conn.startMedia()
		c.flowing()
	case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		c.mediaLost()
	}
}
