// Command floor serves the bare page that make bench-call measures against: two
// RTCPeerConnections and nothing else. It prints its URL and relays every
// WebSocket frame to the other side.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"
)

//go:embed floor.html
var page []byte

// pair holds the two sides of one measurement, by id of the run.
type pair struct {
	mu    sync.Mutex
	sides map[string]*websocket.Conn // id of the run + role → socket
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run serves until standard input closes, so that the parent need not signal.
func run() error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p := &pair{sides: make(map[string]*websocket.Conn)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page) // a browser that has gone away
	})
	mux.HandleFunc("GET /ws", p.relay)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Printf("http://%s\n", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// relay forwards the frames of one side to the other.
func (p *pair) relay(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(1 << 20)
	id, role := r.URL.Query().Get("run"), r.URL.Query().Get("role")
	other := map[string]string{"offer": "answer", "answer": "offer"}[role]
	p.set(id+role, c)
	defer p.set(id+role, nil)
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if to := p.get(id + other); to != nil {
			ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
			_ = to.Write(ctx, kind, data) // the other side has gone: nothing to measure
			cancel()
		}
	}
}

func (p *pair) set(key string, c *websocket.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c == nil {
		delete(p.sides, key)
		return
	}
	p.sides[key] = c
}

func (p *pair) get(key string) *websocket.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sides[key]
}
