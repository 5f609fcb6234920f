package sockets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// echo answers what it is told with the same, and waits with texts.
type echo struct {
	conn   *Conn
	waited chan bool // for a text: whether it might wait
	gone   chan struct{}
}

func (e *echo) Take(f Frame, mayWait bool) Verdict {
	switch {
	case f.Err != nil || f.Op == OpClose:
		return End
	case f.Op == OpText && !mayWait:
		return Wait
	case f.Op == OpText:
		e.waited <- mayWait
	}
	b := AppendFrame(nil, f.Op, f.Payload)
	if n := e.conn.TryWrite(b); n < len(b) && e.conn.Write(b[n:], patience) != nil {
		return End
	}
	return Next
}

func (e *echo) Gone() { e.conn.Close(); close(e.gone) }

// serve starts a server whose connections come out of made.
func serve(t *testing.T) (address string, made chan *echo) {
	t.Helper()
	var hub Hub
	made = make(chan *echo, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := hub.Upgrade(w, r, "first", "second")
		if err != nil {
			return
		}
		e := &echo{conn: conn, waited: make(chan bool, 100), gone: make(chan struct{})}
		conn.Serve(e, Limits{Text: 100, Binary: 100_000})
		made <- e
	}))
	t.Cleanup(func() {
		server.Close()
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
	})
	return strings.TrimPrefix(server.URL, "http://"), made
}

func request(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func asked() []string {
	return []string{
		"Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: other, second",
	}
}

// reply is what a server says to a request.
type reply struct {
	status int
	header http.Header
}

func dial(t *testing.T, address, first string) (net.Conn, *bufio.Reader, reply) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, first); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return c, r, reply{response.StatusCode, response.Header}
}

func wantBytes(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != string(want) {
		t.Fatalf("got %.40q, %v; want %.40q", got, err, want)
	}
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not in time", what)
	}
}

func TestUpgrade(t *testing.T) {
	address, _ := serve(t)
	_, _, response := dial(t, address, request(asked()...))
	// The example of RFC 6455 §1.3.
	if got, want := response.header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Errorf("accept is %q, want %q", got, want)
	}
	if got := response.header.Get("Sec-WebSocket-Protocol"); response.status != 101 || got != "second" {
		t.Errorf("status %d, subprotocol %q", response.status, got)
	}
	for i, status := range []int{426, 426, 400, 400, 101} {
		lines := asked()
		lines[i] = "X: y"
		if _, _, response := dial(t, address, request(lines...)); response.status != status {
			t.Errorf("without %q: status %d, want %d", asked()[i], response.status, status)
		}
	}
	for name, first := range map[string]string{
		"two keys":  request(append(asked(), "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")...),
		"short key": strings.Replace(request(asked()...), "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 1),
		"POST":      strings.Replace(request(asked()...), "GET", "POST", 1),
		"a body":    request(append(asked(), "Content-Length: 3")...) + "abc",
		"parts":     request(append(asked(), "Transfer-Encoding: chunked")...) + "3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.0":  strings.Replace(request(asked()...), "HTTP/1.1", "HTTP/1.0", 1),
	} {
		if _, _, response := dial(t, address, first); response.status < 400 {
			t.Errorf("%s: status %d", name, response.status)
		}
	}
}

func TestEcho(t *testing.T) {
	address, made := serve(t)
	// The first message comes with the request.
	c, r, _ := dial(t, address, request(asked()...)+string(client(true, OpBinary, "early")))
	wantBytes(t, r, AppendFrame(nil, OpBinary, []byte("early")))
	e := <-made
	long := strings.Repeat("x", 100_000)
	for _, text := range []string{"a", "b", long, strings.Repeat("y", 300)} {
		if _, err := c.Write(client(true, OpBinary, text)); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, r, AppendFrame(nil, OpBinary, []byte(text)))
	}
	// What must wait does so where nobody waits for it, and in order.
	both := join(client(true, OpBinary, "1"), client(true, OpText, "2"), client(true, OpBinary, "3"), client(true, OpText, "4"))
	if _, err := c.Write(both); err != nil {
		t.Fatal(err)
	}
	wantBytes(t, r, join(AppendFrame(nil, OpBinary, []byte("1")), AppendFrame(nil, OpText, []byte("2")),
		AppendFrame(nil, OpBinary, []byte("3")), AppendFrame(nil, OpText, []byte("4"))))
	for range 2 {
		if !<-e.waited {
			t.Error("a text was taken where others wait")
		}
	}
	_ = c.Close()
	wait(t, e.gone, "the end")
}

// A connection is over when its client goes, however it goes, and when it is cut; and
// where the end comes from does not matter.
func TestGone(t *testing.T) {
	for name, end := range map[string]func(c *net.TCPConn, e *echo) error{
		"closed":      func(c *net.TCPConn, _ *echo) error { return c.Close() },
		"reset":       func(c *net.TCPConn, _ *echo) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"half closed": func(c *net.TCPConn, _ *echo) error { return c.CloseWrite() },
		"a goodbye":   func(c *net.TCPConn, _ *echo) error { _, err := c.Write(client(true, OpClose, "")); return err },
		"not heard":   func(c *net.TCPConn, _ *echo) error { _, err := c.Write([]byte("GET / HTTP/1.1\r\n")); return err },
		"cut":         func(_ *net.TCPConn, e *echo) error { e.conn.Cut(); e.conn.Cut(); return nil },
		"reset, cut": func(c *net.TCPConn, e *echo) error {
			err := errors.Join(c.SetLinger(0), c.Close())
			e.conn.Cut()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			address, made := serve(t)
			c, r, _ := dial(t, address, request(asked()...)+string(client(true, OpBinary, "x")))
			wantBytes(t, r, AppendFrame(nil, OpBinary, []byte("x")))
			e := <-made
			if err := end(c.(*net.TCPConn), e); err != nil {
				t.Fatal(err)
			}
			wait(t, e.gone, "the end")
		})
	}
}

// Many at once, each in its own order.
func TestMany(t *testing.T) {
	address, made := serve(t)
	var all sync.WaitGroup
	for range 20 {
		c, r, _ := dial(t, address, request(asked()...))
		e := <-made
		all.Go(func() {
			for n := range 200 {
				op := OpBinary
				if n%7 == 0 {
					op = OpText
				}
				text := fmt.Sprint(n)
				if _, err := c.Write(client(true, op, text)); err != nil {
					t.Error(err)
					return
				}
				got := make([]byte, len(text)+2)
				if _, err := io.ReadFull(r, got); err != nil || string(got) != string(AppendFrame(nil, op, []byte(text))) {
					t.Errorf("%d: got %q, %v", n, got, err)
					return
				}
				if op == OpText {
					<-e.waited
				}
			}
			_ = c.Close()
			<-e.gone
		})
	}
	all.Wait()
}
