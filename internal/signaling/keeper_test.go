package signaling

import (
	"net/netip"
	"testing"
	"time"
)

// A server that was away itself, stopped or starved, does not hold it against its clients:
// their answers may be there and not have been read.
func TestStalledServerAsksAgain(t *testing.T) {
	n := parts(t, nil)
	sess := newSession(n.Server, site{}, netip.Prefix{})
	var k keeper
	k.add(sess)
	defer k.remove(sess)
	now := time.Now()
	beat := func(after time.Duration) (asks bool) {
		now = now.Add(after)
		s, ask := k.due(now)
		if s != sess {
			t.Fatalf("nobody is due after %v", after)
		}
		sess.chores.Wait()
		return ask
	}
	beat(pongTimeout)
	if !beat(pongTimeout) {
		t.Fatal("is not asked")
	}
	sess.kept.asked = sess.ping()
	if beat(10 * pongTimeout); sess.isCut {
		t.Error("was cut by a server that had been away")
	}
	if beat(pongTimeout); !sess.isCut {
		t.Error("goes on without an answer")
	}
}
