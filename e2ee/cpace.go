package e2ee

import (
	"crypto/sha512"

	"github.com/gtank/ristretto255"
)

// CPace over ristretto255 with SHA-512, initiator-responder mode, as in
// draft-irtf-cfrg-cpace-21. The guest is the initiator. A run tells an active
// attacker whether one password was right, and nothing that can be tried
// offline.

const (
	cpaceDSI    = "CPaceRistretto255"
	cpaceDSIISK = "CPaceRistretto255_ISK"
	// sha512Block pads the generator string so that the password ends with
	// the first block of the hash (draft section 7.2).
	sha512Block = 128
)

// cpaceGenerator maps password, identities and session to a group element
// (draft section 7.4).
func cpaceGenerator(prs, ci, sid []byte) *ristretto255.Element {
	pad := max(0, sha512Block-1-len(lv(prs))-len(lv([]byte(cpaceDSI))))
	str := lv([]byte(cpaceDSI), prs, make([]byte, pad), ci, sid)
	sum := sha512.Sum512(str)
	wipe(str)
	g, err := ristretto255.NewIdentityElement().SetUniformBytes(sum[:])
	if err != nil {
		panic("e2ee: ristretto255: " + err.Error()) // 64 bytes are what it takes
	}
	return g
}

// cpaceScalar reduces 64 uniform bytes modulo the group order.
func cpaceScalar(uniform [64]byte) *ristretto255.Scalar {
	s, err := ristretto255.NewScalar().SetUniformBytes(uniform[:])
	if err != nil {
		panic("e2ee: ristretto255: " + err.Error())
	}
	return s
}

// decodePoint accepts canonical encodings of elements other than the identity.
func decodePoint(b []byte) (*ristretto255.Element, error) {
	p, err := ristretto255.NewIdentityElement().SetCanonicalBytes(b)
	if err != nil || p.Equal(ristretto255.NewIdentityElement()) == 1 {
		return nil, fail(CodePoint, "invalid group element")
	}
	return p, nil
}

// cpaceMultiply is scalar_mult_vfy of the draft: the shared element, or
// [CodePoint] for an element nobody honest sends.
func cpaceMultiply(s *ristretto255.Scalar, point []byte) ([]byte, error) {
	p, err := decodePoint(point)
	if err != nil {
		return nil, err
	}
	k := ristretto255.NewIdentityElement().ScalarMult(s, p)
	if k.Equal(ristretto255.NewIdentityElement()) == 1 {
		return nil, fail(CodePoint, "shared element is the identity")
	}
	return k.Bytes(), nil
}

// cpaceISK is the intermediate session key, 64 bytes, of initiator-responder
// mode (draft section 6.2).
func cpaceISK(sid, k, ya, ada, yb, adb []byte) []byte {
	return h(append(lv([]byte(cpaceDSIISK), sid, k), lv(ya, ada, yb, adb)...))
}
