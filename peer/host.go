package peer

import (
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// app is what a native party calls itself in its caps.
const app = "native"

// hostSeat is the host's end of a call: it keeps the door.
type hostSeat struct {
	c        *Call
	machine  *e2ee.Host
	visitors map[uint16]*visitor
	guest    uint16 // slot of the admitted guest; 0: nobody is in
	present  bool   // its connection to the server is up
	forGood  bool   // the person has ended the call, not only left it
}

// visitor is somebody whose handshake is complete.
type visitor struct {
	session *e2ee.Session
	knocked bool
}

func newHostSeat(c *Call) (*hostSeat, error) {
	machine, err := e2ee.NewHost(e2ee.HostConfig{
		Link: c.cfg.Link, Password: c.cfg.Password, Caps: capsOf(c.cfg), Rand: c.cfg.Rand,
		RekeyEvery: c.cfg.RekeyEvery,
	})
	if err != nil {
		return nil, err
	}
	return &hostSeat{c: c, machine: machine, visitors: map[uint16]*visitor{}}, nil
}

func capsOf(cfg Config) e2ee.Caps {
	caps := e2ee.Caps{SFrame: 1, Video: []string{string(CodecVP9), string(CodecVP8)}, App: app}
	if cfg.RelayOnly {
		caps.Relay = 2
	}
	return caps
}

func (h *hostSeat) role() protocol.Role { return protocol.RoleHost }

func (h *hostSeat) proof(nonce []byte, cid protocol.ID) []byte {
	return h.c.cfg.Link.SignServerAuth(h.c.cfg.Origin, nonce, cid)
}

func (h *hostSeat) joined(protocol.Joined) {
	h.c.answered()
	h.machine.Connected(h.c.link.cid, time.Now())
	if h.guest == 0 {
		h.c.setPhase(PhaseAlone)
	}
}

func (h *hostSeat) lost() {
	h.present = false
	h.machine.Disconnected(time.Now())
	for slot := range h.visitors {
		h.forget(slot)
	}
}

func (h *hostSeat) control(m protocol.ServerMessage) {
	peer, ok := m.(protocol.Peer)
	if !ok || peer.Slot < 1 || peer.Slot > 0xffff {
		return
	}
	slot := uint16(peer.Slot)
	if peer.State == protocol.PeerStateGone {
		h.machine.PeerGone(slot, time.Now())
		if slot == h.guest {
			h.present = false
		}
		h.forget(slot)
		return
	}
	if cid, err := protocol.ParseID(peer.CID); err == nil {
		h.machine.PeerArrived(slot, cid, time.Now())
	}
}

// forget drops a visitor who was not admitted.
func (h *hostSeat) forget(slot uint16) {
	v := h.visitors[slot]
	delete(h.visitors, slot)
	if v != nil && v.knocked && slot != h.guest {
		h.c.emit(KnockGone{slot})
	}
}

func (h *hostSeat) frame(slot uint16, data []byte, now time.Time) {
	h.machine.Receive(slot, data, now)
}

func (h *hostSeat) effect(e e2ee.Effect) {
	switch e := e.(type) {
	case e2ee.Ready:
		h.ready(e)
	case e2ee.Message:
		h.message(e)
	case e2ee.Failed:
		h.c.log.Debug("handshake failed", "code", string(e.Code))
		h.forget(e.Slot)
	case e2ee.WrongPassword:
		h.c.emit(PasswordWrong{Left: h.machine.Budget().Left()})
	}
}

// ready greets a guest. A resumed one was admitted before: it gets relay
// credentials again, and a new media connection if the old one did not survive.
func (h *hostSeat) ready(e e2ee.Ready) {
	h.visitors[e.Slot] = &visitor{session: e.Session}
	h.say1(e.Slot, sealed.Hello{
		T:     "hello",
		Name:  clean(h.c.cfg.Name, sealed.LimitName, false),
		Title: clean(h.c.cfg.Title, sealed.LimitTitle, false),
	})
	if !e.Resumed {
		return
	}
	h.guest, h.present = e.Slot, true
	h.c.socket.control(protocol.Grant{Slot: int(e.Slot)})
	h.c.bothReady(e.Session)
	h.c.resumed()
}

func (h *hostSeat) message(m e2ee.Message) {
	v := h.visitors[m.Slot]
	if v == nil {
		return
	}
	if m.Type == "knock" {
		decode(m.JSON, func(k sealed.Knock) { h.knock(m.Slot, v, k) })
		return
	}
	if m.Slot == h.guest {
		h.c.peerMessage(m.Type, m.JSON)
		return
	}
	if m.Type == "bye" || m.Type == "err" {
		h.forget(m.Slot)
	}
}

func (h *hostSeat) knock(slot uint16, v *visitor, k sealed.Knock) {
	switch {
	case slot == h.guest:
	case h.guest != 0:
		h.sayBusy(slot)
	case v.knocked:
	default:
		v.knocked = true
		h.c.emit(Knocked{
			Slot:   slot,
			Name:   clean(k.Name, sealed.LimitName, false),
			Note:   clean(k.Note, sealed.LimitNote, false),
			Lang:   clean(k.Lang, 35, false), // RFC 5646 §4.4.1
			Tested: tested(k.Tested),
		})
		if h.c.cfg.OpenDoor {
			h.admit(slot)
		}
	}
}

// admit lets a visitor in: relay credentials first, then the word, then the
// offer that has been ready since before the knock.
func (h *hostSeat) admit(slot uint16) {
	v := h.visitors[slot]
	if v == nil || h.guest != 0 || h.c.socket == nil {
		return
	}
	if h.machine.Admitted(slot, time.Now()) != nil {
		return // it left just now, or the machine still counts another one in
	}
	h.guest, h.present = slot, true
	h.c.socket.control(protocol.Grant{Slot: int(slot)})
	h.c.bothReady(v.session)
	h.c.admitted(h.c.cfg.Limit)
	h.sayAdmit()
	h.offer()
	for other, v := range h.visitors {
		if other != slot && v != nil {
			h.sayBusy(other)
			h.forget(other)
		}
	}
}

// sayBusy tells a visitor whose handshake is complete; others the machine tells.
func (h *hostSeat) sayBusy(slot uint16) {
	h.say1(slot, sealed.Err{T: "err", Code: string(protocol.ErrorCodeBusy)})
}

func (h *hostSeat) sayAdmit() {
	policy := h.c.session.Policy()
	h.say1(h.guest, sealed.Admit{T: "admit", Policy: sealed.Policy{
		SFrame:  policy.SFrame,
		Relay:   policy.Relay,
		Record:  policy.Record,
		LimitMS: h.c.cfg.Limit.Milliseconds(),
	}})
}

// prepare makes the connection for whoever comes next and lets it gather.
// Nothing of it is told to anybody before admit.
func (h *hostSeat) prepare(relayOnly bool) error {
	if err := h.c.newConn(relayOnly); err != nil {
		return err
	}
	_, err := h.c.conn.negotiation.offer()
	return err
}

// offer sends the prepared offer with the candidates found so far.
func (h *hostSeat) offer() {
	c := h.c
	if c.conn == nil || c.conn.open || c.conn.relayOnly != c.wantsRelay() {
		if err := h.prepare(c.wantsRelay()); err != nil {
			c.finish(EndError, err)
			return
		}
	}
	c.conn.gen = c.nextGen
	c.nextGen++
	c.sendSDP(sealed.SDPTypeOffer, c.conn.pc.LocalDescription().SDP)
	c.sendCandidates()
}

func (h *hostSeat) reachable() bool { return h.present && h.c.socket != nil }

// renew replaces the media connection within the session.
func (h *hostSeat) renew() {
	if !h.present {
		return
	}
	h.c.dropConn()
	h.offer()
}

func (h *hostSeat) hold(slot uint16, message string) {
	if v := h.visitors[slot]; v != nil && slot != h.guest {
		h.say1(slot, sealed.Hold{T: "hold", Msg: clean(message, sealed.LimitNote, false)})
	}
}

func (h *hostSeat) refuse(slot uint16, reason string) {
	if v := h.visitors[slot]; v == nil || slot == h.guest {
		return
	}
	h.say1(slot, sealed.Deny{T: "deny", Reason: clean(reason, sealed.LimitNote, false)})
	delete(h.visitors, slot)
	h.c.applyEffects() // the word leaves before the seat is taken away
	if h.c.socket != nil {
		h.c.socket.control(protocol.Drop{Slot: int(slot)})
	}
}

// say1 seals for one visitor. A message that may not be said now is to somebody
// who has just left.
func (h *hostSeat) say1(slot uint16, m any) { _ = h.machine.Send(slot, marshal(m), time.Now()) }

func (h *hostSeat) say(json []byte) error {
	if !h.present {
		return &protocol.WireError{Code: protocol.ErrorCodeState, Detail: "guest's signaling is away"}
	}
	return h.machine.Send(h.guest, json, time.Now())
}

func (h *hostSeat) keys() keys { return h.machine }

func (h *hostSeat) verified(match bool) { h.machine.Verified(h.guest, match) }

// relaysChanged prepares again: what was gathered may belong to a relay that
// has restarted.
func (h *hostSeat) relaysChanged() {
	if h.guest != 0 {
		return
	}
	if err := h.prepare(h.c.wantsRelay()); err != nil {
		h.c.finish(EndError, err)
	}
}

// ended tells those who wait that nobody will open.
func (h *hostSeat) ended(EndReason) {
	for slot := range h.visitors {
		if slot != h.guest {
			h.say1(slot, sealed.Bye{T: "bye", Reason: sealed.ByeReasonHangup})
		}
	}
}

// left frees the seats, or ends the call for good. A seat that was the guest's is
// freed even if nobody is on it: that takes the relay away.
func (h *hostSeat) left(reason EndReason) {
	socket := h.c.socket
	if socket == nil || reason == EndReplaced || reason == EndExpired {
		return
	}
	if h.forGood || h.c.cfg.OneTime && h.c.lastWay.Path != "" {
		socket.control(protocol.End{})
		return
	}
	if h.guest != 0 {
		socket.control(protocol.Drop{Slot: int(h.guest)})
	}
	for slot := range h.visitors {
		if slot != h.guest {
			socket.control(protocol.Drop{Slot: int(slot)})
		}
	}
}

func (h *hostSeat) tick(now time.Time)          { h.machine.Tick(now) }
func (h *hostSeat) deadline() (time.Time, bool) { return h.machine.Deadline() }
func (h *hostSeat) drain() []e2ee.Effect        { return h.machine.Drain() }
