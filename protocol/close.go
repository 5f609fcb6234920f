package protocol

// Close codes of the WebSocket. 4000–4099 are ours and final: a client does not
// come back by itself. Anything else may be retried, with back-off and jitter.
const (
	CloseEnded    = 4000 // the call is over
	CloseReplaced = 4001 // the same party came on another connection
	CloseDropped  = 4002 // the host removed this guest
	CloseRefused  = 4003 // the request was refused; a [Refusal] said why
	CloseRate     = 4004 // over the frame or byte rate
	CloseSize     = 4005 // frame too large
	CloseJoin     = 4006 // no join in time
	CloseSlow     = 4100 // the client did not read fast enough; may come back
	// CloseRestart (RFC 6455 registry: service restart) follows [GoingAway].
	CloseRestart = 1012
)
