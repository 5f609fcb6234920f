package peer

import (
	"fmt"

	"github.com/pion/webrtc/v4"
)

// negotiation is perfect negotiation (W3C webrtc-pc §10.7) for pion, which
// cannot roll a local offer back, nor put another in its place. So an offer is
// applied only together with its answer, but for the first, the host's, which has
// to gather before anybody may answer. Until then there is nothing to roll back: at
// the polite party (the guest) a colliding offer simply wins, and ours is made again
// afterwards; the impolite one (the host) ignores it; and a restart takes the place
// of an offer that nobody answers.
//
// All methods belong to the call's goroutine.
type negotiation struct {
	pc      *webrtc.PeerConnection
	polite  bool
	pending *webrtc.SessionDescription // sent, not applied
	bare    bool                       // pending restarts ICE and changes nothing else
	wanted  bool                       // an offer is due once the current exchange is over
	setup   string                     // our DTLS role, since the first answer: it stays (RFC 8842 §5.5)
}

// offering reports whether an offer of ours waits for its answer.
func (n *negotiation) offering() bool {
	return n.pending != nil || n.pc.SignalingState() != webrtc.SignalingStateStable
}

// complete reports whether a first round is over.
func (n *negotiation) complete() bool { return n.pc.CurrentRemoteDescription() != nil }

// offer makes an offer to send, or nil if one is under way: then the next
// follows when it is over.
func (n *negotiation) offer() (*webrtc.SessionDescription, error) {
	if n.offering() {
		n.wanted = true
		return nil, nil
	}
	n.wanted = false
	offer, err := n.pc.CreateOffer(nil)
	if err != nil {
		return nil, fmt.Errorf("create offer: %w", err)
	}
	if n.complete() {
		n.pending, n.bare = &offer, false
		return &offer, nil
	}
	if err := n.pc.SetLocalDescription(offer); err != nil {
		return nil, fmt.Errorf("set local offer: %w", err)
	}
	return n.pc.LocalDescription(), nil
}

// restartedBy reports whether an offer of theirs would restart ICE.
func (n *negotiation) restartedBy(sdp string) bool {
	theirs := n.pc.CurrentRemoteDescription()
	return theirs != nil && ufragOf(theirs.SDP) != ufragOf(sdp)
}

// restart makes an offer of new ICE credentials, in place of one that is under way,
// once a first round is complete. pion gives the old path up at once and gathers.
func (n *negotiation) restart() (*webrtc.SessionDescription, error) {
	n.bare = n.pending == nil || n.bare
	offer, err := n.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return nil, fmt.Errorf("create offer: %w", err)
	}
	n.pending = &offer
	return &offer, nil
}

// receiveOffer applies a remote offer and returns the answer to send, or nil
// if the offer collided with ours and lost.
func (n *negotiation) receiveOffer(sdp string) (*webrtc.SessionDescription, error) {
	if !n.polite && n.offering() {
		return nil, nil
	}
	if n.pending != nil {
		n.pending = nil
		n.wanted = n.wanted || !n.bare // theirs restarts, too, or the next of ours will
	}
	// pion makes itself the DTLS client in its answers, whatever it has been before, unless the offer leaves it no choice.
	if n.setup != "" {
		sdp = withSetup(sdp, otherSetup(n.setup))
	}
	if err := n.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return nil, fmt.Errorf("set remote offer: %w", err)
	}
	answer, err := n.pc.CreateAnswer(nil)
	if err != nil {
		return nil, fmt.Errorf("create answer: %w", err)
	}
	n.setup = setupOf(answer.SDP)
	if err := n.pc.SetLocalDescription(answer); err != nil {
		return nil, fmt.Errorf("set local answer: %w", err)
	}
	return n.pc.LocalDescription(), nil
}

// receiveAnswer applies the answer to our offer. An answer to an offer that we
// gave up is dropped.
func (n *negotiation) receiveAnswer(sdp string) error {
	if !n.offering() {
		return nil
	}
	if n.pending != nil {
		offer := *n.pending
		n.pending = nil
		if err := n.pc.SetLocalDescription(offer); err != nil {
			return fmt.Errorf("set local offer: %w", err)
		}
	}
	if err := n.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return fmt.Errorf("set remote answer: %w", err)
	}
	if n.setup == "" {
		n.setup = otherSetup(setupOf(sdp))
	}
	return nil
}
