// Package protocol is the wire between a client and the visavis server: every
// signaling message, limit, close code and error code.
//
// One WebSocket carries two kinds of frames. Text frames are the JSON messages
// of this package; the field type tells which. Binary frames are
// slot(2, big-endian) || outer frame: the server reads the slot, forwards the
// rest unread, and never stores it. A guest always uses slot 0; the host uses
// the slot the server announced in [Peer].
//
//	client                        server
//	  │ ◀──────────── welcome ────── │  nonce, limits
//	  │ ── create ─────────────────▶ │  host only, once per call
//	  │ ◀──────────── created ────── │
//	  │ ── join ───────────────────▶ │  within LimitJoinMS
//	  │ ◀──────────── joined ─────── │
//	  │ ◀──────────── peer / host ── │  the other side's connection id
//	  │ ◀═══════ binary frames ════▶ │  sealed, relayed unread
//	  │ ── grant ──────────────────▶ │  host: this slot may have relay credentials
//	  │ ◀──────────── ice ────────── │
//
// Within version 1 fields and messages are only added: unknown fields are
// ignored, unknown types are ignored and counted, unknown codes mean
// [ErrorCodeInternal]. Nothing is renamed, reordered or reused.
package protocol

// Version is the version of the server protocol.
const Version = 1

// WebSocket subprotocols. A browser must send an Origin that the server
// allows; a client without Origin must speak [SubprotocolNative].
const (
	SubprotocolWeb    = "visavis.v1"
	SubprotocolNative = "1v1e.native.1"
)

// PathSignaling is where the WebSocket lives; PathCall is the one static page
// of every call link (the secret is in the fragment, never in the path).
const (
	PathSignaling = "/ws"
	PathCall      = "/c"
)

// Role is which end of a call a client is. It follows from the kind of link,
// never from the order of arrival.
type Role string

// The roles.
const (
	RoleHost  Role = "host"
	RoleGuest Role = "guest"
)

// PeerState says what happened to the connection in a slot.
type PeerState string

// The states of a slot, as the host sees them.
const (
	PeerStateWaiting PeerState = "waiting" // a guest's connection holds the slot
	PeerStateGone    PeerState = "gone"    // the slot is free again
)

// EndReason says why a call is over for good.
type EndReason string

// The reasons the server gives in [Ended].
const (
	EndReasonHost    EndReason = "host"    // the host ended it
	EndReasonExpired EndReason = "expired" // its time to live is over
)
