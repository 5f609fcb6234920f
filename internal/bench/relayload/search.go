package relayload

import (
	"context"
	"fmt"
	"net/netip"
)

const (
	// The search begins with searchFrom datagrams a second, takes searchGrowth times as many until
	// some are lost, and then halves the distance until it is smaller than searchGrain. It ends at searchMost.
	searchFrom, searchMost    = 20_000, 1_000_000
	searchGrowth, searchGrain = 1.3, 1.04
	// searchLoss is what counts as lossless: one of ten thousand.
	searchLoss = 1e-4
	// searchSkip is the share of a load that may stay unsent; with more, the load is what ends the search.
	searchSkip = 0.01
	// searchTries is how often a rate is tried: one of them without loss is enough, since
	// other programs of the machine can take a server's turn, and cannot make it faster.
	searchTries = 2
)

// Limit is the most that a server relays without loss.
type Limit struct {
	Rate int `json:"datagrams_per_s"`
	// Unlimited says that the load could not be made greater: the server's own limit is higher.
	Unlimited bool `json:"load_was_the_limit"`
}

// String is for people.
func (l Limit) String() string {
	if l.Unlimited {
		return fmt.Sprintf("more than %d datagrams/s without loss: more could not be sent", l.Rate)
	}
	return fmt.Sprintf("%d datagrams/s without loss", l.Rate)
}

// LimitReport is that of all servers.
type LimitReport struct {
	// Ratio is ours to the other's; null without another one.
	Ratio  *float64         `json:"ratio_loss_free"`
	Where  string           `json:"where"`
	Burst  int              `json:"burst"`
	Limits map[string]Limit `json:"limits"`
}

// Conclude makes the ratio.
func (r *LimitReport) Conclude(own, reference string) {
	if l := r.Limits[reference]; l.Rate > 0 {
		ratio := round(float64(r.Limits[own].Rate)/float64(l.Rate), 2)
		r.Ratio = &ratio
	}
}

// Limit looks for it.
func (s *Subject) Limit(ctx context.Context, sources netip.Prefix, plan Plan) (Limit, error) {
	return search(func(rate int) (lossless, reached bool, err error) {
		for range searchTries {
			slice, err := s.Measure(ctx, sources, rate, plan)
			if err != nil {
				return false, false, err
			}
			r := slice.Result
			reached = float64(r.Skipped) <= searchSkip*float64(r.Sent+r.Skipped)
			lossless = r.Loss() <= searchLoss
			if lossless && reached {
				break
			}
		}
		return lossless, reached, nil
	})
}

// search is Limit without a server. try says what became of a rate: whether nothing was lost, and
// whether it was sent at all.
func search(try func(rate int) (lossless, reached bool, err error)) (Limit, error) {
	good, bad, unlimited := 0, searchMost, true
	for rate := searchFrom; float64(bad) > searchGrain*float64(good) && rate <= searchMost; {
		lossless, reached, err := try(rate)
		if err != nil {
			return Limit{}, err
		}
		if lossless && reached {
			good = rate
		} else {
			bad, unlimited = rate, lossless
		}
		if bad == searchMost {
			rate = int(float64(rate) * searchGrowth)
		} else {
			rate = (good + bad) / 2
		}
	}
	return Limit{Rate: good, Unlimited: unlimited}, nil
}
