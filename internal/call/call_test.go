package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testID = protocol.ID{1, 2, 3}

// party records what the call tells it.
type party struct {
	mu  sync.Mutex
	got []string
}

func (p *party) note(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, s)
}

func (p *party) Send(m protocol.ServerMessage)     { p.note(string(protocol.EncodeServer(m))) }
func (p *party) Forward(slot uint16, outer []byte) { p.note(fmt.Sprintf("frame %d %s", slot, outer)) }
func (p *party) GrantRelay()                       { p.note("relay") }
func (p *party) Probe(context.Context)             { p.note("probe") }
func (p *party) Close(code int)                    { p.note(fmt.Sprintf("close %d", code)) }

// take returns what came since the last take, once the call is quiet.
func (p *party) take() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// memory is a registry with one call, and failures on demand.
type memory struct {
	mu     sync.Mutex
	record *Record
	ended  bool
	fail   error
}

func (m *memory) Lookup(context.Context, protocol.ID) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record == nil || m.fail != nil {
		return Record{}, false, m.fail
	}
	return *m.record, true, nil
}

func (m *memory) Register(_ context.Context, _ protocol.ID, r Record) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return Record{}, m.fail
	}
	if m.record == nil {
		m.record = &r
	}
	return *m.record, nil
}

func (m *memory) End(context.Context, protocol.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.ended = true
	}
	return m.fail
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// fixture is a call in a bubble of fake time.
type fixture struct {
	*Call
	memory     *memory
	mu         sync.Mutex
	relayEnded int
	revoked    int
	drops      []string
}

func start(t *testing.T, m *memory) *fixture {
	f := &fixture{memory: m}
	f.Call = Start(t.Context(), testID, Config{
		Registry:    m,
		EndRelay:    func(protocol.ID) { f.mu.Lock(); f.relayEnded++; f.mu.Unlock() },
		RevokeRelay: func(protocol.ID) { f.mu.Lock(); f.revoked++; f.mu.Unlock() },
		Drop:        func(r string) { f.mu.Lock(); f.drops = append(f.drops, r); f.mu.Unlock() },
		Forward:     func(int) {},
		Log:         slog.New(slog.DiscardHandler),
	})
	return f
}

func inAnHour() *memory {
	return &memory{record: &Record{Key: testKey, Expires: time.Now().Add(time.Hour)}}
}

func want(t *testing.T, p *party, lines ...string) {
	t.Helper()
	if d := cmp.Diff(lines, p.take()); d != "" {
		t.Errorf("party was told (-want +got):\n%s", d)
	}
}

func codeOf(err error) protocol.ErrorCode {
	if e, ok := errors.AsType[*protocol.WireError](err); ok {
		return e.Code
	}
	return ""
}

func mustJoin(t *testing.T) func(Conn, error) Conn {
	return func(c Conn, err error) Conn {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestFramesAndGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := start(t, inAnHour())
		var h, g party
		hc := mustJoin(t)(f.JoinHost(ctx, &h, hostCID, "1", nil))
		gc := mustJoin(t)(f.JoinGuest(ctx, &g, guestCID, "2", Claim{}))
		h.take()
		g.take()
		for _, err := range []error{
			f.Forward(ctx, gc, 0, []byte("up")), f.Forward(ctx, hc, 1, []byte("down")),
			f.Forward(ctx, hc, 4, []byte("lost")), f.Handle(ctx, hc, protocol.Grant{Slot: 1}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		want(t, &h, "frame 1 up")
		want(t, &g, "frame 0 down", "relay")
		if d := cmp.Diff([]string{"no_guest"}, f.drops); d != "" {
			t.Errorf("drops (-want +got):\n%s", d)
		}
	})
}

// Who only rehearses has not been let in, and the log does not say so.
func TestAdmissionIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := Start(t.Context(), testID, Config{Registry: inAnHour(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		var h, g party
		hc := mustJoin(t)(c.JoinHost(t.Context(), &h, hostCID, "", nil))
		mustJoin(t)(c.JoinGuest(t.Context(), &g, guestCID, "", Claim{}))
		for i, m := range []protocol.Grant{{Slot: 1, Rehearsal: true}, {Slot: 1}, {Slot: 1}} {
			if err := c.Handle(t.Context(), hc, m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got, want := strings.Count(log.String(), "guest admitted"), min(i, 1); got != want {
				t.Errorf("after grant %d: logged %d times, want %d", i, got, want)
			}
		}
	})
}

func TestExpiryEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, inAnHour())
		var g party
		mustJoin(t)(f.JoinGuest(t.Context(), &g, guestCID, "", Claim{}))
		g.take()
		time.Sleep(time.Hour - time.Millisecond)
		want(t, &g)
		time.Sleep(time.Millisecond)
		want(t, &g, `{"type":"ended","reason":"expired"}`, "close 4000")
		if f.relayEnded != 1 || f.memory.ended {
			t.Errorf("relay ended %d times, registry %v; want 1, false", f.relayEnded, f.memory.ended)
		}
		if _, err := f.JoinGuest(t.Context(), &g, guestCID, "", Claim{}); codeOf(err) != protocol.ErrorCodeGone {
			t.Errorf("join after expiry: %v, want %s", err, protocol.ErrorCodeGone)
		}
	})
}

func TestEmptyCallLingersThenStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, inAnHour())
		var g party
		gc := mustJoin(t)(f.JoinGuest(t.Context(), &g, guestCID, "", Claim{}))
		time.Sleep(2 * linger) // seated: does not count
		f.Leave(gc)
		time.Sleep(linger - time.Millisecond)
		synctest.Wait()
		select {
		case <-f.Done():
			t.Fatal("stopped before the time")
		default:
		}
		time.Sleep(time.Millisecond)
		<-f.Done()
		if _, err := f.JoinGuest(t.Context(), &g, guestCID, "", Claim{}); !errors.Is(err, ErrStopped) {
			t.Errorf("join: %v, want ErrStopped", err)
		}
		f.Leave(gc) // must not hang
	})
}

func TestReturnWithinLingerKeepsTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := start(t, inAnHour())
		var h, g party
		hc := mustJoin(t)(f.JoinHost(ctx, &h, hostCID, "", nil))
		if err := f.Handle(ctx, hc, protocol.Lock{}); err != nil {
			t.Fatal(err)
		}
		f.Leave(hc)
		time.Sleep(linger - time.Second)
		if _, err := f.JoinGuest(ctx, &g, guestCID, "", Claim{}); codeOf(err) != protocol.ErrorCodeLocked {
			t.Errorf("join: %v, want %s", err, protocol.ErrorCodeLocked)
		}
	})
}

func TestEndLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := start(t, inAnHour())
		var h, g party
		hc := mustJoin(t)(f.JoinHost(ctx, &h, hostCID, "", nil))
		mustJoin(t)(f.JoinGuest(ctx, &g, guestCID, "", Claim{}))
		h.take()
		g.take()
		f.memory.setFail(errors.New("disk full"))
		if err := f.Handle(ctx, hc, protocol.End{}); err == nil || codeOf(err) != "" {
			t.Errorf("end with a failing registry: %v, want an internal error", err)
		}
		want(t, &h)
		want(t, &g)
		f.memory.setFail(nil)
		if err := f.Handle(ctx, hc, protocol.End{Req: "9"}); err != nil {
			t.Fatal(err)
		}
		want(t, &h, `{"type":"ended","req":"9","reason":"host"}`, "close 4000")
		want(t, &g, `{"type":"ended","reason":"host"}`, "close 4000")
		if !f.memory.ended || f.relayEnded == 0 {
			t.Error("the end was not made to last")
		}
	})
}

func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := start(t, &memory{})
		var g party
		mustJoin(t)(f.JoinGuest(ctx, &g, guestCID, "", Claim{})) // waits for a call that does not exist yet
		if _, known, err := f.Key(ctx); known || err != nil {
			t.Errorf("Key = %v, %v; want unknown", known, err)
		}
		expires := time.Now().Add(time.Hour)
		if got, err := f.Register(ctx, testKey, expires); err != nil || !got.Equal(expires) {
			t.Errorf("Register = %v, %v", got, err)
		}
		if got, err := f.Register(ctx, testKey, expires.Add(time.Hour)); err != nil || !got.Equal(expires) {
			t.Errorf("repeated Register = %v, %v; want the first expiry", got, err)
		}
		if _, err := f.Register(ctx, [32]byte{9}, expires); codeOf(err) != protocol.ErrorCodeGone {
			t.Errorf("Register with another key: %v, want %s", err, protocol.ErrorCodeGone)
		}
		g.take()
		var h party
		mustJoin(t)(f.JoinHost(ctx, &h, hostCID, "", nil))
		want(t, &g, fmt.Sprintf(`{"type":"host","online":true,"cid":"%s"}`, hostCID))
	})
}

func TestFailingRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, &memory{fail: errors.New("no disk")})
		var g party
		if _, err := f.JoinGuest(t.Context(), &g, guestCID, "", Claim{}); err == nil || errors.Is(err, ErrStopped) || codeOf(err) != "" {
			t.Errorf("join: %v, want the registry's error", err)
		}
		<-f.Done() // so that the next request starts over
	})
}

// The switchboard of a server that stops.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := 0
		c := Start(t.Context(), testID, Config{
			Registry: inAnHour(), Log: slog.New(slog.DiscardHandler), Stopped: func(*Call) { stopped++ },
		})
		var g party
		gc := mustJoin(t)(c.JoinGuest(t.Context(), &g, guestCID, "", Claim{}))
		c.Stop()
		c.Stop()
		<-c.Done()
		if stopped != 1 {
			t.Errorf("stopped was told %d times", stopped)
		}
		if err := c.Forward(t.Context(), gc, 0, nil); !errors.Is(err, ErrStopped) {
			t.Errorf("forward: %v, want ErrStopped", err)
		}
		if c.TryForward(gc, 0, nil) {
			t.Error("something was forwarded")
		}
		c.Leave(gc)
	})
}

// blocked is a registry that answers when it is told to.
type blocked struct {
	*memory
	asked, answer chan struct{}
}

func (b blocked) Register(ctx context.Context, id protocol.ID, r Record) (Record, error) {
	close(b.asked)
	<-b.answer
	return b.memory.Register(ctx, id, r)
}

// Frames come out in the order of their coming, and nobody who must not wait waits for
// one who does.
func TestFramesWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := blocked{&memory{}, make(chan struct{}), make(chan struct{})}
		c := Start(t.Context(), testID, Config{
			Registry: b, Log: slog.New(slog.DiscardHandler), Drop: func(string) {}, Forward: func(int) {},
		})
		if c.TryForward(1, 0, nil) {
			t.Error("a call that was not looked up takes frames")
		}
		var h, g party
		gc := mustJoin(t)(c.JoinGuest(t.Context(), &g, guestCID, "", Claim{}))
		var doing sync.WaitGroup
		defer doing.Wait()
		doing.Go(func() { _, _ = c.Register(t.Context(), testKey, time.Now().Add(time.Hour)) })
		<-b.asked
		if c.TryForward(gc, 0, []byte("now")) {
			t.Error("two act at once")
		}
		doing.Go(func() { _, _ = c.JoinHost(t.Context(), &h, hostCID, "", nil) })
		synctest.Wait()
		for _, text := range []string{"first", "second"} {
			doing.Go(func() { _ = c.Forward(t.Context(), gc, 0, []byte(text)) })
			synctest.Wait()
		}
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Forward(late, gc, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("forward, a second later: %v", err)
		}
		close(b.answer)
		got := h.take()
		if want := []string{"frame 1 first", "frame 1 second"}; len(got) != 4 || cmp.Diff(want, got[2:]) != "" {
			t.Errorf("the host was told %q, want %q in the end", got, want)
		}
		if !c.TryForward(gc, 0, []byte("third")) {
			t.Error("a call in which nothing happens does not take a frame")
		}
		want(t, &h, "frame 1 third")
	})
}

// What happens most, a frame that is passed on, leaves no garbage.
func TestFramesLeaveNoGarbage(t *testing.T) {
	c := Start(t.Context(), testID, Config{
		Registry: inAnHour(), Log: slog.New(slog.DiscardHandler), Drop: func(string) {}, Forward: func(int) {},
	})
	defer c.Stop()
	var h, g silent
	hc := mustJoin(t)(c.JoinHost(t.Context(), h, hostCID, "", nil))
	gc := mustJoin(t)(c.JoinGuest(t.Context(), g, guestCID, "", Claim{}))
	outer := make([]byte, 552)
	if n := testing.AllocsPerRun(100, func() {
		if !c.TryForward(gc, 0, outer) || c.Forward(t.Context(), hc, 1, outer) != nil {
			t.Error("not forwarded")
		}
	}); n != 0 {
		t.Errorf("%v allocations for two frames", n)
	}
}

// silent takes everything and keeps nothing.
type silent struct{}

func (silent) Send(protocol.ServerMessage) {}
func (silent) Forward(uint16, []byte)      {}
func (silent) GrantRelay()                 {}
func (silent) Close(int)                   {}
func (silent) Probe(context.Context)       {}
