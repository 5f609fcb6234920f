package e2ee

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mlkem"
	"testing"
)

// rebuild returns M1 with one field of ADg or the share replaced.
func rebuild(t *testing.T, raw []byte, y []byte, field int, value []byte) []byte {
	t.Helper()
	f, err := splitLV(raw, 3)
	if err != nil {
		t.Fatal(err)
	}
	ad, err := splitLV(f[2], 5)
	if err != nil {
		t.Fatal(err)
	}
	if y == nil {
		y = f[1]
	}
	if field >= 0 {
		ad[field] = value
	}
	return lv(f[0], y, lv(ad...))
}

func TestHostileM1(t *testing.T) {
	a := newActors(t)
	big := bytes.Clone(a.start(t).kem.EncapsulationKey().Bytes())
	big[0], big[1] = 0xff, 0xff // a coefficient of 4095, above the modulus 3329
	tests := []struct {
		name  string
		y     []byte
		field int
		value []byte
		want  Code
	}{
		{"identity", make([]byte, 32), -1, nil, CodePoint},
		{"non-canonical point", bytes.Repeat([]byte{0xff}, 32), -1, nil, CodePoint},
		{"short point", make([]byte, 31), -1, nil, CodeParse},
		{"version 2", nil, 0, []byte{2, 1}, CodeVersion},
		{"suite 2", nil, 0, []byte{1, 2}, CodeVersion},
		{"coefficient above the modulus", nil, 1, big, CodeKEM},
		{"short ML-KEM key", nil, 1, big[:1183], CodeParse},
		{"long ML-KEM key", nil, 1, append(bytes.Clone(big), 0), CodeParse},
		{"short signing key", nil, 2, make([]byte, 31), CodeParse},
		{"resume id of 15 bytes", nil, 3, make([]byte, 15), CodeParse},
		{"caps are not JSON", nil, 4, []byte("sframe"), CodeParse},
		{"caps out of range", nil, 4, []byte(`{"sframe":3}`), CodeParse},
		{"caps too long", nil, 4, bytes.Repeat([]byte(" "), 513), CodeParse},
		{"caps that demand too much", nil, 4, []byte(`{"sframe":2}`), CodePolicy},
	}
	for _, tt := range tests {
		_, _, err := a.answer(t, rebuild(t, a.start(t).m1, tt.y, tt.field, tt.value))
		if CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A host with a valid signature over bad contents: the guest must still stop.
func TestHostileButSignedM2(t *testing.T) {
	tests := []struct {
		name string
		bend func(y []byte, ad [][]byte) []byte
		want Code
	}{
		{"identity", func(_ []byte, _ [][]byte) []byte { return make([]byte, 32) }, CodePoint},
		{"corrupted ciphertext", func(y []byte, ad [][]byte) []byte { ad[1] = bytes.Clone(ad[1]); ad[1][7] ^= 1; return y }, ""},
		{"short ciphertext", func(y []byte, ad [][]byte) []byte { ad[1] = ad[1][1:]; return y }, CodeParse},
		{"resumed unasked", func(y []byte, ad [][]byte) []byte { ad[4], ad[5] = []byte{1}, []byte{0, 1}; return y }, CodeEpoch},
		{"resumed is 2", func(y []byte, ad [][]byte) []byte { ad[4] = []byte{2}; return y }, CodeParse},
		{"policy", func(y []byte, ad [][]byte) []byte { ad[6] = []byte(`{"sframe":2}`); return y }, CodePolicy},
	}
	for _, tt := range tests {
		a := newActors(t)
		guest := a.start(t)
		host, m2, err := a.answer(t, guest.m1)
		if err != nil {
			t.Fatal(err)
		}
		m3, err := guest.receiveM2(resign(t, a, guest.m1, m2, tt.bend))
		if CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if tt.want != "" {
			continue
		}
		// Implicit rejection: another secret, noticed only at the tag.
		if _, _, err := host.receiveM3(m3); CodeOf(err) != CodeConfirm {
			t.Errorf("%s: host says %v, want %v", tt.name, err, CodeConfirm)
		}
	}
}

func resign(t *testing.T, a *actors, m1, m2 []byte, bend func(y []byte, ad [][]byte) []byte) []byte {
	t.Helper()
	f, err := splitLV(m2, 4)
	if err != nil {
		t.Fatal(err)
	}
	ad, err := splitLV(f[2], 7)
	if err != nil {
		t.Fatal(err)
	}
	y := bend(f[1], ad)
	signed := lv(f[0], y, lv(ad...))
	sig := ed25519.Sign(a.host.link.hostKey(), signedTranscript(a.host.transcript2(m1, signed)))
	return append(signed, lv(sig)...)
}

func TestKEMKeySizes(t *testing.T) {
	if mlkem.EncapsulationKeySize768 != 1184 || mlkem.CiphertextSize768 != 1088 {
		t.Error("not the sizes of FIPS 203, table 3")
	}
}
