package httpd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// local is a local page for a server that echoes what it gets, until it is told
// "go", and notes the origin of who comes.
func local(t *testing.T) (self string, origins chan string) {
	t.Helper()
	origins = make(chan string, 4)
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origins <- r.Header.Get("Origin")
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol.SubprotocolWeb}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if string(data) == "go" {
				_ = c.Close(protocol.CloseReplaced, "")
				return
			}
			if err := c.Write(r.Context(), kind, data); err != nil {
				return
			}
		}
	}))
	t.Cleanup(remote.Close)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	self = "http://" + l.Addr().String()
	s, err := NewLocalServer(LocalConfig{
		App: built(), Self: self, Server: remote.URL, Client: &http.Client{Transport: &http.Transport{}}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.BaseContext = func(net.Listener) context.Context { return ctx }
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		cancel()
		_ = s.Close()
		<-done
	})
	return self, origins
}

func dialLocal(t *testing.T, self, origin string) (*websocket.Conn, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, response, err := websocket.Dial(ctx, self+protocol.PathSignaling, &websocket.DialOptions{ //nolint:bodyclose // its contract: there is nothing to close
		HTTPClient:   &http.Client{Transport: transport},
		HTTPHeader:   http.Header{"Origin": {origin}},
		Subprotocols: []string{protocol.SubprotocolWeb},
	})
	if err != nil {
		if response == nil {
			t.Fatal(err)
		}
		return nil, response.StatusCode
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, http.StatusSwitchingProtocols
}

// The socket reaches the server under the server's own origin, both kinds of
// frames pass both ways, and the page learns why it was closed.
func TestLocalPageCarriesTheSocket(t *testing.T) {
	self, origins := local(t)
	c, status := dialLocal(t, self, self)
	if c == nil {
		t.Fatalf("status %d", status)
	}
	if origin := <-origins; !strings.HasPrefix(origin, "http://127.0.0.1:") || origin == self {
		t.Errorf("the server saw origin %q, not its own", origin)
	}
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		if err := c.Write(t.Context(), kind, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		got, data, err := c.Read(t.Context())
		if err != nil || got != kind || string(data) != "hello" {
			t.Fatalf("got %v %q, %v", got, data, err)
		}
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("go")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != protocol.CloseReplaced {
		t.Errorf("closed with %v, want %d", err, protocol.CloseReplaced)
	}
}

// A network check is asked for in the name of the page, and nobody else's.
func TestLocalPageCarriesTheCheck(t *testing.T) {
	self := "http://127.0.0.1:8090"
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Origin"), body)
	}))
	t.Cleanup(remote.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := NewLocalServer(LocalConfig{
		App: built(), Self: self, Server: remote.URL, Client: &http.Client{Transport: transport}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]int{self: http.StatusServiceUnavailable, "https://evil.example": http.StatusForbidden, "": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, self+protocol.PathCheck, strings.NewReader("body"))
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("origin %q: status %d, want %d", origin, w.Code, want)
		}
		if said := "POST /check " + remote.URL + " body"; origin == self && w.Body.String() != said {
			t.Errorf("the server got %q, want %q", w.Body, said)
		}
	}
}

func TestLocalPageIsForThisMachineOnly(t *testing.T) {
	self, origins := local(t)
	for _, origin := range []string{"https://evil.example", "", "null", strings.Replace(self, "127.0.0.1", "localhost", 1)} {
		if c, status := dialLocal(t, self, origin); c != nil || status != http.StatusForbidden {
			t.Errorf("origin %q: status %d, want 403", origin, status)
		}
	}
	if len(origins) > 0 {
		t.Error("the server was asked")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, self+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "rebound.example"
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another name: status %d, want 421", response.StatusCode)
	}
}

func TestLocalPageNamesItsServer(t *testing.T) {
	s, err := NewLocalServer(LocalConfig{
		App: built(), Self: "http://127.0.0.1:8090", Server: `https://a.example/"><script>`, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := get(s.Handler, "http://127.0.0.1:8090/c")
	want := `<meta name="visavis-server" content="https://a.example/&#34;&gt;&lt;script&gt;">`
	if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), want) {
		t.Errorf("got %d %q, want %q in it", r.Code, r.Body.String(), want)
	}
}
