package peer

import "github.com/visavis-call/visavis/protocol/sealed"

// onWant obeys what the other party would like to receive. Its frames were
// encoded before the call, so a native party cannot make them smaller: it
// sends them, or skips them all and says why. What this build does not know
// changes nothing.
func (c *Call) onWant(m sealed.Want) {
	switch m.Video {
	case sealed.WantedSizeFull, sealed.WantedSizeSmall:
		c.unwanted = false
	case sealed.WantedSizeNone:
		c.unwanted = true
	default:
		return
	}
	c.applyMute()
	c.tellState()
}

// Want tells the other party how much video this one would like to receive.
// Asked for none, it sends none and says so in its state.
func (c *Call) Want(video sealed.WantedSize) {
	c.post(func() {
		if c.session != nil {
			c.tell(sealed.Want{T: "want", Video: video})
		}
	})
}

// applyMute makes the senders follow what this party has muted and what the
// other one wants.
func (c *Call) applyMute() {
	if c.conn != nil {
		c.conn.mute(map[Kind]bool{
			KindAudio: c.muted[KindAudio],
			KindVideo: c.muted[KindVideo] || c.unwanted,
		})
	}
}

// held is why the picture is not sent although the camera counts as on.
func (c *Call) held() sealed.HeldVideo {
	if c.unwanted && c.cfg.Video != nil && !c.muted[KindVideo] {
		return sealed.HeldVideoAsked
	}
	return ""
}
