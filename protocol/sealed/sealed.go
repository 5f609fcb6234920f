// Package sealed is what the two parties say to each other inside the
// end-to-end encryption: JSON messages in sealed frames (package e2ee) that the
// server relays and cannot read.
//
// The field t tells the type. Unknown types and fields are ignored. A message
// is at most [LimitBytes] long and nested at most [LimitDepth] deep. Which
// message is allowed in which state is said beside each type: READY is after
// the handshake, ADMITTED after the host's [Admit].
package sealed

// Limits of sealed messages.
const (
	LimitBytes      = 60_000 // one message, JSON
	LimitDepth      = 6
	LimitName       = 64     // code points, NFC, no control or bidi characters
	LimitNote       = 200    // code points: note of a knock, message of a hold
	LimitTitle      = 120    // code points
	LimitTested     = 720    // hours: older checks say nothing
	LimitChat       = 4_000  // code points
	LimitSDP        = 64_000 // bytes (before sealing; must still fit LimitBytes as JSON)
	LimitMLines     = 9      // the media plan: 4, the data channel, and a screen with its sound from each side
	LimitLines      = 2      // entries of SDP.Lines: a screen and its sound
	LimitCandidates = 32     // per description
	LimitBeatMS     = 10_000
	LimitFileName   = 120           // code points
	LimitFileType   = 100           // bytes
	LimitFileBytes  = 2_147_483_648 // one file
	LimitFiles      = 4             // offered or under way at once, in each direction
	LimitFileChunk  = 16_384        // bytes of one frame on the channel files
	LimitFileAhead  = 4_194_304     // bytes on the way that the receiver has not confirmed
)

// Knock asks to be let in. Guest, READY.
type Knock struct {
	T    string `json:"t" tstype:"'knock'"`
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	Lang string `json:"lang,omitempty"` // BCP 47, to answer in a language the guest reads
	// Tested is what the guest's own check before the call found, if there was one.
	Tested *Tested `json:"tested,omitempty"`
}

// Hello tells the guest who is hosting. Host, READY.
type Hello struct {
	T     string `json:"t" tstype:"'hello'"`
	Name  string `json:"name,omitempty"`
	Title string `json:"title,omitempty"`
}

// Admit lets the guest in. Host, READY or HELD. Media may flow from here on.
type Admit struct {
	T      string `json:"t" tstype:"'admit'"`
	Policy Policy `json:"policy"`
}

// Policy is what holds for this call, as the host's signed caps said.
type Policy struct {
	SFrame  int   `json:"sframe"`             // 0 off, 1 prefer, 2 require
	Relay   int   `json:"relay"`              // 0 off, 1 allowed, 2 only
	Record  int   `json:"rec"`                // 0 off, 1 allowed, 2 mandatory
	LimitMS int64 `json:"limit_ms,omitempty"` // the call ends this long after admission
}

// Hold asks the guest to wait on, with a message. Host, READY or HELD.
type Hold struct {
	T   string `json:"t" tstype:"'hold'"`
	Msg string `json:"msg,omitempty"`
}

// Deny refuses the guest. Host, READY or HELD.
type Deny struct {
	T      string `json:"t" tstype:"'deny'"`
	Reason string `json:"reason,omitempty"` // at most LimitNote
}

// SDPType is the type of a session description (RFC 9429).
type SDPType string

// The types of a session description.
const (
	SDPTypeOffer    SDPType = "offer"
	SDPTypeAnswer   SDPType = "answer"
	SDPTypeRollback SDPType = "rollback"
)

// SDP carries a session description. Both, ADMITTED. Every a=fingerprint in it
// is sha-256 and equals FP; anything else is E_SDP.
type SDP struct {
	T    string  `json:"t" tstype:"'sdp'"`
	Type SDPType `json:"type"`
	Gen  uint32  `json:"gen"` // generation: counts the PeerConnections of this side, from 0
	SDP  string  `json:"sdp"`
	FP   string  `json:"fp"` // sha-256 of this side's DTLS certificate, 64 hex digits
	// Lines says what the sender sends on m-lines outside the media plan (0 to
	// 3). What comes on a line that is named nowhere is not taken.
	Lines []Line `json:"lines,omitempty"`
	// N numbers the descriptions of this side: it rises within Gen, and no two
	// Gens share one. Descriptions travel by two ways; one whose N is not above
	// the last of its Gen is the same again.
	N uint32 `json:"n,omitempty"`
	// Re, in an answer, is the N of the offer it answers.
	Re uint32 `json:"re,omitempty"`
	// Spare, in an offer: a second PeerConnection beside the one in use, which
	// has fallen silent. It is used once it is up, if the first still is not. Who
	// hears the first may ignore it.
	Spare bool `json:"spare,omitempty"`
	// Standby, in a spare offer: made while the first is well, for when it falls
	// silent. Neither side tells its own ICE agent the candidates of the other
	// before.
	Standby bool `json:"standby,omitempty"`
}

// Line says which kind of media an m-line carries from the sender of an [SDP].
type Line struct {
	MID  string   `json:"mid"` // at most 16 bytes
	Kind LineKind `json:"kind"`
}

// LineKind is what an m-line carries. The numbers are those of the key ids of
// SFrame (docs/protocol.md, section 10).
type LineKind int

// The kinds of m-lines. The first two are those of the media plan and never
// stand in [SDP.Lines].
const (
	LineKindMicrophone  LineKind = 0
	LineKindCamera      LineKind = 1
	LineKindScreen      LineKind = 2 // the picture of a shared screen, window or tab
	LineKindScreenSound LineKind = 3 // its sound
)

// Candidate carries one ICE candidate. Both, ADMITTED.
type Candidate struct {
	T    string `json:"t" tstype:"'ice'"`
	Gen  uint32 `json:"gen"`
	MID  string `json:"mid"`
	Cand string `json:"cand"` // the candidate attribute, "candidate:…"
	// N is that of the description the candidate belongs to.
	N uint32 `json:"n,omitempty"`
}

// CandidatesEnd says that gathering is complete. Both, ADMITTED.
type CandidatesEnd struct {
	T   string `json:"t" tstype:"'ice-end'"`
	Gen uint32 `json:"gen"`
	N   uint32 `json:"n,omitempty"` // as in Candidate
}

// Rehearse carries what opens the path between the two before admission: one of an
// [SDP], a [Candidate] or a [CandidatesEnd]. Both, KNOCKED or HELD, and after
// admission what was on its way. Nothing in it names an address of the sender: all
// candidates are of the relay, without what they are related to. The receiver
// sends packets to none but the relay's own address. Who does not know it ignores it.
type Rehearse struct {
	T   string         `json:"t" tstype:"'rehearse'"`
	SDP *SDP           `json:"sdp,omitempty"`
	ICE *Candidate     `json:"ice,omitempty"`
	End *CandidatesEnd `json:"end,omitempty"`
}

// Beat promises that something will arrive within MS, always anew, so that
// silence means a dead path and not a muted person. Both, ADMITTED; over the data
// channel only: once when it is bound, and whenever nothing else was sent for a
// while.
type Beat struct {
	T  string `json:"t" tstype:"'beat'"`
	MS int64  `json:"ms"` // 1 to LimitBeatMS
}

// SFrameState is what the receiver of media says about frame encryption.
type SFrameState string

// The states of frame encryption.
const (
	SFrameStateOff    SFrameState = "off"
	SFrameStateActive SFrameState = "active"
	SFrameStateFailed SFrameState = "failed"
)

// State is what a party says it is sending. Both, ADMITTED.
type State struct {
	T      string `json:"t" tstype:"'state'"`
	Mic    bool   `json:"mic"`
	Cam    bool   `json:"cam"`
	Screen bool   `json:"screen"`
	// Sound says that what is shared has sound. Only with Screen.
	Sound  bool        `json:"sound,omitempty"`
	SFrame SFrameState `json:"sframe,omitempty"`
	// Rec says that this party is recording what it receives.
	Rec bool `json:"rec,omitempty"`
	// Hidden says that nobody sees the call: its page is in the background, and no small window shows it.
	Hidden bool `json:"hidden,omitempty"`
	// What became of the microphone and the camera it had chosen.
	MicFate DeviceFate `json:"mic_fate,omitempty"`
	CamFate DeviceFate `json:"cam_fate,omitempty"`
	// Music says that its sound is sent as the microphone gives it: stereo, with
	// nothing taken out, neither noise nor echo.
	Music bool `json:"music,omitempty"`
	// Held says why no picture is sent although the camera is on.
	Held HeldVideo `json:"held,omitempty"`
}

// HeldVideo is why the picture of a camera that is on is not sent.
type HeldVideo string

// The reasons to send no picture.
const (
	HeldVideoNetwork HeldVideo = "network" // too slow for more than sound
	HeldVideoAsked   HeldVideo = "asked"   // the receiver wants none, see [Want]
	HeldVideoSaver   HeldVideo = "saver"   // the sender has chosen to send sound only
)

// Want is what a party would like to receive; it holds until the next one, and
// is "full" before the first. A sender that is asked for no video sends none.
// Both, ADMITTED.
type Want struct {
	T     string     `json:"t" tstype:"'want'"`
	Video WantedSize `json:"video"`
}

// WantedSize is how much video a party would like to receive.
type WantedSize string

// The sizes of video that can be wanted.
const (
	WantedSizeFull  WantedSize = "full"
	WantedSizeSmall WantedSize = "small" // 360 lines, a few hundred kbit/s
	WantedSizeNone  WantedSize = "none"
)

// Chat is a text message. Both, ADMITTED; over the data channel.
type Chat struct {
	T    string `json:"t" tstype:"'chat'"`
	ID   string `json:"id"` // chosen by the sender, at most 32 bytes
	Text string `json:"text"`
}

// ChatAck says that a chat message has arrived and is shown. Both, ADMITTED.
type ChatAck struct {
	T  string `json:"t" tstype:"'chat-ack'"`
	ID string `json:"id"`
}

// Verdict is the outcome of comparing the verification words.
type Verdict string

// The verdicts.
const (
	VerdictMatch  Verdict = "match"
	VerdictDiffer Verdict = "differ"
)

// Verify reports what this person said about the words. Both, READY on.
type Verify struct {
	T string  `json:"t" tstype:"'verify'"`
	R Verdict `json:"r"`
}

// Rekey begins to renew the keys. Guest, ADMITTED. The machines of package e2ee
// say and hear this and the next three by themselves.
type Rekey struct {
	T string `json:"t" tstype:"'rekey'"`
	N string `json:"n"` // 16 bytes, base64url: names the run, and stands for the guest's connection id
}

// RekeyOK agrees to it. Host, ADMITTED.
type RekeyOK struct {
	T  string `json:"t" tstype:"'rekey-ok'"`
	N  string `json:"n"`  // 16 bytes, base64url: stands for the host's connection id
	To string `json:"to"` // the guest's n
}

// RekeyPlease asks the guest to begin. Host, ADMITTED.
type RekeyPlease struct {
	T     string `json:"t" tstype:"'rekey-please'"`
	Epoch *int   `json:"epoch,omitempty"` // to be left; nothing is to be done in another
}

// Handshake carries one of M1 to M4. Both, ADMITTED.
type Handshake struct {
	T string `json:"t" tstype:"'hs'"`
	N string `json:"n"` // of the run
	B string `json:"b"` // base64url
}

// Bye hangs up. Both, any state.
type Bye struct {
	T      string    `json:"t" tstype:"'bye'"`
	Reason ByeReason `json:"reason"`
	// Last is what this party has measured since its last report.
	Last *Report `json:"last,omitempty"`
}

// ByeReason says why a party hung up.
type ByeReason string

// The reasons to hang up.
const (
	ByeReasonHangup  ByeReason = "hangup"
	ByeReasonRemoved ByeReason = "removed" // the host removed the guest
	ByeReasonLimit   ByeReason = "limit"   // the agreed time is over
	ByeReasonDiffer  ByeReason = "differ"  // the verification words differ
	ByeReasonError   ByeReason = "error"
)

// Err tells the other side why this one gave up. Both, any state.
type Err struct {
	T    string `json:"t" tstype:"'err'"`
	Code string `json:"code"` // one of the codes that may be told to a peer
}
