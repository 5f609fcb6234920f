package peer

import (
	"slices"
	"testing"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

func TestRelayTransports(t *testing.T) {
	all := []protocol.Server{
		{URLs: []string{"stun:a:1"}},
		{URLs: []string{"turn:a:1?transport=udp", "turn:a:1", "turn:a:1?transport=tcp", "turns:a:1?transport=tcp"}},
	}
	if got, want := relayTransports(all), []RelayTransport{RelayUDP, RelayTCP, RelayTLS}; !slices.Equal(got, want) {
		t.Errorf("offered: %v, want %v", got, want)
	}
	for only, want := range map[RelayTransport][]string{
		RelayUDP:  {"stun:a:1", "turn:a:1?transport=udp", "turn:a:1"},
		RelayTCP:  {"stun:a:1", "turn:a:1?transport=tcp"},
		RelayTLS:  {"stun:a:1", "turns:a:1?transport=tcp"},
		RelayNone: {"stun:a:1"},
	} {
		var got []string
		for _, s := range iceServers(all, only) {
			got = append(got, s.URLs...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("only %s: %v, want %v", only, got, want)
		}
	}
}

// play gives the meter packets of 20 ms whose time on the way is that of their number.
func play(s *soundMeter, first, n uint16, way func(uint16) time.Duration) {
	start := time.Unix(0, 0)
	for i := range n {
		d := way(i)
		if d < 0 {
			continue // lost
		}
		at := start.Add(time.Duration(i)*20*time.Millisecond + d)
		s.came(soundPacket{first + i, uint32(first) + uint32(i)*960, at})
	}
}

func TestSoundMeter(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name        string
		way         func(uint16) time.Duration
		lost        int
		least, most time.Duration
	}{
		{"steady", func(uint16) time.Duration { return 30 * ms }, 0, 0, 0},
		{"every second 4 ms late", func(i uint16) time.Duration { return 30*ms + time.Duration(i%2)*4*ms }, 0, 4 * ms, 4 * ms},
		{"every tenth is lost", func(i uint16) time.Duration {
			if i%10 == 5 {
				return -1
			}
			return 30 * ms
		}, 10, 0, 0},
		{"what waited at first is no jitter", func(i uint16) time.Duration { return max(0, 400*ms-time.Duration(i)*20*ms) }, 0, 0, 0},
	} {
		var s soundMeter
		s.begin()
		play(&s, 65_500, 100, tt.way) // the numbers begin again in the middle
		came, lost, jitter := s.result()
		if came != 100-tt.lost || lost != tt.lost || jitter < tt.least || jitter > tt.most {
			t.Errorf("%s: came %d, lost %d, jitter %v", tt.name, came, lost, jitter)
		}
	}
}

// Another connection numbers its packets anew: that is no loss.
func TestSoundMeterGoesOnWithAnotherTrack(t *testing.T) {
	var s soundMeter
	for _, first := range []uint16{100, 40_000} {
		s.begin()
		play(&s, first, 50, func(uint16) time.Duration { return 0 })
	}
	if came, lost, _ := s.result(); came != 100 || lost != 0 {
		t.Errorf("came %d, lost %d; want 100, 0", came, lost)
	}
}
