package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	backoffMin   = 250 * time.Millisecond
	backoffMax   = 10 * time.Second
)

// socket is one signaling connection: a reader and a writer, both ended by
// close. What it reads goes to the call's inbox, so a slow call slows it down.
type socket struct {
	ws     *wire
	out    chan outgoing // bounded; overflow closes the socket
	cancel context.CancelFunc
	stop   chan struct{} // closed by close: say what is queued and go
	once   sync.Once
	done   sync.WaitGroup
}

type outgoing struct {
	kind websocket.MessageType
	data []byte
}

// signalingURL turns the origin of a link into the address of its WebSocket.
func signalingURL(origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", fmt.Errorf("server address: %w", err)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("server address %q: want http:// or https://", origin)
	}
	if u.Host == "" {
		return "", fmt.Errorf("server address %q: no host", origin)
	}
	u.Path, u.RawQuery, u.Fragment = protocol.PathSignaling, "", ""
	return u.String(), nil
}

func dialSignaling(ctx context.Context, client *http.Client, origin string) (*wire, error) {
	address, err := signalingURL(origin)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	client, kept := keeping(client)
	ws, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // its contract: there is nothing to close
		HTTPClient:      client,
		Subprotocols:    []string{protocol.SubprotocolNative},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, fmt.Errorf("dial signaling: %w", undialed(response, err))
	}
	if ws.Subprotocol() != protocol.SubprotocolNative {
		_ = ws.CloseNow() // nothing was said yet
		return nil, errors.New("dial signaling: the server does not speak " + protocol.SubprotocolNative)
	}
	ws.SetReadLimit(protocol.LimitFrameBytes)
	return &wire{ws, kept.under}, nil
}

// RedirectError says that the server leads to another address. It is not followed, not
// even to TLS: signatures are bound to the origin that is asked, and another machine could
// be one of this network.
type RedirectError struct {
	Origin string // scheme://host[:port]
}

func (e *RedirectError) Error() string { return "the server leads to " + e.Origin }

// StatusError says that HTTP answered where a WebSocket was asked for.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("no WebSocket, but status %d (%s)", e.Status, http.StatusText(e.Status))
}

// undialed is why there is no WebSocket, without the layers that all say the same.
func undialed(response *http.Response, err error) error {
	if response != nil {
		if response.StatusCode == http.StatusTooManyRequests {
			return &protocol.WireError{Code: protocol.ErrorCodeRate}
		}
		if to, err := response.Location(); err == nil {
			return &RedirectError{to.Scheme + "://" + to.Host}
		}
	}
	if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
		return &StatusError{response.StatusCode}
	}
	if asked, ok := errors.AsType[*url.Error](err); ok {
		return asked.Err // what came of it; the address is known
	}
	return err
}

// openSocket starts reading and writing. receive and lost are called from the
// reader; lost exactly once, after the last receive.
func openSocket(ctx context.Context, ws *wire, receive func(*socket, websocket.MessageType, []byte), lost func(*socket, error)) *socket {
	ctx, cancel := context.WithCancel(ctx)
	s := &socket{
		ws:     ws,
		out:    make(chan outgoing, protocol.LimitWriteQueue),
		cancel: cancel,
		stop:   make(chan struct{}),
	}
	s.done.Go(func() {
		defer cancel()
		for {
			kind, data, err := ws.Read(ctx)
			if err != nil {
				lost(s, err)
				return
			}
			receive(s, kind, data)
		}
	})
	s.done.Go(func() { s.write(ctx) })
	return s
}

func (s *socket) write(ctx context.Context) {
	defer s.cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			s.flush(ctx)
			return
		case m := <-s.out:
			if s.writeOne(ctx, m) != nil {
				return // the reader reports the loss
			}
		}
	}
}

// flush says what was queued before the close: a last bye or end.
func (s *socket) flush(ctx context.Context) {
	for {
		select {
		case m := <-s.out:
			if s.writeOne(ctx, m) != nil {
				return
			}
		default:
			_ = s.ws.Close(websocket.StatusNormalClosure, "") // the other end may be gone already
			return
		}
	}
}

func (s *socket) writeOne(ctx context.Context, m outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return s.ws.Write(ctx, m.kind, m.data)
}

func (s *socket) push(m outgoing) {
	select {
	case s.out <- m:
	default:
		s.cancel() // a server that does not read for 256 frames is lost
	}
}

// control queues a message of package protocol.
func (s *socket) control(m protocol.ClientMessage) {
	s.push(outgoing{websocket.MessageText, protocol.EncodeClient(m)})
}

// frame queues an outer frame for the party in slot.
func (s *socket) frame(slot uint16, frame []byte) {
	data := make([]byte, 0, 2+len(frame))
	data = append(data, byte(slot>>8), byte(slot))
	s.push(outgoing{websocket.MessageBinary, append(data, frame...)})
}

// close says what is queued, then closes and waits.
func (s *socket) close() {
	s.once.Do(func() { close(s.stop) })
	s.done.Wait()
	_ = s.ws.CloseNow() // closed already, unless the writer failed
}

// abort closes what is lost: there is nobody to wait for.
func (s *socket) abort() {
	s.cancel()
	_ = s.ws.CloseNow() // broken already, or about to be
	s.close()
}

// closedFor returns the close code of a lost connection, or 0.
func closedFor(err error) websocket.StatusCode {
	if code := websocket.CloseStatus(err); code >= 0 {
		return code
	}
	return 0
}

// finalClose reports whether a client must not come back by itself.
func finalClose(code websocket.StatusCode) bool { return code >= 4000 && code <= 4099 }

// backoff is how long to wait before attempt n (from 0): exponential, with
// jitter so that a server that returns is not met by everyone at once.
func backoff(n int) time.Duration {
	d := min(backoffMin<<min(n, 6), backoffMax)
	return d/2 + rand.N(d/2+1)
}
