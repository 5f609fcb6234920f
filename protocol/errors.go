package protocol

import (
	"errors"
	"fmt"
)

// ErrorCode says why something was refused or failed. Codes are part of the
// protocol: never rename or reuse one. A client treats an unknown code as
// [ErrorCodeInternal].
type ErrorCode string

// The error codes, of the server and of the end-to-end protocol (package e2ee).
const (
	ErrorCodeVersion      ErrorCode = "E_VERSION"       // link or message of a version this client does not know
	ErrorCodeParse        ErrorCode = "E_PARSE"         // malformed bytes
	ErrorCodeOuter        ErrorCode = "E_OUTER"         // outer frame does not open, or out of order
	ErrorCodePoint        ErrorCode = "E_POINT"         // invalid group element
	ErrorCodeKEM          ErrorCode = "E_KEM"           // invalid ML-KEM key or ciphertext
	ErrorCodeHostKey      ErrorCode = "E_HOSTKEY"       // the host's key is not the one in the link
	ErrorCodeHostSig      ErrorCode = "E_HOSTSIG"       // the host's signature is wrong
	ErrorCodeConfirm      ErrorCode = "E_CONFIRM"       // key confirmation failed: wrong password, or an attack
	ErrorCodeCommit       ErrorCode = "E_COMMIT"        // the revealed nonce does not match its commitment
	ErrorCodeEpoch        ErrorCode = "E_EPOCH"         // resumed though not asked to, or epoch out of order
	ErrorCodeSeq          ErrorCode = "E_SEQ"           // sealed frame lost, repeated or reordered
	ErrorCodeState        ErrorCode = "E_STATE"         // message not allowed now
	ErrorCodeTimeout      ErrorCode = "E_TIMEOUT"       // no answer in time
	ErrorCodePolicy       ErrorCode = "E_POLICY"        // what one side requires the other cannot do
	ErrorCodePasswordForm ErrorCode = "E_PASSWORD_FORM" // password empty or longer than 256 bytes
	ErrorCodePWRequired   ErrorCode = "E_PW_REQUIRED"   // this call has a password
	ErrorCodeLocked       ErrorCode = "E_LOCKED"        // too many wrong passwords, or the host locked the call
	ErrorCodeBusy         ErrorCode = "E_BUSY"          // two people are already talking, or all waiting places are taken
	ErrorCodeDenied       ErrorCode = "E_DENIED"        // the host refused or removed the guest
	ErrorCodeSDP          ErrorCode = "E_SDP"           // session description breaks the rules
	ErrorCodeDTLSFP       ErrorCode = "E_DTLS_FP"       // the certificate in use is not the announced one
	ErrorCodeBind         ErrorCode = "E_BIND"          // the media connection is not bound to this handshake
	ErrorCodeSFrame       ErrorCode = "E_SFRAME"        // media frames could not be verified
	ErrorCodeSASDiffer    ErrorCode = "E_SAS_DIFFER"    // people said that the verification words differ
	ErrorCodeConsent      ErrorCode = "E_CONSENT"       // recording without consent
	ErrorCodeReplaced     ErrorCode = "E_REPLACED"      // the same party came on another connection
	ErrorCodeRate         ErrorCode = "E_RATE"          // too many requests
	ErrorCodeSize         ErrorCode = "E_SIZE"          // larger than allowed
	ErrorCodeOrigin       ErrorCode = "E_ORIGIN"        // request from a foreign page
	ErrorCodeAuth         ErrorCode = "E_AUTH"          // signature or token wrong
	ErrorCodeGone         ErrorCode = "E_GONE"          // the call has ended or expired
	ErrorCodeInternal     ErrorCode = "E_INTERNAL"      // the fault is the server's; see its log
)

// Known reports whether this version of the protocol has the code.
func (c ErrorCode) Known() bool {
	switch c {
	case ErrorCodeVersion, ErrorCodeParse, ErrorCodeOuter, ErrorCodePoint,
		ErrorCodeKEM, ErrorCodeHostKey, ErrorCodeHostSig, ErrorCodeConfirm,
		ErrorCodeCommit, ErrorCodeEpoch, ErrorCodeSeq, ErrorCodeState,
		ErrorCodeTimeout, ErrorCodePolicy, ErrorCodePasswordForm, ErrorCodePWRequired,
		ErrorCodeLocked, ErrorCodeBusy, ErrorCodeDenied, ErrorCodeSDP,
		ErrorCodeDTLSFP, ErrorCodeBind, ErrorCodeSFrame, ErrorCodeSASDiffer,
		ErrorCodeConsent, ErrorCodeReplaced, ErrorCodeRate, ErrorCodeSize,
		ErrorCodeOrigin, ErrorCodeAuth, ErrorCodeGone, ErrorCodeInternal:
		return true
	}
	return false
}

// Err returns the bare error with this code.
func (c ErrorCode) Err() error { return &WireError{Code: c} }

// WireError is a failure the other side may see. Detail is for people reading a
// log, is never translated, and must not carry secrets.
type WireError struct {
	Code   ErrorCode `json:"code"`
	Detail string    `json:"detail,omitempty"`
}

func (e *WireError) Error() string {
	if e.Detail == "" {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

// Public returns the error to put on the wire for err. Anything that is not
// already a *WireError becomes a bare [ErrorCodeInternal]: its text stays with us.
func Public(err error) *WireError {
	if e, ok := errors.AsType[*WireError](err); ok {
		return e
	}
	return &WireError{Code: ErrorCodeInternal}
}
