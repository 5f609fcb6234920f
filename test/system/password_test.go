package system

import (
	"testing"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link := s.NewCall(e2ee.FlagPassword)
	host := s.Host(link, func(c *peer.Config) { c.Password = "correct horse" })
	guest := s.Guest(link, nil) // asked for it
	testkit.AwaitPhase(guest, peer.PhasePassword)
	if err := guest.SetPassword("wrong horse"); err != nil {
		t.Fatal(err)
	}
	if wrong := testkit.Await[peer.PasswordWrong](host, nil); wrong.Left != e2ee.LimitGuesses-1 {
		t.Errorf("host is told %d guesses are left, want %d", wrong.Left, e2ee.LimitGuesses-1)
	}
	testkit.Await[peer.PasswordWrong](guest, nil)
	if testkit.Seen[peer.Knocked](host, nil) {
		t.Error("host hears a knock of somebody with a wrong password")
	}
	if err := guest.SetPassword("correct horse"); err != nil {
		t.Fatal(err)
	}
	testkit.AdmitKnock(host)
	testkit.AwaitLive(host, guest)
}

// Five wrong passwords lock the call; the right one does not help any more
// until the host says so. It takes 15 s, because the host answers each guess later.
func TestPasswordGuessing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the host's delays add up to 15 s")
	}
	s := testkit.StartServer(t)
	link := s.NewCall(e2ee.FlagPassword)
	host := s.Host(link, func(c *peer.Config) { c.Password = "correct horse" })
	testkit.AwaitPhase(host, peer.PhaseAlone)
	guest := s.Guest(link, func(c *peer.Config) { c.Password = "guess 0" })
	for left := e2ee.LimitGuesses - 1; left >= 0; left-- {
		if got := testkit.Await[peer.PasswordWrong](host, nil).Left; got != left {
			t.Fatalf("host is told that %d guesses are left, want %d", got, left)
		}
		if left == 0 {
			break
		}
		testkit.Await[peer.PasswordWrong](guest, nil)
		if err := guest.SetPassword("another guess"); err != nil {
			t.Fatal(err)
		}
	}
	if end := testkit.AwaitEnd(guest); end.Code != protocol.ErrorCodeLocked {
		t.Errorf("guessing guest ended with %+v, want E_LOCKED", end)
	}
	right := s.Guest(link, func(c *peer.Config) { c.Password = "correct horse" })
	if end := testkit.AwaitEnd(right); end.Code != protocol.ErrorCodeLocked {
		t.Errorf("guest with the right password ended with %+v, want E_LOCKED", end)
	}
	if testkit.Seen[peer.Knocked](host, nil) {
		t.Error("host heard a knock while the call was locked")
	}
	host.AllowMore()
	right = s.Guest(link, func(c *peer.Config) { c.Password = "correct horse" })
	testkit.AdmitKnock(host)
	testkit.AwaitLive(host, right)
}
