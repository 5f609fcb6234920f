package peer

import (
	"context"
	"fmt"
	"sync"

	"github.com/pion/webrtc/v4"
)

const (
	filesLabel = "files"
	filesID    = 1
	// Above the first nothing more is put into the buffer, below the second it goes
	// on: bytes. pion counts what was sent and not acknowledged, too, so this also
	// bounds what is on the line.
	filesHigh = 256 << 10
	filesLow  = 128 << 10
)

// fileChannel is the data channel files of one connection: beside ctl, so that no
// word waits for a file. It is used once ctl is bound.
type fileChannel struct {
	dc *webrtc.DataChannel

	mu    sync.Mutex
	moved chan struct{} // closed, and replaced, when there may be room
}

func newFileChannel(pc *webrtc.PeerConnection) (*fileChannel, error) {
	negotiated, id := true, uint16(filesID)
	dc, err := pc.CreateDataChannel(filesLabel, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return nil, fmt.Errorf("channel for files: %w", err)
	}
	return &fileChannel{dc: dc, moved: make(chan struct{})}, nil
}

func (f *fileChannel) listen(frame func([]byte)) {
	f.dc.SetBufferedAmountLowThreshold(filesLow)
	f.dc.OnBufferedAmountLow(f.wake)
	f.dc.OnOpen(f.wake)
	f.dc.OnMessage(func(m webrtc.DataChannelMessage) {
		if !m.IsString {
			frame(m.Data)
		}
	})
}

func (f *fileChannel) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.moved)
	f.moved = make(chan struct{})
}

// room waits until something may be sent; false if ctx ends first.
func (f *fileChannel) room(ctx context.Context) bool {
	for {
		f.mu.Lock()
		moved := f.moved
		f.mu.Unlock()
		if f.dc.ReadyState() == webrtc.DataChannelStateOpen && f.dc.BufferedAmount() < filesHigh {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// boundFiles is the channel under the keys of the call.
type boundFiles struct {
	*fileChannel
	c *Call
}

// Room implements files.Channel.
func (b boundFiles) Room(ctx context.Context) bool { return b.room(ctx) }

// Send implements files.Channel.
func (b boundFiles) Send(chunk []byte) error {
	frame, err := b.c.seat.keys().SealFile(chunk)
	if err != nil {
		return err
	}
	return b.dc.Send(frame)
}
