package mirror

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
)

const (
	// pace is how often a burst is topped up.
	pace = 10 * time.Millisecond
	// maxQueued bytes wait for a line that is slower than the burst; what would be
	// more is not sent at all: it is the line that is measured, not our memory.
	maxQueued = 32 << 10
)

// serve answers on the channel until it closes; that ends the check. pion calls
// OnMessage from one goroutine.
func (c *check) serve(channel *webrtc.DataChannel) {
	var r reflection
	var sending atomic.Bool
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		if sending.Load() && len(m.Data) > 0 && m.Data[0] == protocol.CheckDown {
			return // said again, because nothing had arrived yet
		}
		reply, b := r.take(m.Data, time.Now())
		if reply != nil {
			_ = channel.Send(reply) // closed: the end is about to come
		}
		if b.length > 0 {
			sending.Store(true)
			c.bursts.Go(func() {
				defer sending.Store(false)
				send(channel, b, c.over)
			})
		}
	})
	channel.OnClose(c.end)
}

// send paces one burst.
func send(channel *webrtc.DataChannel, b burst, over <-chan struct{}) {
	packet := make([]byte, protocol.CheckPacket)
	packet[0] = protocol.CheckBurst
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	start, sent := time.Now(), 0
	for {
		var now time.Time
		select {
		case now = <-ticker.C:
		case <-over:
			return
		}
		for after := now.Sub(start); sent < b.due(after); sent++ {
			if channel.BufferedAmount() > maxQueued {
				continue
			}
			binary.BigEndian.PutUint32(packet[1:], uint32(sent)) //nolint:gosec // a few hundred
			if channel.Send(packet) != nil {
				return
			}
		}
		if now.Sub(start) >= b.length {
			return
		}
	}
}
