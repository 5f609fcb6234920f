package e2ee

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// walk is a world whose relay keeps frames until a random step delivers,
// repeats, damages or drops them.
type walk struct {
	*world
	rt     *rapid.T
	queue  []walkFrame
	places map[uint16]*rapidGuest
}

type walkFrame struct {
	toHost bool
	slot   uint16
	cid    [16]byte // of the guest's connection when it was sent
	frame  []byte
}

// rapidGuest is one person; it may come and go.
type rapidGuest struct {
	machine *Guest
	session *Session
}

func (w *walk) settle() {
	for _, e := range w.host.Drain() {
		switch e := e.(type) {
		case SendFrame:
			if g := w.places[e.Slot]; g != nil && g.machine.out != nil {
				w.queue = append(w.queue, walkFrame{false, e.Slot, g.machine.out.cid, e.Frame})
			}
		case Ready:
			w.sameWords(e)
		}
	}
	for slot, g := range w.places {
		for _, e := range g.machine.Drain() {
			switch e := e.(type) {
			case SendFrame:
				w.queue = append(w.queue, walkFrame{true, slot, g.machine.out.cid, e.Frame})
			case Ready:
				g.session = e.Session
			}
		}
	}
	const limit = 64 // the server bounds its queues, too
	if len(w.queue) > limit {
		w.queue = w.queue[len(w.queue)-limit:]
	}
}

// sameWords: the host says ready only for a session that a guest has, with the
// same words.
func (w *walk) sameWords(e Ready) {
	for _, g := range w.places {
		if g.session != nil && g.session.id == e.Session.id {
			if g.session.SAS() != e.Session.SAS() || g.session.Media() != e.Session.Media() {
				w.rt.Fatal("both ready with different words")
			}
			return
		}
	}
	w.rt.Fatal("host is ready with nobody")
}

func (w *walk) check() {
	in := 0
	for _, s := range w.host.slots {
		if s.phase == phaseAdmitted {
			in++
			if !w.host.isAdmitted(s.id) {
				w.rt.Fatal("admitted guest is not the one")
			}
		}
	}
	if in > 1 {
		w.rt.Fatalf("%d guests are admitted", in)
	}
	if len(w.host.slots) > LimitSlots+1 || len(w.host.resume) > maxResume {
		w.rt.Fatal("bounds are broken")
	}
	if b := w.host.Budget(); b.Failures > LimitGuesses+b.Extra {
		w.rt.Fatalf("%d guesses were checked", b.Failures)
	}
	for slot, g := range w.places {
		if g.machine.phase == phaseAdmitted && g.machine.session == nil {
			w.rt.Fatalf("guest %d is admitted without a session", slot)
		}
	}
}

func (w *walk) deliver(f walkFrame) {
	g := w.places[f.slot]
	if g == nil || g.machine.out == nil || g.machine.out.cid != f.cid {
		return // the server has closed that connection
	}
	if f.toHost {
		w.host.Receive(f.slot, f.frame, w.now)
	} else {
		g.machine.Receive(f.frame, w.now)
	}
}

// run delivers what is under way and what it causes.
func (w *walk) run() {
	w.settle()
	for range 12 {
		if f, ok := w.take(false); ok {
			w.deliver(f)
		}
		w.settle()
	}
}

func (w *walk) take(keep bool) (walkFrame, bool) {
	if len(w.queue) == 0 {
		return walkFrame{}, false
	}
	f := w.queue[0]
	if !keep {
		w.queue = w.queue[1:]
	}
	return f, true
}

func (w *walk) arriveAt(slot uint16, g *Guest) {
	cid := w.cid()
	w.places[slot] = &rapidGuest{machine: g}
	w.host.PeerArrived(slot, cid, w.now)
	g.Connected(cid, w.now)
	g.HostOnline(w.host.out.cid, w.now)
}

func (w *walk) cid() [16]byte {
	return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(w.rt, "cid"))
}

// TestRandomWalks lets anything happen in any order and holds the machines to
// what must always be true.
func TestRandomWalks(t *testing.T) {
	t.Parallel()
	for _, flags := range []Flags{0, FlagPassword} {
		rapid.Check(t, func(rt *rapid.T) {
			w := &walk{world: newWorld(t, flags), rt: rt, places: map[uint16]*rapidGuest{}}
			slots := rapid.Uint16Range(1, LimitSlots+2)
			present := func() *rapidGuest { return w.places[slots.Draw(rt, "slot")] }
			honest := func() {
				if f, ok := w.take(false); ok {
					w.deliver(f)
				}
			}
			actions := map[string]func(*rapid.T){
				"":             func(*rapid.T) { w.settle(); w.check() },
				"deliver":      func(*rapid.T) { honest() },
				"deliver many": func(*rapid.T) { w.run() },
				"meet": func(*rapid.T) { // so that walks often get as far as a call
					slot := slots.Draw(rt, "slot")
					if w.places[slot] == nil {
						w.arriveAt(slot, w.newGuest(w.password(), nil))
						w.run()
					}
					if err := w.host.Send(slot, []byte(`{"t":"admit"}`), w.now); err == nil {
						w.run()
					}
				},
				"back": func(*rapid.T) {
					slot := slots.Draw(rt, "slot")
					if g := w.places[slot]; g != nil {
						w.arriveAt(slot, g.machine)
						w.run()
					}
				},
				"drop": func(*rapid.T) { w.take(false) },
				"repeat": func(*rapid.T) {
					if f, ok := w.take(true); ok {
						w.deliver(f)
					}
				},
				"damage": func(*rapid.T) {
					if f, ok := w.take(false); ok {
						f.frame = append([]byte(nil), f.frame...)
						f.frame[rapid.IntRange(0, len(f.frame)-1).Draw(rt, "byte")] ^= 1
						w.deliver(f)
					}
				},
				"arrive": func(*rapid.T) {
					if slot := slots.Draw(rt, "slot"); w.places[slot] == nil {
						right := rapid.IntRange(0, 2).Draw(rt, "right") > 0 || flags == 0
						key := w.password()
						if !right {
							key = testKey(2)
						}
						w.arriveAt(slot, w.newGuest(key, nil))
					}
				},
				"leave": func(*rapid.T) {
					if slot := slots.Draw(rt, "slot"); w.places[slot] != nil {
						w.places[slot].machine.Disconnected(w.now)
						delete(w.places, slot)
						w.host.PeerGone(slot, w.now)
					}
				},
				"return": func(*rapid.T) {
					slot := slots.Draw(rt, "slot")
					if g := w.places[slot]; g != nil {
						w.host.PeerGone(slot, w.now)
						w.arriveAt(slot, g.machine)
					}
				},
				"host returns": func(*rapid.T) {
					w.host.Connected(w.cid(), w.now)
					for slot, g := range w.places {
						g.machine.HostOffline(w.now)
						w.host.PeerArrived(slot, g.machine.out.cid, w.now)
						g.machine.HostOnline(w.host.out.cid, w.now)
					}
				},
				"host says": func(*rapid.T) {
					t := rapid.SampledFrom([]string{"hello", "hold", "deny", "admit", "admit", "sdp", "bye"}).Draw(rt, "t")
					slot := slots.Draw(rt, "slot")
					if err := w.host.Send(slot, []byte(`{"t":"`+t+`"}`), w.now); err == nil && w.host.slots[slot].session == nil {
						rt.Fatal("host speaks without a session")
					}
				},
				"guest says": func(*rapid.T) {
					t := rapid.SampledFrom([]string{"knock", "knock", "sdp", "chat", "bye"}).Draw(rt, "t")
					if g := present(); g != nil {
						if err := g.machine.Send([]byte(`{"t":"`+t+`"}`), w.now); err == nil && t == "sdp" && g.machine.phase != phaseAdmitted {
							rt.Fatal("guest sends SDP before admission")
						}
					}
				},
				"password": func(*rapid.T) {
					if g := present(); g != nil && flags != 0 {
						g.machine.SetStretched(testKey(1), w.now)
					}
				},
				"release": func(*rapid.T) { w.host.Release(w.now) },
				"allow":   func(*rapid.T) { w.host.Allow(1) },
				"close":   func(*rapid.T) { w.host.Close(slots.Draw(rt, "slot"), CodeDenied, w.now) },
				"time": func(*rapid.T) {
					w.now = w.now.Add(time.Duration(rapid.IntRange(0, 700).Draw(rt, "s")) * time.Second)
					w.host.Tick(w.now)
					for _, g := range w.places {
						g.machine.Tick(w.now)
					}
				},
			}
			rt.Repeat(actions)
		})
	}
}
