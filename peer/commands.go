package peer

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// Admit lets the visitor in slot into the call. Host only; for a visitor that
// is gone, or while somebody else is in, it does nothing.
func (c *Call) Admit(slot uint16) { c.asHost(func(h *hostSeat) { h.admit(slot) }) }

// Hold asks the visitor to wait on, with a message of at most
// sealed.LimitNote characters. Host only.
func (c *Call) Hold(slot uint16, message string) {
	c.asHost(func(h *hostSeat) { h.hold(slot, message) })
}

// Refuse sends the visitor away. Host only.
func (c *Call) Refuse(slot uint16, reason string) {
	c.asHost(func(h *hostSeat) { h.refuse(slot, reason) })
}

// AllowMore unlocks a call that too many wrong passwords have locked. Host only.
func (c *Call) AllowMore() {
	c.asHost(func(h *hostSeat) { h.machine.Allow(e2ee.LimitGuesses) })
}

// SetPassword gives the password, or another one after [PasswordWrong]. Guest
// only. It takes a noticeable part of a second.
func (c *Call) SetPassword(password string) error {
	key, err := e2ee.StretchPassword(c.cfg.Link, password)
	if err != nil {
		return err
	}
	c.post(func() {
		if g, ok := c.seat.(*guestSeat); ok {
			g.setPassword(key)
		}
	})
	return nil
}

// Chat sends a line, cut to sealed.LimitChat characters, and returns the id
// that [ChatDelivered] repeats. It is said again over each new connection until it is
// acknowledged; before the call was live for the first time it is not sent.
func (c *Call) Chat(text string) (id string) {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	id = base64.RawURLEncoding.EncodeToString(raw[:])
	c.post(func() {
		if c.firstBound.IsZero() {
			return
		}
		m := sealed.Chat{T: "chat", ID: id, Text: clean(text, sealed.LimitChat, true)}
		c.chat.said(m)
		if c.channel != nil && c.channel.bound {
			c.tell(m)
		}
	})
	return id
}

// Verify tells the other party whether the words match. VerdictDiffer ends the
// call: somebody sits between the two.
func (c *Call) Verify(verdict sealed.Verdict) {
	c.post(func() {
		if c.session == nil {
			return
		}
		c.tell(sealed.Verify{T: "verify", R: verdict})
		c.seat.verified(verdict == sealed.VerdictMatch)
		if verdict == sealed.VerdictDiffer {
			c.finish(EndDiffer, &protocol.WireError{Code: protocol.ErrorCodeSASDiffer})
		}
	})
}

// SetMedia mutes and unmutes what this party sends, and tells the other one.
func (c *Call) SetMedia(mic, cam bool) {
	c.post(func() {
		c.muted = map[Kind]bool{KindAudio: !mic, KindVideo: !cam}
		c.applyMute()
		c.tellState()
	})
}

// Share adds a further video track, as a browser does to show a screen.
func (c *Call) Share(source Source) {
	c.post(func() {
		if c.conn == nil || c.phase != PhaseLive {
			return
		}
		if err := c.conn.share(source); err != nil {
			c.finish(EndError, err)
			return
		}
		c.negotiate()
	})
}

// Hangup leaves the call.
func (c *Call) Hangup() { c.post(func() { c.finish(EndHangup, nil) }) }

// End ends the call for good: its link never works again. Host only.
func (c *Call) End() {
	c.asHost(func(h *hostSeat) {
		h.forGood = true
		c.finish(EndHangup, nil)
	})
}

func (c *Call) asHost(f func(*hostSeat)) {
	c.post(func() {
		if h, ok := c.seat.(*hostSeat); ok {
			f(h)
		}
	})
}
