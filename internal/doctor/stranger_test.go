package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// neighbor is a machine that nobody should be made to ask, and how often it was.
func neighbor(t *testing.T) (address string, asked func() int) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("needs 127.0.0.2, which only Linux has without being told")
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var came atomic.Int32
	gone := make(chan struct{}, 2)
	go func() {
		defer func() { gone <- struct{}{} }()
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			_ = c.Close()
		}
	}()
	go func() {
		defer func() { gone <- struct{}{} }()
		for {
			if _, _, err := udp.ReadFrom(make([]byte, 1500)); err != nil {
				return
			}
			came.Add(1)
		}
	}()
	t.Cleanup(func() { _, _ = tcp.Close(), udp.Close(); <-gone; <-gone })
	return tcp.Addr().String(), func() int { return int(came.Load()) }
}

// stranger is a server that greets as it likes.
func stranger(t *testing.T, stun []string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol.SubprotocolNative}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		hello := protocol.Welcome{Version: protocol.Version, Nonce: protocol.EncodeBytes(make([]byte, 32)), STUN: stun}
		_ = c.Write(r.Context(), websocket.MessageText, protocol.EncodeServer(hello))
		_, _, _ = c.Read(r.Context())
	}))
	t.Cleanup(s.Close)
	return s
}

// A server cannot have others asked from here: neither by where it says that its STUN
// is, nor by a redirect.
func TestStrangerLeadsNowhere(t *testing.T) {
	t.Parallel()
	address, asked := neighbor(t)
	s := stranger(t, []string{"stun:" + address})
	wantLevels(t, Outside(t.Context(), s.URL), map[string]Level{"outside.visavis": OK, "outside.udp4": Problem, "outside.turn_tcp": OK})
	cfg := configFor(t, "127.0.0.1:1")
	cfg.Via = []string{s.URL}
	Examine(t.Context(), cfg)

	away := httptest.NewServer(http.RedirectHandler("http://"+address+"/", http.StatusFound))
	t.Cleanup(away.Close)
	r := Outside(t.Context(), away.URL)
	wantLevels(t, r, map[string]Level{"outside.visavis": Problem})
	if n := asked(); n > 0 {
		t.Errorf("a neighbor was asked %d times; %q", n, r.Findings)
	}
}

// A server that sends on without end is left.
func TestEndlessRedirects(t *testing.T) {
	t.Parallel()
	var came atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(s.Close)
	_, err := greet(t.Context(), s.URL, nil)
	if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "ask there") || came.Load() != 1 {
		t.Errorf("asked %d times, then: %v", came.Load(), err)
	}
}
