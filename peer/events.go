package peer

import (
	"time"

	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/peer/quality"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// Phase is where a call stands, the same words as in the browser's engine.
//
//	guest  connecting → host-away | password | ready → knocking → held? → joining → live
//	host   connecting → alone → joining → live
//
// joining lasts from admission to the first bound media connection,
// reconnecting from its loss to its return. ended is final.
type Phase string

// The phases of a call.
const (
	PhaseConnecting   Phase = "connecting"
	PhaseHostAway     Phase = "host-away"
	PhasePassword     Phase = "password" // a guest must give a password, or another one
	PhaseReady        Phase = "ready"    // the handshake has proven the host
	PhaseKnocking     Phase = "knocking"
	PhaseHeld         Phase = "held"
	PhaseAlone        Phase = "alone" // a host whose door is open
	PhaseJoining      Phase = "joining"
	PhaseLive         Phase = "live"
	PhaseReconnecting Phase = "reconnecting"
	PhaseEnded        Phase = "ended"
)

// Path is how media travels.
type Path string

// The paths.
const (
	PathDirect  Path = "direct"
	PathRelayed Path = "relayed"
)

// Way is a path, and what it goes over.
type Way struct {
	Path Path // "" if there is none
	// Over is how this party's own part of it travels: to the other party, or to its relay.
	Over RelayTransport
	// Family is 4 or 6, of the direct path between the two; 0: relayed, or not known.
	Family int
}

// Event is something that happened in a call; the types below are all there are.
type Event interface{ event() }

// PhaseChanged says that the call stands somewhere else now.
type PhaseChanged struct{ Phase Phase }

// Knocked tells a host that somebody asks to be let in. All texts are the
// visitor's own claim, cleaned of control characters.
type Knocked struct {
	Slot             uint16
	Name, Note, Lang string
	// Tested is what the visitor's check before the call found; nil: nothing is known.
	Tested *sealed.Tested
}

// KnockGone tells a host that a visitor left before being admitted.
type KnockGone struct{ Slot uint16 }

// Greeted tells a guest who is hosting, by the host's own claim.
type Greeted struct{ Name, Title string }

// Held tells a guest to wait on.
type Held struct{ Message string }

// Words are the verification words of the handshake: five names of emoji and
// the same secret as nine digits. Both parties see the same ones, or somebody
// sits between them.
type Words struct {
	Emoji  [5]int // 0…63
	Names  [5]string
	Digits string
}

// PasswordWrong says that a handshake failed at its confirmation. Left is how
// many guesses remain; at 0 the call is locked. A guest that is told so calls
// SetPassword; for a guest Left is -1, because only the host counts.
type PasswordWrong struct{ Left int }

// ChatReceived is a line of the other party.
type ChatReceived struct{ ID, Text string }

// ChatDelivered says that the other party shows the line with this id.
type ChatDelivered struct{ ID string }

// CueReceived is what the other party shows as a listener; sealed.CueKindHandDown
// takes back sealed.CueKindHand.
type CueReceived struct{ Kind sealed.CueKind }

// FileOffered says that a file is offered, by either party. One of the other party
// waits for [Call.AcceptFile] or [Call.StopFile], unless [Config] answers for it.
type FileOffered struct {
	files.Item
	CanRun bool // opening it may run a program
}

// FileProgress says that another percent is stored at the receiver.
type FileProgress struct{ files.Item }

// FileEnded says how a file ended, as one party has told the other. Each that was
// offered ends, also if the call does.
type FileEnded struct{ files.End }

// MediaStateChanged is what the other party says it is sending, whether that is
// an instrument, sent as it is, whether it records what it receives, and why the
// picture of its camera is held back.
type MediaStateChanged struct {
	Mic, Cam, Screen, Recording, Music bool
	Held                               sealed.HeldVideo // "" if it is not
}

// Verified is what the other person said about the words.
type Verified struct{ Verdict sealed.Verdict }

// FramesChanged says how the encryption of media frames stands: active once
// both parties have verified what they receive, off if one of them cannot,
// failed if frames came, or left, that were not encrypted as agreed.
type FramesChanged struct{ State sealed.SFrameState }

// TrackAdded says that a track of the other party has begun.
type TrackAdded struct{ Track Track }

// Connected says that the media connection is up and bound to the handshake,
// first or again.
type Connected struct {
	Way
	Setup time.Duration // admission to first media packet; 0 while none has come
}

// SignalingChanged says that the server was lost (false) or is back (true).
// Media does not depend on it. ForGood: the server wants no more of this call, which
// goes on without it until somebody leaves.
type SignalingChanged struct{ Online, ForGood bool }

// RelaysOffered says which ways into its relay the server has named to this party:
// to a host when it has joined, to a guest once it is admitted.
type RelaysOffered struct{ Transports []RelayTransport }

// Rekeyed says that the keys were renewed; Epoch counts that, from 0. The words
// that follow are those of the new keys; what was said about the old ones holds.
type Rekeyed struct{ Epoch uint16 }

// EndReason says why a call is over.
type EndReason string

// The reasons, the same words as in the browser's engine.
const (
	EndHangup     EndReason = "hangup"      // this party hung up
	EndPeerHangup EndReason = "peer-hangup" // the other one did
	EndRemoved    EndReason = "removed"     // the host removed this guest
	EndRefused    EndReason = "refused"     // never let in: denied, busy or locked
	EndLimit      EndReason = "limit"       // the agreed time is over
	EndDiffer     EndReason = "differ"      // the verification words differ
	EndExpired    EndReason = "expired"     // the call was ended, or its link is too old
	EndReplaced   EndReason = "replaced"    // the host opened the call somewhere else
	EndError      EndReason = "error"
)

// Ended is the last event.
type Ended struct {
	Reason   EndReason
	Code     protocol.ErrorCode // "" if nothing went wrong
	Err      error              // what happened, for a log; nil if nothing went wrong
	Way                         // the last one; its Path is "" if there was no media connection
	Words    *Words             // nil if no handshake completed
	Duration time.Duration      // admission to end
	Setup    time.Duration      // admission to first media packet; 0 if none came
	Received Received
	Receipt  *quality.Receipt // what the call was like; nil if media never flowed
	Route    *Route           // the path at the end; nil if there was none
}

// Received counts what came from the other party after the binding.
type Received struct {
	VideoFrames  uint64 // complete ones of the camera
	ScreenFrames uint64 // complete ones of what was shared
	AudioPackets uint64
}

func (PhaseChanged) event()      {}
func (Knocked) event()           {}
func (KnockGone) event()         {}
func (Greeted) event()           {}
func (Held) event()              {}
func (Words) event()             {}
func (Rekeyed) event()           {}
func (PasswordWrong) event()     {}
func (ChatReceived) event()      {}
func (ChatDelivered) event()     {}
func (CueReceived) event()       {}
func (FileOffered) event()       {}
func (FileProgress) event()      {}
func (FileEnded) event()         {}
func (MediaStateChanged) event() {}
func (Verified) event()          {}
func (FramesChanged) event()     {}
func (TrackAdded) event()        {}
func (Connected) event()         {}
func (SignalingChanged) event()  {}
func (RelaysOffered) event()     {}
func (Ended) event()             {}
