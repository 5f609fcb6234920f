package peer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// clean makes a text of the other party fit to show: valid UTF-8, NFC, at most
// limit code points, without control characters and bidirectional overrides,
// which could make a name look like another or write over a terminal. Newlines
// stay if lines is set; a single line of which nothing could be seen is empty.
func clean(s string, limit int, lines bool) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), isBidiControl(r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, norm.NFC.String(s))
	n := 0
	for i := range s {
		if n++; n > limit {
			s = s[:i]
			break
		}
	}
	if !lines && strings.IndexFunc(s, drawn) < 0 {
		return ""
	}
	return strings.TrimSpace(s)
}

// drawn reports whether r leaves a mark of its own: not a space, a joiner, a
// combining mark, a Hangul filler or the empty Braille cell.
func drawn(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0':
		return false
	}
	return !unicode.In(r, unicode.Z, unicode.Cf, unicode.M)
}

// isBidiControl reports the explicit formatting characters of UAX #9 §2 and
// the marks.
func isBidiControl(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// CleanLine is clean for one line of some length.
func CleanLine(s string) string { return clean(s, 1_000, false) }
