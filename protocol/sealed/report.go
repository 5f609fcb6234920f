package sealed

// ReportEveryMS is how often a party tells what it has measured.
const ReportEveryMS = 5_000

// Report is what a party has measured since its last report: what arrives from
// the other one, and what holds back what it sends itself. Both, ADMITTED; over
// the data channel only, every [ReportEveryMS]; the last one is in [Bye]. Nothing in
// it names a person, a device or an address. A missing number is 0.
type Report struct {
	T  string `json:"t" tstype:"'report'"`
	At int64  `json:"at"` // end of the interval, ms since media first flowed, by the sender's clock
	MS int    `json:"ms"` // its length

	// What arrived.
	Packets int `json:"packets,omitempty"` // of media; of every kind where the other side tells what it has sent
	Lost    int `json:"lost,omitempty"`    // packets that did not come; there also those that came when sent again
	Lossy   int `json:"lossy,omitempty"`   // ms in which the line lost a tenth or more; known only there
	Bytes   int `json:"bytes,omitempty"`   // of media
	Frozen  int `json:"frozen,omitempty"`  // ms in which the picture stood still though one was sent
	Gaps    int `json:"gaps,omitempty"`    // ms of sound that had to be made up
	Stalled int `json:"stalled,omitempty"` // ms in which nothing arrived at all

	// The way there and back.
	RTT int `json:"rtt,omitempty"` // ms, mean

	// What left, so that the other side can tell what the line loses.
	Sent int `json:"sent,omitempty"` // packets of every kind but STUN, since the count began; 0: not known
	Path int `json:"path,omitempty"` // another number than before: the count has begun anew

	// What held back the sender of this report.
	Kbps   int `json:"kbps,omitempty"`   // kbit/s its line carries, as estimated; 0: not known
	Tight  int `json:"tight,omitempty"`  // ms in which its line carried too little for a picture
	Busy   int `json:"busy,omitempty"`   // ms in which it stood still for lack of processor
	Slow   int `json:"slow,omitempty"`   // ms in which its picture was poor for lack of processor
	Hidden int `json:"hidden,omitempty"` // ms in which its page was in the background, or its device asleep
	Away   int `json:"away,omitempty"`   // ms without the server
	NoMic  int `json:"no_mic,omitempty"` // ms in which its microphone was wanted and missing
	NoCam  int `json:"no_cam,omitempty"` // ms in which its camera was wanted and missing
}

// DeviceFate says what became of a device that was in use.
type DeviceFate string

// What becomes of a device. No fate: it is the one that was chosen.
const (
	DeviceFateOther DeviceFate = "other" // it went away; another one is used instead
	DeviceFateGone  DeviceFate = "gone"  // it went away, and there is no other
)
