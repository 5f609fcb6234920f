package hostile

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/protocol"
)

// Intruder speaks to a server word by word. It may have a link or only a call id.
type Intruder struct {
	CID protocol.ID

	t       testing.TB
	ws      *websocket.Conn
	machine *e2ee.Guest // nil until Prove
	sent    int         // frames that the machine wanted to send
}

// Intrude connects; the welcome is read.
func Intrude(t testing.TB, origin string) *Intruder {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+origin[len("http"):]+protocol.PathSignaling, &websocket.DialOptions{ //nolint:bodyclose // its contract
		Subprotocols: []string{protocol.SubprotocolNative},
	})
	if err != nil {
		t.Fatal(err)
	}
	i := &Intruder{t: t, ws: ws}
	_, _ = rand.Read(i.CID[:]) // never fails (crypto/rand)
	t.Cleanup(func() { _ = ws.CloseNow() })
	if m, _ := i.Hear(); m == nil {
		t.Fatal("no welcome")
	}
	return i
}

// Say sends a control message.
func (i *Intruder) Say(m protocol.ClientMessage) {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	defer cancel()
	_ = i.ws.Write(ctx, websocket.MessageText, protocol.EncodeClient(m)) // a refusal is heard
}

// Frame sends an outer frame to the host.
func (i *Intruder) Frame(frame []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	defer cancel()
	_ = i.ws.Write(ctx, websocket.MessageBinary, protocol.AppendFrame(nil, 0, frame)) // as Say
}

// Join takes a guest's seat.
func (i *Intruder) Join(call [16]byte) {
	i.Say(protocol.Join{Role: protocol.RoleGuest, Call: protocol.ID(call).String(), CID: i.CID.String()})
}

// Hear returns the next control message or outer frame; both nil when the
// server has hung up.
func (i *Intruder) Hear() (protocol.ServerMessage, []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	defer cancel()
	for {
		kind, data, err := i.ws.Read(ctx)
		if err != nil {
			return nil, nil
		}
		if kind == websocket.MessageBinary {
			return nil, data[2:]
		}
		if m, err := protocol.DecodeServer(data); err == nil {
			return m, nil
		}
	}
}

// Prove joins and runs the handshake with the link until done says enough, the
// server hangs up, or more than limit frames would leave.
func (i *Intruder) Prove(cfg e2ee.GuestConfig, limit int, done func(e2ee.Effect) bool) {
	i.t.Helper()
	machine, err := e2ee.NewGuest(cfg)
	if err != nil {
		i.t.Fatal(err)
	}
	i.machine = machine
	i.Join(cfg.Link.CallID())
	for {
		m, frame := i.Hear()
		switch m := m.(type) {
		case protocol.Joined:
			machine.Connected(i.CID, time.Now())
		case protocol.Host:
			if cid, err := protocol.ParseID(m.CID); err == nil {
				machine.HostOnline(cid, time.Now())
			}
		case protocol.Refusal:
			return
		case nil:
			if frame == nil {
				return
			}
			machine.Receive(frame, time.Now())
		}
		for _, e := range machine.Drain() {
			if f, ok := e.(e2ee.SendFrame); ok {
				if i.sent++; i.sent > limit {
					return
				}
				i.Frame(f.Frame)
			}
			if done(e) {
				return
			}
		}
	}
}

// Tell seals a message for the host, as far as the machine lets it.
func (i *Intruder) Tell(json string) error {
	err := i.machine.Send([]byte(json), time.Now())
	for _, e := range i.machine.Drain() {
		if f, ok := e.(e2ee.SendFrame); ok {
			i.Frame(f.Frame)
		}
	}
	return err
}
