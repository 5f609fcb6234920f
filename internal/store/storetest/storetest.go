// Package storetest is the one suite that every [store.Store] must pass.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/visavis-call/visavis/internal/store"
	"github.com/visavis-call/visavis/protocol"
)

// Run runs the suite. Each test opens a store of its own.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"lookup of nothing":       testLookupOfNothing,
		"create, look up":         testCreate,
		"first come":              testFirstCome,
		"one winner":              testOneWinner,
		"end leaves a tombstone":  testEnd,
		"expiry":                  testExpiry,
		"purge":                   testPurge,
		"id free after tombstone": testFreeAgain,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var start = time.UnixMilli(1_800_000_000_000)

func newCall(n byte) store.Call {
	return store.Call{ID: protocol.ID{n, 0, 0xff}, Key: [32]byte{n, 1, 2}, Expires: start.Add(time.Hour)}
}

func over(c store.Call) store.Call {
	c.Key, c.Over = [32]byte{}, true
	return c
}

func create(t *testing.T, s store.Store, c store.Call) {
	t.Helper()
	if _, err := s.Create(t.Context(), c, start); err != nil {
		t.Fatal(err)
	}
}

// is checks what the store knows of a call; want nil: nothing.
func is(t *testing.T, s store.Store, id protocol.ID, now time.Time, want *store.Call) {
	t.Helper()
	got, found, err := s.Lookup(t.Context(), id, now)
	if err != nil {
		t.Fatal(err)
	}
	if found != (want != nil) {
		t.Fatalf("Lookup found %v, want %v", found, want != nil)
	}
	if want != nil {
		if d := cmp.Diff(*want, got); d != "" {
			t.Errorf("Lookup (-want +got):\n%s", d)
		}
	}
}

func testLookupOfNothing(t *testing.T, s store.Store) {
	is(t, s, protocol.ID{}, start, nil)
	if err := s.End(t.Context(), protocol.ID{}, start); err != nil {
		t.Errorf("End of nothing: %v", err)
	}
	is(t, s, protocol.ID{}, start, nil)
}

func testCreate(t *testing.T, s store.Store) {
	c := newCall(1)
	got, err := s.Create(t.Context(), c, start)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c, got); d != "" {
		t.Errorf("Create (-want +got):\n%s", d)
	}
	is(t, s, c.ID, start, &c)
	is(t, s, newCall(2).ID, start, nil)
}

func testFirstCome(t *testing.T, s store.Store) {
	c := newCall(1)
	create(t, s, c)
	squatter := c
	squatter.Key, squatter.Expires = [32]byte{9}, c.Expires.Add(time.Hour)
	got, err := s.Create(t.Context(), squatter, start)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c, got); d != "" {
		t.Errorf("second Create (-want +got):\n%s", d)
	}
	is(t, s, c.ID, start, &c)
}

func testOneWinner(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	got := make([]store.Call, 8)
	errs := make([]error, len(got))
	for i := range got {
		wg.Go(func() {
			c := newCall(1)
			c.Key = [32]byte{byte(i + 1)}
			got[i], errs[i] = s.Create(t.Context(), c, start)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != got[0] {
			t.Errorf("Create %d = %v, but %v for another", i, got[i].Key, got[0].Key)
		}
	}
}

func testEnd(t *testing.T, s store.Store) {
	c := newCall(1)
	create(t, s, c)
	if err := s.End(t.Context(), c.ID, start); err != nil {
		t.Fatal(err)
	}
	gone := over(c)
	is(t, s, c.ID, start, &gone)
	again, err := s.Create(t.Context(), c, start)
	if err != nil || again != gone {
		t.Errorf("Create after End = %+v, %v; want the tombstone", again, err)
	}
	last := start.Add(store.TombstoneTTL - time.Millisecond)
	if err := s.End(t.Context(), c.ID, last); err != nil { // must not prolong it
		t.Fatal(err)
	}
	is(t, s, c.ID, last, &gone)
	is(t, s, c.ID, last.Add(time.Millisecond), nil)
}

func testExpiry(t *testing.T, s store.Store) {
	c := newCall(1)
	create(t, s, c)
	is(t, s, c.ID, c.Expires.Add(-time.Millisecond), &c)
	gone := over(c)
	is(t, s, c.ID, c.Expires, &gone)
	is(t, s, c.ID, c.Expires.Add(store.TombstoneTTL-time.Millisecond), &gone)
	is(t, s, c.ID, c.Expires.Add(store.TombstoneTTL), nil)
}

func testPurge(t *testing.T, s store.Store) {
	early, late := newCall(1), newCall(2)
	late.Expires = early.Expires.Add(time.Hour)
	create(t, s, early)
	create(t, s, late)
	for _, step := range []struct {
		at          time.Time
		want        int64
		early, late string
	}{
		{start, 0, "alive", "alive"},
		{early.Expires, 1, "over", "alive"},
		{early.Expires, 0, "over", "alive"},
		{early.Expires.Add(store.TombstoneTTL), 2, "none", "over"}, // early deleted, late turned
		{late.Expires.Add(store.TombstoneTTL), 1, "none", "none"},
	} {
		n, err := s.Purge(t.Context(), step.at)
		if err != nil || n != step.want {
			t.Errorf("Purge at %v = %d, %v; want %d", step.at.Sub(start), n, err, step.want)
		}
		for _, c := range []struct {
			call store.Call
			want string
		}{{early, step.early}, {late, step.late}} {
			got, found, err := s.Lookup(t.Context(), c.call.ID, step.at)
			state := fmt.Sprint(map[bool]string{false: "none", true: map[bool]string{false: "alive", true: "over"}[got.Over]}[found])
			if err != nil || state != c.want {
				t.Errorf("at %v call is %s, %v; want %s", step.at.Sub(start), state, err, c.want)
			}
		}
	}
}

func testFreeAgain(t *testing.T, s store.Store) {
	c := newCall(1)
	create(t, s, c)
	now := c.Expires.Add(store.TombstoneTTL)
	next := c
	next.Key, next.Expires = [32]byte{7}, now.Add(time.Hour)
	got, err := s.Create(t.Context(), next, now) // Purge may not have run
	if err != nil || got != next {
		t.Errorf("Create = %+v, %v; want %+v", got, err, next)
	}
}
