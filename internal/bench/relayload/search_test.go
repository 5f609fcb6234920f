package relayload

import (
	"errors"
	"testing"
)

func TestSearch(t *testing.T) {
	for _, tt := range []struct {
		server, load int // what they manage
		unlimited    bool
	}{{150_000, 400_000, false}, {300_000, 120_000, true}, {5_000, 400_000, false}, {2 * searchMost, 2 * searchMost, true}} {
		tries := 0
		got, err := search(func(rate int) (bool, bool, error) {
			if tries++; tries > 50 {
				return false, false, errors.New("no end")
			}
			return rate <= tt.server, rate <= tt.load, nil
		})
		want := min(tt.server, tt.load, searchMost)
		if err != nil || got.Rate > want || float64(got.Rate) < float64(want)/searchGrowth || got.Unlimited != tt.unlimited {
			t.Errorf("%+v: got %+v (%v)", tt, got, err)
		}
		if want < searchMost && float64(got.Rate) < float64(want)/(searchGrain*1.01) {
			t.Errorf("%+v: got %d, not near enough", tt, got.Rate)
		}
	}
	failed := errors.New("no server")
	if _, err := search(func(int) (bool, bool, error) { return false, false, failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
