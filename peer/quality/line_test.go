package quality_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/visavis-call/visavis/peer/quality"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// lineCase is a minute of a line, and between which numbers what is found has to
// be. Times in s, but for Late, Ahead and Looks.
type lineCase struct {
	Name   string
	Loss   [2]float64 // every fifth packet is lost
	Outage [2]float64 // nothing comes
	Late   []int      // ms by which a report is held up
	Ahead  int        // ms, the sender's clock
	Looks  int        // ms between two
	Busy   [2]float64 // three times as much is sent
	Anew   int        // it goes on with another count
	Twice  bool       // every tenth packet comes twice
	Silent bool       // it does not count
	Want   *struct{ Lost, Lossy [2]int }
}

type (
	packet struct{ due, count int }
	posted struct {
		due    int
		report sealed.Report
	}
)

// run sends a packet each 10 ms and a report each 5 s; the other end looks once a
// second, at moments of its own.
func (c *lineCase) run() (quality.LineLoss, bool) {
	const way = 50 // ms
	within := func(t int, s [2]float64) bool { return float64(t) >= s[0]*1000 && float64(t) < s[1]*1000 }
	ms := func(t int) time.Duration { return time.Duration(t) * time.Millisecond }
	var (
		line       quality.Line
		reports    []posted
		arriving   []packet
		sent       int
		came, seen = 0, -1
		looks      = c.Looks
	)
	if looks == 0 {
		looks = 1000
	}
	for t := 0; t < 60_000; t += 10 {
		packets := 1
		if within(t, c.Busy) {
			packets = 3
		}
		sent += packets
		if !within(t, c.Outage) && (!within(t, c.Loss) || sent%5 != 0) {
			p := packet{t + way, packets}
			if c.Twice && sent%10 == 0 {
				p.count = 2
			}
			arriving = append(arriving, p)
		}
		for len(arriving) > 0 && arriving[0].due <= t {
			came += arriving[0].count
			arriving = arriving[1:]
		}
		if t%5000 == 0 && t > 0 {
			due := t + way
			if within(t, c.Outage) {
				due = int(c.Outage[1]*1000) + way
			}
			if i := t/5000 - 1; i < len(c.Late) {
				due += c.Late[i]
			}
			r := sealed.Report{At: int64(t + c.Ahead), Sent: sent}
			switch {
			case c.Silent:
				r.Sent = 0
			case c.Anew > 0 && t >= c.Anew*1000:
				r.Sent, r.Path = sent+9_000, 1
			}
			reports = append(reports, posted{due, r})
		}
		for len(reports) > 0 && reports[0].due <= t { // in order, as a data channel delivers
			line.Heard(reports[0].report, ms(t))
			reports = reports[1:]
		}
		if t%looks != 320 {
			continue
		}
		if came == seen {
			line.Cut()
		} else {
			line.Look(ms(t), came)
		}
		seen = came
	}
	return line.Take(ms(60_000))
}

// TestLine reads what the browser's engine reads, too.
func TestLine(t *testing.T) {
	data, err := os.ReadFile("../../protocol/testdata/vectors/line.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []lineCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			got, known := tt.run()
			if known != (tt.Want != nil) {
				t.Fatalf("known = %v, want %v", known, tt.Want != nil)
			}
			if tt.Want == nil {
				return
			}
			in := func(n int, want [2]int) bool { return n >= want[0] && n <= want[1] }
			if !in(got.Lost, tt.Want.Lost) || !in(got.Lossy, tt.Want.Lossy) {
				t.Errorf("found %+v, want %+v", got, *tt.Want)
			}
		})
	}
}

// A stranger's counts may be anything.
func TestLineSurvivesClaims(t *testing.T) {
	var line quality.Line
	for i := range 1_000 {
		now := time.Duration(i) * time.Second
		line.Heard(sealed.Report{At: 1 << 62, Sent: 1 << 62}, now)
		line.Heard(sealed.Report{At: -1 << 62, Sent: 5}, now)
		line.Heard(sealed.Report{At: int64(i * 1_000), Sent: (i % 2) << 31, Path: -i % 3}, now)
		line.Look(now, i*100)
		got, _ := line.Take(now)
		if got.Packets < 0 || got.Lost < 0 || got.Lossy < 0 {
			t.Fatalf("found %+v, want no negative count", got)
		}
	}
}

func TestAddKeepsTheShareOfALossyLine(t *testing.T) {
	well := sealed.Report{MS: 5_000, Packets: 900, Lost: 1, RTT: 20}
	poor := sealed.Report{MS: 5_000, Packets: 400, Lost: 100, Lossy: 5_000, RTT: 20}
	if got := quality.Add(quality.Add(well, poor), well); got.Packets != 400 || got.Lost != 100 || got.Lossy != 5_000 || got.MS != 15_000 {
		t.Errorf("sum = %+v, want the counts of the lossy one alone", got)
	}
	if got := quality.Add(poor, poor); got.Packets != 800 || got.Lost != 200 || got.Lossy != 10_000 {
		t.Errorf("sum = %+v, want both", got)
	}
}
