package hostile

import "slices"

// Attack is one row: what somebody does, to whom, and what has to come of it.
type Attack struct {
	ID       string
	Does     string
	Against  string // native, browser, both, server
	Expected string
	Proofs   []Proof // all of them
}

// Proof is a test that shows a row, or a part of it.
type Proof struct {
	Runner Runner
	Where  string // package or file
	Test   string // a Go test, the beginning of titles (all of them have to pass), or "" for a whole file
}

// Runner says what runs a test.
type Runner string

// The runners.
const (
	Go         Runner = "go"
	Vitest     Runner = "vitest"
	Playwright Runner = "playwright"
)

func here(test string) []Proof          { return inGo("./test/hostile", test) }
func inGo(where, test string) []Proof   { return []Proof{{Go, where, test}} }
func inTS(file string) []Proof          { return []Proof{{Vitest, file, ""}} }
func page(file, title string) []Proof   { return []Proof{{Playwright, file, title}} }
func unitE2EE(test string) []Proof      { return inGo("./e2ee", test) }
func unitRelay(test string) []Proof     { return inGo("./internal/relay", test) }
func unitSignaling(test string) []Proof { return inGo("./internal/signaling", test) }
func all(proofs ...[]Proof) []Proof     { return slices.Concat(proofs...) }

// Find returns the row with this id.
func Find(id string) (Attack, bool) {
	for _, a := range Attacks() {
		if a.ID == id {
			return a, true
		}
	}
	return Attack{}, false
}
