package relayload

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

// Figures are those of one server under one load: medians of its slices.
type Figures struct {
	CPU         float64 `json:"cpu_s_per_million"`
	User        float64 `json:"user_s_per_million"`
	Kernel      float64 `json:"kernel_s_per_million"`
	Delivered   float64 `json:"delivered_per_s"`
	Loss        float64 `json:"loss"`
	P50         float64 `json:"p50_us"`
	P99         float64 `json:"p99_us"`
	AddedP50    float64 `json:"added_p50_us"` // beyond the same packets without a server
	AddedP99    float64 `json:"added_p99_us"`
	Allocations float64 `json:"allocations_per_s"`
	// Skipped is the share of the load that the generator did not manage to send.
	Skipped float64 `json:"not_sent"`
}

// LoadReport is one load.
type LoadReport struct {
	Rate      int      `json:"rate"` // datagrams to relay, a second
	Slices    int      `json:"slices"`
	Visavis   Figures  `json:"visavis"`
	Reference *Figures `json:"reference,omitempty"`
	// Ratio is the median, over pairs of slices, of processor time for a packet
	// delivered; null without a reference.
	Ratio *float64 `json:"ratio"`
	// Offload is visavis again, with the kernel forwarding, if that was asked for.
	Offload      *Figures `json:"offload,omitempty"`
	RatioOffload *float64 `json:"ratio_offload"`
}

// IdleReport is what allocations cost that nothing goes through.
type IdleReport struct {
	Allocations int          `json:"allocations"`
	Visavis     IdleFigures  `json:"visavis"`
	Reference   *IdleFigures `json:"reference,omitempty"`
}

// IdleFigures are those of one server.
type IdleFigures struct {
	Bytes float64 `json:"bytes_each"`
	CPU   float64 `json:"cpu_percent"` // of one processor, all together
}

// Report is all of it. The first fields are those of the load in which the ratio is worst.
type Report struct {
	Ratio *float64 `json:"ratio_user_space"`
	// Offload is null if it was not asked for.
	Offload      *float64     `json:"ratio_offload"`
	AddedP99     float64      `json:"added_p99_us"`
	ReferenceP99 *float64     `json:"coturn_p99_us"` // added, too
	Where        string       `json:"where"`
	Burst        int          `json:"burst"` // packets of video in a row
	Loads        []LoadReport `json:"loads"`
	Idle         *IdleReport  `json:"idle,omitempty"`
}

// Sum puts the slices of one load together. direct is the same load without a
// server; reference and offload have as many slices as own, or none.
func Sum(rate int, seconds float64, direct *Result, own, reference, offload []*Slice) LoadReport {
	r := LoadReport{Rate: rate, Slices: len(own), Visavis: sum(seconds, direct, own)}
	if len(offload) > 0 {
		f := sum(seconds, direct, offload)
		r.Offload = &f
	}
	if len(reference) == 0 {
		return r
	}
	f := sum(seconds, direct, reference)
	r.Reference = &f
	r.Ratio, r.RatioOffload = ratioOf(own, reference), ratioOf(offload, reference)
	return r
}

func ratioOf(a, b []*Slice) *float64 {
	ratio, ok := bench.PairedRatio(each(a, (*Slice).Million), each(b, (*Slice).Million))
	if !ok {
		return nil
	}
	ratio = round(ratio, 3)
	return &ratio
}

func sum(seconds float64, direct *Result, slices []*Slice) Figures {
	median := func(f func(*Slice) float64, digits int) float64 { return round(bench.Median(each(slices, f)), digits) }
	quantile := func(q float64) func(*Slice) float64 {
		return func(s *Slice) float64 { return microseconds(s.Result.Latency.Quantile(q)) }
	}
	f := Figures{
		CPU:         median((*Slice).Million, 2),
		User:        median(func(s *Slice) float64 { return perMillion(s.CPU.User, s.Result.Received) }, 2),
		Kernel:      median(func(s *Slice) float64 { return perMillion(s.CPU.Kernel, s.Result.Received) }, 2),
		Delivered:   median(func(s *Slice) float64 { return float64(s.Result.Received) / seconds }, 0),
		Loss:        median(func(s *Slice) float64 { return s.Result.Loss() }, 5),
		P50:         median(quantile(0.5), 0),
		P99:         median(quantile(0.99), 0),
		Allocations: median(func(s *Slice) float64 { return s.Allocations }, 0),
		Skipped: median(func(s *Slice) float64 {
			return float64(s.Result.Skipped) / max(float64(s.Result.Skipped+s.Result.Sent), 1)
		}, 4),
	}
	f.AddedP50 = max(f.P50-round(microseconds(direct.Latency.Quantile(0.5)), 0), 0)
	f.AddedP99 = max(f.P99-round(microseconds(direct.Latency.Quantile(0.99)), 0), 0)
	return f
}

func each(slices []*Slice, f func(*Slice) float64) []float64 {
	out := make([]float64, len(slices))
	for i, s := range slices {
		out[i] = f(s)
	}
	return out
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// Conclude takes the first fields from the load with the worst ratio; without a
// reference, from the greatest load.
func (r *Report) Conclude() {
	var worst *LoadReport
	for i := range r.Loads {
		l := &r.Loads[i]
		if worst == nil || l.Ratio == nil || worst.Ratio != nil && *l.Ratio > *worst.Ratio {
			worst = l
		}
	}
	if worst == nil {
		return
	}
	r.Ratio, r.Offload, r.AddedP99 = worst.Ratio, worst.RatioOffload, worst.Visavis.AddedP99
	if worst.Reference != nil {
		r.ReferenceP99 = &worst.Reference.AddedP99
	}
}

// Print writes tables for people.
func (r *Report) Print(w io.Writer, reference string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(rate int, name string, f Figures, ratio string) {
		fmt.Fprintf(t, "%d\t%s\t%.2f\t%.2f\t%.2f\t%.3f %%\t%.0f (+%.0f)\t%.0f (+%.0f)\t%.0f\t%s\n", rate, name,
			f.CPU, f.User, f.Kernel, 100*f.Loss, f.P50, f.AddedP50, f.P99, f.AddedP99, f.Allocations, ratio)
		if f.Skipped > 0.01 {
			fmt.Fprintf(t, "\t\tthe load itself was too much for this machine: %.0f %% not sent\n", 100*f.Skipped)
		}
	}
	fmt.Fprintf(w, "video in bursts of %d\n", r.Burst)
	fmt.Fprintln(t, "datagrams/s\tserver\tCPU s/million\tuser\tkernel\tlost\tp50 µs\tp99 µs\tallocations/s\tratio")
	for _, l := range r.Loads {
		row(l.Rate, "visavis", l.Visavis, ratioText(l.Ratio))
		if l.Offload != nil {
			row(l.Rate, "offload", *l.Offload, ratioText(l.RatioOffload))
		}
		if l.Reference != nil {
			row(l.Rate, reference, *l.Reference, "1")
		}
	}
	if r.Idle != nil {
		fmt.Fprintf(t, "\nidle\tserver\tbytes each\tCPU of all\n")
		fmt.Fprintf(t, "%d\tvisavis\t%.0f\t%.1f %%\n", r.Idle.Allocations, r.Idle.Visavis.Bytes, r.Idle.Visavis.CPU)
		if f := r.Idle.Reference; f != nil {
			fmt.Fprintf(t, "%d\t%s\t%.0f\t%.1f %%\n", r.Idle.Allocations, reference, f.Bytes, f.CPU)
		}
	}
	return t.Flush()
}

func ratioText(ratio *float64) string {
	if ratio == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *ratio)
}
