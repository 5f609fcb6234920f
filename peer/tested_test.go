package peer

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// What a visitor claims about its check is shown only as far as it is understood.
func TestTested(t *testing.T) {
	const good, unknown = sealed.CheckLightGood, sealed.CheckLightUnknown
	fine := sealed.Tested{Hours: 18, Mic: good, Speaker: good, Camera: good, Picture: good, Network: good, Net: sealed.CheckNetSame}
	strange := fine
	strange.Picture, strange.Net = "<b>", "elsewhere"
	understood := fine
	understood.Picture, understood.Net = unknown, ""
	old, future := fine, fine
	old.Hours, future.Hours = sealed.LimitTested+1, -1
	for name, tt := range map[string]struct{ in, want *sealed.Tested }{
		"nothing": {nil, nil},
		"fine":    {&fine, &fine},
		"strange": {&strange, &understood},
		"empty":   {&sealed.Tested{}, &sealed.Tested{Mic: unknown, Speaker: unknown, Camera: unknown, Picture: unknown, Network: unknown}},
		"old":     {&old, nil},
		"future":  {&future, nil},
	} {
		if d := cmp.Diff(tt.want, tested(tt.in)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Whatever a knock claims about a check, it is a knock.
func TestKnockWithStrangeClaim(t *testing.T) {
	const unknown = sealed.CheckLightUnknown
	mic := &sealed.Tested{Hours: 1, Mic: sealed.CheckLightGood, Speaker: unknown, Camera: unknown, Picture: unknown, Network: unknown}
	for claim, want := range map[string]*sealed.Tested{
		`{"hours":1,"mic":"good","network":{"kbps":9}}`: mic,
		`{"hours":1.5,"mic":"good"}`:                    nil,
		`{"hours":"<b>","mic":"good"}`:                  nil,
		`{"mic":"good"}`:                                nil,
		`"fine"`:                                        nil,
		`[1]`:                                           nil,
		`null`:                                          nil,
	} {
		var knock sealed.Knock
		if err := json.Unmarshal([]byte(`{"t":"knock","name":"Ana","tested":`+claim+`}`), &knock); err != nil || knock.Name != "Ana" {
			t.Errorf("%s: %v", claim, err)
		}
		if d := cmp.Diff(want, tested(knock.Tested)); d != "" {
			t.Errorf("%s (-want +got):\n%s", claim, d)
		}
	}
}
