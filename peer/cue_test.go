package peer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestCues(t *testing.T) {
	const nod, wait, hand, down = sealed.CueKindNod, sealed.CueKindWait, sealed.CueKindHand, sealed.CueKindHandDown
	const burst = sealed.SignBurstMS * time.Millisecond
	type cue struct {
		kind sealed.CueKind
		at   time.Duration
	}
	tests := []struct {
		name  string
		heard []cue
		want  []sealed.CueKind
	}{
		{"each that comes", []cue{{nod, 0}, {wait, 0}, {nod, 0}}, []sealed.CueKind{nod, wait, nod}},
		{"a hand once, however often it is told", []cue{{hand, 0}, {hand, 0}, {down, 0}, {down, 0}, {hand, 0}}, []sealed.CueKind{hand, down, hand}},
		{"none of a later version", []cue{{"confetti", 0}, {"", 0}}, nil},
		{
			"five within three seconds, and the lowered hand",
			[]cue{{hand, 0}, {nod, 0}, {nod, 0}, {nod, 0}, {nod, 0}, {wait, burst - 1}, {down, burst - 1}, {wait, burst}},
			[]sealed.CueKind{hand, nod, nod, nod, nod, down, wait},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c cues
			var got []sealed.CueKind
			start := time.Now()
			for _, h := range tt.heard {
				if c.shows(h.kind, start.Add(h.at)) {
					got = append(got, h.kind)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
		})
	}
}
