package sealed_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// TestVectors reads what the TypeScript decoder reads too: a frame becomes a
// message, and the message the same JSON again.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("../testdata/vectors/sealed.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name  string
		Frame string
		Want  map[string]any
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	messages := map[string]func() any{
		"knock":  func() any { return new(sealed.Knock) },
		"state":  func() any { return new(sealed.State) },
		"report": func() any { return new(sealed.Report) },
		"cue":    func() any { return new(sealed.Cue) },
		"bye":    func() any { return new(sealed.Bye) },
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			kind, _ := v.Want["t"].(string)
			make, ok := messages[kind]
			if !ok {
				t.Fatalf("type %q is not known here", kind)
			}
			m := make()
			if err := json.Unmarshal([]byte(v.Frame), m); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(again, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Want, got); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
		})
	}
}
