package peer

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 wants it
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// A server begins a frame and never ends it; a party that hangs up does not wait.
func TestUnfinishedFrameAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _ = theirs.Close() })
			go beginFrame(theirs)
			return ours, nil
		}
		ws, err := dialSignaling(t.Context(), &http.Client{Transport: &http.Transport{DialContext: dial}}, "http://call.example")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = ws.Close(websocket.StatusNormalClosure, "") // that it was not answered is not our fault
		if took := time.Since(start); took > 2*goodbyeTimeout {
			t.Errorf("hung up after %v", took)
		}
	})
}

// beginFrame upgrades and says the first bytes of a large frame, then only listens.
func beginFrame(c net.Conn) {
	r := bufio.NewReader(c)
	q, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(q.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]), protocol.SubprotocolNative)
	go func() { _, _ = c.Write([]byte{0x82, 126, 0xff, 0xff, 1, 2, 3}) }()
	for err == nil {
		_, err = r.ReadByte()
	}
}
