package e2ee

import (
	"io"
	"log/slog"
	"slices"
	"time"
)

// handshakeTimeout is how long a party waits for the next handshake message.
const handshakeTimeout = 10 * time.Second

// HostConfig is what a host starts with. It holds secrets.
type HostConfig struct {
	Link     Link
	Password string // what guests have to type; "" if the link has no FlagPassword
	// Stretched, if set, is the result of [StretchPassword] and replaces Password.
	Stretched []byte
	Caps      Caps
	Rand      io.Reader // nil: crypto/rand
	Budget    Budget
	Resume    []ResumeState // as last given by [ResumeChanged]

	RekeyEvery time.Duration // 0: RekeyInterval
}

// String keeps the password out of logs.
func (HostConfig) String() string { return redacted }

// GoString keeps the password out of %#v.
func (HostConfig) GoString() string { return redacted }

// LogValue keeps the password out of structured logs.
func (HostConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// Host is the host's machine: it answers handshakes, counts guesses, knows who
// is admitted and says who may say what. It does no I/O and has no clock: feed
// it events, then [Host.Drain] effects. It is not safe for concurrent use.
//
//	slot:  waiting ──M1──▶ delayed ──▶ M2 sent ──M3──▶ session (see phase)
//	          ▲               │           │               │
//	          └────timeout, failure, PeerGone─────────────┘
type Host struct {
	machine
	link      Link
	password  []byte
	caps      Caps
	rawCaps   []byte
	random    io.Reader
	budget    Budget
	resume    []ResumeState
	allowance allowance
	limits    rekeyLimits

	out      *outerSender // nil while disconnected
	heard    outerMemory
	slots    map[uint16]*hostSlot
	admitted *admission // nil: the call is open
}

// admission is the one guest who is let in, present or about to come back.
type admission struct {
	resumeID [16]byte
	nextID   [16]byte // of keys.next, if there is one
	slot     uint16
	present  bool
	keys     *keyring // outlives connections
	rekey    hostRekey
}

// hostSlot is one guest's connection.
type hostSlot struct {
	id       uint16
	in       *outerReceiver
	pending  []byte         // M1 that waits for the delay after a failure
	hs       *hostHandshake // after M2
	session  *Session       // after M3; of the admitted guest the first of this connection
	keys     *keyring       // of session and, for the admitted guest, its relatives
	phase    phase
	seen     bool      // a sealed frame arrived: M4 did, too
	deadline time.Time // of pending or hs; zero otherwise
}

func (s *hostSlot) reset() {
	s.pending, s.hs, s.session, s.keys = nil, nil, nil, nil
	s.phase, s.seen, s.deadline = phaseNone, false, time.Time{}
}

// NewHost returns the machine of a call's host. It fails if the link is not a
// host link, if password and link do not fit ([CodePWRequired],
// [CodePasswordForm]), or if the link demands what caps deny ([CodePolicy]).
func NewHost(c HostConfig) (*Host, error) {
	if !c.Link.host {
		return nil, fail(CodeParse, "not a host link")
	}
	password, err := stretched(c.Link, c.Password, c.Stretched)
	if err != nil {
		return nil, err
	}
	if asks := c.Link.flags&FlagPassword != 0; asks && password == nil {
		return nil, fail(CodePWRequired, "the link says there is a password")
	} else if !asks && password != nil {
		return nil, fail(CodePasswordForm, "the link does not say there is a password")
	}
	h := &Host{
		link: c.Link, password: password, random: c.Rand, budget: c.Budget,
		slots: map[uint16]*hostSlot{}, limits: newRekeyLimits(c.RekeyEvery, 0),
	}
	if h.rawCaps, h.caps, err = encodeCaps(c.Link, c.Caps); err != nil {
		return nil, err
	}
	h.resume = append(h.resume, c.Resume[:min(len(c.Resume), maxResume)]...)
	return h, nil
}

// stretched returns key if there is one, else the stretched password, else nil.
func stretched(l Link, password string, key []byte) ([]byte, error) {
	if len(key) > 0 {
		return append([]byte(nil), key...), nil
	}
	if password == "" {
		return nil, nil
	}
	return StretchPassword(l, password)
}

// Connected says that a new connection to the server has joined with this
// connection id, fresh random bytes. All slots are empty again.
func (h *Host) Connected(cid [16]byte, now time.Time) {
	if h.out != nil && h.out.cid == cid {
		return // said twice by a server that would like to see a counter start again
	}
	h.Disconnected(now)
	h.out = newOuterSender(&h.link, RoleHost, cid)
}

// Disconnected says that the connection is lost. The admitted guest may come
// back within [ResumeLifetime].
func (h *Host) Disconnected(now time.Time) {
	h.out = nil
	clear(h.slots)
	h.admittedGone(now)
}

// PeerArrived says that a guest's connection took a slot. Beyond [LimitSlots]
// it is told [CodeBusy] at once.
func (h *Host) PeerArrived(slot uint16, cid [16]byte, now time.Time) {
	if h.out == nil {
		return
	}
	h.PeerGone(slot, now)
	waiting, room := len(h.slots), LimitSlots
	switch {
	case h.admitted == nil:
	case h.admitted.present:
		waiting--
	default: // strangers who say nothing must not take the place that it comes back to
		room++
	}
	if waiting >= room {
		h.sendControl(slot, controlBusy, CodeBusy)
		return
	}
	h.slots[slot] = &hostSlot{id: slot, in: h.heard.of(&h.link, RoleGuest, cid)}
}

// PeerGone says that the slot is free again.
func (h *Host) PeerGone(slot uint16, now time.Time) {
	delete(h.slots, slot)
	if h.isAdmitted(slot) {
		h.admittedGone(now)
	}
}

// Close ends what runs with a guest and tells it why; code is made
// [Code.Public]. An admitted guest is released.
func (h *Host) Close(slot uint16, code Code, now time.Time) {
	s := h.slots[slot]
	if s == nil {
		return
	}
	kind := controlAbort
	if code == CodeBusy {
		kind = controlBusy
	}
	h.sendControl(slot, kind, code.Public())
	s.reset()
	if h.isAdmitted(slot) {
		h.Release(now)
	}
}

// Allow gives more guesses, typically [LimitGuesses], and so unlocks the call.
func (h *Host) Allow(more int) {
	h.budget.Extra += max(0, more)
	h.emit(BudgetChanged{h.budget})
}

// Budget returns the guess counter.
func (h *Host) Budget() Budget { return h.budget }

// Send seals one JSON message to a guest that is ready. Sending "admit" admits
// the guest as [Host.Admitted] does. It returns [CodeState] if a host may not
// say that now, [CodeParse] or [CodeSize] if it is no sealed message.
func (h *Host) Send(slot uint16, json []byte, now time.Time) error {
	s := h.slots[slot]
	if s == nil || h.out == nil || !s.seen {
		return fail(CodeState, "guest is not ready")
	}
	if t, err := messageType(json); err != nil {
		return err
	} else if t == "admit" {
		if err := h.Admitted(slot, now); err != nil {
			return err
		}
	}
	frame, t, err := s.keys.current.sealMessage(RoleHost, s.phase, json)
	if err != nil {
		return err
	}
	h.send(slot, frame)
	s.phase = s.phase.next(t)
	if s.phase == phaseOver && h.isAdmitted(slot) {
		h.Release(now)
	}
	return nil
}

// Tick lets time pass. Call it at [Host.Deadline], or more often.
func (h *Host) Tick(now time.Time) {
	for _, s := range h.inOrder() {
		if !due(s.deadline, now) {
			continue
		}
		if s.pending != nil {
			h.answerPending(s, now)
		} else {
			h.reject(s, CodeTimeout)
		}
	}
	h.tickResume(now)
	h.tickRekey(now)
}

// Deadline is when Tick has something to do next, if ever.
func (h *Host) Deadline() (time.Time, bool) {
	at := earlier(h.resumeDeadline(), h.rekeyDeadline())
	for _, s := range h.slots {
		at = earlier(at, s.deadline)
	}
	return at, !at.IsZero()
}

func (h *Host) inOrder() []*hostSlot {
	out := make([]*hostSlot, 0, len(h.slots))
	for _, s := range h.slots {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *hostSlot) int { return int(a.id) - int(b.id) })
	return out
}

func (h *Host) send(slot uint16, inner []byte) {
	h.emit(SendFrame{Slot: slot, Frame: h.out.seal(inner)})
}

func (h *Host) sendControl(slot uint16, kind string, code Code) {
	h.send(slot, control{T: kind, Code: code}.encode())
}

// refuse ends a handshake before it cost anything.
func (h *Host) refuse(s *hostSlot, kind string, code Code) {
	h.sendControl(s.id, kind, code)
	h.emit(Failed{Slot: s.id, Code: code})
}

// reject ends a handshake or session that went wrong. An admitted guest may
// resume.
func (h *Host) reject(s *hostSlot, code Code) {
	s.reset()
	h.sendControl(s.id, controlAbort, code.Public())
	h.emit(Failed{Slot: s.id, Code: code})
}
