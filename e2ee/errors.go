package e2ee

import "errors"

// Code says why something failed. Codes are part of the protocol; they are the
// same strings as the server's error codes, so that a client has one table.
type Code string

// The error codes of the end-to-end protocol.
const (
	CodeVersion      Code = "E_VERSION"       // link or message of a version this client does not know
	CodeParse        Code = "E_PARSE"         // malformed bytes
	CodeOuter        Code = "E_OUTER"         // outer frame does not open, or is repeated
	CodePoint        Code = "E_POINT"         // invalid group element
	CodeKEM          Code = "E_KEM"           // invalid ML-KEM key
	CodeHostKey      Code = "E_HOSTKEY"       // the host's key is not the one in the link
	CodeHostSig      Code = "E_HOSTSIG"       // the host's signature is wrong
	CodeConfirm      Code = "E_CONFIRM"       // key confirmation failed: wrong password, or an attack
	CodeCommit       Code = "E_COMMIT"        // the revealed nonce does not match its commitment
	CodeEpoch        Code = "E_EPOCH"         // resumed though not asked to, or epoch out of order
	CodeSeq          Code = "E_SEQ"           // sealed frame lost, repeated, reordered or forged
	CodeState        Code = "E_STATE"         // message not allowed now
	CodeTimeout      Code = "E_TIMEOUT"       // no answer in time
	CodePolicy       Code = "E_POLICY"        // what one side requires the other cannot do
	CodePasswordForm Code = "E_PASSWORD_FORM" // password empty, longer than 256 bytes, or not text
	CodePWRequired   Code = "E_PW_REQUIRED"   // this call has a password
	CodeLocked       Code = "E_LOCKED"        // too many wrong passwords
	CodeBusy         Code = "E_BUSY"          // somebody else is in the call, or all places are taken
	CodeDenied       Code = "E_DENIED"        // the host refused or removed the guest
	CodeBind         Code = "E_BIND"          // the media connection is not bound to this handshake
	CodeSFrame       Code = "E_SFRAME"        // media frames could not be verified
	CodeSASDiffer    Code = "E_SAS_DIFFER"    // people said that the verification words differ
	CodeConsent      Code = "E_CONSENT"       // recording without consent
	CodeGone         Code = "E_GONE"          // the call has ended or expired
	CodeSize         Code = "E_SIZE"          // larger than allowed
)

// Error is a failure with its code. Detail is for people reading a log; it is
// never translated and never carries a secret.
type Error struct {
	Code   Code
	Detail string
}

// Error returns the code and, if there is one, the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Detail
}

// CodeOf returns the code of the first [Error] in err's chain, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Public returns what the other side may be told instead of c. Which check of a
// handshake failed is an oracle, so all those are one code, [CodeConfirm].
func (c Code) Public() Code {
	switch c {
	case CodeConfirm, CodeParse, CodePolicy, CodeBusy, CodeLocked, CodeDenied,
		CodeTimeout, CodeSFrame, CodeConsent, CodeGone:
		return c
	default:
		return CodeConfirm
	}
}

func fail(c Code, detail string) error { return &Error{Code: c, Detail: detail} }
