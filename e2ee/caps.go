package e2ee

import (
	"encoding/json"
	"unicode/utf8"
)

// Caps is what a party can and demands. SFrame and Record: 0 cannot or will
// not, 1 can, 2 demands. Relay: 0 and 1 no demand, 2 media only through the
// relay. Both parties' caps are under the host's signature and in the transcript.
type Caps struct {
	SFrame int      `json:"sframe"`
	Video  []string `json:"v"`
	Record int      `json:"rec"`
	Relay  int      `json:"relay"`
	App    string   `json:"app"`
}

// Policy is what holds for a session: the stricter of both sides.
type Policy struct {
	SFrame int // 0 off, 1 used, 2 used and demanded
	Record int // 0 off, 1 allowed, 2 demanded
	Relay  int // 2: relay only
}

const maxCapsBytes = 512

// encodeCaps raises caps to what the link demands, and refuses a link that
// demands what this client cannot do.
func encodeCaps(l Link, c Caps) ([]byte, Caps, error) {
	if l.flags&FlagSFrameRequired != 0 {
		if c.SFrame == 0 {
			return nil, c, fail(CodePolicy, "this call needs frame encryption")
		}
		c.SFrame = 2
	}
	if l.flags&FlagRecordingMandatory != 0 {
		if c.Record == 0 {
			return nil, c, fail(CodePolicy, "this call needs recording")
		}
		c.Record = 2
	}
	if l.flags&FlagRelayOnly != 0 {
		c.Relay = 2
	}
	if c.Video == nil {
		c.Video = []string{} // an array for readers that insist on one
	}
	b, err := json.Marshal(c)
	if err != nil || len(b) > maxCapsBytes {
		return nil, c, fail(CodeSize, "caps are too long")
	}
	return b, c, nil
}

// decodeCaps reads the other side's caps. Unknown fields are ignored, so that
// later versions may say more; a level out of range is not.
func decodeCaps(b []byte) (Caps, error) {
	var c Caps
	if len(b) == 0 || len(b) > maxCapsBytes || b[0] != '{' || !utf8.Valid(b) {
		return c, fail(CodeParse, "malformed caps")
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fail(CodeParse, "malformed caps")
	}
	for _, level := range []int{c.SFrame, c.Record, c.Relay} {
		if level < 0 || level > 2 {
			return c, fail(CodeParse, "caps out of range")
		}
	}
	return c, nil
}

func effectivePolicy(a, b Caps) (Policy, error) {
	sframe, ok1 := stricter(a.SFrame, b.SFrame)
	record, ok2 := stricter(a.Record, b.Record)
	if !ok1 || !ok2 {
		return Policy{}, fail(CodePolicy, "one side demands what the other cannot do")
	}
	return Policy{SFrame: sframe, Record: record, Relay: max(a.Relay, b.Relay)}, nil
}

func stricter(a, b int) (int, bool) {
	if min(a, b) == 0 {
		return 0, max(a, b) < 2
	}
	return max(a, b), true
}
