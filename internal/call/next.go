package call

import (
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// maxSlots is how many guests may be seated: those who wait, and the one who
// was admitted.
const maxSlots = protocol.LimitWaiting + 1

// Conn names a connection within its call. Zero is nobody. Never reused.
type Conn uint64

// Phase is how far a call has come.
type Phase uint8

// The phases.
const (
	Unknown    Phase = iota // nobody has created it; guests may wait all the same
	Registered              // bound to its host's key
	Ended                   // over for good
)

// State is everything the server knows of a call while somebody is connected.
type State struct {
	phase   Phase
	key     [32]byte
	expires time.Time
	locked  bool // by the host; only the host opens it again
	// closed is the lock that comes with a grant. It holds while the granted
	// guest is seated: if it lost its network, it must be able to come back.
	closed  bool
	granted int // slot of the guest who may have a relay; 0: none
	relayed int // slot of the guest who was given it last, seated or gone; 0: none
	// rehearses: relayed had it for a rehearsal, and was not let in since.
	rehearses bool
	host      seat
	guests    [maxSlots]seat // index is slot-1
	latest    int            // slot given last: slots rotate, so that a late frame meets an empty one
}

type seat struct {
	conn  Conn
	cid   protocol.ID
	claim Claim // guests only; gone with the seat
}

// next returns the state that follows s on e, and what to do about it, in order.
// It returns a *protocol.WireError, and s unchanged, when e is not allowed in s.
func next(s State, e event) (State, []effect, error) {
	switch e := e.(type) {
	case registered:
		return s.register(e.record)
	case inquire:
		if s.phase == Ended {
			return refuse(s, protocol.ErrorCodeGone)
		}
		return s, nil, nil
	case hostJoin:
		return s.seatHost(e)
	case guestJoin:
		return s.seatGuest(e)
	case command:
		return s.obey(e)
	case frame:
		to, why := s.route(e)
		if why != "" {
			return s, []effect{dropFrame{why}}, nil
		}
		return s, []effect{to}, nil
	case leave:
		return s.leave(e.conn)
	case expire:
		if s.phase == Ended {
			return s, nil, nil
		}
		return s.end(protocol.EndReasonExpired, "")
	}
	return refuse(s, protocol.ErrorCodeState)
}

func refuse(s State, code protocol.ErrorCode) (State, []effect, error) {
	return s, nil, &protocol.WireError{Code: code}
}

func (s State) register(r Record) (State, []effect, error) {
	if r.Over {
		s.phase = Ended
		return s, nil, nil
	}
	s.phase, s.key, s.expires = Registered, r.Key, r.Expires
	return s, nil, nil
}

func (s State) seatHost(e hostJoin) (State, []effect, error) {
	switch s.phase {
	case Unknown:
		return refuse(s, protocol.ErrorCodeAuth)
	case Ended:
		return refuse(s, protocol.ErrorCodeGone)
	}
	var out []effect
	if old := s.host.conn; old != 0 {
		out = append(out,
			send{old, protocol.Refusal{Code: protocol.ErrorCodeReplaced}},
			closeConn{old, protocol.CloseReplaced})
	}
	s.host = seat{conn: e.conn, cid: e.cid}
	out = append(out, send{e.conn, protocol.Joined{
		Req: e.req, ExpiresMS: s.expires.UnixMilli(), Locked: s.locked, ICE: e.ice,
	}})
	for i, g := range s.guests {
		if g.conn == 0 {
			continue
		}
		out = append(out,
			send{e.conn, protocol.Peer{Slot: i + 1, CID: g.cid.String(), State: protocol.PeerStateWaiting}},
			send{g.conn, s.hostNews()})
	}
	return s, out, nil
}

// seatGuest seats a guest. One who claims the seat of another connection takes its
// place: there are no more guests than before, so neither lock nor limit is asked.
// A grant is not inherited. It goes with the old connection, as if that had left,
// and comes back when the guest has proven itself to its host.
func (s State) seatGuest(e guestJoin) (State, []effect, error) {
	var out []effect
	old := s.holder(e.claim)
	switch {
	case old != 0:
		var told []effect
		s, told, _ = s.leave(old)
		out = append(told,
			send{old, protocol.Refusal{Code: protocol.ErrorCodeReplaced}},
			closeConn{old, protocol.CloseReplaced})
	case s.phase == Ended:
		return refuse(s, protocol.ErrorCodeGone)
	case s.locked:
		return refuse(s, protocol.ErrorCodeLocked)
	case s.closed && s.granted != 0, s.waiting() >= protocol.LimitWaiting:
		return refuse(s, protocol.ErrorCodeBusy)
	}
	slot := s.freeSlot()
	s.guests[slot-1] = seat{e.conn, e.cid, e.fresh}
	s.latest = slot
	out = append(out,
		send{e.conn, protocol.Joined{Req: e.req, Seat: protocol.EncodeBytes(e.fresh[:])}},
		send{e.conn, s.hostNews()})
	if s.host.conn != 0 {
		out = append(out, send{s.host.conn, protocol.Peer{Slot: slot, CID: e.cid.String(), State: protocol.PeerStateWaiting}})
	}
	return s, out, nil
}

// waiting counts the guests who sit in a slot without a grant.
func (s State) waiting() int {
	n := 0
	for i, g := range s.guests {
		if g.conn != 0 && i+1 != s.granted {
			n++
		}
	}
	return n
}

// freeSlot may only be called when there is one: waiting < LimitWaiting, or
// somebody has just left. The slot of a guest who was given the relay and is gone
// stays free, so that its host can still take the relay back by that number; the
// only one left it is if that guest has just taken over from itself.
func (s State) freeSlot() int {
	slot := s.latest
	for range maxSlots {
		slot = slot%maxSlots + 1
		if s.guests[slot-1].conn == 0 && slot != s.relayed {
			return slot
		}
	}
	return s.relayed
}

func (s State) hostNews() protocol.Host {
	if s.host.conn == 0 {
		return protocol.Host{}
	}
	return protocol.Host{Online: true, CID: s.host.cid.String()}
}

// obey acts on a message of a seated connection. All but Renew are the host's.
func (s State) obey(e command) (State, []effect, error) {
	if _, ok := e.message.(protocol.Renew); ok {
		if e.conn == s.host.conn || s.granted != 0 && e.conn == s.guests[s.granted-1].conn {
			return s, []effect{grantRelay{e.conn}}, nil
		}
		return refuse(s, protocol.ErrorCodeState)
	}
	if e.conn == 0 || e.conn != s.host.conn {
		return refuse(s, protocol.ErrorCodeState)
	}
	switch m := e.message.(type) {
	case protocol.Grant:
		g := s.guest(m.Slot)
		if g.conn == 0 {
			return refuse(s, protocol.ErrorCodeState)
		}
		return s.grant(m, g.conn)
	case protocol.Drop:
		return s.drop(m.Slot)
	case protocol.Lock:
		s.locked = true
		return s, nil, nil
	case protocol.Unlock:
		s.locked, s.closed = false, false
		return s, nil, nil
	case protocol.End:
		return s.end(protocol.EndReasonHost, m.Req)
	}
	return refuse(s, protocol.ErrorCodeState)
}

// grant gives the relay to a guest, and closes the door behind it unless it only
// rehearses. What another guest was given for a rehearsal is taken back before;
// not so what an admitted one has, who may be the same over a new connection.
func (s State) grant(m protocol.Grant, guest Conn) (State, []effect, error) {
	var out []effect
	if s.rehearses && s.relayed != m.Slot {
		out = append(out, revokeRelay{})
	}
	s.granted, s.relayed, s.rehearses = m.Slot, m.Slot, m.Rehearsal
	s.closed = s.closed || !m.Rehearsal
	return s, append(out, grantRelay{guest}), nil
}

// drop removes a guest, and takes the relay from it. One that had the relay may
// be gone already: what it was given outlives its connection.
func (s State) drop(slot int) (State, []effect, error) {
	var out []effect
	if s.relayed == slot {
		s.relayed, s.rehearses = 0, false
		out = append(out, revokeRelay{})
	}
	g := s.guest(slot)
	if g.conn == 0 {
		return s, out, nil
	}
	s, told, err := s.leave(g.conn)
	return s, append(append(out, told...),
		send{g.conn, protocol.Refusal{Code: protocol.ErrorCodeDenied}},
		closeConn{g.conn, protocol.CloseDropped}), err
}

func (s State) guest(slot int) seat {
	if slot < 1 || slot > maxSlots {
		return seat{}
	}
	return s.guests[slot-1]
}

// route says where a frame goes, or why nowhere.
func (s *State) route(e frame) (to forward, drop string) {
	if e.conn != 0 && e.conn == s.host.conn {
		if g := s.guest(int(e.slot)); g.conn != 0 {
			return forward{g.conn, 0, e.outer}, ""
		}
		return forward{}, "no_guest"
	}
	for i := range s.guests {
		switch conn := s.guests[i].conn; {
		case conn != e.conn || conn == 0:
			continue
		case e.slot != 0:
			return forward{}, "bad_slot"
		case s.host.conn == 0:
			return forward{}, "no_host"
		}
		return forward{s.host.conn, uint16(i + 1), e.outer}, ""
	}
	return forward{}, "not_seated"
}

// leave empties the seat of conn. A replaced host has none any more. Who was not
// let in leaves the relay, too: what a rehearsal needs it for has gone with it.
func (s State) leave(conn Conn) (State, []effect, error) {
	var out []effect
	if conn != 0 && conn == s.host.conn {
		s.host = seat{}
		for _, g := range s.guests {
			if g.conn != 0 {
				out = append(out, send{g.conn, s.hostNews()})
			}
		}
		return s, out, nil
	}
	for i, g := range s.guests {
		if g.conn == 0 || g.conn != conn {
			continue
		}
		s.guests[i] = seat{}
		if s.granted == i+1 {
			s.granted = 0
		}
		if s.rehearses && s.relayed == i+1 {
			s.relayed, s.rehearses = 0, false
			out = append(out, revokeRelay{})
		}
		if s.host.conn != 0 {
			out = append(out, send{s.host.conn, protocol.Peer{Slot: i + 1, CID: g.cid.String(), State: protocol.PeerStateGone}})
		}
	}
	return s, out, nil
}

// end tells everybody and leaves nothing but the phase. req is the host's.
func (s State) end(reason protocol.EndReason, req string) (State, []effect, error) {
	out := []effect{over{byHost: reason == protocol.EndReasonHost}}
	if s.host.conn != 0 {
		out = append(out,
			send{s.host.conn, protocol.Ended{Req: req, Reason: reason}},
			closeConn{s.host.conn, protocol.CloseEnded})
	}
	for _, g := range s.guests {
		if g.conn != 0 {
			out = append(out,
				send{g.conn, protocol.Ended{Reason: reason}},
				closeConn{g.conn, protocol.CloseEnded})
		}
	}
	return State{phase: Ended}, out, nil
}

// admitted reports whether a guest is seated who was let in.
func (s State) admitted() bool { return s.granted != 0 && !s.rehearses }

// empty reports whether nobody is seated.
func (s State) empty() bool {
	return s.host.conn == 0 && s.guests == [maxSlots]seat{}
}
