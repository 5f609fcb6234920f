package peer_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func TestRegisterAtAServerOfAnotherVersion(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: r.Header.Values("Sec-WebSocket-Protocol")})
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		welcome := protocol.Welcome{Version: protocol.Version + 1, Nonce: protocol.EncodeBytes(make([]byte, 32)), STUN: []string{}}
		_ = ws.Write(r.Context(), websocket.MessageText, protocol.EncodeServer(welcome))
		_, _, _ = ws.Read(r.Context())
		_, _, _ = ws.Read(r.Context()) // until the client closes
	}))
	defer server.Close()
	link, err := e2ee.NewLink(rand.Reader, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = peer.Register(t.Context(), peer.Registration{Link: link, Origin: server.URL})
	if refusal, ok := errors.AsType[*protocol.WireError](err); !ok || refusal.Code != protocol.ErrorCodeVersion {
		t.Errorf("Register = %v, want %s", err, protocol.ErrorCodeVersion)
	}
}
