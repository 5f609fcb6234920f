package e2ee

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rekeyWalk is an admitted pair with a relay that drops, repeats and reorders,
// and a data channel that is reliable until it is replaced.
type rekeyWalk struct {
	*world
	rt      *rapid.T
	g       *Guest
	slot    uint16
	data    bool // lane of re-key messages
	relay   []walkFrame
	channel []walkFrame
	sealed  map[string]bool // counters of data frames, by session and direction
}

func (w *rekeyWalk) settle() {
	for moved := true; moved; {
		moved = false
		for _, e := range w.host.Drain() {
			moved = true
			w.hostEffect(e)
		}
		for _, e := range w.g.Drain() {
			moved = true
			w.guestEffect(e)
		}
	}
}

func (w *rekeyWalk) hostEffect(e Effect) {
	switch e := e.(type) {
	case SendFrame:
		if w.g.out != nil {
			w.relay = append(w.relay, walkFrame{false, e.Slot, w.g.out.cid, e.Frame})
		}
	case Say:
		if !w.data {
			_ = w.host.Send(e.Slot, e.JSON, w.now)
		} else if frame, err := w.host.SealData(e.JSON); err == nil {
			w.put(false, w.host.admitted.keys.current, frame)
		}
	case Epoch:
		if e.Sending && !w.guestHas(e.Session) {
			w.rt.Fatalf("host speaks in epoch %d under keys that the guest has not", e.Session.epoch)
		}
	}
}

func (w *rekeyWalk) guestEffect(e Effect) {
	switch e := e.(type) {
	case SendFrame:
		w.relay = append(w.relay, walkFrame{true, w.slot, w.g.out.cid, e.Frame})
	case Say:
		if !w.data {
			_ = w.g.Send(e.JSON, w.now)
		} else if frame, err := w.g.SealData(e.JSON); err == nil {
			w.put(true, w.g.keys.current, frame)
		}
	}
}

func (w *rekeyWalk) guestHas(s *Session) bool {
	for _, own := range w.g.keys.all() {
		if own.id == s.id && own.media == s.media {
			return true
		}
	}
	return false
}

// put queues a data frame, whose counter must be new under its key.
func (w *rekeyWalk) put(toHost bool, s *Session, frame []byte) {
	name := string(s.id[:]) + strconv.FormatBool(toHost) + string(frame[3:sealedHeader])
	if w.sealed[name] {
		w.rt.Fatal("a counter was used twice under one key")
	}
	w.sealed[name] = true
	w.channel = append(w.channel, walkFrame{toHost: toHost, frame: frame})
}

func (w *rekeyWalk) deliver(f walkFrame) {
	if w.g.out == nil || w.g.out.cid != f.cid {
		return
	}
	if f.toHost {
		w.host.Receive(f.slot, f.frame, w.now)
	} else {
		w.g.Receive(f.frame, w.now)
	}
}

func (w *rekeyWalk) carry() {
	if len(w.channel) == 0 {
		return
	}
	f := w.channel[0]
	w.channel = w.channel[1:]
	var err error
	if f.toHost {
		_, err = w.host.OpenData(f.frame, w.now)
	} else {
		_, err = w.g.OpenData(f.frame, w.now)
	}
	if err != nil {
		w.rt.Fatalf("the data channel broke: %v", err)
	}
}

// replaceChannel loses what is on its way and binds another one.
func (w *rekeyWalk) replaceChannel() {
	w.channel = nil
	var fpGuest, fpHost [32]byte
	g, err := w.g.Bind(RoleGuest, fpGuest, fpHost)
	if err != nil {
		w.rt.Fatal(err)
	}
	h, err := w.host.Bind(RoleHost, fpGuest, fpHost)
	if err != nil {
		w.rt.Fatal(err)
	}
	if err := w.host.CheckBind(g[:], RoleGuest, fpGuest, fpHost); err != nil {
		w.rt.Fatalf("host: %v", err)
	}
	if err := w.g.CheckBind(h[:], RoleHost, fpGuest, fpHost); err != nil {
		w.rt.Fatalf("guest: %v", err)
	}
}

func (w *rekeyWalk) reconnect() {
	w.host.PeerGone(w.slot, w.now)
	w.relay = nil
	w.slot++
	cid := [16]byte{byte(w.slot), byte(w.slot >> 8), 1}
	w.host.PeerArrived(w.slot, cid, w.now)
	w.g.Connected(cid, w.now)
	w.g.HostOnline(w.host.out.cid, w.now)
}

func (w *rekeyWalk) time(d time.Duration) {
	w.now = w.now.Add(d)
	w.host.Tick(w.now)
	w.g.Tick(w.now)
}

// calm lets everything arrive.
func (w *rekeyWalk) calm() {
	for w.settle(); len(w.relay)+len(w.channel) > 0; w.settle() {
		for len(w.channel) > 0 {
			w.carry()
		}
		if len(w.relay) > 0 {
			f := w.relay[0]
			w.relay = w.relay[1:]
			w.deliver(f)
		}
	}
}

// TestRekeyWalks: whatever is lost, repeated or reordered, the two never send
// under different keys, no counter is used twice, and the guest can always come
// back without a knock.
func TestRekeyWalks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		base, g := admitted(t)
		w := &rekeyWalk{world: base, rt: rt, g: g, slot: 1, sealed: map[string]bool{}}
		w.data = true
		w.now = w.now.Add(2 * rekeyPause)
		pick := func() (walkFrame, bool) {
			if len(w.relay) == 0 {
				return walkFrame{}, false
			}
			i := rapid.IntRange(0, min(2, len(w.relay)-1)).Draw(rt, "frame")
			f := w.relay[i]
			w.relay = append(w.relay[:i:i], w.relay[i+1:]...)
			return f, true
		}
		next := func() {
			if len(w.relay) > 0 {
				f := w.relay[0]
				w.relay = w.relay[1:]
				w.deliver(f)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"":            func(*rapid.T) { w.settle() },
			"guest wants": func(*rapid.T) { w.g.Rekey(w.now) },
			"host wants":  func(*rapid.T) { w.host.Rekey(w.now) },
			"carry":       func(*rapid.T) { w.carry() },
			"carry more":  func(*rapid.T) { w.carry(); w.settle(); w.carry(); w.settle(); w.carry() },
			"relay":       func(*rapid.T) { next() },
			"relay more":  func(*rapid.T) { next(); w.settle(); next(); w.settle(); next() },
			"drop":        func(*rapid.T) { pick() },
			"reorder": func(*rapid.T) {
				if f, ok := pick(); ok {
					w.deliver(f)
				}
			},
			"repeat": func(*rapid.T) {
				if f, ok := pick(); ok {
					w.deliver(f)
					w.deliver(f)
				}
			},
			"lane":        func(*rapid.T) { w.data = !w.data },
			"new channel": func(*rapid.T) { w.replaceChannel() },
			"reconnect":   func(*rapid.T) { w.reconnect() },
			"calm":        func(*rapid.T) { w.calm() },
			"time":        func(*rapid.T) { w.time(time.Duration(rapid.IntRange(0, 12).Draw(rt, "s")) * time.Second) },
		})
		w.settle()
		w.reconnect()
		w.calm()
		if w.g.phase != phaseAdmitted || !w.host.isAdmitted(w.slot) {
			rt.Fatalf("the guest is out: phase %d", w.g.phase)
		}
		w.data = true
		w.time(2 * rekeyPause)
		w.g.Rekey(w.now)
		w.calm()
		if w.g.keys.current.media != w.host.admitted.keys.current.media || w.g.rekey.run {
			rt.Fatalf("guest in epoch %d, host in %d", w.g.keys.current.epoch, w.host.admitted.keys.current.epoch)
		}
	})
}
