package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/testkit/stream"
	"github.com/visavis-call/visavis/protocol"
)

// serving is `visavis serve` in this process.
type serving struct {
	t    *testing.T
	url  string
	log  *stream.Buffer
	stop func() int // ends it and returns the exit code
}

func startServe(t *testing.T, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	s := &serving{t: t, log: &stream.Buffer{}}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "debug"}, args...), streams{nil, in, s.log})
		_ = in.Close()
	}()
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { s.stop() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("serve said %q, %v; log:\n%s", line, err, s.log)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "visavis is ready: ")
	if !ok {
		t.Fatalf("first line is %q", line)
	}
	s.url = url
	return s
}

func (s *serving) addr() string { return strings.TrimPrefix(s.url, "http://") }

func (s *serving) get(url string) (int, string) {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// dial opens signaling and returns the welcome with the connection.
func (s *serving) dial(ctx context.Context) (*websocket.Conn, protocol.Welcome) {
	s.t.Helper()
	conn, _, err := websocket.Dial(ctx, "ws://"+s.addr()+protocol.PathSignaling, &websocket.DialOptions{ //nolint:bodyclose // its contract: there is nothing to close
		Subprotocols: []string{protocol.SubprotocolNative},
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, receive[protocol.Welcome](ctx, s.t, conn)
}

func receive[M protocol.ServerMessage](ctx context.Context, t *testing.T, conn *websocket.Conn) M {
	t.Helper()
	_, b, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := protocol.DecodeServer(b)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		t.Fatalf("server said %s, want a %T", b, *new(M))
	}
	return got
}

func send(ctx context.Context, t *testing.T, conn *websocket.Conn, m protocol.ClientMessage) {
	t.Helper()
	if err := conn.Write(ctx, websocket.MessageText, protocol.EncodeClient(m)); err != nil {
		t.Fatal(err)
	}
}

// binding asks for the public address (RFC 8489 §5) and checks that it is answered.
func binding(t *testing.T, network, addr string) {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bindingOn(t, conn, network)
}

// bindingOn is binding over a connection that is open.
func bindingOn(t *testing.T, conn net.Conn, network string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	request := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 12: 0, 19: 0}
	rand.Read(request[8:])
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 20)
	if _, err := io.ReadAtLeast(conn, answer[:cap(answer)], 20); err != nil && !errors.Is(err, io.ErrShortBuffer) {
		t.Fatalf("%s: %v", network, err)
	}
	if answer[0] != 1 || answer[1] != 1 || !bytes.Equal(answer[8:], request[8:]) {
		t.Errorf("%s: answer begins % x, want a binding success", network, answer)
	}
}

// One port carries everything, and a restart forgets no call.
func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	data := filepath.Join(t.TempDir(), "data")
	s := startServe(t, "--data", data, "--metrics", "")
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, text := s.get(s.url + path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	binding(t, "udp", s.addr())
	binding(t, "tcp", s.addr())

	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := s.dial(ctx)
	send(ctx, t, conn, protocol.Create{Call: protocol.ID(link.CallID()).String(), SrvPub: protocol.EncodeBytes(link.ServerPub()), TTLMS: 3_600_000})
	receive[protocol.Created](ctx, t, conn)
	_ = conn.CloseNow()
	joinAsHost(ctx, t, s, link)

	guest, _ := s.dial(ctx)
	send(ctx, t, guest, protocol.Join{Role: protocol.RoleGuest, Call: protocol.ID(link.CallID()).String(), CID: protocol.ID{2}.String()})
	receive[protocol.Joined](ctx, t, guest)
	stopped := make(chan int, 1)
	go func() { stopped <- s.stop() }()
	for farewell := false; !farewell; { // the guest may first see its host leave
		_, b, err := guest.Read(ctx)
		if err != nil {
			t.Fatalf("closed without a word: %v", err)
		}
		farewell = bytes.Contains(b, []byte("going_away"))
	}
	if _, _, err := guest.Read(ctx); websocket.CloseStatus(err) != protocol.CloseRestart {
		t.Errorf("closed with %v, want %d", err, protocol.CloseRestart)
	}
	if code := <-stopped; code != exitOK {
		t.Errorf("exit code %d; log:\n%s", code, s.log)
	}

	again := startServe(t, "--data", data, "--metrics", "")
	joinAsHost(ctx, t, again, link)
	again.stop()
	scan(t, data, s.log.String()+again.log.String(), link)
}

// joinAsHost takes the host's seat and sees that the relay on this port is offered.
func joinAsHost(ctx context.Context, t *testing.T, s *serving, link e2ee.Link) {
	t.Helper()
	conn, welcome := s.dial(ctx)
	defer func() { _ = conn.CloseNow() }()
	nonce, err := protocol.DecodeBytes(welcome.Nonce, 32)
	if err != nil {
		t.Fatal(err)
	}
	cid := protocol.ID{1}
	send(ctx, t, conn, protocol.Join{
		Role: protocol.RoleHost, Call: protocol.ID(link.CallID()).String(), CID: cid.String(),
		Sig: protocol.EncodeBytes(link.SignServerAuth(s.url, nonce, cid)),
	})
	seat := receive[protocol.Joined](ctx, t, conn)
	if want := "turn:" + s.addr() + "?transport=udp"; seat.ICE == nil || seat.ICE.Servers[1].URLs[0] != want {
		t.Errorf("relay = %+v, want %s", seat.ICE, want)
	}
}

// scan looks for what must be neither on the disk nor in the log.
func scan(t *testing.T, data, log string, link e2ee.Link) {
	t.Helper()
	id := link.CallID()
	secrets := map[string]string{
		"host link": link.Fragment(), "guest link": link.Guest().Fragment(),
		"address": "127.0.0.1", "call id": protocol.ID(id).String(), "call id in hex": fmt.Sprintf("%x", id),
	}
	for name, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
	files := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for name, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds the %s", d.Name(), name)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("scanned %d files, %v", files, err)
	}
}

func TestMetricsListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	data := t.TempDir()
	var log stream.Buffer
	taken := run(t.Context(), []string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--metrics", addr}, streams{nil, io.Discard, &log})
	if taken != exitFailed || !strings.Contains(log.String(), "metrics") {
		t.Errorf("asked-for metrics address is taken: exit %d, %s", taken, &log)
	}
	var lazy stream.Buffer
	logger := slog.New(slog.NewTextHandler(&lazy, nil))
	if at, err := listenMetrics(t.Context(), config.Metrics{Listen: addr}, logger); at != nil || err != nil || !strings.Contains(lazy.String(), "metrics are off") {
		t.Errorf("usual metrics address is taken: %v, %v, %s; want a warning and no listener", at, err, &lazy)
	}
	var busy stream.Buffer
	code := run(t.Context(), []string{"serve", "--listen", addr, "--data", data, "--metrics", ""}, streams{nil, io.Discard, &busy})
	if code != exitFailed || !strings.Contains(busy.String(), "--listen 127.0.0.1:8081") {
		t.Errorf("port is taken: exit %d, %s; want advice", code, &busy)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--data", data, "--metrics", addr)
	for _, want := range []string{"visavis_calls_open 0", "go_goroutines"} {
		if code, text := s.get("http://" + addr + "/metrics"); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("metrics: %d, without %s", code, want)
		}
	}
	if code, _ := s.get(s.url + "/metrics"); code != http.StatusNotFound {
		t.Errorf("metrics on the public port: %d, want 404", code)
	}
}

func TestServeRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--listen", "8080"}, exitUsage, "server.listen"},
		{[]string{"--log-level", "chatty"}, exitUsage, "log level"},
		{[]string{"--tls-cert", "x"}, exitUsage, "both"},
		{[]string{"--url", "https://call.example/"}, exitUsage, "server.url"},
		{[]string{"--config", "/no/such/file"}, exitUsage, "configuration"},
		{[]string{"--token-file", "/no/such/file"}, exitFailed, "token"},
		{[]string{"--data", "/dev/null/data"}, exitFailed, "data directory"},
		{[]string{"--what"}, exitUsage, "unknown flag"},
	} {
		var log stream.Buffer
		args := append([]string{"serve", "--metrics", "", "--data", t.TempDir()}, tt.args...)
		code := run(t.Context(), args, streams{nil, io.Discard, &log})
		if code != tt.code || !strings.Contains(log.String(), tt.want) {
			t.Errorf("%q: exit %d, %s; want %d and %q", tt.args, code, &log, tt.code, tt.want)
		}
	}
}

// A server that does little gives its garbage back, again and again.
func TestTidyCollects(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var tidying sync.WaitGroup
	tidying.Go(func() { tidy(ctx, time.Millisecond) })
	defer tidying.Wait()
	defer cancel()
	before := used().collections
	for deadline := time.Now().Add(20 * time.Second); used().collections < before+3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was collected")
		}
		_ = bytes.Repeat([]byte("x"), tidyWorth/8)
	}
}

func TestUntidy(t *testing.T) {
	for name, tt := range map[string]struct {
		now, before, tidied spent
		want                bool
	}{
		"little done, much left":         {spent{5, 9 << 20}, spent{5, 1 << 20}, spent{4, 1 << 20}, true},
		"left earlier, little by little": {spent{5, 9 << 20}, spent{5, 9 << 20}, spent{4, 1 << 20}, true},
		"nothing new":                    {spent{5, 9 << 20}, spent{5, 9 << 20}, spent{5, 8 << 20}, false},
		"collected often by itself":      {spent{9, 90 << 20}, spent{5, 9 << 20}, spent{4, 1 << 20}, false},
	} {
		if got := tt.now.untidy(tt.before, tt.tidied); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
