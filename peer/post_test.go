package peer

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// crowded is a call whose goroutine is busy and whose inbox takes nothing more.
func crowded(t *testing.T) *Call {
	t.Helper()
	return &Call{ctx: t.Context(), inbox: make(chan func())}
}

// soon fails if f, run by the busy goroutine, waits for somebody who waits for it.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s never came back", what)
	}
}

// A connection is closed while what it found waits for room in the inbox.
func TestCloseWhileCandidatesWait(t *testing.T) {
	c := crowded(t)
	frames := newFrameCipher(e2ee.RoleHost)
	waiting := make(chan struct{}, 64)
	conn, err := newConnection(t.Context(), connectionConfig{
		frames: frames, host: true, reach: reach{loopback: true}, video: vp8Key(), audio: opusTone(),
		post: func(gone <-chan struct{}, f func()) {
			waiting <- struct{}{}
			c.postUnless(gone, f)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.negotiation.offer(); err != nil {
		t.Fatal(err)
	}
	<-waiting
	soon(t, "close", conn.close)
}

// The server's connection is given up while its words wait for room in the inbox.
func TestCloseWhileServerTalks(t *testing.T) {
	c := crowded(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol.SubprotocolNative}})
		if err != nil {
			return
		}
		_ = ws.Write(r.Context(), websocket.MessageText, []byte("{}")) // the client is about to hang up
		_, _, _ = ws.Read(r.Context())                                 // until it does
	}))
	t.Cleanup(server.Close)
	ws, err := dialSignaling(t.Context(), server.Client(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{}, 1)
	s := openSocket(t.Context(), ws, func(s *socket, _ websocket.MessageType, _ []byte) {
		waiting <- struct{}{}
		c.postUnless(s.stop, func() {})
	}, func(s *socket, _ error) { c.postUnless(s.stop, func() {}) })
	<-waiting
	soon(t, "close", s.close)
}
