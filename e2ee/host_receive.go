package e2ee

import (
	"bytes"
	"time"
)

// Receive takes an outer frame, without the slot prefix.
func (h *Host) Receive(slot uint16, frame []byte, now time.Time) {
	s := h.slots[slot]
	if s == nil || h.out == nil {
		return
	}
	inner, err := s.in.open(frame)
	if err != nil {
		if s.in.spent() {
			h.PeerGone(slot, now)
			h.emit(Failed{Slot: slot, Code: CodeOuter})
		}
		return
	}
	switch kindOf(inner) {
	case labelM1:
		h.receiveM1(s, inner, now)
	case labelM3:
		h.receiveM3(s, inner, now)
	case "sealed":
		h.receiveSealed(s, inner, now)
	case "control":
		h.receiveControl(s, inner[1:])
	default:
		h.reject(s, CodeParse)
	}
}

func (h *Host) receiveM1(s *hostSlot, raw []byte, now time.Time) {
	m1, err := parseM1(raw)
	if err != nil {
		h.allowance.take(now)
		h.reject(s, CodeOf(err))
		return
	}
	known := h.findResume(m1.resumeID, now)
	switch {
	case h.admitted != nil && (known == nil || known.ID != h.admitted.resumeID && known.ID != h.admitted.nextID):
		h.refuse(s, controlBusy, CodeBusy)
		return
	case known != nil: // costs neither a guess nor the allowance: its id is a secret
	case h.budget.Locked():
		h.refuse(s, controlAbort, CodeLocked)
		return
	case !h.allowance.take(now):
		h.refuse(s, controlBusy, CodeBusy)
		return
	}
	s.reset()
	if at := h.budget.answerAt(now); known == nil && at.After(now) {
		s.pending, s.deadline = bytes.Clone(raw), at
		return
	}
	h.answer(s, m1, known, now)
}

// answerPending answers an M1 whose delay is over. What was true when it came
// may have changed.
func (h *Host) answerPending(s *hostSlot, now time.Time) {
	m1, err := parseM1(s.pending)
	s.reset()
	switch {
	case err != nil:
		h.reject(s, CodeOf(err))
	case h.admitted != nil:
		h.refuse(s, controlBusy, CodeBusy)
	case h.budget.Locked():
		h.refuse(s, controlAbort, CodeLocked)
	default:
		h.answer(s, m1, nil, now)
	}
}

func (h *Host) answer(s *hostSlot, m1 *message1, resume *ResumeState, now time.Time) {
	r, err := newHostRandom(h.random)
	if err != nil {
		h.reject(s, CodeState)
		return
	}
	t := terms{link: h.link, password: h.password, cidGuest: s.in.cid, cidHost: h.out.cid}
	hs, m2, err := answerM1(t, m1, h.caps, h.rawCaps, resume, r)
	if err != nil {
		h.reject(s, CodeOf(err))
		return
	}
	s.hs, s.deadline = hs, now.Add(handshakeTimeout)
	h.send(s.id, m2)
}

// receiveM3 is the only place where a guess is checked. The guesses left are
// looked at first: several handshakes may have been answered before the last
// one was used up.
func (h *Host) receiveM3(s *hostSlot, raw []byte, now time.Time) {
	hs := s.hs
	if hs == nil {
		h.reject(s, CodeState)
		return
	}
	if hs.resume == nil && h.budget.Locked() {
		h.reject(s, CodeLocked)
		return
	}
	if hs.resume != nil && h.findResume(hs.resume.ID[:], now) == nil {
		h.reject(s, CodeConfirm) // used up or expired meanwhile
		return
	}
	m4, session, err := hs.receiveM3(raw)
	if err != nil {
		h.reject(s, CodeOf(err))
		if CodeOf(err) == CodeConfirm {
			h.countFailure(now)
		}
		return
	}
	s.reset()
	s.session, s.keys, s.phase = session, &keyring{current: session}, phaseReady
	h.send(s.id, m4)
	if hs.resume != nil {
		h.readmit(s, hs.resume.ID, now)
	}
}

func (h *Host) countFailure(now time.Time) {
	h.budget.Failures++
	h.budget.LastFailure = now
	h.emit(BudgetChanged{h.budget})
	h.emit(WrongPassword{Failures: h.budget.Failures, Locked: h.budget.Locked()})
}

func (h *Host) receiveSealed(s *hostSlot, frame []byte, now time.Time) {
	if s.session == nil {
		return // sent before the guest learned that its session is over
	}
	m, err := s.keys.openMessage(RoleGuest, s.phase, frame)
	if err != nil {
		h.reject(s, CodeOf(err))
		return
	}
	if h.isAdmitted(s.id) && h.heardUnder(m.session, now) && s.seen {
		h.emit(Say{Slot: s.id, JSON: []byte(readyMessage)})
	}
	if !s.seen && m.session == s.session {
		s.seen = true
		h.emit(Ready{Slot: s.id, Session: s.session, Resumed: s.session.resumed})
	}
	switch v := m.verdict; {
	case v == deliver && isRekey(m.t):
		h.hearRekey(m.json, now)
	case v == deliver:
		h.emit(Message{Slot: s.id, Type: m.t, JSON: m.json})
		if s.phase = s.phase.next(m.t); s.phase == phaseOver && h.isAdmitted(s.id) {
			h.Release(now)
		}
	case v == violation:
		h.reject(s, CodeState)
	}
}

// receiveControl takes a guest's abort. It proves nothing, so all it does is to
// end what runs in the guest's own slot.
func (h *Host) receiveControl(s *hostSlot, b []byte) {
	c, err := decodeControl(b)
	if err != nil || c.T != controlAbort {
		return
	}
	running := s.hs != nil || s.session != nil || s.pending != nil
	s.reset()
	if running {
		h.emit(Failed{Slot: s.id, Code: c.Code})
	}
}
