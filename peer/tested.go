package peer

import "github.com/visavis-call/visavis/protocol/sealed"

// tested is a visitor's claim about its check as this version understands it.
func tested(t *sealed.Tested) *sealed.Tested {
	if t == nil || t.Hours < 0 || t.Hours > sealed.LimitTested {
		return nil
	}
	out := *t
	for _, l := range []*sealed.CheckLight{&out.Mic, &out.Speaker, &out.Camera, &out.Picture, &out.Network} {
		switch *l {
		case sealed.CheckLightGood, sealed.CheckLightFair, sealed.CheckLightPoor:
		default:
			*l = sealed.CheckLightUnknown
		}
	}
	if out.Net != sealed.CheckNetSame && out.Net != sealed.CheckNetOther {
		out.Net = ""
	}
	return &out
}
