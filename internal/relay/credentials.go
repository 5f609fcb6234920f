package relay

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // fixed by the convention, and HMAC does not need a collision-free hash
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/visavis-call/visavis/protocol"
)

const credentialTTL = protocol.CredentialTTLMS * time.Millisecond

// handleLength is in base32 characters: 80 bits.
const handleLength = 16

// usernameLimit bounds what is parsed; a real one has 32 characters.
const usernameLimit = 64

// account is one role of one call. The handle stands for the call id, which a
// relay's user name must not reveal.
type account struct {
	handle string
	role   protocol.Role
}

func (a account) String() string { return a.handle + "." + string(a.role) }

func parseAccount(s string) (account, bool) {
	handle, role, ok := strings.Cut(s, ".")
	a := account{handle, protocol.Role(role)}
	return a, ok && len(handle) == handleLength && slices.Contains([]protocol.Role{protocol.RoleHost, protocol.RoleGuest, roleProbe}, a.role)
}

// formatUsername follows draft-uberti-behave-turn-rest-00, section 2.2:
// expiry in Unix seconds, a colon, the account.
func formatUsername(expires time.Time, a account) string {
	return strconv.FormatInt(expires.Unix(), 10) + ":" + a.String()
}

func parseUsername(s string) (expires time.Time, a account, ok bool) {
	if len(s) > usernameLimit {
		return time.Time{}, account{}, false
	}
	stamp, name, ok := strings.Cut(s, ":")
	if !ok {
		return time.Time{}, account{}, false
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return time.Time{}, account{}, false
	}
	a, ok = parseAccount(name)
	return time.Unix(seconds, 0), a, ok
}

// keys derives all secrets of one server process.
type keys struct{ secret [32]byte }

func (k *keys) handle(call [16]byte) string {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write([]byte("handle"))
	h.Write(call[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil))[:handleLength])
}

func (k *keys) password(username string) string {
	h := hmac.New(sha1.New, k.secret[:])
	h.Write([]byte("password"))
	h.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// verify returns the account and the integrity key (RFC 8489 §9.2.2) of a user
// name that is ours. An expired one is good for everything but a new
// allocation: pion asks for credentials on each refresh, and a call may outlive them.
func (s *Server) verify(username, realm string, method stun.Method, now time.Time) (account, []byte, bool) {
	expires, a, ok := parseUsername(username)
	if !ok || realm != s.realm {
		return account{}, nil, false
	}
	if method == stun.MethodAllocate && (now.After(expires) || s.loop.refuses(a, expires)) {
		return account{}, nil, false
	}
	return a, turn.GenerateAuthKey(username, realm, s.keys.password(username)), true
}
