package peer

import "testing"

func TestSequenceCountsWhatDidNotCome(t *testing.T) {
	tests := []struct {
		name    string
		numbers []uint16
		want    int64
	}{
		{"in order", []uint16{7, 8, 9}, 0},
		{"a gap of two", []uint16{7, 10}, 2},
		{"late after all", []uint16{7, 9, 8, 10}, 0},
		{"around the end of the numbers", []uint16{65_534, 65_535, 1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sequence
			var lost int64
			for _, n := range tt.numbers {
				lost += s.lost(n)
			}
			if lost != tt.want {
				t.Errorf("lost %d, want %d", lost, tt.want)
			}
		})
	}
}
