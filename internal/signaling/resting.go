package signaling

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// quietAfter is how long a client may say nothing before its reader leaves the
// WebSocket library, whose depth costs 8 kB of stack, and rests where 2 kB do.
const quietAfter = time.Second

// errQuiet says that nothing came for a while, between two messages.
var errQuiet = errors.New("nothing to read")

// maxParts is of how many frames after the first a message may be (RFC 6455 §5.4). Whoever
// seals 65 kB sends one, or parts of some kB; and parts may be empty: the library would
// read them for as long as they come, and neither bytes nor messages grow.
const maxParts = 64

// errParts says that a message has too many parts.
var errParts = errors.New("a message of too many parts")

// restingConn is the connection under a WebSocket. Its Read returns errQuiet when
// a reader may rest; it can be called again after that. In the middle of a message it
// never does, for the library would lose what it has read. Its Write gathers a frame,
// so that the library needs next to no buffer of its own.
type restingConn struct {
	net.Conn
	raw   syscall.RawConn // nil: no rest, as under TLS, which has bytes of its own
	quiet time.Duration
	awake atomic.Bool // set: no rest any more
	seen  frames      // owned by the reader

	writing sync.Mutex    // guards held
	held    *bytes.Buffer // nil: not corked
}

func newRestingConn(c net.Conn, quiet time.Duration) *restingConn {
	r := &restingConn{Conn: c, quiet: quiet}
	if s, ok := c.(syscall.Conn); ok && canRest {
		if raw, err := s.SyscallConn(); err == nil {
			r.raw = raw
		}
	}
	return r
}

// Read implements [net.Conn].
func (c *restingConn) Read(p []byte) (n int, err error) {
	if c.raw == nil || c.awake.Load() || !c.seen.whole() {
		n, err = c.Conn.Read(p)
		return c.counted(p[:n], err)
	}
	if err := c.SetReadDeadline(time.Now().Add(c.quiet)); err != nil {
		return 0, err
	}
	n, err = c.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errQuiet
	}
	return c.counted(p[:n], errors.Join(err, c.SetReadDeadline(time.Time{})))
}

// counted takes note of what has been read.
func (c *restingConn) counted(p []byte, err error) (int, error) {
	c.seen.pass(p)
	if c.seen.parts > maxParts {
		return 0, errParts
	}
	return len(p), err
}

// Write implements [net.Conn].
func (c *restingConn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.held != nil {
		return c.held.Write(p)
	}
	return c.Conn.Write(p)
}

// cork keeps what is written in a buffer, which it empties, until uncork sends it.
func (c *restingConn) cork(held *bytes.Buffer) {
	c.writing.Lock()
	defer c.writing.Unlock()
	held.Reset()
	c.held = held
}

func (c *restingConn) uncork() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	held := c.held
	c.held = nil
	_, err := c.Conn.Write(held.Bytes())
	return err
}

// rest returns when there is something to read, or the connection is closed.
func (c *restingConn) rest() { waitReadable(c.raw) }

// frames follows a client's WebSocket frames (RFC 6455 §5.2) as far as is needed to
// know where messages end.
type frames struct {
	head  [14]byte // of the frame that has begun
	n     int      // bytes of it
	left  uint64   // bytes of payload to come
	open  bool     // a message has begun and goes on in the next data frame
	parts int      // continuations in a row; control frames between them do not count
}

// whole reports whether all that has passed is whole messages.
func (f *frames) whole() bool { return f.n == 0 && f.left == 0 && !f.open }

// pass takes note of the next bytes.
func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			k := min(f.left, uint64(len(p)))
			f.left -= k
			p = p[k:]
			continue
		}
		f.head[f.n] = p[0]
		f.n++
		p = p[1:]
		f.begin()
	}
}

// begin reads the head, if it is complete.
func (f *frames) begin() {
	if f.n < 2 {
		return
	}
	length := uint64(f.head[1] & 0x7f)
	size := 2
	switch length {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	masked := f.head[1]&0x80 != 0
	if masked {
		size += 4
	}
	if f.n < size {
		return
	}
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		length = binary.BigEndian.Uint64(f.head[2:])
	}
	if control := f.head[0]&0x08 != 0; !control {
		f.open = f.head[0]&0x80 == 0
		if continuation := f.head[0]&0x0f == 0; continuation {
			f.parts++
		} else {
			f.parts = 0
		}
	}
	f.n, f.left = 0, length
}
