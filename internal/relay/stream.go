package relay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	// A connection must have an allocation streamGrace after it was opened,
	// and is looked at again this often.
	streamGrace = 15 * time.Second
	// A client that takes nothing for this long is gone.
	streamWrite = 5 * time.Second
	acceptPause = 100 * time.Millisecond
)

var errFrame = errors.New("neither STUN nor ChannelData")

// streamListener hands out connections as [streamConn], within the limits.
type streamListener struct {
	net.Listener
	gate     *gate
	listener *listener
	limits   Limits
	closing  chan struct{}
	once     sync.Once

	mu    sync.Mutex
	conns map[ends]*streamConn
	perIP map[netip.Prefix]int
}

// ends are both of a connection.
type ends struct {
	near  client
	local netip.AddrPort
}

func (l *streamListener) endsOf(near, local net.Addr) (ends, bool) {
	c, ok := clientOf(l.listener.id, near)
	at, _ := clientOf(l.listener.id, local) // whose address is of another kind has one of them
	return ends{c, at.addr}, ok
}

// outlet returns nil if the connection is gone.
func (l *streamListener) outlet(near, local net.Addr) outlet {
	e, ok := l.endsOf(near, local)
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conns[e]; ok && c != nil {
		return c
	}
	return nil
}

func newStreamListener(l net.Listener, g *gate, own *listener, limits Limits) *streamListener {
	return &streamListener{
		Listener: l, gate: g, listener: own, limits: limits,
		closing: make(chan struct{}),
		conns:   make(map[ends]*streamConn),
		perIP:   make(map[netip.Prefix]int),
	}
}

// Accept implements [net.Listener]. It outlives passing failures, such as
// having no file descriptor left.
func (l *streamListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			if c := l.add(conn); c != nil {
				return c, nil
			}
			l.gate.drop(dropConnections)
			_ = conn.Close() // refused; nothing was written
			continue
		}
		if !errors.Is(err, net.ErrClosed) {
			select {
			case <-l.closing:
			case <-time.After(acceptPause):
				continue
			}
		}
		l.listener.done <- err // buffered, and pion stops accepting now
		return nil, err
	}
}

// add returns nil when a limit is reached.
func (l *streamListener) add(conn net.Conn) *streamConn {
	e, ok := l.endsOf(conn.RemoteAddr(), conn.LocalAddr())
	if !ok {
		return nil
	}
	ip := network(e.near.addr.Addr(), 32)
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closing:
		return nil
	default:
	}
	if len(l.conns) >= l.limits.Connections || l.perIP[ip] >= l.limits.ConnectionsPerIP || l.conns[e] != nil {
		return nil
	}
	c := &streamConn{Conn: conn, in: bufio.NewReaderSize(conn, mtu), list: l, ends: e, ip: ip}
	l.conns[e] = c
	l.perIP[ip]++
	return c
}

func (l *streamListener) remove(c *streamConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c.ends)
	if l.perIP[c.ip]--; l.perIP[c.ip] == 0 {
		delete(l.perIP, c.ip)
	}
}

// Close stops accepting and closes every connection.
func (l *streamListener) Close() error {
	l.once.Do(func() { close(l.closing) })
	err := l.Listener.Close()
	l.mu.Lock()
	var conns []*streamConn
	for _, c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	var closing sync.WaitGroup
	for _, c := range conns { // at once: TLS says goodbye, and waits 5 s for a client that does not take it
		closing.Go(func() { _ = c.Close() }) // the listener's error is the one that counts
	}
	closing.Wait()
	return err
}

// streamConn is one TCP client as pion sees it: each Read returns one whole
// frame that the gate admits, or two. pion's own framing is not safe against lengths
// near 65 535, and has no deadlines.
type streamConn struct {
	net.Conn
	in   *bufio.Reader
	list *streamListener
	ends ends
	ip   netip.Prefix
	once sync.Once
}

// Read implements [net.Conn]. p must hold the largest frame.
func (c *streamConn) Read(p []byte) (int, error) {
	for {
		frame, err := c.frame()
		if err != nil {
			return 0, err
		}
		v := c.list.gate.admit(frame, c.RemoteAddr())
		n := 0
		if len(v.first)+len(v.pass) <= len(p) {
			n = copy(p, v.first) // pion takes them apart
		}
		n += copy(p[n:], v.pass) // before the buffer goes on
		if _, err := c.in.Discard(len(frame)); err != nil {
			return 0, err
		}
		if v.reply != nil {
			if _, err := c.Write(v.reply); err != nil {
				return 0, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// frame waits for a whole frame and leaves it in the buffer.
func (c *streamConn) frame() ([]byte, error) {
	head, err := c.peek(4)
	if err != nil {
		return nil, err
	}
	size, err := frameSize(head)
	if err != nil {
		c.list.gate.drop(dropMalformed)
		return nil, err
	}
	return c.peek(size)
}

// peek waits for n bytes, as long as the connection has an allocation.
func (c *streamConn) peek(n int) ([]byte, error) {
	for {
		if err := c.SetReadDeadline(time.Now().Add(streamGrace)); err != nil {
			return nil, err
		}
		b, err := c.in.Peek(n)
		if errors.Is(err, os.ErrDeadlineExceeded) && c.list.gate.server.loop.of(c.ends.near) != nil {
			continue
		}
		return b, err
	}
}

// Write implements [net.Conn]. A frame that was written in part cannot be
// taken back, so any failure closes the connection.
func (c *streamConn) Write(p []byte) (int, error) {
	if c.list.gate.server.answersOwn(p) {
		return len(p), nil
	}
	c.list.gate.server.loop.answered(c.list.listener.id, c.RemoteAddr(), p)
	if err := c.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		err = errors.Join(err, c.Close())
	}
	return n, err
}

// WriteTo implements outlet.
func (c *streamConn) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

// Close implements [net.Conn].
func (c *streamConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.list.remove(c) // before the client can have another with the same ends
		err = c.Conn.Close()
	})
	return err
}

// frameSize returns how long the frame is that starts with head (4 bytes).
// STUN: RFC 8489 §5. ChannelData: RFC 8656 §12.5, padded to 4 on a stream.
func frameSize(head []byte) (int, error) {
	if len(head) < 4 {
		return 0, io.ErrUnexpectedEOF
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	switch {
	case head[0]>>6 == 0 && n%4 == 0:
		n += stunHeader
	case isChannelData(head):
		n = 4 + (n+3)&^3
	default:
		return 0, errFrame
	}
	if n >= mtu {
		return 0, errFrame
	}
	return n, nil
}
