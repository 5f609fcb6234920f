package e2ee

import (
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"slices"
)

// The outer frame is all that the server relays: everything, from the first
// handshake message on, is sealed under a key of the link, padded to one of
// five sizes. It hides and orders; it authenticates nobody, for anyone with the
// link can make one.
//
//	frame = cid(16) || ctr(8) || AES-256-GCM(padded)

const outerHeader = 16 + 8

// outerViolations is how many bad frames a connection survives.
const outerViolations = 3

func outerSizes() [5]int { return [5]int{512, 2_048, 8_192, 32_768, 65_000} }

func direction(from Role) string {
	if from == RoleGuest {
		return "g2h"
	}
	return "h2g"
}

func outerAEAD(l *Link, from Role, cid [16]byte) cipher.AEAD {
	key := expand(l.outer[:], "outer "+direction(from), cid[:], 32)
	defer wipe(key)
	return newAEAD(key)
}

func outerAAD(l *Link, from Role, header []byte) []byte {
	aad := append([]byte(prefix+"outer "+direction(from)), l.callID[:]...)
	return append(aad, header...)
}

// outerSender seals for one connection of ours. A host has one for all its
// guests, so each guest sees gaps in the counter: two counters under one key
// would repeat nonces.
type outerSender struct {
	link *Link
	role Role
	cid  [16]byte
	aead cipher.AEAD
	next uint64
}

func newOuterSender(l *Link, role Role, cid [16]byte) *outerSender {
	return &outerSender{link: l, role: role, cid: cid, aead: outerAEAD(l, role, cid)}
}

func (o *outerSender) seal(inner []byte) []byte {
	frame := make([]byte, 0, outerHeader+512+16)
	frame = append(frame, o.cid[:]...)
	frame = binary.BigEndian.AppendUint64(frame, o.next)
	frame = o.aead.Seal(frame, nonce(o.next), pad(inner), outerAAD(o.link, o.role, frame))
	o.next++
	return frame
}

func pad(inner []byte) []byte {
	b := appendPL(nil, inner)
	for _, size := range outerSizes() {
		if len(b) <= size {
			return append(b, make([]byte, size-len(b))...)
		}
	}
	panic("e2ee: inner frame larger than any outer frame") // messages are bounded by LimitMessageBytes
}

// outerReceiver opens the frames of one connection of the other side.
type outerReceiver struct {
	link *Link
	role Role // of the sender
	cid  [16]byte
	aead cipher.AEAD
	next uint64 // the lowest counter that is acceptable
	bad  int
}

func newOuterReceiver(l *Link, from Role, cid [16]byte) *outerReceiver {
	return &outerReceiver{link: l, role: from, cid: cid, aead: outerAEAD(l, from, cid)}
}

// outerMemoryMax bounds the connections that are remembered.
const outerMemoryMax = 64

// outerMemory keeps the receivers of connections that were announced before. A
// server that announces one again, after "gone" or on another connection of ours,
// must not make its old frames acceptable: replayed M1 and M3 would count as a
// wrong password.
type outerMemory struct{ known []*outerReceiver }

// of returns the receiver of a connection, the same one for the same cid.
func (m *outerMemory) of(l *Link, from Role, cid [16]byte) *outerReceiver {
	for _, o := range m.known {
		if o.cid == cid {
			return o
		}
	}
	o := newOuterReceiver(l, from, cid)
	if len(m.known) == outerMemoryMax {
		m.known = slices.Delete(m.known, 0, 1)
	}
	m.known = append(m.known, o)
	return o
}

// open returns the inner frame. Every error is [CodeOuter] and drops the
// frame; spent says when it was one too many.
func (o *outerReceiver) open(frame []byte) ([]byte, error) {
	inner, err := o.tryOpen(frame)
	if err != nil {
		o.bad++
	}
	return inner, err
}

func (o *outerReceiver) spent() bool { return o.bad >= outerViolations }

func (o *outerReceiver) tryOpen(frame []byte) ([]byte, error) {
	if len(frame) < outerHeader+16 || [16]byte(frame[:16]) != o.cid {
		return nil, fail(CodeOuter, "not a frame of this connection")
	}
	ctr := binary.BigEndian.Uint64(frame[16:outerHeader])
	if ctr < o.next || ctr == 1<<64-1 {
		return nil, fail(CodeOuter, "frame is repeated or late")
	}
	padded, err := o.aead.Open(nil, nonce(ctr), frame[outerHeader:], outerAAD(o.link, o.role, frame[:outerHeader]))
	if err != nil {
		return nil, fail(CodeOuter, "frame does not open")
	}
	inner, err := unpad(padded)
	if err != nil {
		return nil, err
	}
	o.next = ctr + 1
	return inner, nil
}

func unpad(padded []byte) ([]byte, error) {
	inner, rest, ok := takePL(padded)
	if !ok || len(inner) == 0 {
		return nil, fail(CodeOuter, "malformed padding")
	}
	used := len(padded) - len(rest)
	for _, size := range outerSizes() {
		if used <= size {
			if len(padded) != size {
				return nil, fail(CodeOuter, "padded to another size")
			}
			break
		}
	}
	for _, b := range rest {
		if b != 0 {
			return nil, fail(CodeOuter, "padding is not zero")
		}
	}
	return inner, nil
}

// Kinds of outer control.
const (
	controlAbort      = "abort"       // the handshake or session is over; code says why
	controlBusy       = "busy"        // no handshake now
	controlPWRequired = "pw-required" // come back with a password
)

// control is an outer-control message: 0x20 || JSON.
type control struct {
	T    string `json:"t"`
	Code Code   `json:"code"`
}

func (c control) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("e2ee: outer control: " + err.Error()) // two strings
	}
	return append([]byte{frameControl}, b...)
}

// decodeControl reads what follows the type byte. A code that may not be told
// to a peer, or that we do not know, becomes [CodeConfirm].
func decodeControl(b []byte) (control, error) {
	var c control
	if len(b) > 512 || depth(b) > 1 {
		return c, fail(CodeParse, "malformed outer control")
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fail(CodeParse, "malformed outer control")
	}
	switch c.T {
	case controlAbort:
		c.Code = c.Code.Public()
	case controlBusy:
		if c.Code != CodeLocked && c.Code != CodeDenied {
			c.Code = CodeBusy
		}
	case controlPWRequired:
		c.Code = CodePWRequired
	}
	return c, nil
}
