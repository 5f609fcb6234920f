package peer

import (
	"errors"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const testFP = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func colons(fp string) string {
	var parts []string
	for i := 0; i < len(fp); i += 2 {
		parts = append(parts, strings.ToUpper(fp[i:i+2]))
	}
	return strings.Join(parts, ":")
}

func goodSDP() string {
	return strings.Join([]string{
		"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0",
		"a=fingerprint:sha-256 " + colons(testFP),
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=setup:actpass", "a=mid:0",
		"a=candidate:1 1 udp 2130706431 192.168.1.7 50000 typ host",
		"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=setup:actpass", "a=mid:1",
		"a=fingerprint:SHA-256 " + colons(testFP),
	}, "\r\n") + "\r\n"
}

// withLines is a good description with n m-lines.
func withLines(n int) string {
	return goodSDP() + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", n-2)
}

func TestCheckSDP(t *testing.T) {
	got, candidates, err := checkSDP(sealed.SDP{Type: sealed.SDPTypeOffer, SDP: goodSDP(), FP: testFP})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "candidate") || strings.Count(got, "\r\n") != strings.Count(goodSDP(), "\r\n")-1 {
		t.Errorf("stripped description is\n%s\nwant all lines but the candidate", got)
	}
	if _, _, err := checkSDP(sealed.SDP{Type: sealed.SDPTypeOffer, SDP: withLines(9), FP: testFP}); err != nil {
		t.Errorf("9 m-lines: %v", err) // the media plan has as many
	}
	if len(candidates) != 1 || candidates[0] != "candidate:1 1 udp 2130706431 192.168.1.7 50000 typ host" {
		t.Errorf("candidates are %q", candidates)
	}
}

func TestCheckSDPRefuses(t *testing.T) {
	other := strings.Replace(testFP, "00", "01", 1)
	for name, m := range map[string]sealed.SDP{
		"too long":                  {SDP: goodSDP() + strings.Repeat("a=x\r\n", sealed.LimitSDP/5), FP: testFP},
		"another certificate":       {SDP: goodSDP(), FP: other},
		"a second fingerprint":      {SDP: goodSDP() + "a=fingerprint:sha-256 " + colons(other) + "\r\n", FP: testFP},
		"a fingerprint after LF":    {SDP: goodSDP() + "a=fingerprint:sha-256 " + colons(other) + "\n", FP: testFP},
		"sha-1":                     {SDP: goodSDP() + "a=fingerprint:sha-1 " + colons(testFP) + "\r\n", FP: testFP},
		"no fingerprint":            {SDP: strings.ReplaceAll(strings.ReplaceAll(goodSDP(), "a=fingerprint:sha", "a=x:"), "a=fingerprint:SHA", "a=x:"), FP: testFP},
		"SDES":                      {SDP: goodSDP() + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", FP: testFP},
		"10 m-lines":                {SDP: withLines(10), FP: testFP},
		"500 m-lines":               {SDP: withLines(500), FP: testFP},
		"no m-line":                 {SDP: "v=0\r\na=fingerprint:sha-256 " + colons(testFP) + "\r\n", FP: testFP},
		"fp in capitals":            {SDP: goodSDP(), FP: strings.ToUpper(testFP)},
		"fp cut":                    {SDP: goodSDP(), FP: testFP[:62]},
		"setup in words of its own": {SDP: goodSDP() + "a=setup:holdconn\r\n", FP: testFP},
	} {
		m.Type = sealed.SDPTypeOffer
		_, _, err := checkSDP(m)
		if wire, ok := errors.AsType[*protocol.WireError](err); !ok || wire.Code != protocol.ErrorCodeSDP {
			t.Errorf("%s: got %v, want E_SDP", name, err)
		}
	}
	if _, _, err := checkSDP(sealed.SDP{Type: sealed.SDPTypeAnswer, SDP: goodSDP(), FP: testFP}); err == nil {
		t.Error("an answer that leaves the DTLS role open was accepted")
	}
}

func FuzzCheckSDP(f *testing.F) {
	f.Add(goodSDP(), testFP)
	f.Add("m=\na=fingerprint:\na=candidate", "")
	f.Fuzz(func(t *testing.T, sdp, fp string) {
		stripped, candidates, err := checkSDP(sealed.SDP{Type: sealed.SDPTypeOffer, SDP: sdp, FP: fp})
		if err != nil {
			return
		}
		for line := range strings.Lines(stripped) {
			if strings.HasPrefix(line, "a=candidate") || strings.HasPrefix(line, "a=crypto") {
				t.Errorf("kept %q", line)
			}
		}
		for _, c := range candidates {
			_ = reach{}.allowsCandidate(c)
		}
	})
}
