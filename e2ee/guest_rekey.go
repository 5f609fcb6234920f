package e2ee

import "time"

// guestRekey is what a guest knows about renewing its keys.
type guestRekey struct {
	limits rekeyLimits
	at     time.Time // when the next run begins; zero: not planned
	tries  int       // runs given up since the last epoch

	run    bool
	n      [16]byte
	hs     *guestHandshake // after rekey-ok
	m3Sent bool
	by     time.Time // the host's next message is due
}

func (r *guestRekey) stop() { r.run, r.hs, r.m3Sent, r.by = false, nil, false, time.Time{} }

// Rekey begins to renew the keys, unless that is under way; without an admitted
// session it does nothing. A handshake over a new connection does the same, so
// one that runs is enough.
func (g *Guest) Rekey(now time.Time) {
	r := &g.rekey
	if r.run || !g.admitted || g.keys == nil || g.hs != nil || !g.resume.usable(now) {
		return
	}
	if fill(g.random, r.n[:]) != nil {
		return
	}
	r.run, r.at, r.by = true, time.Time{}, now.Add(handshakeTimeout)
	g.emit(Say{JSON: rekeyMessage{T: msgRekey, N: base64url(r.n[:])}.encode()})
}

// hearRekey takes a message about it, whichever way it came.
func (g *Guest) hearRekey(b []byte, now time.Time) {
	if !g.admitted || g.keys == nil {
		return
	}
	m, n, err := readRekey(b)
	if err != nil {
		return
	}
	r := &g.rekey
	switch {
	case m.T == msgRekeyPlease:
		if m.Epoch == nil || *m.Epoch == g.keys.current.epoch {
			g.Rekey(now)
		}
	case !r.run:
	case m.T == msgRekeyOK:
		if r.hs == nil && m.To == base64url(r.n[:]) {
			g.rekeyM1(n, now)
		}
	case m.T == msgHandshake && n == r.n && r.hs != nil:
		if err := g.rekeyAnswer(m.B, now); err != nil {
			g.rekeyFailed(now)
		}
	}
}

func (g *Guest) rekeyM1(host [16]byte, now time.Time) {
	random, err := newGuestRandom(g.random)
	if err != nil || !g.resume.usable(now) {
		g.rekeyFailed(now)
		return
	}
	resume := *g.resume
	t := terms{link: g.link, password: g.password, cidGuest: g.rekey.n, cidHost: host}
	g.rekey.hs = startGuest(t, g.caps, g.rawCaps, &resume, random)
	g.sayRekey(g.rekey.hs.m1, now)
}

func (g *Guest) sayRekey(message []byte, now time.Time) {
	g.rekey.by = now.Add(handshakeTimeout)
	g.emit(Say{JSON: rekeyMessage{T: msgHandshake, N: base64url(g.rekey.n[:]), B: base64url(message)}.encode()})
}

// rekeyAnswer takes M2 or M4.
func (g *Guest) rekeyAnswer(b string, now time.Time) error {
	raw, err := unbase64(b)
	if err != nil {
		return fail(CodeParse, "payload is not base64url")
	}
	r := &g.rekey
	if !r.m3Sent {
		m3, err := r.hs.receiveM2(raw)
		if err != nil {
			return err
		}
		if !r.hs.m2.resumed {
			return fail(CodeEpoch, "re-key does not continue the session")
		}
		r.m3Sent = true
		g.sayRekey(m3, now)
		return nil
	}
	session, err := r.hs.receiveM4(raw)
	if err != nil {
		return err
	}
	g.keys.change(session)
	if g.session != nil {
		g.session = session
	}
	g.began(session, now)
	g.emit(Epoch{Session: session, Sending: true})
	g.emit(Say{JSON: []byte(readyMessage)})
	return nil
}

// began plans what comes after a handshake of any kind.
func (g *Guest) began(session *Session, now time.Time) {
	next := session.nextResume(now.Add(ResumeLifetime))
	g.resume = &next // the used one is gone on both sides
	g.resumeChanged()
	g.rekey.stop()
	g.rekey.at, g.rekey.tries = now.Add(g.rekey.limits.every), 0
}

// rekeyFailed gives the run up. The session goes on under the keys it has.
func (g *Guest) rekeyFailed(now time.Time) {
	g.rekey.stop()
	g.rekey.at = now.Add(retryAfter(g.rekey.tries))
	g.rekey.tries++
}

func (g *Guest) tickRekey(now time.Time) {
	if g.keys == nil {
		return
	}
	g.keys.tick(now)
	switch r := &g.rekey; {
	case r.run && due(r.by, now):
		g.rekeyFailed(now)
	case g.admitted && !r.run && (due(r.at, now) || g.worn()):
		r.at = now.Add(retryAfter(r.tries)) // if it cannot begin now
		g.Rekey(now)
		if !r.run {
			r.tries++
		}
	}
}

// worn reports whether a key has sealed its share and nothing is planned yet.
func (g *Guest) worn() bool { return g.rekey.tries == 0 && g.keys.worn(g.rekey.limits.frames) }

func (g *Guest) rekeyDeadline() (at time.Time) {
	if g.keys == nil {
		return at
	}
	at = earlier(g.keys.fadeAt, g.rekey.by)
	if g.admitted && !g.rekey.run {
		at = earlier(at, g.rekey.at)
		if g.worn() && g.hs == nil {
			at = earlier(at, time.Unix(0, 0)) // at once
		}
	}
	return at
}

// Alive says that the host was heard over the media connection: the session
// lives, even if the server does not.
func (g *Guest) Alive(now time.Time) {
	if g.admitted && g.resume != nil && due(g.resume.Expires.Add(-resumeRenew), now) {
		g.resume.Expires = now.Add(ResumeLifetime)
		g.resumeChanged()
	}
}

// SealData seals one JSON message for the data channel.
func (g *Guest) SealData(json []byte) ([]byte, error) { return g.keys.sealData(json) }

// OpenData opens a frame from the data channel. The result is nil for what is
// the machine's own business or came too late to be opened. After an error the
// channel cannot go on: see [Session.OpenData].
func (g *Guest) OpenData(frame []byte, now time.Time) ([]byte, error) {
	json, s, err := g.keys.openData(frame)
	if err != nil || s == nil {
		return nil, err
	}
	g.keys.heard(s, now)
	if t, _ := messageType(json); isRekey(t) {
		g.hearRekey(json, now)
		return nil, nil
	}
	return json, nil
}

// SealFile seals a part of a file for the data channel files.
func (g *Guest) SealFile(plain []byte) ([]byte, error) { return g.keys.sealFile(plain) }

// OpenFile opens a frame of the data channel files. The result is nil for what
// came too late to be opened. After an error the channel cannot go on.
func (g *Guest) OpenFile(frame []byte, now time.Time) ([]byte, error) {
	plain, s, err := g.keys.openFile(frame)
	if err != nil || s == nil {
		return nil, err
	}
	g.keys.heard(s, now)
	return plain, nil
}

// Bind is [Session.Bind] of the epoch in use.
func (g *Guest) Bind(role Role, fpGuest, fpHost [32]byte) ([32]byte, error) {
	return g.keys.bind(role, fpGuest, fpHost)
}

// CheckBind is [Session.CheckBind] for any epoch whose keys are alive. Once it
// succeeds, frames come over another data channel than before.
func (g *Guest) CheckBind(got []byte, role Role, fpGuest, fpHost [32]byte) error {
	return g.keys.checkBind(got, role, fpGuest, fpHost)
}
