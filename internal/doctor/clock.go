package doctor

import (
	"context"
	"time"
)

const (
	// clockWarn and clockBad are how far two clocks may be apart: certificates, relay
	// credentials and links all have times in them.
	clockWarn = 2 * time.Second
	clockBad  = 60 * time.Second
)

// clockFacts are about this machine's clock.
type clockFacts struct {
	known, synced bool // what the kernel says
	others        []otherClock
}

// otherClock is that of another server.
type otherClock struct {
	origin        string
	ahead, unsure time.Duration
}

func checkClock(_ context.Context, _ *Config, here *place) []Finding {
	f := clockFacts{}
	f.known, f.synced = clockSynced()
	for _, v := range here.via {
		if v.greeting != nil {
			f.others = append(f.others, otherClock{v.origin, v.greeting.ahead, v.greeting.unsure})
		}
	}
	return judgeClock(f)
}

func judgeClock(f clockFacts) []Finding {
	var out []Finding
	switch {
	case !f.known:
	case f.synced:
		out = append(out, good("clock.sync", "the kernel says that the clock is kept right"))
	default:
		out = append(out, warn("clock.sync", "timedatectl set-ntp true (or chrony); in a container, on its host", "the kernel says that nobody keeps the clock right"))
	}
	for _, o := range f.others {
		out = append(out, judgeOffset("clock.offset", o))
	}
	return out
}

func judgeOffset(id string, o otherClock) Finding {
	off := max(0, o.ahead.Abs()-o.unsure)
	shown := o.ahead.Round(10 * time.Millisecond)
	switch {
	case off >= clockBad:
		return bad(id, "timedatectl set-ntp true on the one that is wrong", "the clock of %s is %v ahead of that of this machine: certificates and links of one are out of time at the other", o.origin, shown)
	case off >= clockWarn:
		return warn(id, "timedatectl set-ntp true on the one that is wrong", "the clock of %s is %v ahead of that of this machine", o.origin, shown)
	}
	return good(id, "the clock agrees with that of %s", o.origin)
}
