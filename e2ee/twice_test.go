package e2ee

import "testing"

// A hostile server says "joined" twice on one connection: a counter that started
// again would seal two frames under one nonce.
func TestCounterNeverStartsAgain(t *testing.T) {
	w := newWorld(t, 0)
	seen := map[[outerHeader]byte]bool{}
	note := func(effects []Effect) {
		for _, e := range effects {
			if f, ok := e.(SendFrame); ok {
				header := [outerHeader]byte(f.Frame[:outerHeader])
				if seen[header] {
					t.Errorf("connection id and counter %x were used twice", header)
				}
				seen[header] = true
			}
		}
	}
	guest, cid, hostCID := w.newGuest(nil, nil), w.cid(), w.cid()
	for range 3 {
		guest.Connected(cid, w.now)
		guest.HostOnline(hostCID, w.now)
		guest.HostOffline(w.now)
		w.host.Connected(hostCID, w.now)
		for slot := range uint16(6) { // the last ones are told that it is busy
			w.host.PeerArrived(slot+1, w.cid(), w.now)
		}
		note(guest.Drain())
		note(w.host.Drain())
	}
	if len(seen) < 5 {
		t.Errorf("only %d frames were sent", len(seen))
	}
}

// A hostile server announces a connection again and replays what came over it: a
// recorded M1 with its M3 would count as a wrong password.
func TestAnnouncedAgain(t *testing.T) {
	w := newWorld(t, FlagPassword)
	var toHost [][]byte
	w.relay = func(up bool, _ uint16, frame []byte) [][]byte {
		if up {
			toHost = append(toHost, frame)
		}
		return [][]byte{frame}
	}
	w.arrive(1, w.newGuest(testKey(1), nil))
	if len(toHost) < 3 {
		t.Fatalf("%d frames for the host", len(toHost))
	}
	cid := [16]byte(toHost[0][:16])
	for i := range 5 {
		if i == 2 {
			w.host.Connected(w.cid(), w.now)
		}
		w.host.PeerGone(1, w.now)
		w.host.PeerArrived(1, cid, w.now)
		for _, frame := range toHost[:2] {
			w.host.Receive(1, frame, w.now)
		}
	}
	if b := w.host.Budget(); b.Failures != 0 {
		t.Errorf("%d wrong passwords were counted", b.Failures)
	}
	if n := len(w.host.heard.known); n != 1 {
		t.Errorf("%d connections are remembered, want 1", n)
	}
	for range outerMemoryMax + 10 {
		w.host.PeerArrived(1, w.cid(), w.now)
	}
	if n := len(w.host.heard.known); n != outerMemoryMax {
		t.Errorf("%d connections are remembered, want %d", n, outerMemoryMax)
	}
}
