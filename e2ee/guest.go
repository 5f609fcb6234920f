package e2ee

import (
	"io"
	"log/slog"
	"time"
)

const (
	// knockTimeout is how long a guest waits for an answer to its knock.
	knockTimeout = 10 * time.Minute
	// resumeTimeout is how long an admitted guest tries to come back.
	resumeTimeout = 60 * time.Second
	// maxRestarts bounds the handshakes that repair a broken session, per
	// connection: a relay that damages every frame must not keep us busy.
	maxRestarts = 3
)

// GuestConfig is what a guest starts with. It holds secrets.
type GuestConfig struct {
	Link     Link
	Password string // "" if not asked yet, or not needed
	// Stretched, if set, is the result of [StretchPassword] and replaces Password.
	Stretched []byte
	Caps      Caps
	Rand      io.Reader    // nil: crypto/rand
	Resume    *ResumeState // as last given by [ResumeChanged]

	RekeyEvery  time.Duration // 0: RekeyInterval
	RekeyFrames uint64        // 0: RekeyFrames
}

// String keeps the password out of logs.
func (GuestConfig) String() string { return redacted }

// GoString keeps the password out of %#v.
func (GuestConfig) GoString() string { return redacted }

// LogValue keeps the password out of structured logs.
func (GuestConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// Guest is the guest's machine: it starts the handshake when the host is there,
// and again after a lost connection or a wrong password. It does no I/O and has
// no clock: feed it events, then [Guest.Drain] effects. It is not safe for
// concurrent use.
//
//	idle ──host online──▶ M1 sent ──M2──▶ M3 sent ──M4──▶ session (see phase)
//	  ▲                      │               │               │
//	  └──────────────────────┴─ failure, or connection lost ─┘
type Guest struct {
	machine
	link     Link
	password []byte
	caps     Caps
	rawCaps  []byte
	random   io.Reader
	resume   *ResumeState
	failures int // wrong passwords, as far as we know

	out      *outerSender   // nil while disconnected
	in       *outerReceiver // nil while the host is away
	heard    outerMemory
	hs       *guestHandshake // after M1
	m3Sent   bool
	session  *Session // after M4, while the connection lasts
	keys     *keyring // of the session and those it continues; outlives connections
	admitted bool     // in keys' chain of sessions
	rekey    guestRekey
	phase    phase
	restarts int
	deadline time.Time // of the handshake or the knock; zero: none
	returnBy time.Time // an admitted guest has to be back by then; zero: none
	ended    bool      // refused or hung up: a new handshake would be unwanted
}

// NewGuest returns the machine of a call's guest. It fails if the link is not a
// guest link, if the password has no proper form ([CodePasswordForm]), or if
// the link demands what caps deny ([CodePolicy]). A password the link asks for
// may be missing; then the handshake waits for [Guest.SetPassword].
func NewGuest(c GuestConfig) (*Guest, error) {
	if c.Link.host || c.Link == (Link{}) {
		return nil, fail(CodeParse, "not a guest link")
	}
	password, err := stretched(c.Link, c.Password, c.Stretched)
	if err != nil {
		return nil, err
	}
	g := &Guest{link: c.Link, password: password, random: c.Rand}
	g.rekey.limits = newRekeyLimits(c.RekeyEvery, c.RekeyFrames)
	if g.rawCaps, g.caps, err = encodeCaps(c.Link, c.Caps); err != nil {
		return nil, err
	}
	if c.Resume != nil {
		resume := *c.Resume
		g.resume = &resume
	}
	return g, nil
}

// Connected says that a new connection to the server has joined with this
// connection id, fresh random bytes.
func (g *Guest) Connected(cid [16]byte, now time.Time) {
	if g.out != nil && g.out.cid == cid {
		return // said twice by a server that would like to see a counter start again
	}
	if g.out != nil {
		g.Disconnected(now)
	}
	g.out, g.restarts = newOuterSender(&g.link, RoleGuest, cid), 0
}

// HostOnline says that the host is there, under this connection id; the
// handshake starts. Called again after a failure, it tries again.
func (g *Guest) HostOnline(cid [16]byte, now time.Time) {
	if g.out == nil || g.ended {
		return
	}
	if g.in == nil || g.in.cid != cid {
		g.lost(now)
		g.in = g.heard.of(&g.link, RoleHost, cid)
	} else if g.session != nil || g.hs != nil {
		return // still the same host, and nothing is wrong
	}
	g.start(now)
}

// HostOffline says that the host's connection is lost.
func (g *Guest) HostOffline(now time.Time) {
	g.lost(now)
	g.in = nil
}

// Disconnected says that our own connection is lost.
func (g *Guest) Disconnected(now time.Time) {
	g.lost(now)
	g.in, g.out = nil, nil
}

// lost ends handshake and session because a connection did. An admitted guest
// has a minute to come back.
func (g *Guest) lost(now time.Time) {
	if g.session != nil && g.resume != nil {
		g.resume.Expires = now.Add(ResumeLifetime)
		g.resumeChanged()
	}
	if g.phase == phaseAdmitted {
		g.returnBy = now.Add(resumeTimeout)
	}
	g.drop()
	g.deadline = time.Time{}
}

// drop forgets handshake and session. The session's keys are left alone: what
// runs over the data channel goes on with them.
func (g *Guest) drop() {
	g.hs, g.m3Sent, g.session, g.phase = nil, false, nil, phaseNone
}

// start sends M1.
func (g *Guest) start(now time.Time) {
	g.drop()
	g.rekey.stop() // this handshake does the same
	g.deadline = time.Time{}
	if g.link.flags&FlagPassword != 0 && g.password == nil {
		g.emit(Failed{Code: CodePWRequired})
		return
	}
	if g.failures >= LimitGuesses {
		g.emit(Failed{Code: CodeLocked})
		return
	}
	r, err := newGuestRandom(g.random)
	if err != nil {
		g.emit(Failed{Code: CodeState})
		return
	}
	if !g.resume.usable(now) {
		g.forgetResume()
	}
	t := terms{link: g.link, password: g.password, cidGuest: g.out.cid, cidHost: g.in.cid}
	g.hs = startGuest(t, g.caps, g.rawCaps, g.resume, r)
	g.deadline = now.Add(handshakeTimeout)
	g.send(g.hs.m1)
}

// SetPassword sets another password and starts the handshake if the host is
// there. It takes a noticeable part of a second; see [StretchPassword].
func (g *Guest) SetPassword(password string, now time.Time) error {
	key, err := StretchPassword(g.link, password)
	if err != nil {
		return err
	}
	g.SetStretched(key, now)
	return nil
}

// SetStretched is SetPassword for a password that is stretched already.
func (g *Guest) SetStretched(key []byte, now time.Time) {
	g.password = append([]byte(nil), key...)
	if g.session == nil && g.out != nil && g.in != nil && !g.ended {
		g.start(now)
	}
}

// Send seals one JSON message to the host. It returns [CodeState] if a guest may
// not say that now, [CodeParse] or [CodeSize] if it is no sealed message.
func (g *Guest) Send(json []byte, now time.Time) error {
	if g.session == nil || g.out == nil {
		return fail(CodeState, "handshake is not complete")
	}
	frame, t, err := g.session.sealMessage(RoleGuest, g.phase, json)
	if err != nil {
		return err
	}
	g.send(frame)
	if t == "knock" && g.phase == phaseReady {
		g.deadline = now.Add(knockTimeout)
	}
	g.advance(t)
	return nil
}

// advance follows a message of either side.
func (g *Guest) advance(t string) {
	was := g.phase
	g.phase = g.phase.next(t)
	if g.phase != was && g.phase != phaseKnocked {
		g.deadline = time.Time{}
	}
	if g.phase == phaseAdmitted {
		g.admitted = true
	}
	if g.phase == phaseOver {
		g.over()
	}
}

// over forgets the session for good.
func (g *Guest) over() {
	g.ended, g.admitted = true, false
	g.rekey.stop()
	g.forgetResume()
}

// Verified stores what the person said about the words, for a resumed session.
func (g *Guest) Verified(match bool) {
	if g.session == nil {
		return
	}
	g.session.verified = match
	if g.resume != nil {
		g.resume.Verified = match
		g.resumeChanged()
	}
}

// Tick lets time pass. Call it at [Guest.Deadline], or more often.
func (g *Guest) Tick(now time.Time) {
	if due(g.deadline, now) || due(g.returnBy, now) {
		g.fail(CodeTimeout)
	}
	if g.session != nil && g.resume != nil && due(g.resume.Expires.Add(-resumeRenew), now) {
		g.resume.Expires = now.Add(ResumeLifetime)
		g.resumeChanged()
	}
	g.tickRekey(now)
}

// Deadline is when Tick has something to do next, if ever.
func (g *Guest) Deadline() (time.Time, bool) {
	at := earlier(earlier(g.deadline, g.returnBy), g.rekeyDeadline())
	if g.session != nil && g.resume != nil {
		at = earlier(at, g.resume.Expires.Add(-resumeRenew))
	}
	return at, !at.IsZero()
}

func (g *Guest) send(inner []byte) { g.emit(SendFrame{Frame: g.out.seal(inner)}) }

// fail gives up, tells the host, and waits for [Guest.HostOnline] or
// [Guest.SetPassword].
func (g *Guest) fail(code Code) {
	if g.out != nil && g.in != nil {
		g.send(control{T: controlAbort, Code: code.Public()}.encode())
	}
	g.failed(code)
}

// failed is fail when the host knows already.
func (g *Guest) failed(code Code) {
	g.drop()
	g.deadline, g.returnBy = time.Time{}, time.Time{}
	g.emit(Failed{Code: code})
}

func (g *Guest) forgetResume() {
	g.admitted = false
	if g.resume != nil {
		g.resume = nil
		g.resumeChanged()
	}
}

func (g *Guest) resumeChanged() {
	var states []ResumeState
	if g.resume != nil {
		states = []ResumeState{*g.resume}
	}
	g.emit(ResumeChanged{States: states})
}
