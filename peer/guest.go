package peer

import (
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	// maxRestarts is how many handshakes in a row may fail for reasons other
	// than a password before a guest gives up.
	maxRestarts = 3
	// proveEvery is the time between two handshakes of a call whose media flows,
	// whatever the server says of the host.
	proveEvery = 3 * time.Second
	// noFingerprint stands in a rollback: there is no certificate.
	noFingerprint = "0000000000000000000000000000000000000000000000000000000000000000"
)

// guestSeat is the guest's end of a call: it proves, knocks and waits.
type guestSeat struct {
	c        *Call
	machine  *e2ee.Guest
	hostCID  protocol.ID
	online   bool   // the host is there
	heard    bool   // and the handshake with it is complete
	password bool   // one was given
	key      []byte // made of it
	doubted  bool   // the machine has forgotten it, for what was said about a handshake
	admitted bool
	failures int       // handshakes failed in a row
	proved   time.Time // when the last handshake began
}

func newGuestSeat(c *Call) (*guestSeat, error) {
	var key []byte
	if c.cfg.Password != "" {
		var err error
		if key, err = e2ee.StretchPassword(c.cfg.Link, c.cfg.Password); err != nil {
			return nil, err
		}
	}
	machine, err := e2ee.NewGuest(e2ee.GuestConfig{
		Link: c.cfg.Link, Stretched: key, Caps: capsOf(c.cfg), Rand: c.cfg.Rand,
		RekeyEvery: c.cfg.RekeyEvery,
	})
	if err != nil {
		return nil, err
	}
	return &guestSeat{c: c, machine: machine, password: key != nil, key: key}, nil
}

func (g *guestSeat) role() protocol.Role              { return protocol.RoleGuest }
func (g *guestSeat) proof([]byte, protocol.ID) []byte { return nil }

func (g *guestSeat) joined(protocol.Joined) { g.machine.Connected(g.c.link.cid, time.Now()) }

func (g *guestSeat) lost() {
	g.online, g.heard = false, false
	g.machine.Disconnected(time.Now())
}

func (g *guestSeat) control(m protocol.ServerMessage) {
	host, ok := m.(protocol.Host)
	if !ok {
		return
	}
	g.c.answered()
	if !host.Online {
		g.online, g.heard = false, false
		g.machine.HostOffline(time.Now())
		if !g.admitted {
			g.c.setPhase(PhaseHostAway)
		}
		return
	}
	cid, err := protocol.ParseID(host.CID)
	if err != nil {
		return
	}
	g.heard = g.heard && g.online && cid == g.hostCID // else there will be a handshake
	g.hostCID, g.online = cid, true
	if !g.admitted {
		g.c.setPhase(PhaseConnecting)
	}
	g.prove()
}

// prove begins the handshake, unless it runs or is done.
func (g *guestSeat) prove() {
	if !g.online {
		return
	}
	stop(g.c.timers.prove)
	if early := proveEvery - time.Since(g.proved); g.c.phase == PhaseLive && early > 0 {
		g.c.timers.prove = g.c.after(early, g.prove)
		return
	}
	g.proved = time.Now()
	if g.doubted && g.key != nil {
		g.machine.SetStretched(g.key, g.proved)
	}
	g.doubted = false
	g.machine.HostOnline(g.hostCID, g.proved)
}

func (g *guestSeat) frame(_ uint16, data []byte, now time.Time) { g.machine.Receive(data, now) }

func (g *guestSeat) effect(e e2ee.Effect) {
	switch e := e.(type) {
	case e2ee.Ready:
		g.ready(e)
	case e2ee.Message:
		g.message(e)
	case e2ee.Failed:
		g.failed(e.Code)
	case e2ee.WrongPassword:
		if g.admitted { // it was right before: this is about the handshake
			g.failed(e2ee.CodeConfirm)
			return
		}
		if e.Locked {
			g.c.finish(EndRefused, &protocol.WireError{Code: protocol.ErrorCodeLocked})
			return
		}
		g.c.setPhase(PhasePassword)
		g.c.emit(PasswordWrong{Left: -1})
	}
}

// ready knocks. After a resumption the host needs a first sealed frame of ours
// to know that we are back.
func (g *guestSeat) ready(e e2ee.Ready) {
	g.failures, g.heard = 0, true
	g.c.bothReady(e.Session)
	if e.Resumed && g.admitted {
		g.c.tellSignaled(sealed.State{
			T:   "state",
			Mic: g.c.cfg.Audio != nil && !g.c.muted[KindAudio],
			Cam: g.c.cfg.Video != nil && !g.c.muted[KindVideo],
		})
		g.c.resumed()
		return
	}
	if g.admitted { // the host does not know us any more: from the beginning
		g.admitted = false
		g.c.dropConn()
	}
	g.c.setPhase(PhaseReady)
	g.c.tellSignaled(sealed.Knock{
		T:    "knock",
		Name: clean(g.c.cfg.Name, sealed.LimitName, false),
		Note: clean(g.c.cfg.Note, sealed.LimitNote, false),
		Lang: clean(g.c.cfg.Lang, 35, false),
	})
	g.c.setPhase(PhaseKnocking)
}

func (g *guestSeat) message(m e2ee.Message) {
	switch m.Type {
	case "hello":
		decode(m.JSON, func(m sealed.Hello) {
			g.c.emit(Greeted{
				Name:  clean(m.Name, sealed.LimitName, false),
				Title: clean(m.Title, sealed.LimitTitle, false),
			})
		})
	case "admit":
		decode(m.JSON, g.onAdmit)
	case "hold":
		decode(m.JSON, func(m sealed.Hold) {
			g.c.setPhase(PhaseHeld)
			g.c.emit(Held{Message: clean(m.Msg, sealed.LimitNote, false)})
		})
	case "deny":
		decode(m.JSON, func(m sealed.Deny) {
			g.c.finish(EndRefused, &protocol.WireError{
				Code: protocol.ErrorCodeDenied, Detail: clean(m.Reason, sealed.LimitNote, false),
			})
		})
	default:
		g.c.peerMessage(m.Type, m.JSON)
	}
}

// onAdmit is said again when the host replaces the media connection.
func (g *guestSeat) onAdmit(m sealed.Admit) {
	if g.admitted {
		return
	}
	g.admitted = true
	g.c.admitted(time.Duration(max(m.Policy.LimitMS, 0)) * time.Millisecond)
}

func (g *guestSeat) failed(code e2ee.Code) {
	if g.triesAgain(code) {
		g.doubted = code == e2ee.CodeConfirm || code == e2ee.CodePWRequired
		stop(g.c.timers.prove)
		g.c.timers.prove = g.c.after(proveEvery, g.prove)
		return
	}
	switch code {
	case e2ee.CodePWRequired:
		g.c.setPhase(PhasePassword)
	case e2ee.CodeConfirm:
		if g.c.cfg.Link.Flags()&e2ee.FlagPassword == 0 {
			g.c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeConfirm})
		} // else WrongPassword says so
	case e2ee.CodeTimeout, e2ee.CodeSeq, e2ee.CodeOuter:
		g.restart(code)
	default:
		wire := protocol.ErrorCode(code)
		g.c.finish(reasonFor(wire), &protocol.WireError{Code: wire})
	}
}

// triesAgain says whether the failure of a handshake means nothing yet. Between
// two people in a call it says little: the server decides what arrives, and so can
// make any handshake fail; their media is proven and does not need it. Only the
// host's own word ends the call then, or that it has no place for us once media is
// lost, too.
func (g *guestSeat) triesAgain(code e2ee.Code) bool {
	switch code {
	case e2ee.CodeDenied, e2ee.CodeGone:
		return false
	case e2ee.CodeBusy, e2ee.CodeLocked:
		return g.admitted && g.c.phase == PhaseLive
	default:
		return g.admitted
	}
}

// restart tries the handshake again after a damaged or lost frame.
func (g *guestSeat) restart(code e2ee.Code) {
	g.failures++
	if g.failures >= maxRestarts {
		wire := protocol.ErrorCode(code)
		g.c.finish(EndError, &protocol.WireError{Code: wire, Detail: "handshake"})
		return
	}
	if g.online {
		g.machine.HostOnline(g.hostCID, time.Now())
	}
}

func (g *guestSeat) setPassword(key []byte) {
	g.password, g.key = true, key
	if g.c.phase == PhasePassword {
		g.c.setPhase(PhaseConnecting)
	}
	g.machine.SetStretched(key, time.Now())
}

func (g *guestSeat) say(json []byte) error { return g.machine.Send(json, time.Now()) }

func (g *guestSeat) keys() keys { return g.machine }

func (g *guestSeat) verified(match bool) { g.machine.Verified(match) }

func (g *guestSeat) reachable() bool { return g.heard && g.c.socket != nil }

// renew asks the host for another connection.
func (g *guestSeat) renew() {
	if g.reachable() {
		g.c.tellSignaled(sealed.SDP{T: "sdp", Type: sealed.SDPTypeRollback, FP: noFingerprint})
	}
}

func (g *guestSeat) relaysChanged()  {}
func (g *guestSeat) ended(EndReason) {}
func (g *guestSeat) left(EndReason)  {}

func (g *guestSeat) tick(now time.Time)          { g.machine.Tick(now) }
func (g *guestSeat) deadline() (time.Time, bool) { return g.machine.Deadline() }
func (g *guestSeat) drain() []e2ee.Effect        { return g.machine.Drain() }
