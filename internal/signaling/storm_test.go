package signaling

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// stranger is a client without manners: it does by chance what it should not.
type stranger struct {
	*rand.Rand
	link e2ee.Link // of the call that it comes to
	host string
}

// words are what it says, of which some are broken.
func (s *stranger) words() []byte {
	var out []byte
	for range s.IntN(12) {
		switch s.IntN(12) {
		case 0:
			out = append(out, masked(0x81, protocol.EncodeClient(protocol.Renew{}))...)
		case 1:
			out = append(out, masked(0x89, []byte("ping"))...)
		case 2:
			out = append(out, masked(0x88, []byte{3, 0xe8})...)
		case 3:
			out = append(out, masked(0x02, []byte("\x00\x00in"))...)
			out = append(out, masked(0x8a, binary.BigEndian.AppendUint64(nil, s.Uint64N(3)))...)
			out = append(out, masked(0x80, []byte("parts"))...)
		case 4:
			out = append(out, masked(0x82, make([]byte, s.IntN(protocol.LimitFrameBytes)))...)
		case 5:
			out = append(out, masked(byte(s.IntN(256)), []byte("?"))...)
		case 6:
			out = append(out, masked(0x81, make([]byte, protocol.LimitControlBytes+1))...)
		default:
			out = append(out, masked(0x82, []byte("\x00\x00hello"))...)
		}
	}
	if len(out) > 0 && s.IntN(4) == 0 {
		out = out[:s.IntN(len(out))] // the end is missing
	}
	return out
}

// visit comes, says something in some pieces, and goes somehow.
func (s *stranger) visit(ctx context.Context) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.host)
	if err != nil {
		return err
	}
	defer c.Close()
	words := []byte(upgradeRequest(s.host))
	if s.IntN(3) != 0 {
		words = append(words, masked(0x81, protocol.EncodeClient(guestJoin(s.link, protocol.ID{byte(s.IntN(256))})))...)
	}
	words = append(words, s.words()...)
	if reads := s.IntN(3); reads > 0 {
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
	for len(words) > 0 {
		n := min(1+s.IntN(200), len(words))
		if s.IntN(3) == 0 {
			n = len(words)
		}
		if _, err := c.Write(words[:n]); err != nil {
			return nil // it was thrown out, which is right
		}
		words = words[n:]
		if s.IntN(4) == 0 {
			time.Sleep(time.Duration(s.IntN(2000)) * time.Microsecond)
		}
	}
	switch s.IntN(4) {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = c.(*net.TCPConn).CloseWrite() // by now it may have been thrown out
	case 2:
		time.Sleep(time.Duration(s.IntN(10)) * time.Millisecond)
	}
	return nil
}

// talk sends numbered frames and other messages by turns, and wants the frames of the
// other side, all of them and in order.
func (c *client) talk(slot, heard uint16, frames int) error {
	var said error
	var saying sync.WaitGroup
	saying.Go(func() {
		for i := 0; i < frames && said == nil; i++ {
			said = c.conn.Write(c.t.Context(), websocket.MessageBinary, protocol.AppendFrame(nil, slot, []byte(fmt.Sprint(i))))
			if i%5 == 0 && said == nil {
				said = c.conn.Write(c.t.Context(), websocket.MessageText, protocol.EncodeClient(protocol.Renew{}))
			}
			time.Sleep(time.Second / protocol.LimitFramesPerSecond)
		}
	})
	defer saying.Wait()
	for i := 0; i < frames; {
		kind, b, err := c.read()
		if err != nil {
			return err
		}
		from, text, _ := protocol.SplitFrame(b)
		if kind != websocket.MessageBinary || from != heard {
			continue
		}
		if string(text) != fmt.Sprint(i) {
			return fmt.Errorf("%q came where %d was expected", text, i)
		}
		i++
	}
	return nil
}

// Strangers come and go as they like, to a call and past it. A guest and its host who talk
// meanwhile lose nothing; and when the server stops, while still more come, nothing is left.
func TestStorm(t *testing.T) {
	n := serve(t, func(c *Config) {
		c.Connections, c.ConnectionsPerAddress, c.ConnectsPerMinute = 5000, 5000, 1_000_000
	})
	link, host, guest := n.pair(t)
	const frames = 60
	var talk, storm sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for i := range uint64(12) {
		s := &stranger{Rand: rand.New(rand.NewPCG(i, 7)), link: link, host: n.host}
		if i%2 == 0 {
			s.link = newLink(t)
		}
		storm.Go(func() {
			for ctx.Err() == nil {
				if err := s.visit(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	talk.Go(func() {
		if err := host.talk(1, 1, frames); err != nil {
			t.Error("host:", err)
		}
	})
	talk.Go(func() {
		if err := guest.talk(0, 0, frames); err != nil {
			t.Error("guest:", err)
		}
	})
	talk.Wait()
	_, _ = host.conn.CloseNow(), guest.conn.CloseNow()
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n.Shutdown(within)
	if within.Err() != nil || len(n.open) > 0 || len(n.perAddr) > 0 {
		t.Errorf("%d sessions are left", len(n.open))
	}
	stop()
	storm.Wait()
}
