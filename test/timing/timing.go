// Package timing tells whether two kinds of things take the same time.
package timing

import (
	"math"
	"slices"
)

// Compare is Welch's t for the middle halves of two samples, which are sorted by
// it. Beyond 6, either way, it is no chance.
func Compare(x, y []float64) float64 { return welch(middle(x), middle(y)) }

// middle is the half between the quartiles.
func middle(x []float64) []float64 {
	slices.Sort(x)
	return x[len(x)/4 : 3*len(x)/4]
}

func welch(x, y []float64) float64 {
	mx, vx := meanAndVariance(x)
	my, vy := meanAndVariance(y)
	return (mx - my) / math.Sqrt(vx/float64(len(x))+vy/float64(len(y)))
}

func meanAndVariance(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}
