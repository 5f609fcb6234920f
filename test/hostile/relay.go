// Package hostile attacks calls: a relay in place of the server that both clients
// take for it, a server that only lies, and visitors who speak the protocol word
// by word. The table of attacks says what has to come of each, and
// test/hostile/attacks plays them all.
package hostile

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/protocol"
)

// Message is one WebSocket message on its way through a [Relay].
type Message struct {
	Line       *Line
	FromServer bool
	Binary     bool // slot and outer frame; otherwise a control message
	Data       []byte
}

// Frame is the outer frame of a binary message, without the slot.
func (m Message) Frame() []byte { return m.Data[2:] }

// With is the message with other bytes in its outer frame.
func (m Message) With(frame []byte) Message {
	m.Data = append(append([]byte(nil), m.Data[:2]...), frame...)
	return m
}

// Line is one client's connection through the relay.
type Line struct {
	Role protocol.Role // "" before join
	CID  string

	client, server *websocket.Conn
}

// ToClient says something in the server's name.
func (l *Line) ToClient(ctx context.Context, binary bool, data []byte) error {
	return l.client.Write(ctx, kindOf(binary), data)
}

func kindOf(binary bool) websocket.MessageType {
	if binary {
		return websocket.MessageBinary
	}
	return websocket.MessageText
}

// Bend decides what arrives instead of a message: nothing, something else, or
// more than one. It runs one message at a time.
type Bend func(Message) []Message

// Relay stands in front of a server and is taken for it by both clients.
type Relay struct {
	There *testkit.Server // makes calls and parties that come through the relay

	t      testing.TB
	target string
	http   *httptest.Server
	cancel context.CancelFunc

	mu    sync.Mutex
	bend  Bend
	lines []*Line
	log   []Message
}

// StartRelay starts a man in the middle of everybody who goes to relay.There.
func StartRelay(t testing.TB, server *testkit.Server) *Relay {
	t.Helper()
	r := &Relay{t: t, target: "ws" + strings.TrimPrefix(server.Origin, "http") + protocol.PathSignaling}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.serve(ctx, w, q) }))
	r.There = testkit.Elsewhere(t, r.http.URL)
	t.Cleanup(func() {
		cancel()
		r.http.Close()
	})
	return r
}

// Bend changes what happens to messages from now on; nil passes them.
func (r *Relay) Bend(b Bend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bend = b
}

// Log is everything that was said to the relay so far.
func (r *Relay) Log() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.log...)
}

// Latest is the newest connection of a role, or nil.
func (r *Relay) Latest(role protocol.Role) *Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.lines) - 1; i >= 0; i-- {
		if r.lines[i].Role == role {
			return r.lines[i]
		}
	}
	return nil
}

func (r *Relay) serve(ctx context.Context, w http.ResponseWriter, q *http.Request) {
	server, _, err := websocket.Dial(ctx, r.target, &websocket.DialOptions{ //nolint:bodyclose // its contract
		Host:         q.Host, // the origin that a host signs
		Subprotocols: []string{protocol.SubprotocolNative},
	})
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	client, err := websocket.Accept(w, q, &websocket.AcceptOptions{Subprotocols: []string{protocol.SubprotocolNative}})
	if err != nil {
		_ = server.CloseNow()
		return
	}
	l := &Line{client: client, server: server}
	for _, c := range []*websocket.Conn{client, server} {
		c.SetReadLimit(1 << 20)
	}
	r.mu.Lock()
	r.lines = append(r.lines, l)
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pump(ctx, l, false) })
	both.Go(func() { r.pump(ctx, l, true) })
	both.Wait()
}

// pump carries one direction until either end closes; the close goes on.
func (r *Relay) pump(ctx context.Context, l *Line, fromServer bool) {
	from, to := l.client, l.server
	if fromServer {
		from, to = l.server, l.client
	}
	for {
		kind, data, err := from.Read(ctx)
		if err != nil {
			code := websocket.CloseStatus(err)
			if code < 1000 || code == websocket.StatusNoStatusRcvd || code == websocket.StatusAbnormalClosure {
				_ = to.CloseNow()
				return
			}
			_ = to.Close(code, "")
			return
		}
		for _, m := range r.take(Message{l, fromServer, kind == websocket.MessageBinary, data}) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			err := to.Write(ctx, kindOf(m.Binary), m.Data)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

func (r *Relay) take(m Message) []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !m.FromServer && !m.Binary {
		if join, err := protocol.DecodeClient(m.Data); err == nil {
			if j, ok := join.(protocol.Join); ok {
				m.Line.Role, m.Line.CID = j.Role, j.CID
			}
		}
	}
	r.log = append(r.log, m)
	if r.bend == nil {
		return []Message{m}
	}
	return r.bend(m)
}
