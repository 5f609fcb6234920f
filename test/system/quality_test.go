package system

import (
	"testing"

	"github.com/visavis-call/visavis/internal/testkit"
)

// What one side has measured reaches the other before the goodbye, and both keep
// a receipt.
func TestBothKeepAReceipt(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	host, guest := s.Live(nil)
	host.AwaitMoreFrames("3", 60) // two seconds of pictures: both have looked once at least
	guest.Hangup()
	ended := testkit.AwaitEnd(host)
	if ended.Receipt == nil || !ended.Receipt.Reported || ended.Receipt.MeasuredMS < 1_000 {
		t.Errorf("the host's receipt is %+v, want one of a second at least, with the guest's numbers", ended.Receipt)
	}
	if got := testkit.AwaitEnd(guest).Receipt; got == nil || got.MeasuredMS < 1_000 {
		t.Errorf("the guest's receipt is %+v, want one of a second at least", got)
	}
}
