package signalload

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// bareTimeout bounds a request for a WebSocket.
const bareTimeout = 10 * time.Second

// ServeBare is a relay to compare with, as small as one can be written: two who ask for
// the same path are joined, and what one says in binary the other gets. It checks
// nothing, limits nothing and queues nothing; nobody is pinged. It serves until ctx
// ends.
func ServeBare(ctx context.Context, l net.Listener) error {
	b := &bare{ctx: ctx, alone: make(map[string]*meeting)}
	server := &http.Server{Handler: b, ReadHeaderTimeout: bareTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(l)
	b.open.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

type bare struct {
	ctx  context.Context // the server's
	open sync.WaitGroup

	mu    sync.Mutex          // guards what follows
	alone map[string]*meeting // by path
}

// meeting is where two find each other.
type meeting struct {
	first, second *websocket.Conn
	met           chan struct{} // closed when there are two
}

// ServeHTTP implements [http.Handler].
func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.open.Add(1)
	defer b.open.Done()
	own, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return // it has been answered
	}
	defer func() { _ = own.CloseNow() }()
	other := b.meet(r.URL.Path, own)
	if other == nil {
		return
	}
	for {
		kind, frame, err := own.Read(b.ctx)
		if err != nil || other.Write(b.ctx, kind, frame) != nil {
			_ = other.CloseNow()
			return
		}
	}
}

// meet waits for the other one of a path; nil: it has not come.
func (b *bare) meet(path string, own *websocket.Conn) *websocket.Conn {
	b.mu.Lock()
	m := b.alone[path]
	if m != nil {
		delete(b.alone, path)
		b.mu.Unlock()
		m.second = own
		close(m.met)
		return m.first
	}
	m = &meeting{first: own, met: make(chan struct{})}
	b.alone[path] = m
	b.mu.Unlock()
	select {
	case <-m.met:
		return m.second
	case <-b.ctx.Done():
		return nil
	}
}
