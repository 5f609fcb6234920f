package e2ee

import "time"

// Receive takes an outer frame, without the slot prefix.
func (g *Guest) Receive(frame []byte, now time.Time) {
	if g.in == nil || g.out == nil || g.ended {
		return
	}
	inner, err := g.in.open(frame)
	if err != nil {
		if g.in.bad == outerViolations { // once; more of them change nothing
			g.fail(CodeOuter)
		}
		return
	}
	switch kind := kindOf(inner); {
	case kind == labelM2 && g.hs != nil && !g.m3Sent:
		g.receiveM2(inner, now)
	case kind == labelM4 && g.hs != nil && g.m3Sent:
		g.receiveM4(inner, now)
	case kind == "sealed":
		g.receiveSealed(inner, now)
	case kind == "control":
		g.receiveControl(inner[1:], now)
	case kind == labelM2 || kind == labelM4:
		g.fail(CodeState)
	default:
		g.fail(CodeParse)
	}
}

func (g *Guest) receiveM2(raw []byte, now time.Time) {
	m3, err := g.hs.receiveM2(raw)
	if err != nil {
		g.fail(CodeOf(err))
		return
	}
	g.m3Sent, g.deadline = true, now.Add(handshakeTimeout)
	g.send(m3)
}

func (g *Guest) receiveM4(raw []byte, now time.Time) {
	session, err := g.hs.receiveM4(raw)
	if err != nil {
		if CodeOf(err) == CodeConfirm {
			g.failures++
		}
		g.fail(CodeOf(err))
		return
	}
	g.drop()
	g.session, g.phase = session, phaseReady
	g.deadline, g.returnBy = time.Time{}, time.Time{}
	if !session.resumed || g.keys == nil {
		g.keys = &keyring{}
	}
	g.keys.change(session)
	g.admitted = session.resumed
	if session.resumed {
		g.phase = phaseAdmitted
	}
	g.began(session, now)
	g.send(session.signaling.seal([]byte(readyMessage)))
	if session.resumed {
		g.emit(Epoch{Session: session, Sending: true})
	}
	g.emit(Ready{Session: session, Resumed: session.resumed})
}

func (g *Guest) receiveSealed(frame []byte, now time.Time) {
	if g.session == nil {
		return // of a session that is over
	}
	m, err := g.keys.openMessage(RoleHost, g.phase, frame)
	if err == nil {
		g.keys.heard(m.session, now)
	}
	switch {
	case CodeOf(err) == CodeSeq:
		g.restart(CodeSeq, now)
	case err != nil:
		g.fail(CodeOf(err))
	case m.verdict == violation:
		g.fail(CodeState)
	case m.verdict == deliver && isRekey(m.t):
		g.hearRekey(m.json, now)
	case m.verdict == deliver:
		g.emit(Message{Type: m.t, JSON: m.json})
		g.advance(m.t)
	}
}

// restart repairs a broken session by another handshake, resumed if it can be.
func (g *Guest) restart(code Code, now time.Time) {
	if g.restarts++; g.restarts > maxRestarts {
		g.fail(code)
		return
	}
	g.start(now)
}

// receiveControl takes an outer control. It proves only that its sender has the
// link, so it can end things, and that is all.
func (g *Guest) receiveControl(b []byte, now time.Time) {
	c, err := decodeControl(b)
	if err != nil {
		return
	}
	switch {
	case c.T == controlPWRequired && g.session == nil:
		g.password = nil
		g.failed(CodePWRequired)
	case c.T == controlBusy && g.session == nil:
		g.failed(c.Code)
	case c.T == controlAbort:
		g.receiveAbort(c.Code, now)
	}
}

func (g *Guest) receiveAbort(code Code, now time.Time) {
	lostThread := code == CodeConfirm || code == CodeParse
	switch {
	case code == CodeDenied || code == CodeGone:
		g.over()
		g.failed(code)
	case lostThread && g.session != nil:
		g.restart(code, now)
	case lostThread && g.m3Sent:
		g.refusedM3(now)
	case lostThread && g.hs != nil && g.restarts > 0:
		// It crossed our new M1: both sides saw the same broken session.
	case g.hs != nil || g.session != nil:
		g.failed(code)
	}
}

// refusedM3 is the host's answer to a wrong password. If we were resuming, the
// password was not at fault: the host has another secret, so start afresh.
func (g *Guest) refusedM3(now time.Time) {
	if g.hs.m2.resumed {
		g.forgetResume()
		g.restart(CodeConfirm, now)
		return
	}
	g.failures++
	if g.password == nil {
		g.failed(CodeConfirm)
		return
	}
	g.password = nil
	g.drop()
	g.deadline = time.Time{}
	g.emit(WrongPassword{Failures: g.failures, Locked: g.failures >= LimitGuesses})
}
