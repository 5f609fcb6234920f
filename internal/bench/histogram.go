package bench

import (
	"math/bits"
	"time"
)

// Each power of two is divided into so many buckets: a quantile is at most 1/32
// too high.
const (
	subBits    = 5
	subBuckets = 1 << subBits
)

// Histogram counts durations in buckets whose width grows with the value. Adding
// costs a few nanoseconds and allocates nothing. The zero Histogram is empty.
type Histogram struct {
	counts [(64 - subBits) * subBuckets]uint32
	total  uint64
}

// Add counts one duration. Negative ones, of two clocks that differ, count as zero.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucketOf(uint64(max(d, 0)))]++
	h.total++
}

// Count is how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Merge adds all that other counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Quantile returns a value that the fraction q of all durations does not exceed;
// zero of nothing.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.total)+0.5), 1)
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank {
			return time.Duration(upperOf(i))
		}
	}
	return time.Duration(upperOf(len(h.counts) - 1)) // rank <= total: cannot happen
}

// bucketOf is v itself below two subBuckets, and then subBuckets for each power of two.
func bucketOf(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift*subBuckets + int(v>>shift)
}

// upperOf is the greatest value in a bucket.
func upperOf(bucket int) uint64 {
	if bucket < 2*subBuckets {
		return uint64(bucket)
	}
	shift := bucket/subBuckets - 1
	return (uint64(bucket-shift*subBuckets)+1)<<shift - 1
}
