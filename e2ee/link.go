package e2ee

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Flags are hints in a link: what to ask a guest before the handshake. The
// authoritative policy is what the host signs ([Caps]).
type Flags byte

// The flags of a link. The upper four bits are zero.
const (
	FlagPassword           Flags = 1 << 0 // the guest has to type a password
	FlagSFrameRequired     Flags = 1 << 1 // media frames must be encrypted a second time
	FlagRelayOnly          Flags = 1 << 2 // neither side learns the other's address
	FlagRecordingMandatory Flags = 1 << 3 // the call is recorded or does not take place
	flagsKnown             Flags = 1<<4 - 1
)

// pathCall is the one static page of every call link.
const pathCall = "/c"

// maxFragment leaves room for later versions, whose links must be recognised.
const maxFragment = 1_024

// Link is a call link: all that one side needs to take part. A host link
// carries a seed from which everything else follows; a guest link carries the
// link secret and a hash of the host's key, so its holder can never pose as
// the host. The zero Link is invalid.
//
// A Link is a secret. It prints as [redacted]; only [Link.Fragment] and
// [Link.URL] show it.
type Link struct {
	host  bool
	flags Flags
	seed  [32]byte // host only: HS
	l     [32]byte // link secret
	hkh   [16]byte // hash of the host's identity key

	// Derived from l.
	callID [16]byte
	psk    [32]byte
	pwSalt [16]byte
	outer  [64]byte
}

// NewLink makes the host link of a new call. Nil rand means crypto/rand.
func NewLink(random io.Reader, flags Flags) (Link, error) {
	if flags&^flagsKnown != 0 {
		return Link{}, fail(CodeParse, "unknown flags")
	}
	var seed [32]byte
	if err := fill(random, seed[:]); err != nil {
		return Link{}, err
	}
	return hostLink(flags, seed), nil
}

func fill(random io.Reader, dst []byte) error {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, dst); err != nil {
		return fmt.Errorf("reading random bytes: %w", err)
	}
	for _, b := range dst {
		if b != 0 {
			return nil
		}
	}
	return errors.New("reading random bytes: the source gives zeros") // chance: 2^-256
}

func hostLink(flags Flags, seed [32]byte) Link {
	link := Link{host: true, flags: flags, seed: seed}
	hp := extract([]byte(prefix+"host link"), seed[:])
	defer wipe(hp)
	link.l = [32]byte(expand(hp, "link secret", nil, 32))
	link.hkh = hostKeyHash(link.hostKey().Public().(ed25519.PublicKey))
	link.derive()
	return link
}

func guestLink(flags Flags, l [32]byte, hkh [16]byte) Link {
	link := Link{flags: flags, l: l, hkh: hkh}
	link.derive()
	return link
}

func (l *Link) derive() {
	lp := extract([]byte(prefix+"link"), l.l[:])
	defer wipe(lp)
	l.callID = [16]byte(expand(lp, "call id", nil, 16))
	l.psk = [32]byte(expand(lp, "psk", nil, 32))
	l.pwSalt = [16]byte(expand(lp, "password salt", nil, 16))
	l.outer = [64]byte(expand(lp, "outer", nil, 64))
}

func (l Link) hostSecret(label string) ed25519.PrivateKey {
	hp := extract([]byte(prefix+"host link"), l.seed[:])
	seed := expand(hp, label, nil, ed25519.SeedSize)
	defer wipe(hp, seed)
	return ed25519.NewKeyFromSeed(seed)
}

// hostKey is the host's identity towards the guest; srvKey towards the server.
// They are unlinkable, so the server cannot recognise the key in a guest link.
func (l Link) hostKey() ed25519.PrivateKey { return l.hostSecret("host ed25519") }
func (l Link) srvKey() ed25519.PrivateKey  { return l.hostSecret("server auth ed25519") }

func hostKeyHash(pub []byte) [16]byte {
	return [16]byte(h32([]byte(prefix+"host key"), pub))
}

// ParseFragment reads "h…" or "g…", with or without a leading '#'. It returns
// [CodeVersion] for a link of another version and [CodeParse] for anything
// else that [Link.Fragment] would not have written.
func ParseFragment(s string) (Link, error) {
	s = strings.TrimPrefix(s, "#")
	if s == "" || len(s) > maxFragment || s[0] != 'h' && s[0] != 'g' {
		return Link{}, fail(CodeParse, "not a call link")
	}
	b, err := base64.RawURLEncoding.DecodeString(s[1:])
	if err != nil || len(b) < 2 || base64.RawURLEncoding.EncodeToString(b) != s[1:] {
		return Link{}, fail(CodeParse, "call link is damaged")
	}
	if b[0] != protocolVersion {
		return Link{}, fail(CodeVersion, "call link of another version")
	}
	flags := Flags(b[1])
	if flags&^flagsKnown != 0 {
		return Link{}, fail(CodeParse, "call link has unknown flags")
	}
	switch {
	case s[0] == 'h' && len(b) == 2+32:
		return hostLink(flags, [32]byte(b[2:])), nil
	case s[0] == 'g' && len(b) == 2+32+16:
		return guestLink(flags, [32]byte(b[2:34]), [16]byte(b[34:])), nil
	default:
		return Link{}, fail(CodeParse, "call link is cut or too long")
	}
}

// ParseURL reads a whole link, https://HOST/c#g…, and returns its origin as a
// browser would write it. Plain http is accepted, for servers on this machine.
func ParseURL(s string) (origin string, l Link, err error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil { // err quotes the link: not wrapped
		return "", Link{}, fail(CodeParse, "not a URL")
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Path != pathCall {
		return "", Link{}, fail(CodeParse, "not the URL of a call")
	}
	for _, r := range u.Host {
		if r <= ' ' || r > '~' {
			return "", Link{}, fail(CodeParse, "host name is not ASCII")
		}
	}
	if l, err = ParseFragment(u.Fragment); err != nil {
		return "", Link{}, err
	}
	host := strings.ToLower(u.Host)
	if defaultPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]; u.Port() == defaultPort || u.Port() == "" {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host, l, nil
}

// Host reports whether this is the host's link.
func (l Link) Host() bool { return l.host }

// Flags returns the hints in the link.
func (l Link) Flags() Flags { return l.flags }

// CallID is the call's name at the server. It is derived from the link secret
// and stands in no URL; who knows only the call id cannot take part.
func (l Link) CallID() [16]byte { return l.callID }

// Fragment returns the secret part of the link, without '#'.
func (l Link) Fragment() string {
	if l.host {
		return "h" + base64.RawURLEncoding.EncodeToString(append([]byte{protocolVersion, byte(l.flags)}, l.seed[:]...))
	}
	b := append([]byte{protocolVersion, byte(l.flags)}, l.l[:]...)
	return "g" + base64.RawURLEncoding.EncodeToString(append(b, l.hkh[:]...))
}

// Guest returns the link to give to the other person.
func (l Link) Guest() Link { return guestLink(l.flags, l.l, l.hkh) }

// URL returns the whole link; origin is scheme://host[:port].
func (l Link) URL(origin string) string { return origin + pathCall + "#" + l.Fragment() }

// ServerPub is the key under which a host registers its call at the server. It
// is nil for a guest link.
func (l Link) ServerPub() ed25519.PublicKey {
	if !l.host {
		return nil
	}
	return l.srvKey().Public().(ed25519.PublicKey)
}

// SignServerAuth proves to the server that this host owns the call; see
// [VerifyServerAuth]. It is nil for a guest link.
func (l Link) SignServerAuth(origin string, nonce []byte, cid [16]byte) []byte {
	if !l.host {
		return nil
	}
	return ed25519.Sign(l.srvKey(), serverAuthMessage(origin, nonce, l.callID, cid))
}

const redacted = "[redacted]"

// String keeps links out of logs and error messages.
func (Link) String() string { return redacted }

// GoString keeps links out of %#v.
func (Link) GoString() string { return redacted }

// LogValue keeps links out of structured logs.
func (Link) LogValue() slog.Value { return slog.StringValue(redacted) }
