package hostile

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// end waits for the end of a party that may take its time to give up.
func end(t *testing.T, p *testkit.Party) peer.Ended {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(3 * testkit.Timeout):
		t.Fatalf("%s never gave up: %v", p.Name, p.Unread())
	}
	return testkit.AwaitEnd(p)
}

// stage is a server with a man in the middle in front of it.
func stage(t *testing.T) *Relay {
	t.Helper()
	return StartRelay(t, testkit.StartServer(t))
}

func withPassword(password string) func(*peer.Config) {
	return func(cfg *peer.Config) { cfg.Password = password }
}

// waiting is a call, with a password or "", whose host waits for somebody.
func waiting(there *testkit.Server, password string) (e2ee.Link, *testkit.Party) {
	var flags e2ee.Flags
	if password != "" {
		flags = e2ee.FlagPassword
	}
	link := there.NewCall(flags)
	host := there.Host(link, withPassword(password))
	testkit.AwaitPhase(host, peer.PhaseAlone)
	return link, host
}

// knock is that of a guest who was not let in yet.
type knock struct {
	link e2ee.Link
	peer.Knocked
}

// knocked is a call whose guest has knocked.
func knocked(r *Relay, password string) (host, guest *testkit.Party, k knock) {
	link, host := waiting(r.There, password)
	guest = r.There.Guest(link, withPassword(password))
	return host, guest, knock{link, testkit.Await[peer.Knocked](host, nil)}
}

// live is a call between two people who have each other's picture.
func live(r *Relay) (host, guest *testkit.Party) {
	host, guest = r.There.Live(nil)
	host.AwaitFrames("3", 5)
	guest.AwaitFrames("1", 5)
	return host, guest
}

// guestFrames are the outer frames that guests have sent so far.
func guestFrames(r *Relay) [][]byte {
	var frames [][]byte
	for _, m := range r.Log() {
		if m.Binary && !m.FromServer && m.Line.Role == protocol.RoleGuest {
			frames = append(frames, m.Frame())
		}
	}
	return frames
}

// got compares what an attack came to with the table, and says it for those who
// print the table.
func got(t *testing.T, id, outcome string) {
	t.Helper()
	a, ok := Find(id)
	if !ok {
		t.Fatalf("no attack %s in the table", id)
	}
	t.Logf("attack %s got: %s", id, outcome)
	if outcome != a.Expected {
		t.Errorf("%s (%s): got %q, want %q", id, a.Does, outcome, a.Expected)
	}
}

// untouched fails if anything of the other party was taken or shown.
func untouched(t *testing.T, parties ...*testkit.Party) {
	t.Helper()
	for _, p := range parties {
		if testkit.Seen[peer.Connected](p, nil) || len(p.Tracks()) > 0 {
			t.Errorf("%s was told that it is connected, or took media: %v", p.Name, p.Tracks())
		}
	}
}
