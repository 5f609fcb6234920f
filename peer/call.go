package peer

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// joinTimeout bounds admission to the first bound connection.
const joinTimeout = 30 * time.Second

// Call is one party's part in a call. Create it with [Start]; all methods are
// safe for concurrent use and return without waiting.
type Call struct {
	cfg    Config
	log    *slog.Logger
	reach  reach
	inbox  chan func() // never closed; senders select on ctx
	events chan Event
	ctx    context.Context // ends when run begins to shut down
	cancel context.CancelFunc
	done   chan struct{}
	work   sync.WaitGroup // dials and receivers

	// owned by run
	seat      seat
	phase     Phase
	ended     *Ended
	link      signalingLink
	socket    *socket // nil while signaling is lost
	relays    relays
	session   *e2ee.Session // of the admitted party
	conn      *connection
	channel   *channel
	chat      chatLog
	cues      cues
	files     *files.Transfers
	early     []sealed.File // offers that came before the connection was proven
	nextGen   uint32
	muted     map[Kind]bool
	unwanted  bool // the other party wants no video
	received  counters
	measuring measuring
	frames    *frameCipher
	pulse     pulse
	recovery  recovery
	word      *lastWord // the server's; the call goes on without it
	outlived  string    // fingerprint of the other side's connection whose place a spare took

	admittedAt time.Time
	firstBound time.Time
	firstMedia time.Time
	lastWay    Way
	timers     timers
}

// seat is what differs between the two ends of a call. Its methods run in the
// call's goroutine.
type seat interface {
	role() protocol.Role
	proof(nonce []byte, cid protocol.ID) []byte // host only: signature for join
	joined(m protocol.Joined)
	lost()
	control(m protocol.ServerMessage)
	frame(slot uint16, data []byte, now time.Time)
	effect(e e2ee.Effect)
	say(json []byte) error // seals for the admitted party, over signaling
	keys() keys            // of the admitted party
	verified(match bool)
	relaysChanged()
	reachable() bool // a word to the admitted party would leave, and arrive
	renew()          // the media connection
	ended(reason EndReason)
	left(reason EndReason) // after the last sealed word is on its way

	tick(now time.Time)
	deadline() (time.Time, bool)
	drain() []e2ee.Effect
}

// timers of the call, beside the seat's machine; nil ones never fire.
type timers struct{ join, lost, limit, renew, dial, answer, wake, prove, pulse, sign *time.Timer }

// post gives f to the call's goroutine, unless the call is over.
func (c *Call) post(f func()) { c.postUnless(nil, f) }

// postUnless also lets go once gone is closed. Whoever is waited for by the call's
// goroutine must post this way: with a full inbox each would wait for the other.
func (c *Call) postUnless(gone <-chan struct{}, f func()) {
	select {
	case c.inbox <- f:
	case <-c.ctx.Done():
	case <-gone:
	}
}

// after runs f in the call's goroutine after d. The call stops it at its end.
func (c *Call) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { c.post(f) })
}

func (c *Call) run() {
	defer close(c.done)
	c.setPhase(PhaseConnecting)
	c.dial()
	c.watchSleep(time.Now())
	machine := time.NewTimer(0)
	defer machine.Stop()
	for c.ended == nil {
		if at, ok := c.seat.deadline(); ok {
			machine.Reset(time.Until(at))
		} else {
			machine.Stop()
		}
		select {
		case f := <-c.inbox:
			f()
		case <-machine.C:
			c.seat.tick(time.Now())
		case <-c.ctx.Done():
			c.finish(EndHangup, nil)
		}
		c.applyEffects()
	}
	c.shutdown()
}

func (c *Call) applyEffects() {
	for effects := c.seat.drain(); len(effects) > 0; effects = c.seat.drain() {
		for _, e := range effects {
			if frame, ok := e.(e2ee.SendFrame); ok {
				if c.socket != nil {
					c.socket.frame(frame.Slot, frame.Frame)
				}
				continue
			}
			if c.ended == nil && !c.keysEffect(e) {
				c.seat.effect(e)
			}
		}
	}
}

// shutdown ends everything the call started, then tells the end.
func (c *Call) shutdown() {
	c.cancel()
	t := c.timers
	for _, t := range []*time.Timer{t.join, t.lost, t.limit, t.renew, t.dial, t.answer, t.wake, t.prove, t.pulse, t.sign, c.measuring.timer} {
		stop(t)
	}
	if c.conn != nil {
		c.conn.flush()
	}
	if c.socket != nil {
		c.socket.close()
	}
	if c.conn != nil {
		c.conn.close()
	}
	c.work.Wait()
	c.files.Close()
	c.files.Wait()
	if !c.measuring.since.IsZero() {
		receipt := c.measuring.log.Receipt()
		c.ended.Receipt = &receipt
	}
	c.ended.Received = Received{
		VideoFrames: c.received.videoFrames.Load(), ScreenFrames: c.received.screenFrames.Load(),
		AudioPackets: c.received.audioPackets.Load(),
	}
	c.emitLast(PhaseChanged{PhaseEnded})
	c.emitLast(*c.ended)
	close(c.events)
}

// finish ends the call once; later calls do nothing.
func (c *Call) finish(reason EndReason, err error) {
	if c.ended != nil {
		return
	}
	e := &Ended{Reason: reason, Err: err, Code: codeOf(err), Way: c.lastWay}
	if c.session != nil {
		words := wordsOf(c.session)
		e.Words = &words
	}
	if !c.admittedAt.IsZero() {
		e.Duration = time.Since(c.admittedAt)
		e.Setup = c.setup()
	}
	e.Route = c.route()
	c.ended = e
	c.seat.ended(reason)
	last := c.goodbyeReport()
	if bye, ok := byeFor(reason, c.seat.role()); ok && c.session != nil {
		c.tellBoth(sealed.Bye{T: "bye", Reason: bye, Last: last})
	}
	c.applyEffects()
	c.seat.left(reason)
	c.log.Info("call ended", "reason", string(reason), "code", string(e.Code), "path", string(e.Path))
}

// byeFor is what the other party is told; nothing if it said so first or the
// call is none of its business.
func byeFor(reason EndReason, role protocol.Role) (sealed.ByeReason, bool) {
	switch reason {
	case EndHangup:
		return sealed.ByeReasonHangup, true
	case EndLimit:
		return sealed.ByeReasonLimit, true
	case EndDiffer:
		return sealed.ByeReasonDiffer, true
	case EndError:
		return sealed.ByeReasonError, true
	case EndPeerHangup, EndRemoved, EndRefused, EndExpired, EndReplaced:
		return "", false
	}
	return "", false
}

func (c *Call) setPhase(p Phase) {
	if c.phase != p {
		c.phase = p
		c.emit(PhaseChanged{p})
	}
}

// emit queues an event; a caller that reads none for eventQueue of them loses
// the call.
func (c *Call) emit(e Event) {
	if len(c.events) >= eventQueue-eventReserve {
		c.finish(EndError, ErrSlow)
		return
	}
	c.events <- e
}

func (c *Call) emitLast(e Event) { c.events <- e }

// admitted begins the joining phase on either side.
func (c *Call) admitted(limit time.Duration) {
	c.admittedAt, c.firstMedia, c.lastWay = time.Now(), time.Time{}, Way{}
	c.unwanted = false // said by whoever was here before
	c.setPhase(PhaseJoining)
	stop(c.timers.join)
	c.timers.join = c.after(joinTimeout, func() {
		if c.phase == PhaseJoining {
			c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeTimeout, Detail: "no media connection"})
		}
	})
	if limit > 0 && c.timers.limit == nil {
		c.timers.limit = c.after(limit, func() { c.finish(EndLimit, nil) })
	}
}

func (c *Call) setup() time.Duration {
	if c.firstMedia.IsZero() {
		return 0
	}
	return c.firstMedia.Sub(c.admittedAt)
}

// newConn replaces the media connection by a fresh one.
func (c *Call) newConn(relayOnly bool) error {
	c.dropConn()
	conn, err := newConnection(c.ctx, connectionConfig{
		gen:       c.nextGen,
		host:      c.seat.role() == protocol.RoleHost,
		servers:   iceServers(c.relays.servers, c.cfg.RelayTransport),
		relayOnly: relayOnly,
		reach:     c.reach,
		video:     c.cfg.Video,
		audio:     c.cfg.Audio,
		post:      c.postUnless,
		frames:    c.frames,
		events: connectionEvents{
			candidate: c.onCandidate,
			state:     c.onState,
			track:     c.onTrack,
			opened:    c.onOpened,
			message:   c.onMessage,
			chunk:     c.onChunk,
		},
	})
	if err != nil {
		return err
	}
	conn.relayOnly = relayOnly
	c.conn = conn
	c.pulse.renew()
	c.applyMute()
	return nil
}

func (c *Call) dropConn() {
	if c.conn != nil {
		c.files.Disconnected()
		c.early = nil
		c.conn.close()
		c.conn, c.channel = nil, nil
	}
}

func (c *Call) wantsRelay() bool {
	return c.cfg.RelayOnly || c.cfg.Link.Flags()&e2ee.FlagRelayOnly != 0 ||
		c.session != nil && c.session.Policy().Relay == 2
}

// live is said when the connection is up and bound, first or again. After a restart
// media may flow before pion has settled on a path: then pion says so.
func (c *Call) live() {
	stop(c.timers.join)
	if c.firstBound.IsZero() {
		c.firstBound = time.Now()
	}
	again := c.phase == PhaseLive // a silence that was none
	c.setPhase(PhaseLive)
	c.measure()
	c.watchPath()
	if w := c.conn.way(); w.Path != "" && (!again || w != c.conn.said) {
		c.lastWay, c.conn.said = w, w
		c.emit(Connected{Way: w, Setup: c.setup()})
	}
}

func wordsOf(s *e2ee.Session) Words {
	sas := s.SAS()
	return Words{Emoji: sas.Emoji, Names: sas.Words, Digits: sas.Digits}
}

func codeOf(err error) protocol.ErrorCode {
	if wire, ok := errors.AsType[*protocol.WireError](err); ok {
		return wire.Code
	}
	if code := e2ee.CodeOf(err); code != "" {
		return protocol.ErrorCode(code)
	}
	return ""
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

func marshal(m any) []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic("peer: sealed message does not marshal: " + err.Error())
	}
	return data
}
