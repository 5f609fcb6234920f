package sealed

import "encoding/json"

// CheckLight is what came of one check. Another value, of a later version, counts
// as [CheckLightUnknown].
type CheckLight string

// The lights.
const (
	CheckLightGood    CheckLight = "good"
	CheckLightFair    CheckLight = "fair"
	CheckLightPoor    CheckLight = "poor"
	CheckLightUnknown CheckLight = "unknown"
)

// CheckNet says whether the device is on a network of the kind that was tested.
type CheckNet string

// What is known of the network's kind; empty: nothing.
const (
	CheckNetSame  CheckNet = "same"
	CheckNetOther CheckNet = "other"
)

// Tested is what a guest's check found, by the guest's own claim, and coarse on
// purpose: no figures, no addresses, no names of devices.
type Tested struct {
	Hours   int        `json:"hours"` // whole hours ago, 0 to LimitTested
	Mic     CheckLight `json:"mic"`
	Speaker CheckLight `json:"speaker"`
	Camera  CheckLight `json:"camera"`
	Picture CheckLight `json:"picture"` // light and framing
	Network CheckLight `json:"network"`
	Net     CheckNet   `json:"net,omitempty"`
}

// UnmarshalJSON never fails: a claim that makes no sense is no reason to leave
// somebody outside. Without a time that is understood Hours is negative, and the
// claim worth nothing.
func (t *Tested) UnmarshalJSON(b []byte) error {
	type plain Tested
	p := plain{Hours: -1}
	_ = json.Unmarshal(b, &p) // what is of another type stays as it is
	*t = Tested(p)
	return nil
}

// Worst is the light that needs attention most, of those that are known; "unknown"
// if none is.
func (t Tested) Worst() CheckLight {
	order := []CheckLight{CheckLightUnknown, CheckLightGood, CheckLightFair, CheckLightPoor}
	worst := 0
	for _, l := range []CheckLight{t.Mic, t.Speaker, t.Camera, t.Picture, t.Network} {
		for i, known := range order {
			if l == known {
				worst = max(worst, i)
			}
		}
	}
	return order[worst]
}
