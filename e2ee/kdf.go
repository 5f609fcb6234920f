package e2ee

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha512"
)

// prefix starts every label, so that no other protocol derives the same keys.
const prefix = "1v1e/1 "

// version and suite, as they stand in the transcript. There is no negotiation:
// a link names one version, which is one fixed suite.
const (
	protocolVersion = 0x01
	protocolSuite   = 0x01
)

func versionSuite() []byte { return []byte{protocolVersion, protocolSuite} }

// h is SHA-512.
func h(b []byte) []byte {
	sum := sha512.Sum512(b)
	return sum[:]
}

// h32 is the first 32 bytes of SHA-512 over the concatenation.
func h32(parts ...[]byte) []byte {
	d := sha512.New()
	for _, p := range parts {
		d.Write(p)
	}
	return d.Sum(nil)[:32]
}

// extract is HKDF-Extract-SHA-512 (RFC 5869 §2.2); the result is 64 bytes.
func extract(salt, ikm []byte) []byte {
	prk, err := hkdf.Extract(sha512.New, ikm, salt)
	if err != nil {
		panic("e2ee: hkdf extract: " + err.Error()) // only in a FIPS mode that forbids SHA-512
	}
	return prk
}

// expand is HKDF-Expand-SHA-512 (RFC 5869 §2.3) with a label of ours. The prk
// is always 64 bytes: shorter ones are refused by some implementations.
func expand(prk []byte, label string, ctx []byte, n int) []byte {
	info := make([]byte, 0, len(prefix)+len(label)+1+len(ctx))
	info = append(info, prefix...)
	info = append(info, label...)
	info = append(info, 0)
	info = append(info, ctx...)
	out, err := hkdf.Expand(sha512.New, prk, string(info), n)
	if err != nil {
		panic("e2ee: hkdf expand: " + err.Error()) // n is a constant far below 255 blocks
	}
	return out
}

// mac is the first 32 bytes of HMAC-SHA-512.
func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha512.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)[:32]
}

// wipe overwrites secrets that are no longer needed. The garbage collector may
// have copied them; this shortens their life, it does not end it for certain.
func wipe(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}
