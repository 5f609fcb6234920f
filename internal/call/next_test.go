package call

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/visavis-call/visavis/protocol"
)

var (
	testKey     = [32]byte{1}
	testExpires = time.UnixMilli(1_000_000)
	hostCID     = protocol.ID{0xaa}
	guestCID    = protocol.ID{0xbb}
)

// play runs events from the zero state and fails the test if one is refused.
func play(t *testing.T, events ...event) State {
	t.Helper()
	var s State
	for i, e := range events {
		var err error
		if s, _, err = next(s, e); err != nil {
			t.Fatalf("event %d %T: %v", i, e, err)
		}
	}
	return s
}

func known() event { return registered{Record{Key: testKey, Expires: testExpires}} }

func host(c Conn) event  { return hostJoin{conn: c, cid: hostCID} }
func guest(c Conn) event { return guestJoin{conn: c, cid: guestCID, fresh: claimOf(c)} }

// claimOf is what connection c was told for its next join.
func claimOf(c Conn) Claim { return Claim{0xcc, byte(c)} }

// again is a guest that comes back with a claim.
func again(c Conn, claim Claim) event {
	return guestJoin{conn: c, cid: guestCID, claim: claim, fresh: claimOf(c)}
}

func say(c Conn, m protocol.ClientMessage) event {
	return command{c, m}
}

// guests returns the joins of connections from first to last.
func guests(first, last Conn) []event {
	var out []event
	for c := first; c <= last; c++ {
		out = append(out, guest(c))
	}
	return out
}

func peer(slot int, state protocol.PeerState) protocol.Peer {
	return protocol.Peer{Slot: slot, CID: guestCID.String(), State: state}
}

var (
	offline = protocol.Host{}
	online  = protocol.Host{Online: true, CID: hostCID.String()}
	joined  = protocol.Joined{ExpiresMS: testExpires.UnixMilli()}
)

// seated is the answer to guest c.
func seated(c Conn) protocol.Joined {
	claim := claimOf(c)
	return protocol.Joined{Seat: protocol.EncodeBytes(claim[:])}
}

// takesOver is what comes of it when connection c claims the seat of old. The host
// is connection 1.
func takesOver(old Conn, oldSlot int, c Conn, slot int) []effect {
	return []effect{
		send{1, peer(oldSlot, protocol.PeerStateGone)},
		send{old, protocol.Refusal{Code: protocol.ErrorCodeReplaced}},
		closeConn{old, protocol.CloseReplaced},
		send{c, seated(c)},
		send{c, online},
		send{1, peer(slot, protocol.PeerStateWaiting)},
	}
}

func TestNext(t *testing.T) {
	granted := slices.Clip([]event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1})})
	// The granted guest is gone, and others have taken all other seats; or it is still there.
	heirs := slices.Concat(granted, []event{leave{2}}, guests(3, 6))
	full := slices.Concat(granted, []event{say(1, protocol.Unlock{})}, guests(3, 6))
	tests := []struct {
		name  string
		given []event
		when  event
		want  []effect
		code  protocol.ErrorCode // empty: no error
	}{
		{"guest of an unknown call is held", nil, guest(1), []effect{send{1, seated(1)}, send{1, offline}}, ""},
		{"guest of a known call whose host is away is held", []event{known()}, guest(1), []effect{send{1, seated(1)}, send{1, offline}}, ""},
		{"guest of an ended call", []event{registered{Record{Over: true}}}, guest(1), nil, protocol.ErrorCodeGone},
		{"host of an unknown call", nil, host(1), nil, protocol.ErrorCodeAuth},
		{"host of an ended call", []event{registered{Record{Over: true}}}, host(1), nil, protocol.ErrorCodeGone},
		{"host alone", []event{known()}, host(1), []effect{send{1, joined}}, ""},
		{"host finds waiting guests", []event{known(), guest(1), guest(2)}, host(3), []effect{
			send{3, joined},
			send{3, peer(1, protocol.PeerStateWaiting)},
			send{1, online},
			send{3, peer(2, protocol.PeerStateWaiting)},
			send{2, online},
		}, ""},
		{"guest finds the host", []event{known(), host(1)}, guest(2), []effect{
			send{2, seated(2)}, send{2, online}, send{1, peer(1, protocol.PeerStateWaiting)},
		}, ""},
		{"second host replaces the first", []event{known(), host(1), guest(2)}, host(3), []effect{
			send{1, protocol.Refusal{Code: protocol.ErrorCodeReplaced}},
			closeConn{1, protocol.CloseReplaced},
			send{3, joined},
			send{3, peer(1, protocol.PeerStateWaiting)},
			send{2, online},
		}, ""},
		{"fifth waiting guest", append([]event{known()}, guests(1, 4)...), guest(5), nil, protocol.ErrorCodeBusy},
		{"fifth waiting guest of an unknown call", guests(1, 4), guest(5), nil, protocol.ErrorCodeBusy},
		{"locked", []event{known(), host(1), say(1, protocol.Lock{})}, guest(2), nil, protocol.ErrorCodeLocked},
		{"unlocked", []event{known(), host(1), say(1, protocol.Lock{}), say(1, protocol.Unlock{})}, guest(2), []effect{
			send{2, seated(2)}, send{2, online}, send{1, peer(1, protocol.PeerStateWaiting)},
		}, ""},
		{"the lock survives its host", []event{known(), host(1), say(1, protocol.Lock{}), leave{1}}, guest(2), nil, protocol.ErrorCodeLocked},
		{"a returning host learns of the lock", []event{known(), host(1), say(1, protocol.Lock{}), leave{1}}, host(2), []effect{
			send{2, protocol.Joined{ExpiresMS: testExpires.UnixMilli(), Locked: true}},
		}, ""},
		{"grant", []event{known(), host(1), guest(2)}, say(1, protocol.Grant{Slot: 1}), []effect{grantRelay{2}}, ""},
		{"grant to an empty slot", []event{known(), host(1)}, say(1, protocol.Grant{Slot: 1}), nil, protocol.ErrorCodeState},
		{"grant to no slot", []event{known(), host(1)}, say(1, protocol.Grant{Slot: 99}), nil, protocol.ErrorCodeState},
		{"grant by a guest", []event{known(), host(1), guest(2)}, say(2, protocol.Grant{Slot: 1}), nil, protocol.ErrorCodeState},
		{"grant by a replaced host", []event{known(), host(1), guest(2), host(3)}, say(1, protocol.Grant{Slot: 1}), nil, protocol.ErrorCodeState},
		{"third party after a grant", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1})}, guest(3), nil, protocol.ErrorCodeBusy},
		{"granted guest comes back", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1}), leave{2}}, guest(3), []effect{
			send{3, seated(3)}, send{3, online}, send{1, peer(2, protocol.PeerStateWaiting)},
		}, ""},
		{"third party after unlock", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1}), say(1, protocol.Unlock{})}, guest(3), []effect{
			send{3, seated(3)}, send{3, online}, send{1, peer(2, protocol.PeerStateWaiting)},
		}, ""},
		{"rehearsal", []event{known(), host(1), guest(2)}, say(1, protocol.Grant{Slot: 1, Rehearsal: true}), []effect{grantRelay{2}}, ""},
		{"third party after a rehearsal", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true})}, guest(3), []effect{
			send{3, seated(3)}, send{3, online}, send{1, peer(2, protocol.PeerStateWaiting)},
		}, ""},
		{"third party after a rehearsal and admission", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true}), say(1, protocol.Grant{Slot: 1})}, guest(3), nil, protocol.ErrorCodeBusy},
		{"another is let in than rehearsed", []event{known(), host(1), guest(2), guest(3), say(1, protocol.Grant{Slot: 1, Rehearsal: true})}, say(1, protocol.Grant{Slot: 2}), []effect{revokeRelay{}, grantRelay{3}}, ""},
		{"another than was let in", []event{known(), host(1), guest(2), guest(3), say(1, protocol.Grant{Slot: 1})}, say(1, protocol.Grant{Slot: 2}), []effect{grantRelay{3}}, ""},
		{"the one who rehearsed is refused", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true})}, say(1, protocol.Drop{Slot: 1}), []effect{
			revokeRelay{},
			send{1, peer(1, protocol.PeerStateGone)},
			send{2, protocol.Refusal{Code: protocol.ErrorCodeDenied}},
			closeConn{2, protocol.CloseDropped},
		}, ""},
		{"the one who rehearsed leaves", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true})}, leave{2}, []effect{
			revokeRelay{}, send{1, peer(1, protocol.PeerStateGone)},
		}, ""},
		{"the one who rehearsed leaves while the host is away", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true}), leave{1}}, leave{2}, []effect{revokeRelay{}}, ""},
		{"one who rehearsed and was let in leaves", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1, Rehearsal: true}), say(1, protocol.Grant{Slot: 1})}, leave{2}, []effect{
			send{1, peer(1, protocol.PeerStateGone)},
		}, ""},
		{"renew by the host", []event{known(), host(1)}, say(1, protocol.Renew{}), []effect{grantRelay{1}}, ""},
		{"renew by the granted guest", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1})}, say(2, protocol.Renew{}), []effect{grantRelay{2}}, ""},
		{"renew by a waiting guest", []event{known(), host(1), guest(2)}, say(2, protocol.Renew{}), nil, protocol.ErrorCodeState},
		{"renew by one who came after the granted guest left", slices.Concat(heirs, []event{leave{3}, guest(7)}), say(7, protocol.Renew{}), nil, protocol.ErrorCodeState},
		{"drop", []event{known(), host(1), guest(2)}, say(1, protocol.Drop{Slot: 1}), []effect{
			send{1, peer(1, protocol.PeerStateGone)},
			send{2, protocol.Refusal{Code: protocol.ErrorCodeDenied}},
			closeConn{2, protocol.CloseDropped},
		}, ""},
		{"drop of the granted guest", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1})}, say(1, protocol.Drop{Slot: 1}), []effect{
			revokeRelay{},
			send{1, peer(1, protocol.PeerStateGone)},
			send{2, protocol.Refusal{Code: protocol.ErrorCodeDenied}},
			closeConn{2, protocol.CloseDropped},
		}, ""},
		{"drop of the granted guest after it left", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1}), leave{2}}, say(1, protocol.Drop{Slot: 1}), []effect{revokeRelay{}}, ""},
		{"drop of the granted guest after as many came as may", heirs, say(1, protocol.Drop{Slot: 1}), []effect{revokeRelay{}}, ""},
		{"the slot of a granted guest who left stays free", slices.Concat(heirs, []event{leave{3}}), guest(7), []effect{
			send{7, seated(7)}, send{7, online}, send{1, peer(2, protocol.PeerStateWaiting)},
		}, ""},
		{"second drop of the granted guest", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1}), leave{2}, say(1, protocol.Drop{Slot: 1})}, say(1, protocol.Drop{Slot: 1}), nil, ""},
		{"drop of the old seat of a guest who came back", []event{known(), host(1), guest(2), say(1, protocol.Grant{Slot: 1}), leave{2}, guest(3), say(1, protocol.Grant{Slot: 2})}, say(1, protocol.Drop{Slot: 1}), nil, ""},
		{"drop of one who left", []event{known(), host(1)}, say(1, protocol.Drop{Slot: 1}), nil, ""},
		{"drop by a guest", []event{known(), host(1), guest(2), guest(3)}, say(2, protocol.Drop{Slot: 2}), nil, protocol.ErrorCodeState},
		{"lock by a guest", []event{known(), guest(1)}, say(1, protocol.Lock{}), nil, protocol.ErrorCodeState},
		{"unlock by a guest", []event{known(), guest(1)}, say(1, protocol.Unlock{}), nil, protocol.ErrorCodeState},
		{"end by a guest", []event{known(), guest(1)}, say(1, protocol.End{}), nil, protocol.ErrorCodeState},
		{"a client message out of place", []event{known(), host(1)}, say(1, protocol.Create{}), nil, protocol.ErrorCodeState},
		{"end", []event{known(), host(1), guest(2)}, say(1, protocol.End{Req: "r"}), []effect{
			over{byHost: true},
			send{1, protocol.Ended{Req: "r", Reason: protocol.EndReasonHost}},
			closeConn{1, protocol.CloseEnded},
			send{2, protocol.Ended{Reason: protocol.EndReasonHost}},
			closeConn{2, protocol.CloseEnded},
		}, ""},
		{"expiry", []event{known(), guest(1)}, expire{}, []effect{
			over{}, send{1, protocol.Ended{Reason: protocol.EndReasonExpired}}, closeConn{1, protocol.CloseEnded},
		}, ""},
		{"expiry after the end", []event{known(), host(1), say(1, protocol.End{})}, expire{}, nil, ""},
		{"host leaves", []event{known(), host(1), guest(2)}, leave{1}, []effect{send{2, offline}}, ""},
		{"replaced host leaves", []event{known(), host(1), guest(2), host(3)}, leave{1}, nil, ""},
		{"guest leaves", []event{known(), host(1), guest(2)}, leave{2}, []effect{send{1, peer(1, protocol.PeerStateGone)}}, ""},
		{"nobody leaves", []event{known(), host(1)}, leave{0}, nil, ""},
		{"frame to the guest", []event{known(), host(1), guest(2)}, frame{1, 1, []byte("x")}, []effect{forward{2, 0, []byte("x")}}, ""},
		{"frame to the host", []event{known(), host(1), guest(2), guest(3)}, frame{3, 0, []byte("x")}, []effect{forward{1, 2, []byte("x")}}, ""},
		{"frame to an empty slot", []event{known(), host(1), guest(2)}, frame{1, 2, nil}, []effect{dropFrame{"no_guest"}}, ""},
		{"frame to slot 0 by the host", []event{known(), host(1), guest(2)}, frame{1, 0, nil}, []effect{dropFrame{"no_guest"}}, ""},
		{"frame from one guest to another", []event{known(), host(1), guest(2), guest(3)}, frame{2, 2, nil}, []effect{dropFrame{"bad_slot"}}, ""},
		{"frame without a host", []event{known(), guest(1)}, frame{1, 0, nil}, []effect{dropFrame{"no_host"}}, ""},
		{"frame of a replaced host", []event{known(), host(1), guest(2), host(3)}, frame{1, 1, nil}, []effect{dropFrame{"not_seated"}}, ""},
		{"the granted guest claims its seat, and must be granted again", granted, again(3, claimOf(2)), takesOver(2, 1, 3, 2), ""},
		{"a waiting guest claims its seat", []event{known(), host(1), guest(2)}, again(3, claimOf(2)), takesOver(2, 1, 3, 2), ""},
		{"a claim to a seat of a full call", append(append([]event{known(), host(1)}, guests(2, 5)...), leave{2}, guest(6)), again(7, claimOf(6)), takesOver(6, 5, 7, 1), ""},
		{"a claim to a seat of a locked call", []event{known(), host(1), guest(2), say(1, protocol.Lock{})}, again(3, claimOf(2)), takesOver(2, 1, 3, 2), ""},
		{"the granted guest claims its seat among as many as may wait", full, again(7, claimOf(2)), takesOver(2, 1, 7, 1), ""},
		{"a claim while the host is away", []event{known(), guest(1)}, again(2, claimOf(1)), []effect{
			send{1, protocol.Refusal{Code: protocol.ErrorCodeReplaced}},
			closeConn{1, protocol.CloseReplaced},
			send{2, seated(2)},
			send{2, offline},
		}, ""},
		{"a wrong claim", granted, again(3, Claim{1}), nil, protocol.ErrorCodeBusy},
		{"the empty claim", granted, again(3, Claim{}), nil, protocol.ErrorCodeBusy},
		{"a wrong claim where there is room", []event{known(), host(1)}, again(2, Claim{1}), []effect{
			send{2, seated(2)}, send{2, online}, send{1, peer(1, protocol.PeerStateWaiting)},
		}, ""},
		{"a claim that has served", append(granted, again(3, claimOf(2)), say(1, protocol.Grant{Slot: 2})), again(4, claimOf(2)), nil, protocol.ErrorCodeBusy},
		{"the claim of one who left", []event{known(), host(1), guest(2), leave{2}, say(1, protocol.Lock{})}, again(3, claimOf(2)), nil, protocol.ErrorCodeLocked},
		{"the claim of one who was removed", []event{known(), host(1), guest(2), say(1, protocol.Lock{}), say(1, protocol.Drop{Slot: 1})}, again(3, claimOf(2)), nil, protocol.ErrorCodeLocked},
		{"a claim after the end", []event{known(), host(1), guest(2), say(1, protocol.End{})}, again(3, claimOf(2)), nil, protocol.ErrorCodeGone},
		{"renew by one who has taken over", append(granted, again(3, claimOf(2))), say(3, protocol.Renew{}), nil, protocol.ErrorCodeState},
		{"a frame of one who was taken over", append(granted, again(3, claimOf(2))), frame{2, 0, nil}, []effect{dropFrame{"not_seated"}}, ""},
		{"drop of one who took over its own seat, and waits", slices.Concat(full, []event{again(7, claimOf(2))}), say(1, protocol.Drop{Slot: 1}), []effect{
			revokeRelay{},
			send{1, peer(1, protocol.PeerStateGone)},
			send{7, protocol.Refusal{Code: protocol.ErrorCodeDenied}},
			closeConn{7, protocol.CloseDropped},
		}, ""},
		{"drop of the old seat of one who took over", append(granted, again(3, claimOf(2))), say(1, protocol.Drop{Slot: 1}), []effect{revokeRelay{}}, ""},
		{"an event that next does not know", nil, create{}, nil, protocol.ErrorCodeState},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			was := play(t, tt.given...)
			is, got, err := next(was, tt.when)
			var code protocol.ErrorCode
			if e, ok := errors.AsType[*protocol.WireError](err); ok {
				code = e.Code
			}
			if code != tt.code {
				t.Errorf("error = %v, want code %q", err, tt.code)
			}
			if err != nil && is != was {
				t.Errorf("refused, but the state changed to %+v", is)
			}
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(send{}, closeConn{}, grantRelay{}, forward{}, dropFrame{}, over{})); d != "" {
				t.Errorf("effects (-want +got):\n%s", d)
			}
		})
	}
}

// A slot that was just given back is not given out next: frames that are still
// under way for its last holder must not meet another.
func TestSlotsRotate(t *testing.T) {
	s := play(t, known(), host(1), guest(2), leave{2}, guest(3))
	if got, want := s.guests[1].conn, Conn(3); got != want {
		t.Errorf("slot 2 has connection %d, want %d", got, want)
	}
}

// Random walks keep what must always be true.
func TestNextInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		var last Conn
		conn := func() Conn { return Conn(rapid.Uint64Range(0, uint64(last)).Draw(t, "conn")) }
		slot := func() int { return rapid.IntRange(0, maxSlots+1).Draw(t, "slot") }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			was := s
			var e event
			switch rapid.IntRange(0, 12).Draw(t, "kind") {
			case 0:
				e = known()
				if s.phase != Unknown {
					continue // the actor registers once
				}
			case 1:
				last++
				e = host(last)
			case 2, 3, 4:
				last++
				e = guest(last)
			case 5:
				e = leave{conn()}
			case 6:
				e = say(conn(), protocol.Grant{Slot: slot()})
			case 7:
				e = say(conn(), protocol.Drop{Slot: slot()})
			case 8:
				e = say(conn(), protocol.Lock{})
			case 9:
				e = say(conn(), protocol.Unlock{})
			case 10:
				e = frame{conn(), uint16(slot()), nil}
			case 11:
				e = say(conn(), protocol.End{})
			case 12:
				last++
				e = again(last, claimOf(conn()))
			}
			var out []effect
			var err error
			s, out, err = next(s, e)
			if err := invariant(was, s, out, err); err != nil {
				t.Fatalf("after %T %+v: %v", e, e, err)
			}
		}
	})
}

func (s State) seated() int {
	n := 0
	for _, g := range s.guests {
		if g.conn != 0 {
			n++
		}
	}
	return n
}

func invariant(was, is State, out []effect, err error) error {
	if was.phase == Ended && is != was {
		return errors.New("an ended call changed")
	}
	if err != nil && (is != was || out != nil) {
		return errors.New("a refusal had effects")
	}
	if is.waiting() > protocol.LimitWaiting && is.seated() > was.seated() {
		return fmt.Errorf("%d guests wait", is.waiting())
	}
	if is.granted != 0 && is.guests[is.granted-1].conn == 0 {
		return errors.New("the grant is with an empty slot")
	}
	seen := map[Conn]bool{}
	for _, seat := range append(is.guests[:], is.host) {
		if seat.conn != 0 && seen[seat.conn] {
			return fmt.Errorf("connection %d has two seats", seat.conn)
		}
		seen[seat.conn] = true
		if seat.conn == 0 && seat.claim != (Claim{}) {
			return errors.New("a claim has outlived its seat")
		}
	}
	for _, e := range out {
		f, ok := e.(forward)
		if ok && f.conn != is.host.conn && f.slot != 0 {
			return errors.New("a guest learned of a slot")
		}
	}
	return nil
}

// The effect reaches the relay.
func TestDropRevokesRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := start(t, inAnHour())
		var h, g party
		host := mustJoin(t)(f.JoinHost(ctx, &h, hostCID, "1", nil))
		mustJoin(t)(f.JoinGuest(ctx, &g, guestCID, "2", Claim{}))
		for _, m := range []protocol.ClientMessage{protocol.Grant{Slot: 1}, protocol.Drop{Slot: 1}} {
			if err := f.Handle(ctx, host, m); err != nil {
				t.Fatal(err)
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.revoked != 1 || f.relayEnded != 0 {
			t.Errorf("revoked %d times, ended %d times; want once and never", f.revoked, f.relayEnded)
		}
	})
}
