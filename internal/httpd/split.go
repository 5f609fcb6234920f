package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	// firstByteTimeout bounds the wait for the first byte of a connection, and
	// for the TLS handshake before it.
	firstByteTimeout = 5 * time.Second
	// maxPending bounds connections that have not said what they are; more are
	// closed at once. maxPendingPerSource is for one address (IPv6: one /64), so
	// that one client which says nothing does not keep the others out.
	maxPending          = 1024
	maxPendingPerSource = 64
	// acceptPause lets a process that ran out of file descriptors recover.
	acceptPause = 50 * time.Millisecond
)

// First bytes. A STUN message begins with two zero bits and its class and method
// (RFC 8489 §5), in practice 0x00 or 0x01; ChannelData cannot come first on a
// connection. HTTP/1 begins with the ASCII letter of a method. A TLS record of a
// handshake begins with 22 (RFC 8446 §5.1).
const (
	lastSTUN     = 0x03
	tlsHandshake = 0x16
)

// Splitter shares one TCP port between HTTP and the relay. Inside TLS a client may
// have said which of the two it wants (ALPN); of others the first byte tells.
type Splitter struct {
	inner   net.Listener
	tls     *tls.Config // nil: no TLS
	log     *slog.Logger
	http    *branch
	relay   *branch
	pending chan struct{} // one token per connection that has not spoken

	sorting sync.WaitGroup
	mu      sync.Mutex
	silent  map[net.Conn]struct{} // those not sorted yet, to close them at the end
	sources map[netip.Prefix]int  // how many of them come from where
	closed  bool
}

// NewSplitter returns a splitter that owns l. TLS is offered if tlsConfig is not nil.
func NewSplitter(l net.Listener, tlsConfig *tls.Config, log *slog.Logger) *Splitter {
	return &Splitter{
		inner:   l,
		tls:     tlsConfig,
		log:     log,
		http:    newBranch(l.Addr()),
		relay:   newBranch(l.Addr()),
		pending: make(chan struct{}, maxPending),
		silent:  make(map[net.Conn]struct{}),
		sources: make(map[netip.Prefix]int),
	}
}

// HTTP accepts the connections that speak HTTP.
func (s *Splitter) HTTP() net.Listener { return s.http }

// Relay accepts the connections that speak STUN.
func (s *Splitter) Relay() net.Listener { return s.relay }

// Serve accepts and sorts until Close; it then returns nil.
func (s *Splitter) Serve() error {
	for {
		c, err := s.inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if isTemporary(err) {
			s.log.Warn("accept paused", "err", err)
			time.Sleep(acceptPause)
			continue
		}
		if err != nil {
			return err
		}
		select {
		case s.pending <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		if !s.begin(c) {
			_ = c.Close()
			<-s.pending
			continue
		}
		go s.sort(c)
	}
}

// begin enters a connection in the books, unless there are too many of its kind.
func (s *Splitter) begin(c net.Conn) bool {
	from := sourceOf(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.sources[from] >= maxPendingPerSource {
		return false
	}
	s.silent[c] = struct{}{}
	s.sources[from]++
	s.sorting.Add(1)
	return true
}

// sourceOf is whom a connection is counted for. Those without an IP address, as
// in tests, count together.
func sourceOf(c net.Conn) netip.Prefix {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// sort waits for the first byte and hands the connection on.
func (s *Splitter) sort(raw net.Conn) {
	defer s.sorting.Done()
	defer func() { <-s.pending }()
	c, to := s.classify(raw)
	from := sourceOf(raw)
	s.mu.Lock()
	delete(s.silent, raw)
	if s.sources[from]--; s.sources[from] == 0 {
		delete(s.sources, from)
	}
	s.mu.Unlock()
	if c == nil || !to.deliver(c) {
		_ = raw.Close()
	}
}

func (s *Splitter) classify(raw net.Conn) (*conn, *branch) {
	if err := raw.SetDeadline(time.Now().Add(firstByteTimeout)); err != nil {
		return nil, nil
	}
	c := &conn{Conn: raw}
	first, err := c.peek()
	if err == nil && first == tlsHandshake && s.tls != nil {
		secure := tls.Server(c, s.tls)
		if secure.HandshakeContext(context.Background()) != nil { // the deadline bounds it
			return nil, nil
		}
		state := secure.ConnectionState()
		c = &conn{Conn: secure, tls: &state}
		switch state.NegotiatedProtocol {
		case ALPNACME: // has seen the certificate, which was all
			return nil, nil
		case alpnTURN, alpnSTUN: // the relay waits for the first byte, by its own rules
			if raw.SetDeadline(time.Time{}) != nil {
				return nil, nil
			}
			return c, s.relay
		}
		first, err = c.peek()
	}
	if err != nil || raw.SetDeadline(time.Time{}) != nil {
		return nil, nil
	}
	switch {
	case first <= lastSTUN:
		return c, s.relay
	case first >= 'A' && first <= 'Z':
		return c, s.http
	}
	return nil, nil
}

// Close stops accepting, closes what has not been sorted, and waits for the
// sorters. Connections that were handed on are not touched.
func (s *Splitter) Close() error {
	s.mu.Lock()
	s.closed = true
	for c := range s.silent {
		_ = c.Close()
	}
	s.mu.Unlock()
	err := s.inner.Close()
	_ = s.http.Close()
	_ = s.relay.Close()
	s.sorting.Wait()
	return err
}

// conn is a connection whose first byte has been looked at.
type conn struct {
	net.Conn
	tls    *tls.ConnectionState // nil: plain
	first  [1]byte
	peeked bool // first has been read, and not been given out
}

func (c *conn) peek() (byte, error) {
	if _, err := io.ReadFull(c.Conn, c.first[:]); err != nil { // a Read may return nothing without an error
		return 0, err
	}
	c.peeked = true
	return c.first[0], nil
}

func (c *conn) Read(b []byte) (int, error) {
	if c.peeked && len(b) > 0 {
		c.peeked = false
		b[0] = c.first[0]
		return 1, nil
	}
	return c.Conn.Read(b)
}

// SyscallConn implements [syscall.Conn] where nothing stands between the socket and
// who reads it.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	under, ok := c.Conn.(syscall.Conn)
	if !ok || c.tls != nil || c.peeked {
		return nil, errors.ErrUnsupported
	}
	return under.SyscallConn()
}

// branch is a listener that is fed by the splitter.
type branch struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newBranch(addr net.Addr) *branch {
	return &branch{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// deliver waits for somebody to accept; false if nobody will.
func (b *branch) deliver(c net.Conn) bool {
	select {
	case b.conns <- c:
		return true
	case <-b.done:
		return false
	}
}

func (b *branch) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

func (b *branch) Close() error {
	b.once.Do(func() { close(b.done) })
	return nil
}

func (b *branch) Addr() net.Addr { return b.addr }

// isTemporary reports errors of accept that pass: a connection that was reset
// before we took it, or no file descriptor left.
func isTemporary(err error) bool {
	for _, e := range []error{syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
