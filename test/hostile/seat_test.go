package hostile

import (
	"testing"

	"github.com/visavis-call/visavis/protocol"
)

// A guest shows the seat it was given last, and no other; a host shows none,
// whatever a server gives it.
func TestSeatIsShownOnce(t *testing.T) {
	t.Parallel()
	const none = ""
	first, second := cid(1).String(), cid(2).String()
	for role, want := range map[protocol.Role][]string{
		protocol.RoleGuest: {none, first, second, none},
		protocol.RoleHost:  {none, none, none, none},
	} {
		l := StartLiar(t)
		if link := newLink(t, 0); role == protocol.RoleGuest {
			l.There.Guest(link, nil)
		} else {
			l.There.Host(link, nil)
		}
		for i, give := range []string{first, second, none, none} { // none: a server that knows no seats
			line := l.Next(t)
			line.Welcome()
			if got := line.Join().Seat; got != want[i] {
				t.Errorf("%s: join %d showed the seat %q, want %q", role, i+1, got, want[i])
			}
			line.Say(protocol.Joined{Seat: give})
			line.Say(protocol.Host{})
			line.Hangup()
		}
	}
	got(t, "B40", "shown once, to the server it is from")
}
