package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/e2ee"
)

// keys are the admitted party's, of whatever epoch is in use; both machines of
// package e2ee have them.
type keys interface {
	SealData(json []byte) ([]byte, error)
	OpenData(frame []byte, now time.Time) ([]byte, error)
	SealFile(plain []byte) ([]byte, error)
	OpenFile(frame []byte, now time.Time) ([]byte, error)
	Bind(role e2ee.Role, fpGuest, fpHost [32]byte) ([32]byte, error)
	CheckBind(got []byte, role e2ee.Role, fpGuest, fpHost [32]byte) error
	Rekey(now time.Time)
	Alive(now time.Time)
}

// keysEffect carries out what a machine asks for about its keys, and reports
// whether e was that.
func (c *Call) keysEffect(e e2ee.Effect) bool {
	switch e := e.(type) {
	case e2ee.Say:
		c.sayKeys(e.JSON)
	case e2ee.Epoch:
		c.onEpoch(e.Session, e.Sending)
	default:
		return false
	}
	return true
}

// sayKeys says it over the data channel if the path is up, else over the server.
// If neither works it is lost, and the machine tries again later.
func (c *Call) sayKeys(json []byte) {
	if c.conn != nil && c.conn.pc.ConnectionState() == webrtc.PeerConnectionStateConnected && c.sendDirect(json) {
		return
	}
	if c.socket != nil {
		_ = c.seat.say(json)
	}
}

// onEpoch follows a change of keys: those of s open what comes from now on, and
// seal what leaves if sending. What was said last under the old ones may be lost.
func (c *Call) onEpoch(s *e2ee.Session, sending bool) {
	if c.session == nil {
		return
	}
	c.frames.use(s, sending)
	if !sending {
		return
	}
	c.session = s
	c.emit(Rekeyed{Epoch: s.Epoch()})
	c.emit(wordsOf(s))
	c.resendChat()
}

// Rekey renews the keys of the call, as happens by itself every
// [e2ee.RekeyInterval] and after a sleep. [Rekeyed] says that it is done.
func (c *Call) Rekey() { c.post(func() { c.requestRekey() }) }

func (c *Call) requestRekey() {
	if c.session != nil {
		c.seat.keys().Rekey(time.Now())
	}
}

const (
	sleepLook = 10 * time.Second
	asleep    = 60 * time.Second
)

// watchSleep asks for new keys when the computer has slept: the wall clock has
// gone on, while the monotonic one, on most systems, has not.
func (c *Call) watchSleep(last time.Time) {
	c.timers.wake = c.after(sleepLook, func() {
		now := time.Now()
		if slept(last, now) {
			c.requestRekey()
		}
		c.watchSleep(now)
	})
}

// slept compares two readings of both clocks.
func slept(last, now time.Time) bool {
	return now.Round(0).Sub(last.Round(0)) > asleep || now.Sub(last) > asleep
}
