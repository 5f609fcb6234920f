package sockets

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// maxControl is the longest payload of a control frame, RFC 6455 §5.5.
const maxControl = 125

// parser follows a client's frames, in whatever pieces they come. Between messages it
// holds nothing.
type parser struct {
	limits Limits

	head [14]byte // of the frame that has begun, RFC 6455 §5.2
	n    uint8    // bytes of it
	in   bool     // head is complete, and left is of its payload
	fin  bool
	op   Op
	deaf bool // a message was too long: of this and later ones nothing is kept
	lost bool // nothing can be made of what comes
	kind Op   // of the message that has begun; 0: none
	// parts are continuations in a row; control frames between them do not count.
	parts uint8
	key   uint32
	left  uint64

	message []byte // what of it has come, if that is not all
	control []byte // the same of a control frame
}

// whole reports whether all that has come is whole messages.
func (d *parser) whole() bool { return d.n == 0 && !d.in && d.kind == 0 }

// next takes the next frame off p. There is none, if its Op is 0 and its Err nil, when p
// holds no more of one than its beginning. What is given out is in p, which is
// unmasked on the way, or nobody's any more.
func (d *parser) next(p []byte) (f Frame, rest []byte) {
	for len(p) > 0 && !d.lost {
		if !d.in {
			var err error
			if p, err = d.begin(p); err != nil {
				return Frame{Err: err}, p
			}
			if !d.in {
				return Frame{}, nil
			}
		}
		part := p[:min(d.left, uint64(len(p)))]
		p = p[len(part):]
		d.left -= uint64(len(part))
		d.in = d.left > 0
		if f, ok := d.payload(part); ok {
			return f, p
		}
	}
	return Frame{}, nil
}

// begin takes a head, or the part of it that is there.
func (d *parser) begin(p []byte) (rest []byte, err error) {
	for size := 2; ; size = headSize(d.head[1]) {
		if k := size - int(d.n); k > 0 {
			k = copy(d.head[d.n:size], p)
			d.n += uint8(k)
			p = p[k:]
		}
		if int(d.n) < size {
			return nil, nil
		}
		if size == headSize(d.head[1]) {
			break
		}
	}
	d.n = 0
	if err = d.begun(); err != nil && !errors.Is(err, ErrTooLong) {
		d.lost, d.message, d.control = true, nil, nil
	}
	return p, err
}

// headSize is the length of a head by its second byte. A client's is masked; one
// that is not is refused after two bytes.
func headSize(second byte) int {
	switch {
	case second&0x80 == 0:
		return 2
	case second&0x7f == 126:
		return 2 + 2 + 4
	case second&0x7f == 127:
		return 2 + 8 + 4
	}
	return 2 + 4
}

// begun reads the head.
func (d *parser) begun() error {
	first, second := d.head[0], d.head[1]
	if first&0x70 != 0 || second&0x80 == 0 { // no extension, RFC 6455 §5.2; not masked, §5.1
		return ErrProtocol
	}
	mask := d.head[2:]
	switch d.left = uint64(second & 0x7f); d.left {
	case 126:
		d.left, mask = uint64(binary.BigEndian.Uint16(mask)), mask[2:]
	case 127:
		d.left, mask = binary.BigEndian.Uint64(mask), mask[8:]
	}
	d.key = binary.LittleEndian.Uint32(mask)
	d.in, d.fin, d.op = true, first&0x80 != 0, Op(first&0x0f)
	switch {
	case d.left>>63 != 0:
		return ErrProtocol
	case d.op >= OpClose:
		if d.op > OpPong || !d.fin || d.left > maxControl {
			return ErrProtocol
		}
		return nil
	case d.tooMany():
		return ErrParts
	case d.deaf:
		return nil
	case d.op > OpBinary, (d.op == OpContinuation) != (d.kind != 0):
		return ErrProtocol
	case d.op != OpContinuation:
		d.kind = d.op
	}
	limit := d.limits.Binary
	if d.kind == OpText {
		limit = d.limits.Text
	}
	if d.left > uint64(limit-len(d.message)) {
		d.deaf, d.kind, d.message = true, 0, nil
		return ErrTooLong
	}
	return nil
}

// tooMany counts a data frame among the parts of its message.
func (d *parser) tooMany() bool {
	if d.op != OpContinuation {
		d.parts = 0
		return false
	}
	d.parts++
	return d.parts > MaxParts
}

// payload takes the next part of a frame; ok is true if that makes something whole.
func (d *parser) payload(part []byte) (f Frame, ok bool) {
	if d.deaf && d.op < OpClose {
		return Frame{}, false
	}
	d.key = unmask(part, d.key)
	if d.op >= OpClose {
		return gather(&d.control, d.op, part, !d.in)
	}
	kind, end := d.kind, !d.in && d.fin
	if end {
		d.kind = 0
	}
	return gather(&d.message, kind, part, end)
}

// gather keeps part behind what there is, or gives out all of it.
func gather(kept *[]byte, op Op, part []byte, end bool) (f Frame, ok bool) {
	if end && len(*kept) == 0 {
		return Frame{Op: op, Payload: part}, true
	}
	*kept = append(*kept, part...)
	if !end {
		return Frame{}, false
	}
	f = Frame{Op: op, Payload: *kept}
	*kept = nil
	return f, true
}

// unmask takes the mask off p (RFC 6455 §5.3) and returns the one for what follows.
func unmask(p []byte, key uint32) uint32 {
	wide := uint64(key)<<32 | uint64(key)
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
	}
	for i := range p {
		p[i] ^= byte(key)
		key = bits.RotateLeft32(key, -8)
	}
	return key
}
