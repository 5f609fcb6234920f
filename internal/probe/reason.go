package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// Reason is why no call could be made at the server, for machines: a stable word, one of
// those below and no other.
type Reason string

// The reasons.
const (
	ReasonDNS         Reason = "dns"         // the name leads nowhere
	ReasonFamily      Reason = "family"      // not by IPv4 or IPv6, whichever was forced
	ReasonConnect     Reason = "connect"     // no TCP connection: refused, or no route
	ReasonTimeout     Reason = "timeout"     // no answer in time
	ReasonCertificate Reason = "certificate" // it is not accepted
	ReasonTLS         Reason = "tls"         // no TLS, for another reason
	ReasonMoved       Reason = "moved"       // the address leads to another one
	ReasonHTTP        Reason = "http"        // an answer, and no WebSocket: a proxy, or no visavis
	ReasonFull        Reason = "full"        // the server has all the connections it takes, or is starting
	ReasonToken       Reason = "token"       // the server asks for one, or for another one
	ReasonRate        Reason = "rate"        // asked too often
	ReasonRefused     Reason = "refused"     // a word of the server's that is none of these
	ReasonInterrupted Reason = "interrupted" // the probe was stopped
	ReasonOther       Reason = "other"
)

// reasonFor sorts an error of making the call; ctx is the probe's own, secure says that
// the server was asked for TLS.
func reasonFor(ctx context.Context, secure bool, err error) Reason {
	switch code(err) {
	case "":
	case protocol.ErrorCodeAuth:
		return ReasonToken
	case protocol.ErrorCodeRate:
		return ReasonRate
	default:
		return ReasonRefused
	}
	if ctx.Err() != nil {
		return ReasonInterrupted
	}
	if status, ok := errors.AsType[*peer.StatusError](err); ok {
		if status.Status == http.StatusServiceUnavailable {
			return ReasonFull
		}
		return ReasonHTTP
	}
	if _, ok := errors.AsType[*peer.RedirectError](err); ok {
		return ReasonMoved
	}
	return networkReason(secure, err)
}

// networkReason is for what comes from below HTTP.
func networkReason(secure bool, err error) Reason {
	dns, unnamed := errors.AsType[*net.DNSError](err)
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	op, network := errors.AsType[*net.OpError](err)
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, peer.ErrFamily):
		return ReasonFamily
	case unnamed && dns.IsNotFound:
		return ReasonDNS
	case distrusted:
		return ReasonCertificate
	case header, errors.Is(err, http.ErrSchemeMismatch), network && op.Op == "remote error": // crypto/tls: an alert
		return ReasonTLS
	case errors.Is(err, context.DeadlineExceeded), timeout != nil && timeout.Timeout():
		return ReasonTimeout
	case unnamed:
		return ReasonDNS
	case network && op.Op == "dial":
		return ReasonConnect
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // hung up on us
		if secure { // as a server does that has no TLS
			return ReasonTLS
		}
		return ReasonHTTP
	}
	return ReasonOther
}
