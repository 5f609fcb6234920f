package e2ee

import "time"

// hostRekey is what a host knows about renewing the keys of the admitted guest.
type hostRekey struct {
	n, own   [16]byte // of the guest and of the host, in place of connection ids
	run      bool
	hs       *hostHandshake // after M2
	by       time.Time      // the guest's next message is due
	answered time.Time      // the last epoch began then
	pleadAt  time.Time      // when to ask the guest for it; zero: not planned
}

func (r *hostRekey) stop() { r.run, r.hs, r.by = false, nil, time.Time{} }

// Rekey asks the admitted guest to renew the keys. Without one, or while that is
// under way, it does nothing.
func (h *Host) Rekey(now time.Time) {
	a := h.admitted
	if a == nil || a.keys.current == nil || a.keys.next != nil || a.rekey.run {
		return
	}
	epoch := a.keys.current.epoch
	a.rekey.pleadAt = now.Add(h.limits.every / 10)
	h.emit(Say{Slot: a.slot, JSON: rekeyMessage{T: msgRekeyPlease, Epoch: &epoch}.encode()})
}

// hearRekey takes a message about it from the admitted guest, whichever way it
// came.
func (h *Host) hearRekey(b []byte, now time.Time) {
	a := h.admitted
	if a == nil || a.keys.current == nil {
		return
	}
	m, n, err := readRekey(b)
	if err != nil {
		return
	}
	r := &a.rekey
	switch {
	case m.T == msgRekey:
		if now.Before(r.answered.Add(rekeyPause)) || fill(h.random, r.own[:]) != nil {
			return // the guest asks again
		}
		r.stop()
		r.run, r.n, r.by = true, n, now.Add(handshakeTimeout)
		h.sayRekey(rekeyMessage{T: msgRekeyOK, N: base64url(r.own[:]), To: m.N})
	case m.T == msgHandshake && r.run && n == r.n:
		if h.rekeyAnswer(m.B, now) != nil {
			r.stop()
		}
	}
}

func (h *Host) sayRekey(m rekeyMessage) { h.emit(Say{Slot: h.admitted.slot, JSON: m.encode()}) }

// rekeyAnswer takes M1 or M3. It costs no guess: only the guest whose password
// was right gets here.
func (h *Host) rekeyAnswer(b string, now time.Time) error {
	raw, err := unbase64(b)
	if err != nil {
		return fail(CodeParse, "payload is not base64url")
	}
	r := &h.admitted.rekey
	answer := rekeyMessage{T: msgHandshake, N: base64url(r.n[:])}
	if r.hs == nil {
		m2, err := h.rekeyM2(raw, now)
		if err != nil {
			return err
		}
		r.by, answer.B = now.Add(handshakeTimeout), base64url(m2)
		h.sayRekey(answer)
		return nil
	}
	m4, session, err := r.hs.receiveM3(raw)
	if err != nil {
		return err
	}
	r.stop()
	answer.B = base64url(m4)
	h.sayRekey(answer)
	h.expect(session, now)
	return nil
}

func (h *Host) rekeyM2(raw []byte, now time.Time) ([]byte, error) {
	r := &h.admitted.rekey
	m1, err := parseM1(raw)
	if err != nil {
		return nil, err
	}
	resume := h.findResume(m1.resumeID, now)
	if resume == nil || resume.ID != h.admitted.resumeID {
		return nil, fail(CodeEpoch, "re-key does not continue the session")
	}
	random, err := newHostRandom(h.random)
	if err != nil {
		return nil, err
	}
	t := terms{link: h.link, password: h.password, cidGuest: r.n, cidHost: r.own}
	hs, m2, err := answerM1(t, m1, h.caps, h.rawCaps, resume, random)
	r.hs = hs
	return m2, err
}

// expect takes the successor of the admitted guest's session, to hear the guest
// under it. Until then M4 may have been lost, so that the state it was made
// from is kept, too: the guest can come back with either.
func (h *Host) expect(session *Session, now time.Time) {
	a := h.admitted
	next := session.nextResume(now.Add(ResumeLifetime))
	a.keys.expect(session)
	a.nextID = next.ID
	kept := h.admittedResume()
	h.resume = h.resume[:0]
	if kept != nil {
		h.resume = append(h.resume, *kept)
	}
	h.resume = append(h.resume, next)
	h.resumeChanged()
	h.emit(Epoch{Slot: a.slot, Session: session})
}

// heardUnder follows a frame that was opened with s. The first one under the next
// epoch's keys shows that the guest has them, and that the last resume state
// has served.
func (h *Host) heardUnder(s *Session, now time.Time) (changed bool) {
	a := h.admitted
	if a == nil || s == nil {
		return false
	}
	if changed = s == a.keys.next; changed {
		h.promote(now)
		h.emit(Epoch{Slot: a.slot, Session: s, Sending: true})
	}
	a.keys.heard(s, now)
	return changed
}

// promote makes the expected session the one in use.
func (h *Host) promote(now time.Time) {
	a := h.admitted
	a.keys.change(a.keys.next)
	verified := a.keys.current.verified
	h.resume = append(h.resume[:0], a.keys.current.nextResume(now.Add(ResumeLifetime)))
	h.resume[0].Verified = verified
	a.resumeID, a.nextID = a.nextID, [16]byte{}
	h.plan(now)
	h.resumeChanged()
}

// plan says when the keys that are in use now have served.
func (h *Host) plan(now time.Time) {
	r := &h.admitted.rekey
	r.stop()
	r.answered = now
	r.pleadAt = now.Add(h.limits.every + h.limits.every/10) // the guest begins, a host reminds it
}

func (h *Host) tickRekey(now time.Time) {
	a := h.admitted
	if a == nil {
		return
	}
	a.keys.tick(now)
	if due(a.rekey.by, now) {
		a.rekey.stop()
	}
	if due(a.rekey.pleadAt, now) {
		a.rekey.pleadAt = now.Add(h.limits.every / 10)
		h.Rekey(now)
	}
}

func (h *Host) rekeyDeadline() (at time.Time) {
	if a := h.admitted; a != nil {
		at = earlier(earlier(a.keys.fadeAt, a.rekey.by), a.rekey.pleadAt)
	}
	return at
}

// Alive says that the admitted guest was heard over the media connection: its
// session lives, even if the server does not.
func (h *Host) Alive(now time.Time) {
	if r := h.admittedResume(); r != nil && due(r.Expires.Add(-resumeRenew), now) {
		r.Expires = now.Add(ResumeLifetime)
		h.resumeChanged()
	}
}

func (h *Host) keys() *keyring {
	if h.admitted == nil {
		return nil
	}
	return h.admitted.keys
}

// SealData seals one JSON message for the admitted guest's data channel.
func (h *Host) SealData(json []byte) ([]byte, error) { return h.keys().sealData(json) }

// OpenData opens a frame from the admitted guest's data channel, as
// [Guest.OpenData] does.
func (h *Host) OpenData(frame []byte, now time.Time) ([]byte, error) {
	json, s, err := h.keys().openData(frame)
	if err != nil || s == nil {
		return nil, err
	}
	if h.heardUnder(s, now) {
		h.emit(Say{Slot: h.admitted.slot, JSON: []byte(readyMessage)})
	}
	if t, _ := messageType(json); isRekey(t) {
		h.hearRekey(json, now)
		return nil, nil
	}
	return json, nil
}

// SealFile seals a part of a file for the admitted guest.
func (h *Host) SealFile(plain []byte) ([]byte, error) { return h.keys().sealFile(plain) }

// OpenFile opens a frame of the admitted guest's data channel files, as
// [Guest.OpenFile] does.
func (h *Host) OpenFile(frame []byte, now time.Time) ([]byte, error) {
	plain, s, err := h.keys().openFile(frame)
	if err != nil || s == nil {
		return nil, err
	}
	if h.heardUnder(s, now) {
		h.emit(Say{Slot: h.admitted.slot, JSON: []byte(readyMessage)})
	}
	return plain, nil
}

// Bind is [Session.Bind] of the admitted guest's epoch in use.
func (h *Host) Bind(role Role, fpGuest, fpHost [32]byte) ([32]byte, error) {
	return h.keys().bind(role, fpGuest, fpHost)
}

// CheckBind is [Guest.CheckBind] for the admitted guest.
func (h *Host) CheckBind(got []byte, role Role, fpGuest, fpHost [32]byte) error {
	return h.keys().checkBind(got, role, fpGuest, fpHost)
}
