package peer

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// Registration is what [Register] tells a server about a new call.
type Registration struct {
	Link   e2ee.Link // the host's
	Origin string
	TTL    time.Duration // 0: protocol.DefaultTTLMS
	Token  string        // if the server asks for one
	HTTP   *http.Client  // nil: http.DefaultClient
}

// Register makes a call known to its server, which learns an id, a public key
// made for it alone, and when the link expires. It returns that time. Doing it
// again for the same link is no error.
func Register(ctx context.Context, r Registration) (expires time.Time, err error) {
	if !r.Link.Host() {
		return time.Time{}, &protocol.WireError{Code: protocol.ErrorCodeAuth, Detail: "not a host link"}
	}
	if r.HTTP == nil {
		r.HTTP = http.DefaultClient
	}
	ttl := r.TTL.Milliseconds()
	if ttl == 0 {
		ttl = protocol.DefaultTTLMS
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ws, err := dialSignaling(ctx, r.HTTP, r.Origin)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = ws.Close(websocket.StatusNormalClosure, "") }() // the answer is here already
	create := protocol.Create{
		Call:   protocol.ID(r.Link.CallID()).String(),
		SrvPub: protocol.EncodeBytes(r.Link.ServerPub()),
		TTLMS:  ttl,
		Token:  r.Token,
	}
	if err := ws.Write(ctx, websocket.MessageText, protocol.EncodeClient(create)); err != nil {
		return time.Time{}, fmt.Errorf("create: %w", err)
	}
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("create: %w", err)
		}
		m, err := protocol.DecodeServer(data)
		if err != nil {
			continue // a message newer than this version
		}
		switch m := m.(type) {
		case protocol.Welcome:
			if m.Version != protocol.Version {
				return time.Time{}, &protocol.WireError{Code: protocol.ErrorCodeVersion, Detail: "welcome"}
			}
		case protocol.Created:
			return time.UnixMilli(m.ExpiresMS), nil
		case protocol.Refusal:
			return time.Time{}, refused(m)
		}
	}
}
