package sealed_test

import (
	"testing"

	"github.com/visavis-call/visavis/protocol/sealed"
)

func TestWorstLight(t *testing.T) {
	const good, fair, poor, unknown = sealed.CheckLightGood, sealed.CheckLightFair, sealed.CheckLightPoor, sealed.CheckLightUnknown
	for _, tt := range []struct {
		tested sealed.Tested
		want   sealed.CheckLight
	}{
		{sealed.Tested{}, unknown},
		{sealed.Tested{Mic: unknown, Network: unknown}, unknown},
		{sealed.Tested{Mic: good, Speaker: unknown, Network: good}, good},
		{sealed.Tested{Mic: good, Camera: fair, Network: good}, fair},
		{sealed.Tested{Mic: fair, Network: poor, Picture: "splendid"}, poor},
	} {
		if got := tt.tested.Worst(); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.tested, got, tt.want)
		}
	}
}
