package quality_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/visavis-call/visavis/peer/quality"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// well is a minute of a call in which all is well.
func well() sealed.Report {
	return sealed.Report{MS: 60_000, Packets: 6_000, Bytes: 9_000_000, RTT: 40, Kbps: 2_000}
}

// TestDiagnose reads what the browser's engine reads, too.
func TestDiagnose(t *testing.T) {
	data, err := os.ReadFile("../../protocol/testdata/vectors/quality.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name         string
		Mine, Theirs json.RawMessage // differences from a minute in which all is well
		Want         *struct {
			Side  quality.Side
			Cause quality.Cause
		}
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	mirror := map[quality.Side]quality.Side{
		quality.Mine: quality.Theirs, quality.Theirs: quality.Mine, quality.Between: quality.Between, quality.Server: quality.Server,
	}
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			mine, theirs := well(), well()
			if err := json.Unmarshal(tt.Mine, &mine); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(tt.Theirs, &theirs); err != nil {
				t.Fatal(err)
			}
			here, there := quality.Diagnose(mine, theirs), quality.Diagnose(theirs, mine)
			if tt.Want == nil {
				if len(here) > 0 {
					t.Fatalf("found %v, want nothing", here)
				}
				return
			}
			if len(here) == 0 || here[0].Side != tt.Want.Side || here[0].Cause != tt.Want.Cause {
				t.Fatalf("found %v, want %v first", here, *tt.Want)
			}
			if len(there) == 0 || there[0].Side != mirror[tt.Want.Side] || there[0].Cause != tt.Want.Cause {
				t.Errorf("the other side found %v, want the mirror image of %v", there, *tt.Want)
			}
		})
	}
}

func TestLogNamesTheWorstMinute(t *testing.T) {
	var log quality.Log
	for at := int64(5_000); at <= 180_000; at += 5_000 {
		mine := sealed.Report{At: at, MS: 5_000, Packets: 500}
		if at > 60_000 && at <= 120_000 {
			mine.Busy = 3_000
		}
		log.Mine(mine)
		log.Theirs(sealed.Report{At: at, MS: 5_000, Packets: 500}, time.Hour)
	}
	got := log.Receipt()
	if got.Worst == nil || got.Worst.Minute != 2 || got.Worst.Cause != quality.CPU || got.Worst.Side != quality.Mine {
		t.Errorf("worst = %+v, want minute 2, mine, cpu", got.Worst)
	}
	if !got.Reported || got.MeasuredMS != 180_000 {
		t.Errorf("receipt = %+v, want 180 s with reports of both", got)
	}
}

func TestLogOfAGoodCallHasNoWorstMinute(t *testing.T) {
	var log quality.Log
	log.Mine(sealed.Report{At: 5_000, MS: 5_000, Packets: 500, Hidden: 300})
	if got := log.Receipt(); got.Worst != nil || got.Reported {
		t.Errorf("receipt = %+v, want nothing worth a word, one-sided", got)
	}
}

// The other side's clock may be a little ahead: a report counts in its minute on
// both sides.
func TestLogPutsAReportInTheMinuteOfItsSender(t *testing.T) {
	var log quality.Log
	log.Theirs(sealed.Report{At: 61_000, MS: 5_000, Busy: 5_000}, 59*time.Second)
	if log.Theirs(sealed.Report{At: 61_000, MS: 5_000, Busy: 5_000}, 61*time.Second) {
		t.Error("a report that was said again is taken for another one")
	}
	if got := log.Receipt(); got.Worst == nil || got.Worst.Minute != 2 || got.Worst.Value != 5 {
		t.Errorf("worst = %+v, want 5 s in minute 2", got.Worst)
	}
}

// A stranger's numbers may be anything: they neither overflow nor fill memory.
func TestLogSurvivesClaims(t *testing.T) {
	var log quality.Log
	for i := range int64(100_000) {
		log.Theirs(sealed.Report{At: 1<<60 + i, MS: 1 << 60, Lost: 1 << 60, Packets: -5, Lossy: 1 << 60, RTT: 1 << 60}, 40*time.Second)
		log.Theirs(sealed.Report{At: -1<<60 + i, MS: -3, Lost: 1 << 60}, 40*time.Second)
	}
	got := log.Receipt()
	if got.Worst == nil || got.Worst.Minute != 1 || got.Worst.Weight < 0 || got.Worst.Value < 0 || got.Worst.Value > 1<<31 {
		t.Errorf("worst = %+v, want a bounded one in the first minute", got.Worst)
	}
}
