package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
)

// What a server puts into its certificate is told, and does not write over the terminal.
func TestNamesInForeignCertificates(t *testing.T) {
	t.Parallel()
	pair, err := tls.LoadX509KeyPair(certificateFor(t, time.Hour, "\x1b[2J\x1b]0;all is well\x07", "\rok"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	url := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	for _, args := range [][]string{{"doctor", "--outside", url}, {"probe", url}, {"new", "--server", url}} {
		var said bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), &said, &said}); code == exitOK {
			t.Errorf("%s: exit code %d", args, code)
		}
		if !strings.Contains(said.String(), "all is well") {
			t.Errorf("%s: the names are not told: %q", args, &said)
		}
		if strings.ContainsFunc(said.String(), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("%s writes control characters: %q", args, &said)
		}
	}
}
