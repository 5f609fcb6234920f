package relay

import (
	"net/netip"
	"testing"
	"time"
)

// A channel that was asked for before the end of its call is not handed over after it, not
// for a moment: the end has been told to whoever wanted it.
func TestLateWishIsNotGranted(t *testing.T) {
	l := newLine(t, PathFast, Limits{})
	a, b := l.pair()
	a.table.bound = netip.MustParseAddrPort("192.0.2.1:443")
	k := &kernel{metrics: l.metrics, limits: &l.limits, wishes: make(chan wish, 1), calls: map[*call][]*kernelRoute{}, ledgers: map[*allocation]*ledgers{}}
	k.epoch.Store(1)
	l.kernel.Store(k) // which has no program: whoever asks it for something falls over
	if to, _, _ := a.table.forward(channelData(channelOf(b), nil), a.client.addr, time.Now()); to == nil {
		t.Fatal("left to pion")
	}
	w := <-k.wishes
	l.end("aaaaaaaaaaaaaaaa", time.Now())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.add(w)
	if len(k.calls) > 0 || len(k.ledgers) > 0 {
		t.Error("a channel of a call that is over was handed over")
	}
}
