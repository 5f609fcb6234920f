package switchboard

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// empty is a registry that knows no call.
type empty struct{}

func (empty) Lookup(context.Context, protocol.ID) (call.Record, bool, error) {
	return call.Record{}, false, nil
}

func (empty) Register(_ context.Context, _ protocol.ID, r call.Record) (call.Record, error) {
	return r, nil
}
func (empty) End(context.Context, protocol.ID) error { return nil }

func start(maxCalls int, open func(int)) *Switchboard {
	return New(Config{
		MaxCalls: maxCalls,
		Call:     call.Config{Registry: empty{}},
		Log:      func(protocol.ID) *slog.Logger { return slog.New(slog.DiscardHandler) },
		Open:     open,
	})
}

func ignore(int) {}

// find returns the actor for id.
func find(t *testing.T, s *Switchboard, id protocol.ID, role protocol.Role) *call.Call {
	t.Helper()
	var got *call.Call
	if err := s.With(id, role, func(c *call.Call) error { got = c; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSameCallSameActor(t *testing.T) {
	s := start(10, ignore)
	defer s.Close()
	a := find(t, s, protocol.ID{1}, protocol.RoleGuest)
	if b := find(t, s, protocol.ID{1}, protocol.RoleHost); a != b {
		t.Error("one id, two actors")
	}
	if b := find(t, s, protocol.ID{2}, protocol.RoleHost); a == b {
		t.Error("two ids, one actor")
	}
}

func TestConcurrentStart(t *testing.T) {
	s := start(10, ignore)
	defer s.Close()
	var wg sync.WaitGroup
	got := make([]*call.Call, 16)
	for i := range got {
		wg.Go(func() { got[i] = find(t, s, protocol.ID{1}, protocol.RoleGuest) })
	}
	wg.Wait()
	for _, c := range got {
		if c != got[0] {
			t.Fatal("one id, two actors")
		}
	}
}

func TestLimitKeepsRoomForHosts(t *testing.T) {
	s := start(4, ignore)
	defer s.Close()
	for i := range 3 {
		find(t, s, protocol.ID{byte(i)}, protocol.RoleGuest)
	}
	full := func(role protocol.Role) bool {
		err := s.With(protocol.ID{99}, role, func(*call.Call) error { return nil })
		e, ok := errors.AsType[*protocol.WireError](err)
		return ok && e.Code == protocol.ErrorCodeRate
	}
	if !full(protocol.RoleGuest) {
		t.Error("a guest opened a call in the hosts' quarter")
	}
	find(t, s, protocol.ID{0}, protocol.RoleGuest) // an open call can still be joined
	find(t, s, protocol.ID{50}, protocol.RoleHost)
	if !full(protocol.RoleHost) {
		t.Error("more calls than the limit")
	}
}

func TestEndedActorIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		open := -1
		s := start(10, func(n int) { mu.Lock(); open = n; mu.Unlock() })
		a := find(t, s, protocol.ID{1}, protocol.RoleGuest)
		<-a.Done() // nobody took a seat
		synctest.Wait()
		mu.Lock()
		if open != 0 {
			t.Errorf("%d calls open, want 0", open)
		}
		mu.Unlock()
		if b := find(t, s, protocol.ID{1}, protocol.RoleGuest); a == b {
			t.Error("an ended actor was handed out")
		}
		s.Close()
	})
}

func TestStoppedActorIsReplaced(t *testing.T) {
	s := start(10, ignore)
	defer s.Close()
	runs := 0
	err := s.With(protocol.ID{1}, protocol.RoleGuest, func(*call.Call) error {
		if runs++; runs == 1 {
			return call.ErrStopped
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("With = %v after %d runs, want success after 2", err, runs)
	}
	err = s.With(protocol.ID{1}, protocol.RoleGuest, func(*call.Call) error { return call.ErrStopped })
	if !errors.Is(err, call.ErrStopped) {
		t.Errorf("With = %v, want ErrStopped in the end", err)
	}
}

func TestClose(t *testing.T) {
	s := start(10, ignore)
	c := find(t, s, protocol.ID{1}, protocol.RoleGuest)
	s.Close()
	select {
	case <-c.Done():
	default:
		t.Error("Close did not wait for the actor")
	}
	if err := s.With(protocol.ID{1}, protocol.RoleGuest, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("With after Close = %v, want ErrClosed", err)
	}
	s.Close() // again: nothing
}
