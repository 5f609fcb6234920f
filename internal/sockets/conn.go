package sockets

import (
	"bytes"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// messageTimeout bounds the arrival of one message, from its first byte.
	messageTimeout = 10 * time.Second
	// streamBuffer is what a connection reads into that has a goroutine of its own.
	streamBuffer = 512
)

// Conn is one connection, from [Hub.Upgrade].
type Conn struct {
	hub   *Hub
	conn  net.Conn
	raw   syscall.RawConn // of the socket, if nothing stands between it and who reads; else nil
	early []byte          // what came with the request; nil once it is served
	cut   sync.Once

	// Owned by who reads: the hub, or a goroutine of the connection's own.
	watched watched
	handler Handler
	parser  parser
	late    *time.Timer // cuts the connection if a message does not end; nil: none has begun
}

func newConn(h *Hub, c net.Conn, early []byte) *Conn {
	conn := &Conn{hub: h, conn: c, early: early}
	if s, ok := c.(syscall.Conn); ok && canWatch {
		if raw, err := s.SyscallConn(); err == nil {
			conn.raw = raw
		}
	}
	return conn
}

// Serve gives the handler what comes on c, from now on.
func (c *Conn) Serve(handler Handler, limits Limits) {
	c.handler, c.parser.limits = handler, limits
	early := c.early
	c.early = nil
	go c.alone(Frame{}, early)
}

// alone reads on a goroutine of the connection's own: f, if there is one, and what came
// behind it; and then, if nobody else can, all that comes.
func (c *Conn) alone(f Frame, rest []byte) {
	verdict := Next
	if f.Op != 0 || f.Err != nil {
		verdict = c.handler.Take(f, true)
	}
	if verdict == Next {
		verdict = c.feed(rest, true)
	}
	if verdict == Next && c.hub.watch(c) {
		return
	}
	if verdict == Next {
		c.read()
	}
	c.gone()
}

// read reads until nothing more is to come.
func (c *Conn) read() {
	buf := make([]byte, streamBuffer)
	for {
		n, err := c.conn.Read(buf)
		if c.feed(buf[:n], true) != Next || err != nil {
			return
		}
	}
}

// feed gives p to the handler. [Wait] says that a goroutine of the connection's own
// has taken over, since the handler would have to wait and may not.
func (c *Conn) feed(p []byte, mayWait bool) Verdict {
	for len(p) > 0 {
		var f Frame
		if f, p = c.parser.next(p); f.Op == 0 && f.Err == nil {
			break
		}
		if f.Op == OpText || f.Op == OpBinary {
			c.inTime()
		}
		switch c.handler.Take(f, mayWait) {
		case Next:
		case Wait:
			c.hub.unwatch(c)
			f.Payload = bytes.Clone(f.Payload)
			go c.alone(f, bytes.Clone(p))
			return Wait
		case End:
			return End
		}
	}
	if c.parser.whole() {
		c.inTime()
	} else if c.late == nil {
		c.late = time.AfterFunc(messageTimeout, c.Cut)
	}
	return Next
}

// inTime is called when no message is under way.
func (c *Conn) inTime() {
	if c.late != nil {
		c.late.Stop()
		c.late = nil
	}
}

func (c *Conn) gone() {
	c.inTime()
	c.handler.Gone()
}

// Write writes all of b, which may take until the timeout. As TryWrite it is for one
// goroutine at a time.
func (c *Conn) Write(b []byte, timeout time.Duration) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(b); err != nil {
		return err
	}
	return c.conn.SetWriteDeadline(time.Time{})
}

// Cut ends the connection: what is written and has not left may still arrive, what comes
// is not heard. The handler is told. Anybody may call it, and more than once. It does
// not wait, unless the connection is TLS and its client does not read.
func (c *Conn) Cut() {
	c.cut.Do(func() {
		if c.raw != nil {
			shutdown(c.raw) // to close it would be to have it watched no more
			return
		}
		_ = c.conn.Close() // what it says is said to nobody
	})
}

// Close gives the connection's resources back; for its handler, once it has been told
// that the client is gone.
func (c *Conn) Close() {
	c.Cut()
	_ = c.conn.Close() // closed already, if it has been cut
}
