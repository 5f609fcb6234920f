package e2ee

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxPasswordBytes   = 256
	passwordIterations = 210_000 // OWASP's figure for PBKDF2-HMAC-SHA-512
)

// CanonicalPassword returns the form in which a password is compared: NFC, any
// Unicode space a plain one. It returns [CodePasswordForm] unless the result is
// valid UTF-8 of 1 to 256 bytes.
func CanonicalPassword(password string) (string, error) {
	if !utf8.ValidString(password) {
		return "", fail(CodePasswordForm, "password is not text")
	}
	canonical := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, norm.NFC.String(password))
	if canonical == "" || len(canonical) > maxPasswordBytes {
		return "", fail(CodePasswordForm, "password is empty or longer than 256 bytes")
	}
	return canonical, nil
}

// StretchPassword turns a password into the 32 bytes the handshake uses. It
// takes a noticeable part of a second: with the link alone, an attacker has five
// guesses at the host and none elsewhere; the work is for the day the link
// secret and a future break meet.
func StretchPassword(l Link, password string) ([]byte, error) {
	canonical, err := CanonicalPassword(password)
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(sha512.New, canonical, l.pwSalt[:], passwordIterations, 32)
	if err != nil {
		return nil, fail(CodePasswordForm, "password cannot be stretched")
	}
	return key, nil
}
