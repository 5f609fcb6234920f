package e2ee

import (
	"testing"
	"time"
)

// world joins one host machine and some guests by a relay that a test may
// bend. Time stands still unless a test moves it.
type world struct {
	t      testing.TB
	now    time.Time
	link   Link
	host   *Host
	guests map[uint16]*Guest
	cids   byte

	seenByHost  []Effect // all but frames
	seenByGuest map[uint16][]Effect
	// relay, if set, decides what arrives instead of a frame.
	relay func(toHost bool, slot uint16, frame []byte) [][]byte
	// data says re-key messages over the data channel, which channel may bend.
	data    bool
	channel func(toHost bool, frame []byte) [][]byte
}

func testCaps() Caps { return Caps{SFrame: 0, Video: []string{"vp9", "vp8"}, Record: 1, App: "test"} }

func testKey(b byte) []byte {
	key := make([]byte, 32)
	key[0] = b
	return key
}

func newWorld(t testing.TB, flags Flags) *world {
	t.Helper()
	link, err := NewLink(nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, now: time.Unix(1_700_000_000, 0), link: link,
		guests: map[uint16]*Guest{}, seenByGuest: map[uint16][]Effect{},
	}
	w.newHost(Budget{}, nil)
	return w
}

// password is the host's stretched password, if the link asks for one.
func (w *world) password() []byte {
	if w.link.flags&FlagPassword == 0 {
		return nil
	}
	return testKey(1)
}

func (w *world) cid() [16]byte {
	w.cids++
	return [16]byte{w.cids}
}

func (w *world) newHost(b Budget, resume []ResumeState) {
	w.t.Helper()
	host, err := NewHost(HostConfig{Link: w.link, Stretched: w.password(), Caps: testCaps(), Budget: b, Resume: resume})
	if err != nil {
		w.t.Fatal(err)
	}
	w.host = host
	host.Connected(w.cid(), w.now)
}

// newGuest makes a guest; arrive brings it to the host.
func (w *world) newGuest(password []byte, resume *ResumeState) *Guest {
	w.t.Helper()
	g, err := NewGuest(GuestConfig{Link: w.link.Guest(), Stretched: password, Caps: testCaps(), Resume: resume})
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) arrive(slot uint16, g *Guest) {
	cid := w.cid()
	w.guests[slot] = g
	w.host.PeerArrived(slot, cid, w.now)
	g.Connected(cid, w.now)
	g.HostOnline(w.host.out.cid, w.now)
	w.pump()
}

func (w *world) leave(slot uint16) *Guest {
	g := w.guests[slot]
	delete(w.guests, slot)
	w.host.PeerGone(slot, w.now)
	g.Disconnected(w.now)
	w.pump()
	return g
}

// pump carries frames until nothing moves.
func (w *world) pump() {
	for moved := true; moved; {
		moved = w.drainHost()
		for slot, g := range w.guests {
			moved = w.drainGuest(slot, g) || moved
		}
	}
}

func (w *world) through(toHost bool, slot uint16, frame []byte) [][]byte {
	if w.relay == nil {
		return [][]byte{frame}
	}
	return w.relay(toHost, slot, frame)
}

func (w *world) drainHost() (moved bool) {
	for _, e := range w.host.Drain() {
		if say, ok := e.(Say); ok {
			w.hostTells(say)
			moved = true
			continue
		}
		f, ok := e.(SendFrame)
		if !ok {
			w.seenByHost = append(w.seenByHost, e)
			continue
		}
		for _, frame := range w.through(false, f.Slot, f.Frame) {
			if g := w.guests[f.Slot]; g != nil {
				g.Receive(frame, w.now)
				moved = true
			}
		}
	}
	return moved
}

func (w *world) drainGuest(slot uint16, g *Guest) (moved bool) {
	for _, e := range g.Drain() {
		if say, ok := e.(Say); ok {
			w.guestTells(slot, say)
			moved = true
			continue
		}
		f, ok := e.(SendFrame)
		if !ok {
			w.seenByGuest[slot] = append(w.seenByGuest[slot], e)
			continue
		}
		for _, frame := range w.through(true, slot, f.Frame) {
			w.host.Receive(slot, frame, w.now)
			moved = true
		}
	}
	return moved
}

// hostTells carries a Say by the lane of the test; what cannot be said is lost.
func (w *world) hostTells(say Say) {
	if !w.data {
		_ = w.host.Send(say.Slot, say.JSON, w.now)
		return
	}
	frame, err := w.host.SealData(say.JSON)
	if err == nil {
		w.toGuest(w.guests[say.Slot], frame)
	}
}

func (w *world) toGuest(g *Guest, frame []byte) {
	for _, f := range w.over(false, frame) {
		if g == nil {
			return
		}
		if _, err := g.OpenData(f, w.now); err != nil {
			w.t.Fatalf("guest: %v", err)
		}
	}
}

func (w *world) guestTells(slot uint16, say Say) {
	g := w.guests[slot]
	if !w.data {
		_ = g.Send(say.JSON, w.now)
		return
	}
	frame, err := g.SealData(say.JSON)
	if err == nil {
		w.toHost(frame)
	}
}

func (w *world) toHost(frame []byte) {
	for _, f := range w.over(true, frame) {
		if _, err := w.host.OpenData(f, w.now); err != nil {
			w.t.Fatalf("host: %v", err)
		}
	}
}

func (w *world) over(toHost bool, frame []byte) [][]byte {
	if w.channel == nil {
		return [][]byte{frame}
	}
	return w.channel(toHost, frame)
}

// pass lets time pass, ticking whenever a machine asked for it.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for {
		at, ok := w.host.Deadline()
		for _, g := range w.guests {
			if d, has := g.Deadline(); has {
				at, ok = earlier(at, d), true
			}
		}
		if !ok || at.After(end) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.tick()
	}
	w.now = end
	w.tick()
}

func (w *world) tick() {
	w.host.Tick(w.now)
	for _, g := range w.guests {
		g.Tick(w.now)
	}
	w.pump()
}

// find returns the effects of type T.
func find[T Effect](effects []Effect) (out []T) {
	for _, e := range effects {
		if v, ok := e.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

func last[T Effect](t testing.TB, effects []Effect) T {
	t.Helper()
	all := find[T](effects)
	if len(all) == 0 {
		var none T
		t.Fatalf("no %T among %d effects", none, len(effects))
	}
	return all[len(all)-1]
}

// failures are the codes of all Failed effects, in order.
func failures(effects []Effect) (codes []Code) {
	for _, f := range find[Failed](effects) {
		codes = append(codes, f.Code)
	}
	return codes
}

func (w *world) forget() {
	w.seenByHost = nil
	clear(w.seenByGuest)
}

// ready brings a guest with the right password into slot and through the
// handshake.
func (w *world) ready(slot uint16) *Guest {
	w.t.Helper()
	g := w.newGuest(w.password(), nil)
	w.arrive(slot, g)
	if len(find[Ready](w.seenByHost)) == 0 || len(find[Ready](w.seenByGuest[slot])) == 0 {
		w.t.Fatalf("not ready: host %v, guest %v", failures(w.seenByHost), failures(w.seenByGuest[slot]))
	}
	return g
}

func (w *world) hostSays(slot uint16, json string) {
	w.t.Helper()
	if err := w.host.Send(slot, []byte(json), w.now); err != nil {
		w.t.Fatalf("host says %s: %v", json, err)
	}
	w.pump()
}

func (w *world) guestSays(slot uint16, json string) {
	w.t.Helper()
	if err := w.guests[slot].Send([]byte(json), w.now); err != nil {
		w.t.Fatalf("guest says %s: %v", json, err)
	}
	w.pump()
}

// inner opens an outer frame as the relay never could.
func (w *world) inner(toHost bool, frame []byte) []byte {
	from := RoleHost
	if toHost {
		from = RoleGuest
	}
	b, err := newOuterReceiver(&w.link, from, [16]byte(frame[:16])).open(frame)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}
