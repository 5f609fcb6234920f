package relay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// closes reports whether the other end closes the connection.
func closes(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// Lengths that confuse framing: the first sends pion's own into an endless loop.
func TestHostileLengthsCloseStream(t *testing.T) {
	r := serve(t, Limits{})
	for _, head := range []string{
		"\x00\x01\xff\xec", "\x00\x01\xff\xff", "\x00\x01\x00\x01", "\x40\x00\xff\xff", "\x40\x00\xff\xfc",
		"\x00\x01\x06\x40", "GET ", "\xff\xff\xff\xff",
	} {
		conn, err := net.Dial("tcp", r.tcp)
		if err != nil {
			t.Fatal(err)
		}
		// A whole STUN header, magic cookie included, so that only the length is odd.
		if _, err := conn.Write([]byte(head + "\x21\x12\xa4\x42abcdefghijkl")); err != nil {
			t.Fatal(err)
		}
		if !closes(t, conn) {
			t.Errorf("%q: connection stays open", head)
		}
		_ = conn.Close()
	}
}

func TestStreamInSmallPieces(t *testing.T) {
	r := serve(t, Limits{})
	conn, err := net.Dial("tcp", r.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	for _, b := range append(want.Raw, want.Raw...) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	answers := make([]byte, 2*40)
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, answers); err != nil {
		t.Fatal(err)
	}
	if got := answers[8:20]; !bytes.Equal(got, want.TransactionID[:]) {
		t.Errorf("transaction %x, want %x", got, want.TransactionID)
	}
}

// Frames that arrive together do not damage each other.
func TestStreamInOnePiece(t *testing.T) {
	r := serve(t, Limits{})
	c := r.client(t, "tcp", [16]byte{1}, protocol.RoleHost)
	c.allocate()
	var all []byte
	for range 3 {
		all = append(all, c.signed(stun.MethodRefresh).Raw...)
	}
	if _, err := c.conn.Write(all); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(c.conn)
	if err := c.conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		head, err := answers.Peek(4)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		size, err := frameSize(head)
		if err != nil {
			t.Fatal(err)
		}
		m := stun.New()
		if m.Raw, err = answers.Peek(size); err != nil || m.Decode() != nil || m.Type.Class != stun.ClassSuccessResponse {
			t.Errorf("answer %d: %v, %v", i, m, err)
		}
		if _, err := answers.Discard(size); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	r := serve(t, Limits{ConnectionsPerIP: 1})
	first := r.client(t, "tcp", [16]byte{1}, protocol.RoleHost)
	first.allocate()
	second, err := net.Dial("tcp", r.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !closes(t, second) {
		t.Error("a second connection stays open")
	}
	first.request(stun.MethodRefresh, 0)
}

// A connection that closes takes its allocation along.
func TestClosedStreamFreesAllocation(t *testing.T) {
	r := serve(t, Limits{AllocationsPerRole: 1})
	first := r.client(t, "tcp", [16]byte{1}, protocol.RoleHost)
	first.allocate()
	if err := first.conn.Close(); err != nil {
		t.Fatal(err)
	}
	r.areKept(t, 0)
}

// pipeConn is a connection in a synctest bubble: net.Pipe with an address.
type pipeConn struct{ net.Conn }

func (pipeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

type oneConn struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
}

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l oneConn) Close() error { close(l.done); return nil }

func TestIdleStreamCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		l := oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.ServeListener(l) }()
		near, far := net.Pipe()
		l.conns <- pipeConn{far}
		began := time.Now()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(began); d != streamGrace {
			t.Errorf("closed after %v, want %v", d, streamGrace)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestServeAfterClose(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ServePacket(pc); err != nil {
		t.Error(err)
	}
	if err := pc.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket was left open: %v", err)
	}
}

func FuzzFrameSize(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0})
	f.Add([]byte{0x40, 0, 0, 5})
	f.Add([]byte{0, 1, 0xff, 0xec})
	f.Fuzz(func(t *testing.T, head []byte) {
		n, err := frameSize(head)
		if err != nil {
			return
		}
		if n < 4 || n >= mtu || n%4 != 0 {
			t.Errorf("%x: size %d", head[:4], n)
		}
		if body := int(binary.BigEndian.Uint16(head[2:])); n < body+4 {
			t.Errorf("%x: size %d is less than its %d bytes of content", head[:4], n, body)
		}
	})
}

// Whatever arrives, the gate neither panics nor hands pion a request whose
// credentials are not valid.
func FuzzGate(f *testing.F) {
	const unlimited = 1 << 30
	s, err := New(Config{Limits: Limits{RequestsPerSecond: unlimited, BindingsPerSecond: unlimited}})
	if err != nil {
		f.Fatal(err)
	}
	g := s.gate(&listener{id: 1})
	user, _, _ := s.Credentials([16]byte{1}, protocol.RoleHost, time.Now())
	_, key, _ := s.verify(user, DefaultRealm, stun.MethodRefresh, time.Now())
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add([]byte{0x40, 0, 0, 4, 1, 2, 3, 4})
	for _, method := range []stun.Method{stun.MethodAllocate, stun.MethodRefresh, stun.MethodChannelBind} {
		f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(method, stun.ClassRequest), udpTransport,
			peer("198.51.100.1", 50000), stun.NewUsername(user), stun.NewRealm(DefaultRealm),
			stun.MessageIntegrity(key), stun.Fingerprint).Raw)
	}
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	f.Fuzz(func(t *testing.T, frame []byte) {
		pass := g.admit(bytes.Clone(frame), from).pass
		m := stun.Message{Raw: pass}
		if len(pass) == 0 || isChannelData(pass) || m.Decode() != nil {
			return
		}
		if m.Contains(stun.AttrMessageIntegrity) && m.Type != stun.BindingRequest && stun.MessageIntegrity(key).Check(&m) != nil {
			t.Errorf("%x: passed with credentials that are not valid", frame)
		}
	})
}

func FuzzParseUsername(f *testing.F) {
	f.Add("1700000000:abcdefghijklmnop.host")
	f.Add(":.guest")
	f.Fuzz(func(t *testing.T, name string) {
		expires, a, ok := parseUsername(name)
		if !ok {
			return
		}
		if _, again, ok := parseUsername(formatUsername(expires, a)); !ok || again != a {
			t.Errorf("%q reads as %v, and that as %v", name, a, again)
		}
	})
}

// parting is a connection that takes a while to close, as TLS does when the client does not read.
type parting struct {
	net.Conn
	port int
}

func (p parting) Close() error         { time.Sleep(5 * time.Second); return nil }
func (p parting) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.port} }

func (p parting) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

type noListener struct{ net.Listener }

func (noListener) Close() error { return nil }

// Clients that do not let go do not add up when the server ends.
func TestClientsPartTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStreamListener(noListener{}, nil, &listener{}, DefaultLimits())
		for port := range 20 {
			if l.add(parting{port: 1000 + port}) == nil {
				t.Fatal("refused")
			}
		}
		began := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
