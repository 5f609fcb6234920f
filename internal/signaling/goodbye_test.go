package signaling

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// A goodbye is answered before the connection ends (RFC 6455 §5.5.1), also under TLS,
// where nothing is written at once.
func TestGoodbyeIsAnsweredUnderTLS(t *testing.T) {
	n := parts(t, nil)
	n.handler = httptest.NewTLSServer(n.Server)
	t.Cleanup(n.handler.Close)
	n.host = strings.TrimPrefix(n.handler.URL, "https://")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if err := n.comeAndGo(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// comeAndGo says goodbye, and waits for the same.
func (n *node) comeAndGo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	//nolint:bodyclose // Dial takes care of it
	conn, _, err := websocket.Dial(ctx, "wss://"+n.host+protocol.PathSignaling, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: n.handler.Client().Transport}, Subprotocols: []string{protocol.SubprotocolNative},
	})
	if err != nil {
		return err
	}
	return conn.Close(websocket.StatusNormalClosure, "")
}

// A client that says something wrong and leaves at once is still told what was wrong.
func TestRefusalComesBeforeTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		c, r := n.raw(t)
		words := append(masked(0x81, []byte("{")), masked(0x88, []byte{0x03, 0xe8})...)
		go func() { _, _ = c.Write(words) }()
		if _, last := closedAfter(r, time.Now()); !strings.Contains(last, "E_PARSE") || !strings.HasSuffix(last, "\x88\x02\x0f\xa3") {
			t.Errorf("last words %q, want E_PARSE and code 4003", last[max(0, len(last)-60):])
		}
	})
}
