package peer

import "testing"

// restart offers new ICE credentials; lost says that the offer does not arrive.
func (e *end) restart(lost bool) {
	offer, err := e.conn.negotiation.restart()
	if err != nil {
		e.t.Error(err)
		return
	}
	if !lost {
		e.peer.inbox <- func() { e.peer.receiveOffer(offer.SDP) }
	}
}

// ufrags are the ICE user names in force: ours, theirs.
func (e *end) ufrags() (ours, theirs string) {
	e.do(func() {
		ice := e.conn.pc.SCTP().Transport().ICETransport()
		local, err := ice.GetLocalParameters()
		if err != nil {
			e.t.Error(err)
		}
		remote, err := ice.GetRemoteParameters()
		if err != nil {
			e.t.Error(err)
		}
		ours, theirs = local.UsernameFragment, remote.UsernameFragment
	})
	return ours, theirs
}

func TestRestart(t *testing.T) {
	for name, restart := range map[string]func(host, guest *end){
		"by the host":  func(host, _ *end) { host.restart(false) },
		"by the guest": func(_, guest *end) { guest.restart(false) },
		"again, because nobody answers": func(host, guest *end) {
			host.restart(true)
			host.restart(true)
			host.restart(false)
		},
		"again by the guest": func(_, guest *end) {
			guest.restart(true)
			guest.restart(false)
		},
		"by the host while the guest's offer is lost": func(host, guest *end) {
			guest.do(func() { guest.restart(true) })
			host.restart(false)
		},
		"by both at once": func(host, guest *end) {
			hostOffered, guestOffered := make(chan struct{}), make(chan struct{})
			guest.inbox <- func() { guest.restart(false); close(guestOffered); <-hostOffered }
			host.restart(false)
			close(hostOffered)
			<-guestOffered
		},
	} {
		t.Run(name, func(t *testing.T) {
			host, guest := connectEnds(t)
			waitTracks(t, host, 2)
			waitTracks(t, guest, 2)
			before, _ := host.ufrags()
			host.do(func() { restart(host, guest) })
			for _, e := range []*end{host, guest} {
				wait(t, e.connected, "connected again")
			}
			host.do(func() {}) // answers that still wait
			guest.do(func() {})
			hosts, guests := host.ufrags()
			g, h := guest.ufrags()
			if hosts != h || guests != g || hosts == before {
				t.Errorf("host has %s and %s, guest %s and %s, before it was %s", hosts, guests, g, h, before)
			}
			for _, e := range []*end{host, guest} {
				for len(e.pictures) > 0 { // of the old path
					<-e.pictures
				}
				for range 5 {
					wait(t, e.pictures, "a picture")
				}
			}
			for _, e := range []*end{host, guest} {
				if e.conn.negotiation.offering() || e.conn.negotiation.wanted {
					t.Error("an offer is left over")
				}
			}
		})
	}
}
