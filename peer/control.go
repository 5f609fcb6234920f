package peer

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// signalingLink is the state of the connection to the server.
type signalingLink struct {
	attempt int           // dials since the last join
	joined  bool          // ever: the server has answered a join to the end
	online  bool          // told by SignalingChanged
	retry   time.Duration // the server's wish (going_away); 0: our own back-off
	refusal *protocol.WireError
	cid     protocol.ID
	seat    string   // of a guest, from the last join, for the next; in memory only
	stage   greeting // of this connection
	waiting bool     // for the next dial
	heard   uint64   // messages and frames so far

	iceTokens float64 // see mayTakeServers
	iceAt     time.Time
}

// relays are the STUN and TURN servers in use.
type relays struct {
	servers []protocol.Server
	// granted is false while only public STUN servers are known.
	granted bool
	skew    time.Duration // server's clock minus ours
}

// renewBefore is how long before their end credentials are renewed.
const renewBefore = 90 * time.Second

func (c *Call) dial() {
	c.work.Go(func() {
		ws, err := dialSignaling(c.ctx, c.cfg.HTTP, c.cfg.Origin)
		if err != nil {
			c.post(func() { c.dialFailed(err) })
			return
		}
		taken := make(chan struct{})
		c.post(func() {
			close(taken)
			c.opened(ws)
		})
		select {
		case <-taken:
		case <-c.ctx.Done():
			select {
			case <-taken: // opened after all: shutdown closes it
			default:
				_ = ws.CloseNow() // nobody else knows it
			}
		}
	})
}

// dialFailed gives up if the server was never reached, because then the link or
// the network is wrong and a person should know; later it tries on.
func (c *Call) dialFailed(err error) {
	if !c.link.joined {
		c.finish(EndError, err)
		return
	}
	c.redial()
}

func (c *Call) redial() {
	wait := backoff(c.link.attempt)
	if c.link.retry > 0 {
		wait += c.link.retry
		c.link.retry = 0
	}
	c.link.attempt++
	stop(c.timers.dial)
	c.link.waiting = true
	c.timers.dial = c.after(wait, func() {
		if c.link.waiting {
			c.link.waiting = false
			c.dial()
		}
	})
}

func (c *Call) opened(ws *wire) {
	s := openSocket(context.WithoutCancel(c.ctx), ws,
		func(s *socket, kind websocket.MessageType, data []byte) {
			c.postUnless(s.stop, func() {
				if c.socket == s {
					c.receive(kind, data)
				}
			})
		},
		func(s *socket, err error) {
			c.postUnless(s.stop, func() {
				if c.socket == s {
					c.socketLost(err)
				}
			})
		})
	c.socket = s
	c.link.refusal, c.link.stage = nil, greetingNone
	c.expectAnswer()
}

func (c *Call) socketLost(err error) {
	code := closedFor(err)
	c.leaveServer(finalClose(code) && c.outlivesServer())
	if finalClose(code) {
		c.closedForGood(code)
		return
	}
	if !c.link.joined && c.link.attempt > 0 {
		c.finish(EndError, fmt.Errorf("join: %w", err))
		return
	}
	c.redial()
}

// leaveServer lets go of the connection to the server.
func (c *Call) leaveServer(forGood bool) {
	if s := c.socket; s != nil {
		c.socket = nil
		s.abort()
	}
	stop(c.timers.answer)
	c.seat.lost()
	c.pulse.suspect(time.Now())
	if c.link.online {
		c.link.online = false
		c.emit(SignalingChanged{Online: false, ForGood: forGood})
	}
}

// closedForGood is what a final close code says.
func (c *Call) closedForGood(code websocket.StatusCode) {
	refusal := c.link.refusal
	if refusal == nil {
		refusal = &protocol.WireError{Code: protocol.ErrorCodeInternal, Detail: fmt.Sprintf("closed with %d", code)}
	}
	switch code {
	case protocol.CloseEnded:
		c.dismissed(EndExpired, &protocol.WireError{Code: protocol.ErrorCodeGone})
	case protocol.CloseReplaced:
		c.dismissed(EndReplaced, &protocol.WireError{Code: protocol.ErrorCodeReplaced})
	case protocol.CloseDropped:
		c.dismissed(EndRemoved, &protocol.WireError{Code: protocol.ErrorCodeDenied})
	case protocol.CloseRate:
		c.dismissed(EndError, &protocol.WireError{Code: protocol.ErrorCodeRate})
	default:
		c.dismissed(reasonFor(refusal.Code), refusal)
	}
}

// reasonFor groups the codes that end a call.
func reasonFor(code protocol.ErrorCode) EndReason {
	switch code {
	case protocol.ErrorCodeBusy, protocol.ErrorCodeLocked, protocol.ErrorCodeDenied:
		return EndRefused
	case protocol.ErrorCodeGone:
		return EndExpired
	case protocol.ErrorCodeReplaced:
		return EndReplaced
	case protocol.ErrorCodeSASDiffer:
		return EndDiffer
	default:
		return EndError
	}
}

func (c *Call) receive(kind websocket.MessageType, data []byte) {
	c.link.heard++
	if kind == websocket.MessageBinary {
		if len(data) > 2 {
			c.seat.frame(uint16(data[0])<<8|uint16(data[1]), data[2:], time.Now())
		}
		return
	}
	m, err := protocol.DecodeServer(data)
	if err != nil {
		return // newer than this version, or malformed: the server is not trusted to be sane
	}
	switch m := m.(type) {
	case protocol.Welcome:
		if c.link.stage == greetingNone { // once: the id we join under has a counter
			c.onWelcome(m)
		}
	case protocol.Joined:
		if c.link.stage == greetingWelcome {
			c.onJoined(m)
		}
	case protocol.ICE:
		if c.link.mayTakeServers(time.Now()) {
			c.setRelays(m.ICE)
		}
	case protocol.Ended:
		c.dismissed(EndExpired, &protocol.WireError{Code: protocol.ErrorCodeGone})
	case protocol.GoingAway:
		c.link.retry = time.Duration(min(max(m.RetryMS, 0), 60_000)) * time.Millisecond
	case protocol.Refusal:
		c.link.refusal = refused(m)
	default:
		c.seat.control(m)
	}
}

// refused is an error of the server's. What goes with [protocol.ErrorCodeDenied] is shown
// as the host's own words, so the server has none there.
func refused(m protocol.Refusal) *protocol.WireError {
	if m.Code == protocol.ErrorCodeDenied {
		m.Detail = ""
	}
	return &protocol.WireError{Code: m.Code, Detail: CleanLine(m.Detail)}
}

func (c *Call) onWelcome(m protocol.Welcome) {
	c.link.stage = greetingWelcome
	c.expectAnswer()
	nonce, err := protocol.DecodeBytes(m.Nonce, 32)
	if err != nil || m.Version != protocol.Version {
		c.dismissed(EndError, &protocol.WireError{Code: protocol.ErrorCodeVersion, Detail: "welcome"})
		return
	}
	c.relays.skew = time.Until(time.UnixMilli(m.TimeMS))
	if !c.relays.granted {
		c.relays.servers = ownServers([]protocol.Server{{URLs: m.STUN}}, c.cfg.Origin)
	}
	if _, err := io.ReadFull(c.random(), c.link.cid[:]); err != nil {
		c.finish(EndError, fmt.Errorf("connection id: %w", err))
		return
	}
	join := protocol.Join{
		Role: c.seat.role(),
		Call: protocol.ID(c.cfg.Link.CallID()).String(),
		CID:  c.link.cid.String(),
		Seat: c.link.seat,
	}
	if sig := c.seat.proof(nonce, c.link.cid); sig != nil {
		join.Sig = protocol.EncodeBytes(sig)
	}
	c.socket.control(join)
}

func (c *Call) random() io.Reader {
	if c.cfg.Rand != nil {
		return c.cfg.Rand
	}
	return rand.Reader
}

func (c *Call) onJoined(m protocol.Joined) {
	c.link.stage = greetingJoined
	if c.seat.role() == protocol.RoleGuest {
		c.link.seat = m.Seat
	}
	c.expectAnswer()
	if !c.link.online {
		c.link.online = true
		c.emit(SignalingChanged{Online: true})
	}
	if m.ICE != nil {
		c.setRelays(*m.ICE)
	}
	c.seat.joined(m)
}

// answered says that the server has told all that a join asks for.
func (c *Call) answered() {
	c.link.joined, c.link.attempt = true, 0
	stop(c.timers.answer)
}

// setRelays takes relay credentials into use and arranges for the next ones.
func (c *Call) setRelays(m protocol.Servers) {
	m.Servers = ownServers(m.Servers, c.cfg.Origin)
	c.relays.servers, c.relays.granted = m.Servers, true
	c.emit(RelaysOffered{relayTransports(m.Servers)})
	stop(c.timers.renew)
	if m.ExpiresMS > 0 {
		left := time.Until(time.UnixMilli(m.ExpiresMS)) - c.relays.skew
		c.timers.renew = c.after(max(left-renewBefore, time.Second), func() {
			if c.socket != nil {
				c.socket.control(protocol.Renew{})
			}
		})
	}
	if c.conn != nil {
		c.conn.setServers(iceServers(m.Servers, c.cfg.RelayTransport))
	}
	c.seat.relaysChanged()
}
