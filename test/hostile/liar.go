package hostile

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/protocol"
)

// Liar is a whole server that lies: nothing behind it, a script for each connection.
type Liar struct {
	There *testkit.Server
	Lines chan *Lie // each connection, as it comes
}

// Lie is one connection of a client to a [Liar].
type Lie struct {
	t   testing.TB
	ctx context.Context
	ws  *websocket.Conn

	mu     sync.Mutex
	heard  []Message
	closed chan struct{}
	more   chan struct{} // capacity 1: something was heard
}

// StartLiar starts a server that says nothing by itself.
func StartLiar(t testing.TB) *Liar {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &Liar{Lines: make(chan *Lie, 64)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		ws, err := websocket.Accept(w, q, &websocket.AcceptOptions{Subprotocols: []string{protocol.SubprotocolNative}})
		if err != nil {
			return
		}
		ws.SetReadLimit(1 << 20)
		line := &Lie{t: t, ctx: ctx, ws: ws, closed: make(chan struct{}), more: make(chan struct{}, 1)}
		l.Lines <- line
		line.listen()
	}))
	l.There = testkit.Elsewhere(t, server.URL)
	t.Cleanup(func() {
		cancel()
		server.Close()
	})
	return l
}

func (l *Lie) listen() {
	defer close(l.closed)
	for {
		kind, data, err := l.ws.Read(l.ctx)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.heard = append(l.heard, Message{Binary: kind == websocket.MessageBinary, Data: data})
		l.mu.Unlock()
		select {
		case l.more <- struct{}{}:
		default:
		}
	}
}

// Say sends a control message.
func (l *Lie) Say(m protocol.ServerMessage) { l.Raw(false, protocol.EncodeServer(m)) }

// Raw sends anything.
func (l *Lie) Raw(binary bool, data []byte) {
	ctx, cancel := context.WithTimeout(l.ctx, 10*time.Second)
	defer cancel()
	_ = l.ws.Write(ctx, kindOf(binary), data) // the client may have hung up: that is for the test to see
}

// Welcome says the first word as a server does.
func (l *Lie) Welcome(stun ...string) {
	l.Say(protocol.Welcome{
		Version: protocol.Version, Nonce: protocol.EncodeBytes(make([]byte, 32)), TimeMS: time.Now().UnixMilli(), STUN: append([]string{}, stun...),
	})
}

// Hangup ends the connection as a server does that is about to be back.
func (l *Lie) Hangup() { _ = l.ws.Close(protocol.CloseRestart, "") }

// Join waits until the client has joined.
func (l *Lie) Join() protocol.Join {
	l.t.Helper()
	var join protocol.Join
	l.await("a join", func(heard []Message) bool {
		for _, m := range heard {
			if !m.Binary {
				if c, err := protocol.DecodeClient(m.Data); err == nil {
					if j, ok := c.(protocol.Join); ok {
						join = j
						return true
					}
				}
			}
		}
		return false
	})
	return join
}

// Frames waits for n outer frames and returns all that have come.
func (l *Lie) Frames(n int) [][]byte {
	l.t.Helper()
	var frames [][]byte
	l.await("frames", func(heard []Message) bool {
		frames = nil
		for _, m := range heard {
			if m.Binary {
				frames = append(frames, m.Frame())
			}
		}
		return len(frames) >= n
	})
	return frames
}

func (l *Lie) await(what string, ok func([]Message) bool) {
	l.t.Helper()
	timeout := time.After(testkit.Timeout)
	for {
		l.mu.Lock()
		done := ok(l.heard)
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-l.more:
		case <-timeout:
			l.t.Fatalf("the lying server waited in vain for %s", what)
		case <-l.closed:
			l.mu.Lock()
			done := ok(l.heard)
			l.mu.Unlock()
			if !done {
				l.t.Fatalf("the client hung up before the lying server had %s", what)
			}
			return
		}
	}
}

// Next is the next connection to the liar.
func (l *Liar) Next(t testing.TB) *Lie {
	t.Helper()
	select {
	case line := <-l.Lines:
		return line
	case <-time.After(testkit.Timeout):
		t.Fatal("nobody came to the lying server")
		return nil
	}
}
