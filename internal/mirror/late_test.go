package mirror

import (
	"net"
	"sync"
	"time"
)

// lateConn is a socket of a client that has to make its offer before it knows
// its wire. Until then it hears nothing and what it sends is lost.
type lateConn struct {
	at    *net.UDPAddr
	ready chan struct{}
	once  sync.Once
	wire  *wire // nil if it never came; to be read after ready
}

// set plugs the wire in, once; nil: there will be none.
func (c *lateConn) set(w *wire) {
	c.once.Do(func() {
		c.wire = w
		close(c.ready)
	})
}

func (c *lateConn) strays() chan net.Addr { return c.wire.strays }

func (c *lateConn) ReadFrom(p []byte) (int, net.Addr, error) {
	<-c.ready
	if c.wire == nil {
		return 0, nil, net.ErrClosed
	}
	return c.wire.ReadFrom(p)
}

func (c *lateConn) WriteTo(p []byte, to net.Addr) (int, error) {
	select {
	case <-c.ready:
		if c.wire != nil {
			return c.wire.WriteTo(p, to)
		}
	default:
	}
	return len(p), nil
}

func (c *lateConn) Close() error {
	c.set(nil)
	if c.wire != nil {
		return c.wire.Close()
	}
	return nil
}

func (c *lateConn) LocalAddr() net.Addr              { return c.at }
func (c *lateConn) SetDeadline(time.Time) error      { return nil }
func (c *lateConn) SetReadDeadline(time.Time) error  { return nil }
func (c *lateConn) SetWriteDeadline(time.Time) error { return nil }
