package e2ee

import (
	"bytes"
	"slices"
	"time"
)

// Admitted lets the guest in: sdp, ice, chat and so on become possible, the
// guest may resume, and other guests are told [CodeBusy]. It returns [CodeBusy]
// if another guest is admitted, [CodeState] if this one is not ready.
func (h *Host) Admitted(slot uint16, now time.Time) error {
	s := h.slots[slot]
	if s == nil || !s.seen || s.phase == phaseOver {
		return fail(CodeState, "guest is not ready")
	}
	if h.isAdmitted(slot) {
		return nil
	}
	if h.admitted != nil {
		return fail(CodeBusy, "another guest is admitted")
	}
	s.phase = phaseAdmitted
	h.admit(s, now)
	h.resumeChanged()
	return nil
}

// Verified stores what the person said about the words of the admitted guest,
// for a resumed session.
func (h *Host) Verified(slot uint16, match bool) {
	s := h.slots[slot]
	if s == nil || s.session == nil {
		return
	}
	for _, session := range s.keys.all() {
		session.verified = match
	}
	if !h.isAdmitted(slot) {
		return
	}
	for i := range h.resume { // all of one guest: see Host.expect
		h.resume[i].Verified = match
	}
	h.resumeChanged()
}

// Release forgets the admitted guest, present or not: another one may come. It
// is to be called when the call with this guest is over; "bye" over the
// server's connection, from either side, does it by itself.
func (h *Host) Release(now time.Time) {
	if h.admitted == nil {
		return
	}
	if s := h.slots[h.admitted.slot]; s != nil && h.admitted.present {
		s.phase = phaseOver
	}
	h.dropResume(h.admitted.resumeID)
	h.dropResume(h.admitted.nextID)
	h.admitted = nil
	h.prune(now)
	h.resumeChanged()
}

func (h *Host) isAdmitted(slot uint16) bool {
	return h.admitted != nil && h.admitted.present && h.admitted.slot == slot
}

// admit remembers the guest in s as the one who is let in.
func (h *Host) admit(s *hostSlot, now time.Time) {
	h.prune(now)
	next := s.session.nextResume(now.Add(ResumeLifetime))
	h.admitted = &admission{resumeID: next.ID, slot: s.id, present: true, keys: s.keys}
	h.resume = append(h.resume, next)
	if len(h.resume) > maxResume {
		h.resume = slices.Delete(h.resume, 0, len(h.resume)-maxResume)
	}
	h.plan(now)
}

// readmit takes back a guest that proved to be the one of an earlier session. Its
// resume secret is used up as soon as it is heard: see [Host.expect]. Its old
// slot, if the server still has it, is not heard any more.
func (h *Host) readmit(s *hostSlot, used [16]byte, now time.Time) {
	if h.admitted != nil && h.admitted.present && h.admitted.slot != s.id {
		if old := h.slots[h.admitted.slot]; old != nil {
			old.reset()
		}
	}
	a := h.admitted
	switch {
	case a == nil: // after a reload of ours
		a = &admission{resumeID: used, keys: &keyring{}}
		h.admitted = a
	case used == a.nextID: // the guest has had M4, we have not heard of it
		h.promote(now)
	}
	a.slot, a.present = s.id, true
	a.rekey.stop()
	s.phase, s.keys = phaseAdmitted, a.keys
	h.expect(s.session, now)
}

// admittedGone starts the time in which the admitted guest may come back.
func (h *Host) admittedGone(now time.Time) {
	if h.admitted == nil || !h.admitted.present {
		return
	}
	h.admitted.present = false
	for i := range h.resume {
		if id := h.resume[i].ID; id == h.admitted.resumeID || id == h.admitted.nextID {
			h.resume[i].Expires = now.Add(ResumeLifetime)
		}
	}
	h.resumeChanged()
}

func (h *Host) admittedResume() *ResumeState {
	if h.admitted == nil {
		return nil
	}
	for i := range h.resume {
		if h.resume[i].ID == h.admitted.resumeID {
			return &h.resume[i]
		}
	}
	return nil
}

func (h *Host) findResume(id []byte, now time.Time) *ResumeState {
	for i := range h.resume {
		if r := h.resume[i]; bytes.Equal(r.ID[:], id) && r.usable(now) {
			return &r
		}
	}
	return nil
}

func (h *Host) dropResume(id [16]byte) {
	h.resume = slices.DeleteFunc(h.resume, func(r ResumeState) bool { return r.ID == id })
}

// prune drops what has expired, and reports whether there was any. The state of
// a guest who is present never expires.
func (h *Host) prune(now time.Time) bool {
	before := len(h.resume)
	h.resume = slices.DeleteFunc(h.resume, func(r ResumeState) bool {
		live := h.admitted != nil && h.admitted.present && r.ID == h.admitted.resumeID
		return !live && !now.Before(r.Expires)
	})
	return len(h.resume) < before
}

func (h *Host) resumeChanged() {
	h.emit(ResumeChanged{States: slices.Clone(h.resume)})
}

// tickResume keeps the stored expiry of a living session in the future, and
// opens the call when the admitted guest has not come back in time.
func (h *Host) tickResume(now time.Time) {
	changed := h.prune(now)
	r := h.admittedResume()
	switch {
	case h.admitted != nil && r == nil:
		h.admitted = nil
	case h.admitted != nil && h.admitted.present && due(r.Expires.Add(-resumeRenew), now):
		r.Expires = now.Add(ResumeLifetime)
		changed = true
	}
	if changed {
		h.resumeChanged()
	}
}

func (h *Host) resumeDeadline() (at time.Time) {
	for _, r := range h.resume {
		expires := r.Expires
		if h.admitted != nil && h.admitted.present && r.ID == h.admitted.resumeID {
			expires = expires.Add(-resumeRenew)
		}
		at = earlier(at, expires)
	}
	return at
}
