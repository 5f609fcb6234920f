package signaling

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

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
