package relayload

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// The media of one party, by the second, and bytes of each packet.
const (
	audioRate, audioSize = 50, 120
	videoRate, videoSize = 150, 1100
	// PartyRate is the datagrams that one party sends in a second.
	PartyRate = audioRate + videoRate
)

const (
	// DefaultBurst is how many packets of video follow each other closely, unless a plan says otherwise: those of a
	// picture, since Chromium sends 40 ms of what it has at once (kDefaultBurstInterval in WebRTC's pacing_controller.h).
	// At 720 lines and 1.5 Mbit/s a burst has 6 packets in the median and 5.7 in the mean (make bench-bursts); five are
	// what makes 150 packets a second of 30 pictures.
	DefaultBurst = 5
	// MaxBurst is more than the largest that was seen.
	MaxBurst = 30
	// burstGap is how far apart the packets of a burst leave the browser (the median of make bench-bursts, too).
	burstGap = 40 * time.Microsecond

	audioEvery = time.Second / audioRate
)

// Calls is how many calls make a rate of relayed datagrams; at least one.
func Calls(rate int) int { return max((rate+PartyRate)/(2*PartyRate), 1) }

// sending is one packet of the schedule: when it is due in each cycle, whose it is, and its size.
type sending struct {
	at    time.Duration
	party int
	size  int
}

// schedule is who sends what, and when, again and again.
type schedule struct {
	cycle time.Duration
	all   []sending // by time
}

// newSchedule spreads sound evenly, and video in bursts of so many packets, whose beginnings are spread evenly;
// those of a party, and all of them. Where a burst is one packet, all packets are evenly spaced: every party
// sends one of four in its turn, and one in four is sound.
func newSchedule(parties, burst int) schedule {
	s := schedule{cycle: time.Duration(burst) * audioEvery}
	add := func(at time.Duration, party, size int) {
		s.all = append(s.all, sending{at % s.cycle, party, size})
	}
	const turns = PartyRate / audioRate
	for party := range parties {
		part := func(of time.Duration) time.Duration { return of * time.Duration(party) / time.Duration(parties) }
		if burst == 1 {
			for turn := range turns {
				at := part(s.cycle/turns) + time.Duration(turn)*s.cycle/turns
				if (turn+party)%turns == 0 {
					add(at, party, audioSize)
				} else {
					add(at, party, videoSize)
				}
			}
			continue
		}
		for i := range burst {
			add(part(audioEvery)+time.Duration(i)*audioEvery, party, audioSize)
		}
		const bursts = turns - 1 // in a cycle
		for i := range burst * bursts {
			begin := part(s.cycle/bursts) + time.Duration(i/burst)*s.cycle/bursts
			add(begin+time.Duration(i%burst)*burstGap, party, videoSize)
		}
	}
	slices.SortStableFunc(s.all, func(a, b sending) int { return cmp.Compare(a.at, b.at) })
	return s
}

// due is how many packets should have gone so long after the start.
func (s *schedule) due(after time.Duration) uint64 {
	if after <= 0 {
		return 0
	}
	within := after % s.cycle
	n := sort.Search(len(s.all), func(i int) bool { return s.all[i].at >= within })
	return uint64(after/s.cycle)*uint64(len(s.all)) + uint64(n)
}

// packet returns whose packet number k is, and its size.
func (s *schedule) packet(k uint64) (party, size int) {
	one := &s.all[k%uint64(len(s.all))]
	return one.party, one.size
}
