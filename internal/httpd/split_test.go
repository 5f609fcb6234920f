package httpd

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listenPair is a listener whose connections are pipes, for bubbles of fake time.
type listenPair struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newListenPair() *listenPair {
	return &listenPair{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *listenPair) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listenPair) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *listenPair) Addr() net.Addr { return &net.UnixAddr{} }

func (l *listenPair) dial() net.Conn { return l.dialFrom("192.0.2.1") }

func (l *listenPair) dialFrom(ip string) net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- from{theirs, &net.TCPAddr{IP: net.ParseIP(ip), Port: 40000}}
	return ours
}

// from is a connection that comes from addr.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// startSplitter runs a splitter until the test ends.
func startSplitter(t *testing.T, l net.Listener, config *tls.Config) *Splitter {
	s := NewSplitter(l, config, slog.New(slog.DiscardHandler))
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(); err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	t.Cleanup(func() { _ = s.Close(); serving.Wait() })
	return s
}

// answer accepts one connection, reads n bytes and sends them back after name.
func answer(t *testing.T, l net.Listener, name string, n int) {
	c, err := l.Accept()
	if err != nil {
		t.Errorf("accept: %v", err)
		return
	}
	defer c.Close()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Errorf("read: %v", err)
	}
	_, _ = io.WriteString(c, name+string(b))
}

func TestSplit(t *testing.T) {
	for first, want := range map[string]string{
		"\x00\x01\x00\x00": "relay", // STUN Binding request
		"\x00\x03\x00\x08": "relay", // TURN Allocate request
		"GET ":             "http",
		"POST":             "http",
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newListenPair()
			s := startSplitter(t, l, nil)
			side := map[string]net.Listener{"relay": s.Relay(), "http": s.HTTP()}[want]
			c := l.dial()
			defer c.Close()
			go answer(t, side, want+":", len(first))
			if _, err := io.WriteString(c, first); err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(c)
			if got := string(b); got != want+":"+first { // the first byte is not lost
				t.Errorf("%q was answered %q", first, got)
			}
		})
	}
}

func TestRubbishIsClosed(t *testing.T) {
	for _, first := range []string{"\x16\x03\x01", "get /", "\x80", "\xff", " "} {
		synctest.Test(t, func(t *testing.T) {
			l := newListenPair()
			startSplitter(t, l, nil)
			c := l.dial()
			defer c.Close()
			_, _ = io.WriteString(c, first) // may fail: closed after the first byte
			if b, err := io.ReadAll(c); err != nil || len(b) != 0 {
				t.Errorf("%q: %q, %v; want a closed connection", first, b, err)
			}
		})
	}
}

func TestSilentConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListenPair()
		startSplitter(t, l, nil)
		c := l.dial()
		defer c.Close()
		start := time.Now()
		_, _ = io.ReadAll(c)
		if got := time.Since(start); got != firstByteTimeout {
			t.Errorf("closed after %v, want %v", got, firstByteTimeout)
		}
	})
}

func TestSortedConnectionHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListenPair()
		s := startSplitter(t, l, nil)
		c := l.dial()
		defer c.Close()
		go answer(t, s.Relay(), "", 2)
		_, _ = c.Write([]byte{0})
		time.Sleep(10 * firstByteTimeout)
		if _, err := c.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(c); string(b) != "\x00\x01" {
			t.Errorf("got %q", b)
		}
	})
}

func TestTooManySilentConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		allowed int
		from    func(i int) string
		refused string // address of one too many
		others  string // address of one who is still served; empty: nobody is
	}{
		"in all":          {maxPending, func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/256, i%256) }, "192.0.2.1", ""},
		"of one address":  {maxPendingPerSource, func(int) string { return "192.0.2.1" }, "192.0.2.1", "192.0.2.2"},
		"of one IPv6 /64": {maxPendingPerSource, func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, "2001:db8::ffff", "2001:db8:0:1::1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListenPair()
				s := startSplitter(t, l, nil)
				var conns []net.Conn
				for i := range tt.allowed {
					conns = append(conns, l.dialFrom(tt.from(i)))
				}
				extra := l.dialFrom(tt.refused)
				start := time.Now()
				_, _ = io.ReadAll(extra)
				if got := time.Since(start); got != 0 {
					t.Errorf("one too many was closed after %v, want at once", got)
				}
				if tt.others != "" {
					go answer(t, s.HTTP(), "", 4)
					c := l.dialFrom(tt.others)
					_, _ = io.WriteString(c, "GET ")
					if b, err := io.ReadAll(c); string(b) != "GET " {
						t.Errorf("somebody else was answered %q, %v", b, err)
					}
					conns = append(conns, c)
				}
				time.Sleep(firstByteTimeout)
				synctest.Wait()
				if len(s.sources) != 0 {
					t.Errorf("%d sources are still counted", len(s.sources))
				}
				for _, c := range append(conns, extra) {
					_ = c.Close()
				}
			})
		})
	}
}

func TestCloseEndsSilentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListenPair()
		s := startSplitter(t, l, nil)
		c := l.dial()
		defer c.Close()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read = %v, want EOF", err)
		}
		if _, err := s.HTTP().Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept = %v, want ErrClosed", err)
		}
	})
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
}

// One port, real sockets, TLS: HTTP and the relay inside TLS, a redirect outside.
func TestTLS(t *testing.T) {
	l, udp, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	if tcpPort, udpPort := l.Addr().(*net.TCPAddr).Port, udp.LocalAddr().(*net.UDPAddr).Port; tcpPort != udpPort {
		t.Errorf("TCP port %d, UDP port %d", tcpPort, udpPort)
	}
	s := startSplitter(t, l, selfSigned(t))
	web, err := NewServer(Config{
		App: built(), Signaling: http.NotFoundHandler(), Check: http.NotFound, TLS: true,
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(s.HTTP()) })
	defer serving.Wait()
	defer web.Close()

	addr := l.Addr().String()
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := client.Get("https://" + addr + "/c")
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK || r.Header.Get("Strict-Transport-Security") != hsts {
		t.Errorf("over TLS: %d, HSTS %q", r.StatusCode, r.Header.Get("Strict-Transport-Security"))
	}
	_ = r.Body.Close()
	r, err = client.Get("http://" + addr + "/c")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusPermanentRedirect || got != "https://"+addr+"/c" {
		t.Errorf("without TLS: %d to %q", r.StatusCode, got)
	}
	_ = r.Body.Close()

	go answer(t, s.Relay(), "relay:", 2)
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte{0, 1}); err != nil {
		t.Fatal(err)
	}
	if got, _ := bufio.NewReader(c).ReadString('\x01'); !strings.HasPrefix(got, "relay:") {
		t.Errorf("TURN inside TLS was answered %q", got)
	}
}

// Inside TLS a client may say what it wants before its first byte.
func TestALPN(t *testing.T) {
	own := selfSigned(t)
	config := NewTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own.Certificates[0], nil }, ALPNACME)
	for _, tt := range []struct {
		offered []string
		agreed  string
		first   string
		want    string // what takes it; empty: closed
	}{
		{[]string{"h2", "http/1.1"}, "http/1.1", "GET ", "http"},
		{nil, "", "GET ", "http"},
		{nil, "", "\x00\x03\x00\x08", "relay"},
		{[]string{"stun.turn"}, "stun.turn", "\x00\x03\x00\x08", "relay"},
		{[]string{"stun.turn"}, "stun.turn", "GET ", "relay"}, // and there it is refused
		{[]string{"stun.nat-discovery"}, "stun.nat-discovery", "\x00\x01\x00\x00", "relay"},
		{[]string{"acme-tls/1"}, "acme-tls/1", "GET ", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newListenPair()
			s := startSplitter(t, l, config)
			c := tls.Client(l.dial(), &tls.Config{InsecureSkipVerify: true, NextProtos: tt.offered})
			defer c.Close()
			if err := c.Handshake(); err != nil {
				t.Fatalf("%q: %v", tt.offered, err)
			}
			if got := c.ConnectionState().NegotiatedProtocol; got != tt.agreed {
				t.Errorf("%q: agreed on %q", tt.offered, got)
			}
			if tt.want != "" {
				go answer(t, map[string]net.Listener{"relay": s.Relay(), "http": s.HTTP()}[tt.want], tt.want+":", len(tt.first))
			}
			_, _ = io.WriteString(c, tt.first) // may fail: closed
			b, _ := io.ReadAll(c)
			if want := tt.want + ":" + tt.first; string(b) != want && tt.want != "" || tt.want == "" && len(b) > 0 {
				t.Errorf("%q, %q: answered %q", tt.offered, tt.first, b)
			}
		})
	}
}

// Who said TURN is the relay's from then on, also before its first byte.
func TestALPNNeedsNoFirstByte(t *testing.T) {
	own := selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		l := newListenPair()
		s := startSplitter(t, l, NewTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own.Certificates[0], nil }))
		go answer(t, s.Relay(), "relay:", 0)
		c := tls.Client(l.dial(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"stun.turn"}})
		defer c.Close()
		if b, err := io.ReadAll(c); string(b) != "relay:" {
			t.Errorf("answered %q, %v", b, err)
		}
	})
}
