package e2ee

import (
	"crypto/ed25519"
	"encoding/hex"
)

// Ed25519 verification is strict: the cofactorless equation on canonical
// encodings, S below the group order, and no public key of small order.
//
// crypto/ed25519 checks S and the equation and compares R byte by byte; it
// takes non-canonical and small-order keys, which verifyStrict refuses first.
// The TypeScript side computes the same equation and refuses the same keys, so
// no signature can split the two clients.

// smallOrderY are the y coordinates, little endian, of the eight points whose
// order divides the cofactor.
func smallOrderY() [5]string {
	return [5]string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	}
}

// goodKey reports whether pub encodes a point canonically and not one of small
// order. That it is on the curve is left to crypto/ed25519.
func goodKey(pub []byte) bool {
	if len(pub) != ed25519.PublicKeySize {
		return false
	}
	y := [32]byte(pub)
	y[31] &= 0x7f // the sign of x
	name := hex.EncodeToString(y[:])
	for _, bad := range smallOrderY() {
		if name == bad {
			return false
		}
	}
	return name[2:] != "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" || y[0] < 0xed
}

func verifyStrict(pub, message, sig []byte) bool {
	return goodKey(pub) && len(sig) == ed25519.SignatureSize && ed25519.Verify(pub, message, sig)
}

// serverAuthMessage is what a host signs to take its seat on a server.
func serverAuthMessage(origin string, nonce []byte, callID, cid [16]byte) []byte {
	return lv([]byte(prefix+"server auth"), []byte(origin), nonce, callID[:], cid[:])
}

// VerifyServerAuth reports whether sig proves that the host of callID, whose
// server key is pub, asks for a seat with connection id cid. Nonce is the one
// the server sent on this connection, origin is scheme://host[:port] of the
// link; together they make the signature useless on any other connection or
// server.
func VerifyServerAuth(pub, sig []byte, origin string, nonce []byte, callID, cid [16]byte) bool {
	return verifyStrict(pub, serverAuthMessage(origin, nonce, callID, cid), sig)
}
