package peer

import (
	"testing"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestLineOf(t *testing.T) {
	lines := []sealed.Line{{MID: "5", Kind: sealed.LineKindScreen}, {MID: "g1", Kind: sealed.LineKindScreenSound}}
	for name, test := range map[string]struct {
		sender protocol.Role
		lines  []sealed.Line
		mid    string
		kind   Kind
		want   sealed.LineKind
		ok     bool
	}{
		"the host's voice":    {protocol.RoleHost, nil, "0", KindAudio, sealed.LineKindMicrophone, true},
		"the guest's face":    {protocol.RoleGuest, nil, "3", KindVideo, sealed.LineKindCamera, true},
		"a screen":            {protocol.RoleGuest, lines, "5", KindVideo, sealed.LineKindScreen, true},
		"a screen's sound":    {protocol.RoleHost, lines, "g1", KindAudio, sealed.LineKindScreenSound, true},
		"a line not named":    {protocol.RoleHost, lines, "6", KindVideo, 0, false},
		"a screen is no tone": {protocol.RoleHost, lines, "5", KindAudio, sealed.LineKindScreen, false},
		"one's own line":      {protocol.RoleHost, lines, "2", KindAudio, 0, false},
		"a face stays one":    {protocol.RoleHost, []sealed.Line{{MID: "1", Kind: sealed.LineKindScreen}}, "1", KindVideo, sealed.LineKindCamera, true},
		"a second face":       {protocol.RoleHost, []sealed.Line{{MID: "7", Kind: sealed.LineKindCamera}}, "7", KindVideo, 0, false},
		"a third entry":       {protocol.RoleHost, append(lines[:2:2], sealed.Line{MID: "8", Kind: sealed.LineKindScreen}), "8", KindVideo, 0, false},
	} {
		got, ok := lineOf(test.sender, test.lines, test.mid, test.kind)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
}
