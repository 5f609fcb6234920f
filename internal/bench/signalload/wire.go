package signalload

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// Opcodes, RFC 6455 §11.8.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

const (
	readBuffer = 256
	// frameMax is more than any frame of this load has.
	frameMax = 8 << 10
	// headerMax is two bytes, two of length, four of mask: frames here are short.
	headerMax    = 8
	writeTimeout = 10 * time.Second
	// stampAt is where the time begins in a binary frame: after the slot.
	stampAt = 2
)

// wire is a WebSocket, as much of it as this load needs: whole messages in one frame
// each, shorter than 64 kB. Reading is one goroutine's; writing is anybody's.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	in   []byte // of the last message; the reader's

	mu  sync.Mutex // guards what follows, for a write
	buf []byte
}

// handshake upgrades a connection.
func handshake(ctx context.Context, conn net.Conn, host, path string) (*wire, error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		path, host, protocol.SubprotocolNative)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, readBuffer)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close() // it has none
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server answers %s", response.Status)
	}
	return &wire{conn: conn, r: r}, conn.SetDeadline(time.Time{})
}

func (w *wire) text(b []byte) error { return w.write(opText, b) }

// sealed sends a frame of this size to slot, whose first bytes are the time.
func (w *wire) sealed(slot uint16, size int, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	frame := w.begin(opBinary, stampAt+size)
	clear(frame)
	binary.BigEndian.PutUint16(frame, slot)
	binary.BigEndian.PutUint64(frame[stampAt:], uint64(now.UnixNano()))
	return w.flush()
}

// stamp is the time in a frame of [wire.sealed], as it arrives; ok is false for another.
func stamp(frame []byte) (at time.Time, ok bool) {
	if len(frame) < stampAt+8 {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(frame[stampAt:]))), true
}

// write sends one frame.
func (w *wire) write(op byte, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	copy(w.begin(op, len(payload)), payload)
	err := w.flush()
	if cap(w.buf) > 2*readBuffer && op == opText {
		w.buf = nil // an idle connection does not need it again
	}
	return err
}

// begin begins a frame, whose payload is to be written where it says. The mask is zero: it
// protects proxies from browsers, and there is neither here. w.mu is held.
func (w *wire) begin(op byte, n int) (payload []byte) {
	w.buf = append(w.buf[:0], 0x80|op)
	if n < 126 {
		w.buf = append(w.buf, 0x80|byte(n))
	} else {
		w.buf = append(w.buf, 0x80|126)
		w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(n))
	}
	w.buf = append(w.buf, 0, 0, 0, 0)
	head := len(w.buf)
	w.buf = slices.Grow(w.buf, n)[:head+n]
	return w.buf[head:]
}

// flush sends what was begun. w.mu is held.
func (w *wire) flush() error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := w.conn.Write(w.buf)
	return err
}

// next returns the next message; pings are answered on the way. The payload is good
// until the next one.
func (w *wire) next() (op byte, payload []byte, err error) {
	for {
		var head [headerMax]byte
		if _, err := io.ReadFull(w.r, head[:2]); err != nil {
			return 0, nil, err
		}
		op, n := head[0]&0xf, int(head[1])
		switch {
		case n == 126:
			if _, err := io.ReadFull(w.r, head[2:4]); err != nil {
				return 0, nil, err
			}
			n = int(binary.BigEndian.Uint16(head[2:]))
		case n > 126:
			return 0, nil, fmt.Errorf("frame of more than %d bytes, or masked", frameMax)
		}
		if n > frameMax || head[0]&0x80 == 0 {
			return 0, nil, fmt.Errorf("frame of %d bytes, or in parts", n)
		}
		w.in = slices.Grow(w.in[:0], n)
		payload = w.in[:n]
		if _, err := io.ReadFull(w.r, payload); err != nil {
			return 0, nil, err
		}
		switch op {
		case opPing:
			if err := w.write(opPong, payload); err != nil {
				return 0, nil, err
			}
		case opPong:
		case opClose:
			if n >= 2 {
				return 0, nil, fmt.Errorf("the server closes: %d", binary.BigEndian.Uint16(payload))
			}
			return 0, nil, io.EOF
		default:
			return op, payload, nil
		}
	}
}

// serve reads until the connection ends.
func (w *wire) serve(got func([]byte, time.Time)) error {
	for {
		op, payload, err := w.next()
		if err != nil {
			return err
		}
		switch {
		case op != opBinary:
			w.in = nil // long ones come only in the beginning
		case got != nil:
			got(payload, time.Now())
		}
	}
}

func newID() protocol.ID {
	var id protocol.ID
	rand.Read(id[:]) // never fails: crypto/rand would end the program
	return id
}
