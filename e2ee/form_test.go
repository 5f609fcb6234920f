package e2ee

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/edwards25519"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

func testTime() time.Time { return time.Unix(1_700_000_000, 0) }

// TestCodesAreTheServersToo keeps one table for clients: package protocol is
// not imported by the code, only here.
func TestCodesAreTheServersToo(t *testing.T) {
	for code, want := range map[Code]protocol.ErrorCode{
		CodeVersion: protocol.ErrorCodeVersion, CodeParse: protocol.ErrorCodeParse, CodeOuter: protocol.ErrorCodeOuter,
		CodePoint: protocol.ErrorCodePoint, CodeKEM: protocol.ErrorCodeKEM, CodeHostKey: protocol.ErrorCodeHostKey,
		CodeHostSig: protocol.ErrorCodeHostSig, CodeConfirm: protocol.ErrorCodeConfirm, CodeCommit: protocol.ErrorCodeCommit,
		CodeEpoch: protocol.ErrorCodeEpoch, CodeSeq: protocol.ErrorCodeSeq, CodeState: protocol.ErrorCodeState,
		CodeTimeout: protocol.ErrorCodeTimeout, CodePolicy: protocol.ErrorCodePolicy,
		CodePasswordForm: protocol.ErrorCodePasswordForm, CodePWRequired: protocol.ErrorCodePWRequired,
		CodeLocked: protocol.ErrorCodeLocked, CodeBusy: protocol.ErrorCodeBusy, CodeDenied: protocol.ErrorCodeDenied,
		CodeBind: protocol.ErrorCodeBind, CodeSFrame: protocol.ErrorCodeSFrame, CodeSASDiffer: protocol.ErrorCodeSASDiffer,
		CodeConsent: protocol.ErrorCodeConsent, CodeGone: protocol.ErrorCodeGone, CodeSize: protocol.ErrorCodeSize,
	} {
		if string(code) != string(want) {
			t.Errorf("%s is %s at the server", code, want)
		}
	}
	if LimitMessageBytes != sealed.LimitBytes || LimitMessageDepth != sealed.LimitDepth || LimitSlots != protocol.LimitWaiting {
		t.Error("limits differ from those of package protocol")
	}
	if largest := outerSizes()[4] + outerHeader + 16 + 2; largest > protocol.LimitFrameBytes {
		t.Errorf("an outer frame takes %d bytes, the server allows %d", largest, protocol.LimitFrameBytes)
	}
}

func TestErrors(t *testing.T) {
	err := fmt.Errorf("joining: %w", fail(CodeGone, "too late"))
	if CodeOf(err) != CodeGone || CodeOf(errors.New("x")) != "" || CodeOf(nil) != "" {
		t.Error("CodeOf finds the wrong code")
	}
	if got := fail(CodeGone, "too late").Error() + " " + fail(CodeGone, "").Error(); got != "E_GONE: too late E_GONE" {
		t.Errorf("text is %q", got)
	}
	for _, secret := range []Code{CodeHostKey, CodeHostSig, CodePoint, CodeKEM, CodeCommit, CodeEpoch, CodeSeq, CodeState, CodeOuter, "E_NEW"} {
		if got := secret.Public(); got != CodeConfirm {
			t.Errorf("%s is told as %s", secret, got)
		}
	}
	for _, open := range []Code{CodeConfirm, CodeParse, CodePolicy, CodeBusy, CodeLocked, CodeDenied, CodeTimeout, CodeSFrame, CodeConsent, CodeGone} {
		if got := open.Public(); got != open {
			t.Errorf("%s is told as %s", open, got)
		}
	}
}

func TestLengthPrefixes(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 300)
	got, err := splitLV(lv(nil, []byte("a"), long), 3)
	if err != nil || len(got[0]) != 0 || string(got[1]) != "a" || !bytes.Equal(got[2], long) {
		t.Errorf("round trip: %v", err)
	}
	for name, b := range map[string]string{
		"nothing":         "",
		"cut length":      "80",
		"non-minimal 0":   "8000",
		"non-minimal 1":   "810061",
		"cut field":       "0261",
		"rest":            "016100",
		"above the limit": "80800461",
		"64-bit length":   "ffffffffffffffffff01",
		"overflow":        "ffffffffffffffffffff01",
	} {
		raw, err := hex.DecodeString(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := splitLV(raw, 1); CodeOf(err) != CodeParse {
			t.Errorf("%s: %v, want %v", name, err, CodeParse)
		}
	}
}

func TestPasswordForm(t *testing.T) {
	for in, want := range map[string]string{
		"correct horse":          "correct horse",
		"e\u0301":                "é",
		"a\u00a0b\u2003c\u3000d": "a b c d",
		"\u212b":                 "Å",
		" ":                      " ",
		strings.Repeat("é", 128): strings.Repeat("é", 128),
	} {
		if got, err := CanonicalPassword(in); err != nil || got != want {
			t.Errorf("CanonicalPassword(%.20q) = %.20q, %v; want %.20q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "\xff", strings.Repeat("é", 129), strings.Repeat("x", 257)} {
		if _, err := CanonicalPassword(in); CodeOf(err) != CodePasswordForm {
			t.Errorf("CanonicalPassword(%.20q): %v, want %v", in, err, CodePasswordForm)
		}
	}
}

func TestEmojiTable(t *testing.T) {
	seen := map[string]bool{}
	for i := range 64 {
		name := EmojiName(i)
		if name == "" || seen[name] || i > 0 && name <= EmojiName(i-1) {
			t.Errorf("emoji %d is %q", i, name)
		}
		seen[name] = true
	}
	if len(strings.Fields(emojiNames)) != 64 || EmojiName(-1) != "" || EmojiName(64) != "" {
		t.Error("table does not have 64 entries")
	}
	sas := newSAS([8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	if sas.Emoji != [5]int{63, 63, 63, 63, 63} || sas.Digits != "709551615" {
		t.Errorf("all ones: %+v", sas)
	}
	if sas = newSAS([8]byte{7: 5}); sas.Digits != "000000005" || sas.Words[0] != "anchor" {
		t.Errorf("five: %+v", sas)
	}
}

func TestPolicy(t *testing.T) {
	tests := []struct {
		a, b, want int
		ok         bool
	}{
		{0, 0, 0, true}, {0, 1, 0, true}, {1, 1, 1, true}, {1, 2, 2, true}, {2, 2, 2, true}, {0, 2, 0, false},
	}
	for _, tt := range tests {
		for _, pair := range [][2]int{{tt.a, tt.b}, {tt.b, tt.a}} {
			p, err := effectivePolicy(Caps{SFrame: pair[0]}, Caps{SFrame: pair[1]})
			if (err == nil) != tt.ok || p.SFrame != tt.want {
				t.Errorf("sframe %v: %d, %v; want %d, %v", pair, p.SFrame, err, tt.want, tt.ok)
			}
			if p, err := effectivePolicy(Caps{Relay: pair[0]}, Caps{Relay: pair[1]}); err != nil || p.Relay != max(tt.a, tt.b) {
				t.Errorf("relay %v: %d, %v", pair, p.Relay, err)
			}
		}
	}
	link, err := NewLink(nil, FlagSFrameRequired|FlagRelayOnly|FlagRecordingMandatory)
	if err != nil {
		t.Fatal(err)
	}
	if _, c, err := encodeCaps(link, Caps{SFrame: 1, Record: 1}); err != nil || c.SFrame != 2 || c.Record != 2 || c.Relay != 2 {
		t.Errorf("link demands: %+v, %v", c, err)
	}
	for _, c := range []Caps{{Record: 1}, {SFrame: 1}} {
		if _, _, err := encodeCaps(link, c); CodeOf(err) != CodePolicy {
			t.Errorf("%+v: %v, want %v", c, err, CodePolicy)
		}
	}
	if _, _, err := encodeCaps(Link{}, Caps{App: strings.Repeat("x", 512)}); CodeOf(err) != CodeSize {
		t.Errorf("long caps: %v, want %v", err, CodeSize)
	}
}

func TestStrictKeys(t *testing.T) {
	for _, y := range smallOrderY() {
		b, err := hex.DecodeString(y)
		if err != nil {
			t.Fatal(err)
		}
		p, err := new(edwards25519.Point).SetBytes(b)
		if err != nil {
			t.Fatalf("%s is no point: %v", y, err)
		}
		if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) != 1 {
			t.Errorf("%s is not of small order", y)
		}
		for _, sign := range []byte{0, 0x80} {
			key := bytes.Clone(b)
			key[31] |= sign
			if goodKey(key) {
				t.Errorf("%x is taken", key)
			}
		}
	}
	// y = p + 3, a non-canonical spelling of 3; and p - 2, the highest left.
	high := bytes.Repeat([]byte{0xff}, 32)
	high[31] = 0x7f
	for low, want := range map[byte]bool{0xeb: true, 0xed: false, 0xf0: false, 0xff: false} {
		high[0] = low
		if goodKey(high) != want {
			t.Errorf("key ending in %x: taken %v, want %v", low, !want, want)
		}
	}
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sig := ed25519.Sign(key, []byte("m"))
	if !verifyStrict(pub, []byte("m"), sig) {
		t.Fatal("good signature refused")
	}
	// S + L is the same scalar, spelled above the group order.
	order, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	if err != nil {
		t.Fatal(err)
	}
	carry := 0
	for i := range order {
		carry += int(sig[32+i]) + int(order[i])
		sig[32+i] = byte(carry)
		carry >>= 8
	}
	if verifyStrict(pub, []byte("m"), sig) {
		t.Error("S above the group order is taken")
	}
}
