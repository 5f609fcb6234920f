package signalload

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

// Figures are those of one server: medians of its turns.
type Figures struct {
	Bytes   float64 `json:"bytes_per_idle_connection"`
	IdleCPU float64 `json:"idle_cpu_percent"` // of one processor
	Opened  float64 `json:"opened_per_s"`
	Rate    float64 `json:"delivered_per_s"`
	Loss    float64 `json:"loss"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	CPU     float64 `json:"cpu_s_per_million"` // frames
	Skipped float64 `json:"not_sent"`          // share of the load
}

// Report is all of it. The ratios are null without a reference.
type Report struct {
	Bytes     float64  `json:"bytes_per_idle_connection"`
	P99       float64  `json:"p99_ms"`
	RatioCPU  *float64 `json:"ratio_cpu"`
	RatioP99  *float64 `json:"ratio_p99"`
	RatioIdle *float64 `json:"ratio_bytes"`
	Where     string   `json:"where"`
	Idle      int      `json:"idle"`
	Active    int      `json:"active"`
	Sent      int      `json:"frames_per_s"`
	Visavis   Figures  `json:"visavis"`
	Reference *Figures `json:"reference,omitempty"`
}

// Sum puts the turns together; reference has as many as own, or none.
func Sum(loads Loads, own, reference []*Turn) *Report {
	r := &Report{Idle: loads.Idle, Active: loads.Active, Sent: loads.Plan.Rate, Visavis: figures(own)}
	r.Bytes, r.P99 = r.Visavis.Bytes, r.Visavis.P99
	if len(reference) == 0 {
		return r
	}
	f := figures(reference)
	r.Reference = &f
	r.RatioCPU = ratio(own, reference, (*Turn).Million)
	r.RatioP99 = ratio(own, reference, func(t *Turn) float64 { return t.Result.Latency.Quantile(0.99).Seconds() })
	r.RatioIdle = ratio(own, reference, func(t *Turn) float64 { return t.Bytes })
	return r
}

func ratio(own, reference []*Turn, f func(*Turn) float64) *float64 {
	v, ok := bench.PairedRatio(each(own, f), each(reference, f))
	if !ok {
		return nil
	}
	v = round(v, 3)
	return &v
}

func figures(turns []*Turn) Figures {
	median := func(digits int, f func(*Turn) float64) float64 { return round(bench.Median(each(turns, f)), digits) }
	quantile := func(q float64) func(*Turn) float64 {
		return func(t *Turn) float64 { return float64(t.Result.Latency.Quantile(q)) / float64(time.Millisecond) }
	}
	return Figures{
		Bytes:   median(0, func(t *Turn) float64 { return t.Bytes }),
		IdleCPU: median(1, func(t *Turn) float64 { return 100 * t.IdleCPU }),
		Opened:  median(0, func(t *Turn) float64 { return t.Opened }),
		Rate:    median(0, func(t *Turn) float64 { return float64(t.Result.Received) / t.Measuring.Seconds() }),
		Loss: median(5, func(t *Turn) float64 {
			return 1 - float64(t.Result.Received)/max(float64(t.Result.Sent), 1)
		}),
		P50: median(3, quantile(0.5)),
		P99: median(3, quantile(0.99)),
		CPU: median(1, (*Turn).Million),
		Skipped: median(4, func(t *Turn) float64 {
			return float64(t.Result.Skipped) / max(float64(t.Result.Skipped+t.Result.Sent), 1)
		}),
	}
}

func each(turns []*Turn, f func(*Turn) float64) []float64 {
	out := make([]float64, len(turns))
	for i, t := range turns {
		out[i] = f(t)
	}
	return out
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// Print writes a table for people.
func (r *Report) Print(w io.Writer, reference string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "server\tbytes/idle connection\tCPU idle\topened/s\tframes/s\tlost\tp50 ms\tp99 ms\tCPU s/million frames")
	row := func(name string, f Figures) {
		fmt.Fprintf(t, "%s\t%.0f\t%.1f %%\t%.0f\t%.0f\t%.3f %%\t%.2f\t%.2f\t%.1f\n",
			name, f.Bytes, f.IdleCPU, f.Opened, f.Rate, 100*f.Loss, f.P50, f.P99, f.CPU)
		if f.Skipped > 0.01 {
			fmt.Fprintf(t, "\tthe load itself was too much for this machine: %.0f %% not sent\n", 100*f.Skipped)
		}
	}
	row("visavis", r.Visavis)
	if r.Reference != nil {
		row(reference, *r.Reference)
	}
	if r.RatioIdle != nil && r.RatioP99 != nil && r.RatioCPU != nil {
		fmt.Fprintf(t, "ratio\t%.2f\t\t\t\t\t\t%.2f\t%.2f\n", *r.RatioIdle, *r.RatioP99, *r.RatioCPU)
	}
	return t.Flush()
}
