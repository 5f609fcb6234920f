package protocol

// Limits of one signaling connection and of one call. The server tells clients
// those they need in [Welcome]; it enforces all of them.
const (
	// LimitFrameBytes bounds one WebSocket frame of either kind: slot (2),
	// cid (16), counter (8), tag (16) around at most 65 000 padded bytes,
	// rounded up.
	LimitFrameBytes = 65_600
	// LimitControlBytes bounds one JSON text frame from a client.
	LimitControlBytes = 4_096
	// LimitFramesPerSecond and LimitFramesBurst police frames from one client.
	LimitFramesPerSecond = 50
	LimitFramesBurst     = 200
	// LimitBytesPerMinute polices bytes from one client.
	LimitBytesPerMinute = 2 << 20
	// LimitJoinMS is how long a connection may stay without a join.
	LimitJoinMS = 5_000
	// LimitWriteQueue is how many frames may wait for a slow reader before its
	// connection is closed with [CloseSlow]; one longer than 8192 bytes counts as several.
	LimitWriteQueue = 256
	// LimitPingMS is the keep-alive interval.
	LimitPingMS = 20_000
	// LimitWaiting is how many guests may hold a slot of one call at once.
	LimitWaiting = 4
	// LimitConnectsPerMinute and LimitCreatesPerMinute are per source address
	// (IPv6: per /64).
	LimitConnectsPerMinute = 30
	LimitCreatesPerMinute  = 10
	// LimitTTLMS is the longest life of a call link (90 days); DefaultTTLMS the usual
	// one (7 days).
	LimitTTLMS   = 7_776_000_000
	DefaultTTLMS = 604_800_000
	// LimitTombstoneMS is how long the id of an ended call stays unusable.
	LimitTombstoneMS = 7_776_000_000
	// CredentialTTLMS is the life of relay credentials; a client renews them with
	// [Renew] while the call lives.
	CredentialTTLMS = 600_000
)
