package peer

import (
	"encoding/json"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// maxTracks bounds what one party may send at once; the media plan has two.
const maxTracks = sealed.LimitMLines

// peerMessage handles what either party may say once the guest is admitted. The
// machine has checked that it may be said now.
func (c *Call) peerMessage(kind string, data []byte) {
	switch kind {
	case "sdp":
		decode(data, c.onSDP)
	case "ice":
		decode(data, c.onRemoteCandidate)
	case "beat":
		decode(data, func(m sealed.Beat) { c.pulse.promises(m.MS) })
	case "state":
		decode(data, func(m sealed.State) {
			c.measuring.remote = m
			c.theirFrames(m.SFrame)
			c.emit(MediaStateChanged{m.Mic, m.Cam, m.Screen, m.Rec, m.Music, m.Held})
		})
	case "report":
		decode(data, c.onReport)
	case "want":
		decode(data, c.onWant)
	case "chat":
		decode(data, func(m sealed.Chat) {
			if len(m.ID) > 32 {
				return
			}
			if c.chat.news(m.ID) {
				c.emit(ChatReceived{ID: m.ID, Text: clean(m.Text, sealed.LimitChat, true)})
			}
			c.tell(sealed.ChatAck{T: "chat-ack", ID: m.ID})
		})
	case "chat-ack":
		decode(data, func(m sealed.ChatAck) {
			if c.chat.acked(m.ID) {
				c.emit(ChatDelivered{ID: m.ID})
			}
		})
	case "cue":
		decode(data, c.onCue)
	case "file":
		decode(data, c.onFile)
	case "file-get":
		decode(data, c.files.Get)
	case "file-end":
		decode(data, c.files.Hash)
	case "file-stop":
		decode(data, c.files.Stopped)
	case "verify":
		decode(data, c.onVerdict)
	case "bye":
		decode(data, c.onBye)
	case "err":
		decode(data, func(m sealed.Err) {
			code := protocol.ErrorCode(m.Code)
			c.finish(reasonFor(code), &protocol.WireError{Code: code, Detail: "told by the other party"})
		})
	}
}

// decode gives f one message; a malformed one is dropped.
func decode[T any](data []byte, f func(T)) {
	var m T
	if json.Unmarshal(data, &m) == nil {
		f(m)
	}
}

func messageType(data []byte) string {
	var head struct {
		T string `json:"t"`
	}
	if json.Unmarshal(data, &head) != nil {
		return ""
	}
	return head.T
}

func (c *Call) onVerdict(m sealed.Verify) {
	switch m.R {
	case sealed.VerdictDiffer:
		c.emit(Verified{m.R})
		c.finish(EndDiffer, &protocol.WireError{Code: protocol.ErrorCodeSASDiffer})
	case sealed.VerdictMatch:
		c.emit(Verified{m.R})
	}
}

func (c *Call) onBye(m sealed.Bye) {
	if m.Last != nil {
		c.onReport(*m.Last)
	}
	switch m.Reason {
	case sealed.ByeReasonRemoved:
		c.finish(EndRemoved, &protocol.WireError{Code: protocol.ErrorCodeDenied})
	case sealed.ByeReasonLimit:
		c.finish(EndLimit, nil)
	case sealed.ByeReasonDiffer:
		c.finish(EndDiffer, &protocol.WireError{Code: protocol.ErrorCodeSASDiffer})
	default:
		c.finish(EndPeerHangup, nil)
	}
}

// negotiate offers, or notes that an offer is due.
func (c *Call) negotiate() {
	offer, err := c.conn.negotiation.offer()
	if err != nil {
		c.finish(EndError, err)
		return
	}
	if offer != nil {
		c.sendSDP(sealed.SDPTypeOffer, offer.SDP)
	}
}

func (c *Call) sendSDP(kind sealed.SDPType, sdp string) {
	n, re := c.conn.numbering.stamp(kind)
	c.tellBoth(sealed.SDP{T: "sdp", Type: kind, Gen: c.conn.gen, SDP: sdp, FP: c.conn.fp, Lines: c.conn.lines(), N: n, Re: re})
	c.conn.open = true
}

// onSDP checks and applies a description. One of another PeerConnection (new
// gen or certificate) replaces ours, which only a host may ask for. A rollback
// says that the sender has no PeerConnection any more.
func (c *Call) onSDP(m sealed.SDP) {
	if m.Type == sealed.SDPTypeRollback {
		if c.conn != nil && c.conn.remote.known {
			c.mediaGone()
		}
		return
	}
	sdp, candidates, err := checkSDP(m)
	if err != nil {
		c.finish(EndError, err)
		return
	}
	fresh := c.conn == nil || c.conn.remote.known && (c.conn.remote.gen != m.Gen || c.conn.remote.fp != m.FP)
	if fresh && (c.seat.role() == protocol.RoleHost || m.Type != sealed.SDPTypeOffer) {
		return // an answer to an offer of a connection that is gone
	}
	if fresh && !c.takesSpare(m) {
		return
	}
	if fresh {
		if err := c.newConn(c.wantsRelay()); err != nil {
			c.finish(EndError, err)
			return
		}
		c.nextGen++
		c.recovery.replaced(time.Now())
	}
	// To answer a restart pion gives up the path by which the offer has come: the answer
	// can only leave through the server.
	if c.conn.remote.later = nil; m.Type == sealed.SDPTypeOffer && !c.seat.reachable() && c.conn.negotiation.restartedBy(sdp) {
		c.conn.remote.later = &m
		return
	}
	if !c.conn.numbering.takes(m, c.conn.negotiation.offering(), c.conn.negotiation.polite) {
		return
	}
	c.conn.remote.known, c.conn.remote.gen, c.conn.remote.fp, c.conn.remote.lines = true, m.Gen, m.FP, m.Lines
	if c.channel == nil {
		if err := c.newChannel(); err != nil {
			c.finish(EndError, err)
			return
		}
	}
	if err := c.applySDP(m.Type, sdp); err != nil {
		c.finish(EndError, &protocol.WireError{Code: protocol.ErrorCodeSDP, Detail: err.Error()})
		return
	}
	for _, candidate := range candidates {
		if c.conn.numbering.first(candidate) {
			c.conn.addRemoteCandidate(webrtc.ICECandidateInit{Candidate: candidate})
		}
	}
	for _, early := range c.conn.numbering.due() {
		c.takeCandidate(early)
	}
	if c.conn.negotiation.wanted {
		c.negotiate()
	}
}

// takesSpare decides about an offer of another PeerConnection. A spare one is for a
// path that is dead; we have one connection at a time, so it takes the place of
// ours, and what is offered for ours afterwards comes too late.
func (c *Call) takesSpare(m sealed.SDP) bool {
	if c.conn == nil || m.FP == c.outlived {
		return c.conn == nil
	}
	if m.Standby {
		return false // we keep one connection
	}
	if m.Spare {
		bound := c.channel != nil && c.channel.bound
		if !c.seat.reachable() || bound && !c.pulse.silent() && c.phase == PhaseLive {
			return false // the answer could not leave, or what we have works
		}
		c.outlived = c.conn.remote.fp
		c.reconnecting()
	}
	return true
}

func (c *Call) applySDP(kind sealed.SDPType, sdp string) error {
	conn := c.conn
	switch kind {
	case sealed.SDPTypeOffer:
		answer, err := conn.negotiation.receiveOffer(sdp)
		if err != nil {
			return err
		}
		if answer != nil {
			c.recovery.theirs(time.Now())
			c.sendSDP(sealed.SDPTypeAnswer, answer.SDP)
			c.sendCandidates()
		}
	case sealed.SDPTypeAnswer:
		if err := conn.negotiation.receiveAnswer(sdp); err != nil {
			return err
		}
		conn.startShared()
	case sealed.SDPTypeRollback: // handled before
	}
	return nil
}

func (c *Call) onRemoteCandidate(m sealed.Candidate) {
	if c.conn != nil {
		c.takeCandidate(theirCandidate{gen: m.Gen, n: m.N, mid: m.MID, candidate: m.Cand})
	}
}

func (c *Call) takeCandidate(candidate theirCandidate) {
	if c.conn.numbering.admits(candidate) {
		c.conn.addRemoteCandidate(candidateInit(candidate))
	}
}

// onCandidate keeps our candidates until they may leave this party.
func (c *Call) onCandidate(conn *connection, candidate *webrtc.ICECandidate) {
	if conn != c.conn {
		return
	}
	if candidate == nil {
		conn.gathered = true
		conn.applyServers()
	} else {
		conn.local = append(conn.local, candidate.ToJSON())
	}
	if conn.open {
		c.sendCandidates()
	}
}

func (c *Call) sendCandidates() {
	conn := c.conn
	n := conn.numbering.sent
	for _, candidate := range conn.local {
		m := sealed.Candidate{T: "ice", Gen: conn.gen, Cand: candidate.Candidate, N: n}
		if candidate.SDPMid != nil {
			m.MID = *candidate.SDPMid
		}
		c.tellBoth(m)
	}
	conn.local = nil
	if conn.gathered {
		conn.gathered = false
		c.tellBoth(sealed.CandidatesEnd{T: "ice-end", Gen: conn.gen, N: n})
	}
}

func (c *Call) onTrack(conn *connection, track *webrtc.TrackRemote, rx *webrtc.RTPReceiver) {
	if conn != c.conn || conn.tracks >= maxTracks {
		return
	}
	info, ok := c.trackInfo(conn, track, rx)
	if !ok {
		return
	}
	conn.tracks++
	if c.firstMedia.IsZero() {
		c.firstMedia = time.Now() // pion reports a track at its first packet
	}
	r := &receiver{
		info: info, track: track, pc: conn.pc, bound: conn.gate, count: &c.received, sink: c.cfg.Sink,
		frames: c.newFrameReader(conn, info),
	}
	conn.pumps.Go(func() { r.run(conn.ctx) })
	conn.pumps.Go(func() { drainReceiverRTCP(conn.ctx, rx) })
	c.emit(TrackAdded{info})
}

func midOf(pc *webrtc.PeerConnection, rx *webrtc.RTPReceiver) string {
	for _, t := range pc.GetTransceivers() {
		if t.Receiver() == rx {
			return t.Mid()
		}
	}
	return ""
}

// bothReady takes over the session of the admitted party, new or resumed.
func (c *Call) bothReady(s *e2ee.Session) {
	if c.session != s { // else told by onEpoch
		c.session = s
		c.frames.use(s, true)
		c.emit(wordsOf(s))
	}
}
