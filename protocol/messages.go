package protocol

// The unions of all messages, for TypeScript. A test compares them with the codec.
//
//tygo:emit
var _ = `
/** A message from a client. */
export type ClientMessage = Create | Join | Grant | Drop | Lock | Unlock | End | Renew;
/** A message from the server. */
export type ServerMessage = Welcome | Created | Joined | Peer | Host | ICE | Ended | GoingAway | Refusal;`

// Messages from a client to the server. Bytes in JSON are base64url without
// padding; times are milliseconds since the Unix epoch.

// Create registers a new call. The call id is bound to the first key that
// claims it; an id that was used before stays unusable ([ErrorCodeGone]).
type Create struct {
	Type   string `json:"type" tstype:"'create'"`
	Req    string `json:"req,omitempty"`   // echoed in the answer; at most 64 bytes
	Call   string `json:"call"`            // call id, 16 bytes
	SrvPub string `json:"srv_pub"`         // the host's key for this server, Ed25519, 32 bytes
	TTLMS  int64  `json:"ttl_ms"`          // 1 minute to LimitTTLMS
	Token  string `json:"token,omitempty"` // operator token, if the server asks for one
}

// Join takes a seat. A host proves that it owns the call; a guest only knows
// the call id. An unknown id looks exactly like a host who is away.
type Join struct {
	Type string `json:"type" tstype:"'join'"`
	Req  string `json:"req,omitempty"`
	Role Role   `json:"role"`
	Call string `json:"call"` // 16 bytes
	CID  string `json:"cid"`  // connection id, 16 fresh random bytes
	// Sig, host only: Ed25519 over lv("1v1e/1 server auth", origin, nonce, call, cid),
	// origin being scheme://host[:port] of the link.
	Sig string `json:"sig,omitempty"`
	// Seat, guest only: what [Joined] brought last. Whoever has it takes over from the
	// connection that still holds that seat, at once. One that is wrong or old is as good
	// as none.
	Seat string `json:"seat,omitempty"` // 16 bytes
}

// Grant lets the guest in a slot have relay credentials, and locks the call:
// later guests are told [ErrorCodeBusy].
type Grant struct {
	Type string `json:"type" tstype:"'grant'"`
	Slot int    `json:"slot"`
	// Rehearsal says that the guest is not admitted yet: the call stays open, and
	// what the guest gets is taken from it by a grant to another.
	Rehearsal bool `json:"rehearsal,omitempty"`
}

// Drop disconnects the guest in a slot. If it had the relay, that is taken from
// it, also when the guest has left the slot by itself.
type Drop struct {
	Type string `json:"type" tstype:"'drop'"`
	Slot int    `json:"slot"`
}

// Lock refuses new guests; Unlock lets them come again.
type Lock struct {
	Type string `json:"type" tstype:"'lock'"`
}

// Unlock undoes [Lock].
type Unlock struct {
	Type string `json:"type" tstype:"'unlock'"`
}

// End ends the call for good: everyone is disconnected, relay allocations are
// removed, the id becomes a tombstone.
type End struct {
	Type string `json:"type" tstype:"'end'"`
	Req  string `json:"req,omitempty"`
}

// Renew asks for fresh relay credentials; answered by [ICE].
type Renew struct {
	Type string `json:"type" tstype:"'renew'"`
}

// Messages from the server to a client.

// Welcome is the first message on every connection.
type Welcome struct {
	Type    string `json:"type" tstype:"'welcome'"`
	Version int    `json:"version"`
	Nonce   string `json:"nonce"`   // 32 bytes, signed by a host in Join
	TimeMS  int64  `json:"time_ms"` // the server's clock
	Limits  Limits `json:"limits"`
	// STUN lists stun: URLs that anybody on this server may use.
	STUN []string `json:"stun"`
	// TokenRequired says that Create needs an operator token.
	TokenRequired bool `json:"token_required,omitempty"`
}

// Limits are the figures a client must keep to.
type Limits struct {
	FrameBytes      int   `json:"frame_bytes"`
	FramesPerSecond int   `json:"frames_per_second"`
	FramesBurst     int   `json:"frames_burst"`
	JoinMS          int64 `json:"join_ms"`
	Waiting         int   `json:"waiting"`
	MaxTTLMS        int64 `json:"max_ttl_ms"`
}

// Created answers [Create].
type Created struct {
	Type      string `json:"type" tstype:"'created'"`
	Req       string `json:"req,omitempty"`
	ExpiresMS int64  `json:"expires_ms"`
}

// Joined answers [Join]. A host is then told of each waiting guest by [Peer],
// and has relay credentials at once; a guest is told of its host by [Host].
type Joined struct {
	Type      string   `json:"type" tstype:"'joined'"`
	Req       string   `json:"req,omitempty"`
	Slot      int      `json:"slot"`                 // guest: 0
	Seat      string   `json:"seat,omitempty"`       // guest only: 16 random bytes, for its next Join
	ExpiresMS int64    `json:"expires_ms,omitempty"` // host only
	Locked    bool     `json:"locked,omitempty"`     // host only
	ICE       *Servers `json:"ice,omitempty"`        // host only
}

// Servers are the STUN and TURN servers of this call, for this role.
type Servers struct {
	Servers   []Server `json:"servers"`
	ExpiresMS int64    `json:"expires_ms"` // when the credentials end; 0: never
}

// Server is one entry for RTCConfiguration.iceServers.
type Server struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Peer tells the host about a slot.
type Peer struct {
	Type  string    `json:"type" tstype:"'peer'"`
	Slot  int       `json:"slot"`
	CID   string    `json:"cid"`
	State PeerState `json:"state"`
}

// Host tells a guest whether its host is connected. CID is empty when offline.
type Host struct {
	Type   string `json:"type" tstype:"'host'"`
	Online bool   `json:"online"`
	CID    string `json:"cid,omitempty"`
}

// ICE brings relay credentials: to a guest after its host's [Grant], to anyone
// after [Renew].
type ICE struct {
	Type string  `json:"type" tstype:"'ice'"`
	ICE  Servers `json:"ice"`
}

// Ended says that the call is over; the connection closes with [CloseEnded].
type Ended struct {
	Type   string    `json:"type" tstype:"'ended'"`
	Req    string    `json:"req,omitempty"`
	Reason EndReason `json:"reason"`
}

// GoingAway says that this server is about to stop: come back after RetryMS,
// plus jitter. Media that flows directly is not affected.
type GoingAway struct {
	Type    string `json:"type" tstype:"'going_away'"`
	RetryMS int64  `json:"retry_ms"`
}

// Refusal refuses a request, or tells why the connection is about to close.
type Refusal struct {
	Type   string    `json:"type" tstype:"'error'"`
	Req    string    `json:"req,omitempty"`
	Code   ErrorCode `json:"code"`
	Detail string    `json:"detail,omitempty"`
}
