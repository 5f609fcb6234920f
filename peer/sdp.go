package peer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// fingerprintLen is the length of a sha-256 in hex.
const fingerprintLen = 2 * sha256.Size

func sdpError(format string, args ...any) error {
	return &protocol.WireError{Code: protocol.ErrorCodeSDP, Detail: fmt.Sprintf(format, args...)}
}

// checkSDP holds a received description against docs/protocol.md, section 9:
// bounded size and m-lines, every fingerprint sha-256 and equal to fp, no SDES
// keys, a sane DTLS role. It returns the description without its candidates and
// the candidates, so that they pass the same filter as trickled ones.
func checkSDP(m sealed.SDP) (stripped string, candidates []string, err error) {
	if len(m.SDP) > sealed.LimitSDP {
		return "", nil, sdpError("%d bytes", len(m.SDP))
	}
	if len(m.FP) != fingerprintLen || strings.ToLower(m.FP) != m.FP {
		return "", nil, sdpError("fp is not 64 lower-case hex digits")
	}
	var kept strings.Builder
	var mLines, fingerprints int
	for line := range strings.Lines(m.SDP) {
		text := strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(text, ":")
		switch {
		case strings.HasPrefix(text, "m="):
			mLines++
		case key == "a=fingerprint":
			fingerprints++
			if !fingerprintIs(value, m.FP) {
				return "", nil, sdpError("a fingerprint is not the announced one")
			}
		case key == "a=crypto":
			return "", nil, sdpError("SDES keys")
		case key == "a=setup" && !setupAllowed(m.Type, value):
			return "", nil, sdpError("setup %q in %s", value, m.Type)
		case key == "a=candidate":
			candidates = append(candidates, strings.TrimPrefix(text, "a="))
			continue
		}
		kept.WriteString(text)
		kept.WriteString("\r\n")
	}
	if mLines == 0 || mLines > sealed.LimitMLines {
		return "", nil, sdpError("%d m-lines", mLines)
	}
	if fingerprints == 0 {
		return "", nil, sdpError("no fingerprint")
	}
	return kept.String(), candidates, nil
}

// The DTLS roles of an answer (RFC 8842 §5.3): client and server.
const (
	setupActive  = "active"
	setupPassive = "passive"
	setupPrefix  = "a=setup:"
)

// setupOf is the first DTLS role in a description.
func setupOf(sdp string) string { return valueOf(sdp, setupPrefix) }

// valueOf is the rest of the first line of a description that begins so.
func valueOf(sdp, prefix string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), prefix); ok {
			return value
		}
	}
	return ""
}

// withSetup is an offer that demands a DTLS role.
func withSetup(offer, setup string) string {
	return strings.ReplaceAll(offer, setupPrefix+"actpass\r\n", setupPrefix+setup+"\r\n")
}

// otherSetup is the role of the other side.
func otherSetup(setup string) string {
	if setup == setupPassive {
		return setupActive
	}
	return setupPassive
}

// ufragOf is the ICE user name fragment of a description: another one restarts ICE.
func ufragOf(sdp string) string { return valueOf(sdp, "a=ice-ufrag:") }

// fingerprintIs compares the value of an a=fingerprint line (RFC 8122 §5) with
// lower-case hex.
func fingerprintIs(value, fp string) bool {
	hash, digits, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok || !strings.EqualFold(hash, "sha-256") {
		return false
	}
	return sameText(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(digits), ":", "")), fp)
}

// setupAllowed is RFC 8842 §5.2 and §5.3: an offerer leaves the role open or
// keeps the one it has, an answerer decides.
func setupAllowed(t sealed.SDPType, value string) bool {
	switch strings.TrimSpace(value) {
	case setupActive, setupPassive:
		return true
	case "actpass":
		return t == sealed.SDPTypeOffer
	}
	return false
}

func sameText(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// certificateFP is the fingerprint of a DER certificate as the sdp message
// carries it.
func certificateFP(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// rawFP decodes a fingerprint that passed checkSDP or is our own.
func rawFP(fp string) (raw [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(fp)
	if err != nil || len(b) != len(raw) {
		return raw, sdpError("fp is not hex")
	}
	copy(raw[:], b)
	return raw, nil
}
