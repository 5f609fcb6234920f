package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 100}, 3},
	} {
		if got := Median(tt.values); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestRatioIsOfPairs(t *testing.T) {
	// The machine became slower from pair to pair: that is no difference of the two.
	got, ok := PairedRatio([]float64{1, 2, 4}, []float64{2, 4, 8})
	if !ok || got != 0.5 {
		t.Errorf("got %v, %v; want 0.5", got, ok)
	}
	if got, ok := PairedRatio([]float64{1, 0}, []float64{0}); ok {
		t.Errorf("ratio %v of slices in which nothing arrived", got)
	}
}

func TestTurnsAlternate(t *testing.T) {
	var order []string
	note := func(turn, subject int) error {
		order = append(order, fmt.Sprintf("%d%c", turn, rune(65+subject)))
		return nil
	}
	if err := Alternate(2, 2, note); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0A", "0B", "1A", "1B"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	failure := errors.New("over")
	calls := 0
	err := Alternate(2, 2, func(int, int) error { calls++; return failure })
	if !errors.Is(err, failure) || calls != 1 {
		t.Errorf("got %v after %d calls, want the first error after one", err, calls)
	}
}

func TestQuantiles(t *testing.T) {
	var h, other Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	values := make([]time.Duration, 20_000)
	for i := range values {
		values[i] = time.Duration(1) << rand.IntN(40) * time.Duration(1+rand.IntN(1000)) / 500
		if i%2 == 0 {
			h.Add(values[i])
		} else {
			other.Add(values[i])
		}
	}
	h.Merge(&other)
	slices.Sort(values)
	for _, q := range []float64{0, 0.01, 0.5, 0.99, 1} {
		exact := values[max(int(q*float64(len(values))+0.5)-1, 0)]
		if got := h.Quantile(q); got < exact || float64(got) > float64(exact)*(1+1.0/subBuckets) {
			t.Errorf("quantile %v: got %v, want %v and not more than 1/%d above", q, got, exact, subBuckets)
		}
	}
	if h.Count() != uint64(len(values)) {
		t.Errorf("counted %d of %d", h.Count(), len(values))
	}
	h.Add(-time.Second)
	h.Add(1<<63 - 1)
	if h.Quantile(0) != 0 || h.Quantile(1) < 1<<62 {
		t.Errorf("the ends are %v and %v", h.Quantile(0), h.Quantile(1))
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("16687 (a (b) c) R 16676 16676 12888 0 -1 4194304 101 0 0 0 123 45 0 0 20 0 1 0 68290 3133440 393\n"))
	if want := (CPU{1230 * time.Millisecond, 450 * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := parseStat([]byte("nonsense")); err == nil {
		t.Error("nonsense was read as processor time")
	}
}

func TestParseResident(t *testing.T) {
	got, err := parseResident([]byte("Name:\tx\nVmHWM:\t  900 kB\nVmRSS:\t  512 kB\n"))
	if err != nil || got != 512<<10 {
		t.Errorf("got %d, %v; want %d", got, err, 512<<10)
	}
	if _, err := parseResident([]byte("Name:\tx\nState:\tZ (zombie)\n")); err == nil {
		t.Error("a process that has ended has memory")
	}
}

func TestOwnProcess(t *testing.T) {
	if _, err := ProcessCPU(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := Resident(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("this process has %d bytes, %v", n, err)
	}
}

func TestChild(t *testing.T) {
	c, err := Start(t.Context(), []string{"WORD=ready"}, "sh", "-c", "echo $WORD; exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	err = c.Ready(t.Context(), 10*time.Second, func(context.Context) error {
		if c.Output() != "ready\n" {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestChildThatDoesNotStart(t *testing.T) {
	c, err := Start(t.Context(), nil, "sh", "-c", "echo no such setting >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	err = c.Ready(t.Context(), 10*time.Second, func(context.Context) error { return errors.New("nobody answers") })
	if err == nil || !strings.Contains(err.Error(), "no such setting") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v; want what it said and how it ended", err)
	}
}
