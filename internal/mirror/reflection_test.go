package mirror

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/protocol"
)

func TestPings(t *testing.T) {
	var r reflection
	now := time.Unix(1_700_000_000, 0)
	ping := func(n uint32) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{protocol.CheckPing}, n), make([]byte, 100)...)
	}
	for i, n := range []uint32{0, 1, 7} { // 2 to 6 were lost
		got, _ := r.take(ping(n), now)
		want := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{protocol.CheckPing}, n), uint32(i+1))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("ping %d (-want +got):\n%s", n, d)
		}
	}
	for range maxPings {
		_, _ = r.take(ping(8), now)
	}
	if got, _ := r.take(ping(9), now); got != nil {
		t.Errorf("ping beyond the limit: %v", got)
	}
}

func TestReport(t *testing.T) {
	var r reflection
	start := time.Unix(1_700_000_000, 0)
	up := make([]byte, protocol.CheckPacket)
	up[0] = protocol.CheckUp
	for _, ms := range []int{0, 10, 199, 200, 1000, 3199, 3200, 60_000} { // the last two are beyond the bins
		_, _ = r.take(up, start.Add(time.Duration(ms)*time.Millisecond))
	}
	got, _ := r.take([]byte{protocol.CheckReport}, start)
	bins := [protocol.CheckBins]uint32{0: 3300, 1: 1100, 5: 1100, 15: 1100}
	want := []byte{protocol.CheckReport}
	for _, n := range bins {
		want = binary.BigEndian.AppendUint32(want, n)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
}

func TestBursts(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, tt := range []struct {
		kbps, ms uint16
		want     burst
	}{
		{2000, 1500, burst{2_000_000, 1500 * time.Millisecond}},
		{65535, 65535, burst{protocol.CheckMaxBPS, protocol.CheckMaxMS * time.Millisecond}},
		{0, 100, burst{}},
		{100, 0, burst{}},
	} {
		var r reflection
		message := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{protocol.CheckDown}, tt.kbps), tt.ms)
		if _, got := r.take(message, now); got != tt.want {
			t.Errorf("down %d %d: got %v, want %v", tt.kbps, tt.ms, got, tt.want)
		}
		if tt.want == (burst{}) {
			continue
		}
		_, second := r.take(message, now)
		if _, third := r.take(message, now); second != tt.want || third != (burst{}) {
			t.Errorf("down %d %d again: %v, then %v; want one more", tt.kbps, tt.ms, second, third)
		}
		if bytes, most := protocol.CheckPacket*tt.want.due(time.Hour), tt.want.bitsPerSecond/8*2; bytes > most {
			t.Errorf("down %d %d: %d bytes, at most %d", tt.kbps, tt.ms, bytes, most)
		}
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	var r reflection
	for _, m := range [][]byte{nil, {0}, {99}, {protocol.CheckPing, 1, 2}, {protocol.CheckDown}, make([]byte, protocol.CheckPacket+1), {protocol.CheckBurst, 0, 0, 0, 0}} {
		if reply, b := r.take(m, time.Unix(0, 0)); reply != nil || b != (burst{}) {
			t.Errorf("%v: got %v, %v", m[:min(len(m), 5)], reply, b)
		}
	}
}
