// Package bench measures a server from outside, while something else puts load
// on it: the processor time and the memory of its process as the kernel counts
// them, and a distribution of latencies that costs nothing to add to.
//
// It knows nothing of what is measured. The load is made by relayload (TURN) and
// signalload (WebSocket), which use this package.
//
// # Comparing two servers
//
// A machine is never quiet, so two servers are measured in turns, A B A B, and
// what counts is the ratio within each pair, and of these the median.
package bench

import "slices"

// Median returns the median; zero of nothing.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// PairedRatio returns the median of a[i]/b[i], which were measured one after the
// other. Pairs that have no quotient are left out; none is left: ok is false.
func PairedRatio(a, b []float64) (ratio float64, ok bool) {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if a[i] > 0 && b[i] > 0 {
			ratios = append(ratios, a[i]/b[i])
		}
	}
	return Median(ratios), len(ratios) > 0
}

// Alternate calls measure for each subject in its turn, A B A B, and stops at the
// first error.
func Alternate(turns, subjects int, measure func(turn, subject int) error) error {
	for turn := range turns {
		for subject := range subjects {
			if err := measure(turn, subject); err != nil {
				return err
			}
		}
	}
	return nil
}
