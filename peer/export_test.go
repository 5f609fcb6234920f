package peer

import (
	"encoding/json"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// Lie makes a guest dishonest: change runs before each session description
// leaves, with what it says and with the channel that will be bound.
type Lie struct {
	SDP     func(*sealed.SDP)
	Binding func(fpGuest, fpHost *[32]byte)
	Remote  func(fp *string) // what the guest remembers of the host's certificate
}

type liar struct {
	seat
	c   *Call
	lie Lie
}

func (l liar) say(data []byte) error {
	if messageType(data) != "sdp" {
		return l.seat.say(data)
	}
	var m sealed.SDP
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if l.lie.SDP != nil {
		l.lie.SDP(&m)
	}
	if l.lie.Binding != nil {
		l.lie.Binding(&l.c.channel.fpGuest, &l.c.channel.fpHost)
	}
	if l.lie.Remote != nil {
		l.lie.Remote(&l.c.conn.remote.fp)
	}
	return l.seat.say(marshal(m))
}

// Corrupt gives the call a lie to tell.
func (c *Call) Corrupt(lie Lie) {
	c.post(func() { c.seat = liar{c.seat, c, lie} })
}

// CutMedia drops the media connection of a host, which then offers another.
func (c *Call) CutMedia() { c.post(c.mediaGone) }

// SendRaw puts a frame on the channel for files as it is.
func (c *Call) SendRaw(frame []byte) {
	c.post(func() { _ = c.conn.files.dc.Send(frame) })
}
