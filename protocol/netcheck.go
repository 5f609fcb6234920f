package protocol

// A network check: POST [PathCheck] with a [CheckRequest] begins one over one way
// into the relay, and is answered by a [CheckReply] or a [Refusal]. The client then
// sets the server given there, with iceTransportPolicy "relay", before its local
// description, and measures on one data channel, unordered, without
// retransmissions, with the label "check". It holds at most 15 s.

// PathCheck is where checks begin.
const PathCheck = "/check"

// CheckTransport is how the client reaches the relay.
type CheckTransport string

// The ways into the relay.
const (
	CheckTransportUDP CheckTransport = "udp"
	CheckTransportTCP CheckTransport = "tcp"
	CheckTransportTLS CheckTransport = "tls"
)

// CheckRequest asks for a check. Unknown fields are an error here.
type CheckRequest struct {
	Transport CheckTransport `json:"transport"`
	// Offer is of one data channel, without candidates; at most LimitCheckOffer bytes.
	Offer string `json:"offer"`
}

// CheckReply is the mirror's answer and the one server through which it is reached.
type CheckReply struct {
	Answer string `json:"answer"`
	Server Server `json:"server"`
	// Transports are all ways into the relay that this server offers.
	Transports []CheckTransport `json:"transports"`
}

// Messages on the channel are binary; the first byte says which. Numbers are
// big-endian.
const (
	// CheckPing from the client: number(4), padding. The mirror answers with the tag,
	// the same number(4), and how many pings it has had(4).
	CheckPing = 1
	// CheckUp from the client, with padding, is counted.
	CheckUp = 2
	// CheckReport from the client asks for what came; the mirror answers with the
	// bytes(4) in each of CheckBins bins since the first CheckUp.
	CheckReport = 3
	// CheckDown from the client: kilobits per second(2), milliseconds(2). The mirror
	// sends that much in CheckBurst, twice at most.
	CheckDown = 4
	// CheckBurst from the mirror: number(4), padding.
	CheckBurst = 5
)

// The size of a network check.
const (
	// CheckPacket is the size of packets of both bursts, in bytes, and of the largest message.
	CheckPacket = 1_100
	// CheckBins is how many bins the mirror counts in.
	CheckBins = 16
	// CheckBinMS is the length of a bin.
	CheckBinMS = 200
	// CheckMaxBPS bounds what CheckDown may ask for, in bits per second.
	CheckMaxBPS = 2_500_000
	// CheckMaxMS bounds how long.
	CheckMaxMS = 2_000
	// LimitCheckOffer bounds the offer, in bytes.
	LimitCheckOffer = 3_000
	// LimitCheckBody bounds the whole request.
	LimitCheckBody = LimitControlBytes
	// LimitChecksPerMinute is per source address (IPv6: per /64).
	LimitChecksPerMinute = 12
)
