package peer

import (
	"sync/atomic"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	// maxFrameFailures in a row are no accident: the transport has authenticated every packet.
	maxFrameFailures = 100
	// uselessFrames that come within uselessTime, and not a good one among them: something else is being sent.
	uselessFrames = 10
	uselessTime   = 600 * time.Millisecond
	// keysAfter is how long frames may come under keys that are not here before a re-key is asked for.
	keysAfter = 2 * time.Second
)

// frameCipher encrypts media frames before they are packetized and decrypts
// them after (SFrame; docs/protocol.md, section 10). Until it has been told
// what holds for the session, nothing passes.
type frameCipher struct {
	sealer *e2ee.FrameSealer
	opener *e2ee.FrameOpener
	mode   atomic.Int32
}

const (
	framesClosed int32 = iota
	framesOff
	framesOn
)

func newFrameCipher(role e2ee.Role) *frameCipher {
	other := e2ee.RoleHost
	if role == e2ee.RoleHost {
		other = e2ee.RoleGuest
	}
	return &frameCipher{sealer: e2ee.NewFrameSealer(role), opener: e2ee.NewFrameOpener(other)}
}

// use takes the keys of a session for what comes and, if sending, for what leaves.
func (f *frameCipher) use(s *e2ee.Session, sending bool) {
	if s.Policy().SFrame == 0 {
		f.mode.Store(framesOff)
		return
	}
	f.opener.SetKeys(s.Epoch(), s.Media(), time.Now())
	if sending {
		f.sealer.SetKeys(s.Epoch(), s.Media())
	}
	f.mode.Store(framesOn)
}

// seal returns what may be sent of a frame; false if nothing may.
func (f *frameCipher) seal(kind e2ee.FrameKind, codec Codec, frame []byte) ([]byte, bool) {
	switch f.mode.Load() {
	case framesOff:
		return frame, true
	case framesOn:
		return f.sealer.Seal(kind, codec == CodecVP8, frame)
	default:
		return nil, false
	}
}

// frameKindOf is the stream of a remote track.
func frameKindOf(t Track) e2ee.FrameKind {
	switch {
	case t.Screen && t.Kind == KindAudio:
		return e2ee.FrameScreenSound
	case t.Screen:
		return e2ee.FrameScreen
	case t.Kind == KindAudio:
		return e2ee.FrameMicrophone
	default:
		return e2ee.FrameCamera
	}
}

// frameReader opens the frames of one remote track and judges it. It belongs to
// the track's goroutine; what it reports is run in the call's.
type frameReader struct {
	cipher  *frameCipher
	kind    e2ee.FrameKind
	vp8     bool
	report  func(sealed.SFrameState) // active once, failed once
	rekey   func()
	good    bool // one has authenticated
	failed  bool
	bad     int       // in a row
	useless int       // frames since a good one
	since   time.Time // of the first of those
	keyless time.Time // since when keys are missing; zero: they are not
}

// open returns the frame that may be handed on, or false.
func (r *frameReader) open(frame []byte, now time.Time) ([]byte, bool) {
	switch {
	case r.failed || r.cipher.mode.Load() == framesClosed:
		return nil, false
	case r.cipher.mode.Load() == framesOff:
		return frame, true
	}
	plain, result := r.cipher.opener.Open(r.kind, r.vp8, frame, now)
	if result == e2ee.FrameOpened {
		r.bad, r.useless, r.keyless = 0, 0, time.Time{}
		if !r.good {
			r.good = true
			r.report(sealed.SFrameStateActive)
		}
		return plain, true
	}
	r.count(result, now)
	return nil, false
}

func (r *frameReader) count(result e2ee.FrameResult, now time.Time) {
	if result == e2ee.FrameNoKey {
		if r.keyless.IsZero() {
			r.keyless = now
		} else if now.Sub(r.keyless) > keysAfter {
			r.keyless = now
			r.rekey()
		}
		return
	}
	if result != e2ee.FrameRepeat {
		r.bad++
	}
	if r.useless == 0 {
		r.since = now
	}
	r.useless++
	if r.bad > maxFrameFailures || r.useless >= uselessFrames && now.Sub(r.since) >= uselessTime {
		r.failed = true
		r.report(sealed.SFrameStateFailed)
	}
}

// newFrameReader makes the reader of a track of conn.
func (c *Call) newFrameReader(conn *connection, t Track) *frameReader {
	return &frameReader{
		cipher: c.frames, kind: frameKindOf(t), vp8: t.Codec == CodecVP8,
		report: func(state sealed.SFrameState) { conn.post(func() { c.onFrames(conn, state) }) },
		rekey:  func() { conn.post(c.requestRekey) },
	}
}

// onFrames follows what a track has found. Where encryption is demanded, a
// failure is the end of the call.
func (c *Call) onFrames(conn *connection, state sealed.SFrameState) {
	if conn != c.conn || conn.verified == sealed.SFrameStateFailed {
		return
	}
	if conn.verified != state {
		conn.verified = state
		c.tellState()
		c.tellFrames()
	}
	if state == sealed.SFrameStateFailed && c.session != nil && c.session.Policy().SFrame == 2 {
		c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeSFrame})
	}
}

// framesState is what this party says of the frames it receives; "" while there were none.
func (c *Call) framesState() sealed.SFrameState {
	if c.frames.mode.Load() == framesOff {
		return sealed.SFrameStateOff
	}
	return c.conn.verified
}

// theirFrames is what the other party says of those it receives.
func (c *Call) theirFrames(state sealed.SFrameState) {
	if c.conn != nil && c.conn.theirs != state {
		c.conn.theirs = state
		c.tellFrames()
	}
}

// tellFrames tells the caller how frame encryption stands when that is new.
func (c *Call) tellFrames() {
	ours, theirs := c.framesState(), c.conn.theirs
	state := sealed.SFrameState("")
	switch {
	case ours == sealed.SFrameStateFailed || theirs == sealed.SFrameStateFailed:
		state = sealed.SFrameStateFailed
	case ours == sealed.SFrameStateOff:
		state = sealed.SFrameStateOff
	case ours == sealed.SFrameStateActive && theirs == sealed.SFrameStateActive:
		state = sealed.SFrameStateActive
	}
	if state != "" && state != c.conn.told {
		c.conn.told = state
		c.emit(FramesChanged{state})
	}
}
