package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/switchboard"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/internal/testkit/stream"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests. It is never waited for in full
// unless something is broken.
const patience = 20 * time.Second

// registry keeps calls in memory.
type registry struct {
	mu    sync.Mutex
	calls map[protocol.ID]call.Record
}

func (r *registry) Lookup(_ context.Context, id protocol.ID) (call.Record, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.calls[id]
	return c, ok, nil
}

func (r *registry) Register(_ context.Context, id protocol.ID, c call.Record) (call.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.calls[id]; ok {
		return old, nil
	}
	r.calls[id] = c
	return c, nil
}

func (r *registry) End(_ context.Context, id protocol.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[id] = call.Record{Over: true}
	return nil
}

// relay hands out credentials that say for whom they are.
type relay struct{}

func (relay) Credentials(_ [16]byte, role protocol.Role, now time.Time) (string, string, time.Time) {
	return "user-" + string(role), "secret-" + string(role), now.Add(time.Minute)
}

// node is a signaling server with everything behind it.
type node struct {
	*Server
	handler  *httptest.Server // nil in a bubble
	dial     func(context.Context, string, string) (net.Conn, error)
	host     string // as in the Host header
	registry *registry
	metrics  *prometheus.Registry
	log      *stream.Buffer
}

// parts builds a server that listens nowhere yet.
func parts(t *testing.T, change func(*Config)) *node {
	t.Helper()
	n := &node{registry: &registry{calls: map[protocol.ID]call.Record{}}, metrics: prometheus.NewRegistry(), log: &stream.Buffer{}}
	log, err := telemetry.NewLogger(n.log, "debug")
	if err != nil {
		t.Fatal(err)
	}
	metrics := telemetry.NewMetrics(n.metrics)
	pseudonyms := telemetry.NewPseudonyms()
	board := switchboard.New(switchboard.Config{
		MaxCalls: 100,
		Call:     call.Config{Registry: n.registry, EndRelay: func(protocol.ID) {}, RevokeRelay: func(protocol.ID) {}, Drop: metrics.Drop, Forward: metrics.Forwarded},
		Log:      func(id protocol.ID) *slog.Logger { return log.With(telemetry.FieldCall, pseudonyms.Call(id)) },
		Open:     func(int) {},
	})
	cfg := Config{
		Switchboard: board, Relay: relay{}, RelayPort: 3478,
		ConnectsPerMinute: 10_000, CreatesPerMinute: 10_000, ConnectionsPerAddress: 1000, Connections: 1000,
		Pseudonyms: pseudonyms, Metrics: metrics, Log: log,
	}
	if change != nil {
		change(&cfg)
	}
	if n.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(board.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		n.Shutdown(ctx)
	})
	return n
}

// serve starts a server on a real socket.
func serve(t *testing.T, change func(*Config)) *node {
	t.Helper()
	n := parts(t, change)
	n.handler = httptest.NewUnstartedServer(n.Server)
	n.handler.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(32 << 10) // so that what is long goes in parts
		return ctx
	}
	n.handler.Start()
	t.Cleanup(n.handler.Close)
	n.host = strings.TrimPrefix(n.handler.URL, "http://")
	n.dial = (&net.Dialer{}).DialContext
	return n
}

func (n *node) origin() string { return "http://" + n.host }

// client is one end of a WebSocket, and a test that fails.
type client struct {
	t     *testing.T
	conn  *websocket.Conn
	node  *node
	nonce []byte
	seat  string // of a guest: for its next join
}

// attempt dials with the given headers and reports the HTTP status if refused.
func (n *node) attempt(t *testing.T, header http.Header, subprotocols ...string) (*websocket.Conn, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	//nolint:bodyclose // Dial takes care of it
	conn, response, err := websocket.Dial(ctx, "ws://"+n.host+protocol.PathSignaling, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: subprotocols,
	})
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
		conn.SetReadLimit(1 << 20)
		return conn, http.StatusSwitchingProtocols
	}
	if response == nil {
		t.Fatalf("dial: %v", err)
	}
	return nil, response.StatusCode
}

// connect makes a native client and takes the welcome.
func (n *node) connect(t *testing.T) *client {
	t.Helper()
	conn, status := n.attempt(t, nil, protocol.SubprotocolNative)
	if conn == nil {
		t.Fatalf("status %d", status)
	}
	c := &client{t: t, conn: conn, node: n}
	welcome := expect[protocol.Welcome](c)
	nonce, err := protocol.DecodeBytes(welcome.Nonce, 32)
	if err != nil {
		t.Fatal(err)
	}
	c.nonce = nonce
	return c
}

func (c *client) write(kind websocket.MessageType, b []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.conn.Write(ctx, kind, b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) say(m protocol.ClientMessage) {
	c.t.Helper()
	c.write(websocket.MessageText, protocol.EncodeClient(m))
}

func (c *client) frame(slot uint16, outer string) {
	c.t.Helper()
	c.write(websocket.MessageBinary, protocol.AppendFrame(nil, slot, []byte(outer)))
}

func (c *client) read() (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	return c.conn.Read(ctx)
}

// line returns the next thing that the server says, as text.
func (c *client) line() string {
	c.t.Helper()
	kind, b, err := c.read()
	if ce, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Sprintf("close %d", ce.Code)
	}
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	if kind == websocket.MessageBinary {
		slot, outer, _ := protocol.SplitFrame(b)
		return fmt.Sprintf("frame %d %s", slot, outer)
	}
	return string(b)
}

func (c *client) want(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if got := c.line(); got != want {
			c.t.Fatalf("server said %s, want %s", got, want)
		}
	}
}

// expect reads one message, which must be an M.
func expect[M protocol.ServerMessage](c *client) M {
	c.t.Helper()
	_, b, err := c.read()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	m, err := protocol.DecodeServer(b)
	if err != nil {
		c.t.Fatalf("decode: %v", err)
	}
	got, ok := m.(M)
	if !ok {
		c.t.Fatalf("server said %s, want a %T", b, *new(M))
	}
	return got
}

func newLink(t *testing.T) e2ee.Link {
	t.Helper()
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func creation(link e2ee.Link) protocol.Create {
	return protocol.Create{
		Req: "c", Call: protocol.ID(link.CallID()).String(),
		SrvPub: protocol.EncodeBytes(link.ServerPub()), TTLMS: 3_600_000,
	}
}

func (c *client) create(link e2ee.Link) {
	c.t.Helper()
	c.say(creation(link))
	expect[protocol.Created](c)
}

func hostJoin(link e2ee.Link, origin string, nonce []byte, cid protocol.ID) protocol.Join {
	return protocol.Join{
		Req: "j", Role: protocol.RoleHost, Call: protocol.ID(link.CallID()).String(), CID: cid.String(),
		Sig: protocol.EncodeBytes(link.SignServerAuth(origin, nonce, cid)),
	}
}

func (c *client) joinHost(link e2ee.Link, cid protocol.ID) protocol.Joined {
	c.t.Helper()
	c.say(hostJoin(link, c.node.origin(), c.nonce, cid))
	return expect[protocol.Joined](c)
}

func guestJoin(link e2ee.Link, cid protocol.ID) protocol.Join {
	return protocol.Join{Req: "j", Role: protocol.RoleGuest, Call: protocol.ID(link.CallID()).String(), CID: cid.String()}
}

func (c *client) joinGuest(link e2ee.Link, cid protocol.ID) {
	c.t.Helper()
	c.say(guestJoin(link, cid))
	c.seat = expect[protocol.Joined](c).Seat
	expect[protocol.Host](c)
}

// pair is a host and a guest who both have their seats.
func (n *node) pair(t *testing.T) (link e2ee.Link, host, guest *client) {
	t.Helper()
	link = newLink(t)
	host, guest = n.connect(t), n.connect(t)
	host.create(link)
	host.joinHost(link, protocol.ID{1})
	guest.joinGuest(link, protocol.ID{2})
	expect[protocol.Peer](host)
	return link, host, guest
}

// counter returns the value of a counter with one label.
func (n *node) counter(t *testing.T, name, label string) float64 {
	t.Helper()
	families, err := n.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
