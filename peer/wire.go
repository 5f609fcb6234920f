package peer

import (
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// goodbyeTimeout bounds the wait for a server's answer to our goodbye.
const goodbyeTimeout = 5 * time.Second

// wire is a WebSocket whose Close ends. That of the library waits for the whole of
// a frame that the server has begun, for ever if need be.
type wire struct {
	*websocket.Conn
	under io.Closer
}

// Close waits for the server's goodbye, but not for long.
func (w *wire) Close(code websocket.StatusCode, reason string) error {
	late := time.AfterFunc(goodbyeTimeout, func() { _ = w.under.Close() })
	defer late.Stop()
	return w.Conn.Close(code, reason)
}

// keeper keeps hold of the connection that it upgrades.
type keeper struct {
	transport http.RoundTripper
	under     io.Closer
}

func (k *keeper) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := k.transport.RoundTrip(q)
	if err == nil && r.StatusCode == http.StatusSwitchingProtocols {
		k.under = r.Body
	}
	return r, err
}

// keeping is client with a transport that keeps hold of what it upgrades, and that
// stays at the server.
func keeping(client *http.Client) (*http.Client, *keeper) {
	k := &keeper{transport: client.Transport}
	if k.transport == nil {
		k.transport = http.DefaultTransport
	}
	other := *client
	other.Transport = k
	other.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &other, k
}
