package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/config"
)

// Where people come to is said by a setting, or by the certificate.
func TestDoctorURL(t *testing.T) {
	t.Parallel()
	named, _ := certificateFor(t, time.Hour, "*.example.org", "localhost", "call.example.org")
	local, _ := certificate(t, time.Hour)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ cert, url, want string }{
		"nothing":             {"", "", ""},
		"URL":                 {named, "https://www.example.org", "https://www.example.org"},
		"certificate":         {named, "", "https://call.example.org:8443"},
		"for this machine":    {local, "", ""},
		"that is not there":   {"/no/such/file", "", ""},
		"that is no more one": {broken, "", ""},
	} {
		c := config.Default()
		c.Server.Listen, c.Server.TLSCert, c.Server.URL = ":8443", tt.cert, tt.url
		if got := doctorURL(c); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
