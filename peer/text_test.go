package peer

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		lines bool
		want  string
	}{
		{"  Hanna ", 64, false, "Hanna"},
		{"a\x1b[2Jb\x00c\u009bd", 64, false, "a[2Jbcd"},                          // no control sequences on a terminal
		{"Anna\u202egnp.exe\u2066x\u200f", 64, false, "Annagnp.exex"},            // no text that runs backwards
		{"one\ntwo\r\n", 64, false, "one two"},                                   // one line for names
		{"one\ntwo", 64, true, "one\ntwo"},                                       // several for chat
		{"u\u0308", 64, false, "ü"},                                              // NFC
		{strings.Repeat("ä", 70), 64, false, strings.Repeat("ä", 64)},            // code points, not bytes
		{"bad\xffutf8", 64, false, "bad�utf8"},                                   // replaced, not dropped
		{"עברית", 64, false, "עברית"},                                            // right-to-left letters stay
		{"\u200b\u2060\u3164\u0301", 64, false, ""},                              // nothing to see
		{"👩‍👧", 64, false, "👩‍👧"},                                                // joiners stay
		{strings.Repeat("x", 10_000_000), 4000, true, strings.Repeat("x", 4000)}, // bounded
	} {
		if got := clean(tt.in, tt.limit, tt.lines); got != tt.want {
			t.Errorf("clean(%.40q) = %.60q, want %.60q", tt.in, got, tt.want)
		}
	}
}
