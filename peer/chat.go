package peer

import "github.com/visavis-call/visavis/protocol/sealed"

// maxUnacked bounds what waits to be acknowledged; older lines are not said
// again, and were never reported as delivered.
const maxUnacked = 256

// chatLog is what was said and not acknowledged, and what was heard. A line may
// arrive twice, because it was said again over another connection.
type chatLog struct {
	unacked []sealed.Chat
	heard   map[string]bool
	order   []string // of heard, the oldest first
}

func (l *chatLog) said(m sealed.Chat) {
	if len(l.unacked) >= maxUnacked {
		l.unacked = l.unacked[1:]
	}
	l.unacked = append(l.unacked, m)
}

// acked reports whether the line with this id was ours and waited for it.
func (l *chatLog) acked(id string) bool {
	for i, m := range l.unacked {
		if m.ID == id {
			l.unacked = append(l.unacked[:i:i], l.unacked[i+1:]...)
			return true
		}
	}
	return false
}

// news reports whether this line was not heard yet.
func (l *chatLog) news(id string) bool {
	if l.heard[id] {
		return false
	}
	if l.heard == nil {
		l.heard = map[string]bool{}
	}
	if len(l.order) >= 4*maxUnacked {
		delete(l.heard, l.order[0])
		l.order = l.order[1:]
	}
	l.heard[id], l.order = true, append(l.order, id)
	return true
}

// resendChat says again what was not acknowledged.
func (c *Call) resendChat() {
	if c.channel == nil || !c.channel.bound {
		return
	}
	for _, m := range c.chat.unacked {
		c.tell(m)
	}
}
