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
	conns map[*streamConn]struct{}
	perIP map[netip.Prefix]int
}

func newStreamListener(l net.Listener, g *gate, own *listener, limits Limits) *streamListener {
	return &streamListener{
		Listener: l, gate: g, listener: own, limits: limits,
		closing: make(chan struct{}),
		conns:   make(map[*streamConn]struct{}),
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
	near, ok := clientOf(l.listener.id, conn.RemoteAddr())
	if !ok {
		return nil
	}
	ip := network(near.addr.Addr(), 32)
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closing:
		return nil
	default:
	}
	if len(l.conns) >= l.limits.Connections || l.perIP[ip] >= l.limits.ConnectionsPerIP {
		return nil
	}
	c := &streamConn{Conn: conn, in: bufio.NewReaderSize(conn, mtu), list: l, near: near, ip: ip}
	l.conns[c] = struct{}{}
	l.perIP[ip]++
	return c
}

// Close stops accepting and closes every connection.
func (l *streamListener) Close() error {
	l.once.Do(func() { close(l.closing) })
	err := l.Listener.Close()
	l.mu.Lock()
	var conns []*streamConn
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the listener's error is the one that counts
	}
	return err
}

// streamConn is one TCP client as pion sees it: each Read returns one whole
// frame that the gate admits. pion's own framing is not safe against lengths
// near 65 535, and has no deadlines.
type streamConn struct {
	net.Conn
	in   *bufio.Reader
	list *streamListener
	near client
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
		pass, reply := c.list.gate.admit(frame, c.RemoteAddr())
		n := copy(p, pass) // before the buffer goes on
		if _, err := c.in.Discard(len(frame)); err != nil {
			return 0, err
		}
		if reply != nil {
			if _, err := c.Write(reply); err != nil {
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
		if errors.Is(err, os.ErrDeadlineExceeded) && c.list.gate.server.loop.of(c.near) != nil {
			continue
		}
		return b, err
	}
}

// Write implements [net.Conn]. A frame that was written in part cannot be
// taken back, so any failure closes the connection.
func (c *streamConn) Write(p []byte) (int, error) {
	c.list.gate.server.loop.granting.answered(c.RemoteAddr(), p)
	if err := c.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		err = errors.Join(err, c.Close())
	}
	return n, err
}

// Close implements [net.Conn].
func (c *streamConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = c.Conn.Close()
		c.list.mu.Lock()
		defer c.list.mu.Unlock()
		delete(c.list.conns, c)
		if c.list.perIP[c.ip]--; c.list.perIP[c.ip] == 0 {
			delete(c.list.perIP, c.ip)
		}
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
