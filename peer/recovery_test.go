package peer

import (
	"slices"
	"testing"
	"time"
)

// outage asks a recovery every 100 ms what to do, as a call does.
type outage struct {
	recovery
	now  time.Time
	from time.Time
	at   []int64 // ms
}

func newOutage(guest bool) *outage {
	from := time.Unix(1_000_000, 0)
	return &outage{recovery: recovery{guest: guest}, now: from, from: from}
}

func (o *outage) ask() {
	if o.due(o.now) {
		o.restarts(o.now)
		o.at = append(o.at, o.now.Sub(o.from).Milliseconds())
	}
}

func (o *outage) wait(d time.Duration) {
	for end := o.now.Add(d); o.now.Before(end); {
		o.now = o.now.Add(pulseLook)
		o.ask()
	}
}

func (o *outage) lose() {
	o.begin(o.now)
	o.ask()
}

func (o *outage) check(t *testing.T, what string, want ...int64) {
	t.Helper()
	if !slices.Equal(o.at, want) {
		t.Errorf("%s: restarts at %v ms, want %v", what, o.at, want)
	}
}

func TestRecoverySchedule(t *testing.T) {
	host := newOutage(false)
	host.lose()
	host.wait(500 * ms)
	host.lose() // the same loss, seen twice
	host.wait(14_600 * ms)
	host.check(t, "host", 0, 1000, 3000, 7000, 11_000, 15_000)

	guest := newOutage(true)
	guest.lose()
	guest.wait(1400 * ms)
	guest.check(t, "a guest who hears nothing of the host", 200, 1400)

	guest.end()
	guest.wait(20 * time.Second)
	guest.check(t, "a guest whose media is back", 200, 1400)
}

func TestRecoveryLeavesTimeToTheOthersOffer(t *testing.T) {
	guest := newOutage(true)
	guest.lose()
	guest.wait(100 * ms)
	guest.theirs(guest.now)
	guest.wait(1200 * ms)
	guest.check(t, "guest", 1300)

	for _, role := range []bool{false, true} {
		late := newOutage(role)
		late.theirs(late.now)
		late.wait(100 * ms)
		late.lose()
		late.wait(900 * ms)
		late.check(t, "one who notices after the other side has offered")
	}
}

func TestRecoveryHurries(t *testing.T) {
	o := newOutage(false)
	o.hurry(o.now) // nothing is lost
	o.ask()
	o.lose()
	o.wait(5 * time.Second)
	for range 2 { // the same news from two sources
		o.hurry(o.now)
		o.ask()
	}
	o.wait(time.Second)
	o.check(t, "host", 0, 1000, 3000, 5000, 6000)
}

func TestRecoveryTriesAnotherConnection(t *testing.T) {
	o := newOutage(false)
	o.begin(o.now)
	vain := -1
	for i := range 8 {
		if o.restarts(o.now) {
			vain = i
			break
		}
	}
	if vain != recoveryInVain {
		t.Errorf("another connection is made after %d restarts, want %d", vain, recoveryInVain)
	}
	o.replaced(o.now)
	o.wait(5 * time.Second)
	o.check(t, "a new connection has 5 s to connect", 5000)
	if o.restarts(o.now) {
		t.Error("a new connection is given up at once")
	}
}

func TestRecoveryOfANewConnection(t *testing.T) {
	guest := newOutage(true)
	guest.lose()
	guest.wait(1300 * ms)
	guest.replaced(guest.now)
	guest.theirs(guest.now) // by the offer that made it
	guest.wait(9100 * ms)
	guest.check(t, "another connection has to connect first", 200, 10_300)
}
