package e2ee

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// First bytes of what an outer frame or the data channel may carry.
const (
	frameSealed  = 0x10 // sealed frame through the server
	frameData    = 0x11 // sealed frame over the data channel
	frameControl = 0x20 // outer control: JSON, proves only knowledge of the link
)

// Bounds of one sealed JSON message.
const (
	// LimitMessageBytes is the longest message, before sealing.
	LimitMessageBytes = 60_000
	// LimitMessageDepth is how deep objects and arrays may nest.
	LimitMessageDepth = 6
)

const sealedHeader = 1 + 2 + 8 // type, epoch, counter

// newAEAD is AES-256-GCM.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("e2ee: aes: " + err.Error()) // keys are 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("e2ee: gcm: " + err.Error())
	}
	return aead
}

// nonce is 0x00000000 || ctr. A key has one sender, and its counter never
// repeats, so no nonce does.
func nonce(ctr uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, 12), ctr)
}

// duplex is one sealed channel: a key and a counter for each direction.
type duplex struct {
	kind           byte
	epoch          uint16
	send, receive  cipher.AEAD
	sendAAD        string
	receiveAAD     string
	sent, received uint64 // next counter of each direction
	skip           bool   // the next frame may be later than that: see keyring.bound
}

// newDuplex derives the keys of "<name> g2h" and "<name> h2g".
func newDuplex(kind byte, name string, role Role, prk, th4 []byte, epoch uint16) duplex {
	out, in := name+" g2h", name+" h2g"
	if role == RoleHost {
		out, in = in, out
	}
	kOut, kIn := expand(prk, out, th4, 32), expand(prk, in, th4, 32)
	defer wipe(kOut, kIn)
	return duplex{
		kind: kind, epoch: epoch,
		send: newAEAD(kOut), receive: newAEAD(kIn),
		sendAAD: prefix + out, receiveAAD: prefix + in,
	}
}

// header is type || epoch || ctr, and stands in the clear and in the AAD.
func (d *duplex) header(ctr uint64) []byte {
	b := make([]byte, 0, 512)
	b = append(b, d.kind, byte(d.epoch>>8), byte(d.epoch))
	return binary.BigEndian.AppendUint64(b, ctr)
}

func (d *duplex) seal(plaintext []byte) []byte {
	head := d.header(d.sent)
	aad := append([]byte(d.sendAAD), head...)
	frame := d.send.Seal(head, nonce(d.sent), plaintext, aad)
	d.sent++
	return frame
}

// open accepts exactly the next frame. The relay may delay; it may not drop,
// repeat or reorder unseen.
func (d *duplex) open(frame []byte) ([]byte, error) {
	if d.receive == nil || len(frame) < sealedHeader || len(frame) > sealedHeader+LimitMessageBytes+16 {
		return nil, fail(CodeSeq, "not a sealed frame of this session")
	}
	ctr := binary.BigEndian.Uint64(frame[3:sealedHeader])
	if !d.skip || ctr < d.received || ctr == 1<<64-1 {
		ctr = d.received
	}
	head := d.header(ctr)
	if string(frame[:sealedHeader]) != string(head) {
		return nil, fail(CodeSeq, "sealed frame out of order")
	}
	aad := append([]byte(d.receiveAAD), head...)
	plaintext, err := d.receive.Open(nil, nonce(ctr), frame[sealedHeader:], aad)
	if err != nil {
		return nil, fail(CodeSeq, "sealed frame does not open")
	}
	d.received, d.skip = ctr+1, false
	return plaintext, nil
}

// openLater accepts any frame after the last it has accepted.
func (d *duplex) openLater(frame []byte) ([]byte, error) {
	if len(frame) < sealedHeader || string(frame[:3]) != string(d.header(0)[:3]) {
		return nil, fail(CodeSeq, "not a sealed frame of this session")
	}
	ctr := binary.BigEndian.Uint64(frame[3:sealedHeader])
	if ctr < d.received || ctr == 1<<64-1 {
		return nil, fail(CodeSeq, "sealed frame comes again")
	}
	before := d.received
	d.received = ctr
	plain, err := d.open(frame)
	if err != nil {
		d.received = before
	}
	return plain, err
}

// messageType checks the bounds of a sealed message and returns its field t.
func messageType(b []byte) (string, error) {
	if len(b) > LimitMessageBytes {
		return "", fail(CodeSize, "message is too long")
	}
	if !utf8.Valid(b) || depth(b) > LimitMessageDepth {
		return "", fail(CodeParse, "message is not text or nested too deep")
	}
	var m struct {
		T *string `json:"t"`
	}
	if err := json.Unmarshal(b, &m); err != nil || m.T == nil {
		return "", fail(CodeParse, "message is not JSON with a type")
	}
	return *m.T, nil
}

// depth is the deepest nesting of b, counted before it is parsed. For b that is
// not JSON it may be anything; the parser refuses that anyway.
func depth(b []byte) int {
	deepest, level, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
