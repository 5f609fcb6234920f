package e2ee

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"math/bits"
)

// sframeSuite is AES_256_GCM_SHA512_128 of RFC 9605 §4.5.
const sframeSuite = 0x0005

const (
	sframeNonceLen  = 12
	sframeTagLen    = 16
	sframeHeaderMax = 17 // config byte, KID and CTR of 8 bytes each
)

// appendSFrameHeader appends the header of RFC 9605 §4.3: a config byte
// X KKK Y CCC, then KID and CTR where they do not fit into three bits.
func appendSFrameHeader(dst []byte, kid, ctr uint64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	var config byte
	config, dst = appendSFrameField(dst, kid)
	high := config << 4
	config, dst = appendSFrameField(dst, ctr)
	dst[at] = high | config
	return dst
}

// appendSFrameField returns the four config bits of v and appends its bytes, if it has any.
func appendSFrameField(dst []byte, v uint64) (config byte, out []byte) {
	if v < 8 {
		return byte(v), dst
	}
	n := (bits.Len64(v) + 7) / 8
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return 0x08 | byte(n-1), dst
}

// takeSFrameHeader splits a header off b. A number must be in its shortest
// form, so that a header has one encoding.
func takeSFrameHeader(b []byte) (kid, ctr uint64, header, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, nil, false
	}
	config, rest := b[0], b[1:]
	if kid, rest, ok = takeSFrameField(config>>4, rest); !ok {
		return 0, 0, nil, nil, false
	}
	if ctr, rest, ok = takeSFrameField(config&0x0f, rest); !ok {
		return 0, 0, nil, nil, false
	}
	return kid, ctr, b[:len(b)-len(rest)], rest, true
}

func takeSFrameField(config byte, b []byte) (v uint64, rest []byte, ok bool) {
	if config&0x08 == 0 {
		return uint64(config), b, true
	}
	n := int(config&0x07) + 1
	if len(b) < n || b[0] == 0 {
		return 0, nil, false
	}
	for _, x := range b[:n] {
		v = v<<8 | uint64(x)
	}
	return v, b[n:], v >= 8
}

// sframeKey is what RFC 9605 §4.4.2 derives from a base key for one KID.
type sframeKey struct {
	kid  uint64
	aead cipher.AEAD
	salt [sframeNonceLen]byte
}

func newSFrameKey(kid uint64, base []byte) *sframeKey {
	secret := extract(nil, base)
	defer wipe(secret)
	key := sframeExpand(secret, "key ", kid, 32)
	defer wipe(key)
	return &sframeKey{kid: kid, aead: newAEAD(key), salt: [sframeNonceLen]byte(sframeExpand(secret, "salt ", kid, sframeNonceLen))}
}

func sframeExpand(secret []byte, name string, kid uint64, n int) []byte {
	info := append([]byte("SFrame 1.0 Secret "), name...)
	info = binary.BigEndian.AppendUint64(info, kid)
	info = binary.BigEndian.AppendUint16(info, sframeSuite)
	out, err := hkdf.Expand(sha512.New, secret, string(info), n)
	if err != nil {
		panic("e2ee: hkdf expand: " + err.Error()) // n is a constant far below 255 blocks
	}
	return out
}

// seal appends header || ciphertext || tag (RFC 9605 §4.4.3). A counter must be
// used once.
func (k *sframeKey) seal(dst []byte, ctr uint64, metadata, plain []byte) []byte {
	at := len(dst)
	dst = appendSFrameHeader(dst, k.kid, ctr)
	aad := append(append(make([]byte, 0, sframeHeaderMax+len(metadata)), dst[at:]...), metadata...)
	nonce := k.nonce(ctr)
	return k.aead.Seal(dst, nonce[:], plain, aad)
}

// open appends the plaintext of a frame whose header was taken off.
func (k *sframeKey) open(dst []byte, ctr uint64, header, metadata, sealed []byte) ([]byte, bool) {
	aad := append(append(make([]byte, 0, len(header)+len(metadata)), header...), metadata...)
	nonce := k.nonce(ctr)
	out, err := k.aead.Open(dst, nonce[:], sealed, aad)
	return out, err == nil
}

func (k *sframeKey) nonce(ctr uint64) [sframeNonceLen]byte {
	nonce := k.salt
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], ctr)
	for i, x := range c {
		nonce[sframeNonceLen-8+i] ^= x
	}
	return nonce
}
