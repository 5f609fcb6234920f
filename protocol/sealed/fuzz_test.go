package sealed

import (
	"encoding/json"
	"testing"
)

// A claim that makes no sense keeps nobody outside: the knock around it is read.
func FuzzTested(f *testing.F) {
	f.Add([]byte(`{"hours":2,"mic":"good","network":"poor"}`))
	f.Add([]byte(`{"hours":"2","mic":[],"net":null}`))
	f.Add([]byte(`7`))
	f.Fuzz(func(t *testing.T, claim []byte) {
		if !json.Valid(claim) {
			return
		}
		var k Knock
		text := append(append([]byte(`{"t":"knock","name":"Ana","tested":`), claim...), '}')
		if err := json.Unmarshal(text, &k); err != nil || k.Name != "Ana" {
			t.Errorf("%s: %v", text, err)
		}
		if k.Tested != nil {
			_ = k.Tested.Worst()
		}
	})
}
