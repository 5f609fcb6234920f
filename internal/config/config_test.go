package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValid(t *testing.T) {
	c, err := Load("", nil)
	if err != nil || c != Default() || c.Validate() != nil {
		t.Errorf("Load = %+v, %v, %v", c, err, c.Validate())
	}
}

func TestLaterWins(t *testing.T) {
	path := write(t, "[server]\nlisten = ':1'\nurl = 'https://file.example'\n[limits]\ncalls = 7\n")
	c, err := Load(path, []string{
		"PATH=/bin", "VISAVIS_CONFIG=/elsewhere", "VISAVIS_SERVER=http://x", "VISAVIS_SERVER_LISTEN=:2", "VISAVIS_LIMITS_CONNECTS_PER_MINUTE=99",
		"VISAVIS_METRICS_LISTEN=", "VISAVIS_ACME_TERMS_AGREED=true",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Server.Listen, want.Server.URL, want.Limits.Calls = ":2", "https://file.example", 7
	want.Limits.ConnectsPerMinute, want.Metrics.Listen = 99, ""
	want.Metrics.Asked, want.ACME.TermsAgreed = true, true
	if c != want {
		t.Errorf("Load = %+v\nwant   %+v", c, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		file, env, want string
	}{
		"unknown key":         {file: "[server]\nlisen = ':1'", want: "server.lisen"},
		"unknown section":     {file: "[sever]\n", want: "sever"},
		"wrong type":          {file: "[limits]\ncalls = 'many'", want: "calls"},
		"not TOML":            {file: "server: {}", want: "/f: toml: line 1"},
		"unknown environment": {env: "VISAVIS_SERVER_LISEN=:1", want: "VISAVIS_SERVER_LISEN"},
		"environment, truth":  {env: "VISAVIS_ACME_TERMS_AGREED=perhaps", want: "VISAVIS_ACME_TERMS_AGREED"},
		"environment, number": {env: "VISAVIS_LIMITS_CALLS=many", want: "VISAVIS_LIMITS_CALLS"},
	} {
		_, err := Load(write(t, tt.file), []string{tt.env})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a missing file was no error")
	}
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string // empty: valid
	}{
		"URL":                  {func(c *Config) { c.Server.URL = "https://call.example" }, ""},
		"URL with port":        {func(c *Config) { c.Server.URL = "http://localhost:8080" }, ""},
		"URL with slash":       {func(c *Config) { c.Server.URL = "https://call.example/" }, "server.url"},
		"URL with path":        {func(c *Config) { c.Server.URL = "https://call.example/x" }, "server.url"},
		"URL in capitals":      {func(c *Config) { c.Server.URL = "https://Call.example" }, "server.url"},
		"URL, default port":    {func(c *Config) { c.Server.URL = "https://call.example:443" }, "default port"},
		"URL, user":            {func(c *Config) { c.Server.URL = "https://me@call.example" }, "server.url"},
		"URL, other scheme":    {func(c *Config) { c.Server.URL = "ftp://call.example" }, "server.url"},
		"URL, no scheme":       {func(c *Config) { c.Server.URL = "call.example" }, "server.url"},
		"listen":               {func(c *Config) { c.Server.Listen = "8080" }, "server.listen"},
		"listen, no port":      {func(c *Config) { c.Server.Listen = ":65536" }, "no port"},
		"listen, IPv6 bare":    {func(c *Config) { c.Server.Listen = "::1:8080" }, "like :8080"},
		"listen, IPv6":         {func(c *Config) { c.Server.Listen = "[::1]:8080" }, ""},
		"listen, by name":      {func(c *Config) { c.Server.Listen = ":https" }, ""},
		"certificate only":     {func(c *Config) { c.Server.TLSCert = "x" }, "both"},
		"key only":             {func(c *Config) { c.Server.TLSKey = "x" }, "both"},
		"HTTP without HTTPS":   {func(c *Config) { c.Server.HTTPListen = ":80" }, "needs acme.domains"},
		"HTTP":                 {func(c *Config) { acme(c); c.Server.HTTPListen = ":80" }, ""},
		"HTTP, no address":     {func(c *Config) { acme(c); c.Server.HTTPListen = "80" }, "server.http_listen"},
		"ACME":                 {acme, ""},
		"ACME and files":       {func(c *Config) { acme(c); c.Server.TLSCert, c.Server.TLSKey = "x", "y" }, "give one"},
		"ACME without terms":   {func(c *Config) { acme(c); c.ACME.TermsAgreed = false }, "--acme-terms-agreed"},
		"ACME, no name":        {func(c *Config) { acme(c); c.ACME.Domains = " ," }, "acme.domains"},
		"ACME, URL":            {func(c *Config) { acme(c); c.ACME.Domains = "https://call.example" }, "acme.domains"},
		"ACME, address":        {func(c *Config) { acme(c); c.ACME.Domains = "192.0.2.1" }, "acme.domains"},
		"ACME, any name":       {func(c *Config) { acme(c); c.ACME.Domains = "*.example.org" }, "acme.domains"},
		"ACME, short name":     {func(c *Config) { acme(c); c.ACME.Domains = "localhost" }, "acme.domains"},
		"ACME, plain server":   {func(c *Config) { acme(c); c.ACME.Directory = "http://acme.example/dir" }, "acme.directory"},
		"ACME, no command":     {func(c *Config) { acme(c); c.ACME.DNSCommand = "/no/such/program" }, "acme.dns_command"},
		"EAB, no key":          {func(c *Config) { acme(c); c.ACME.EABKeyID = "x" }, "both or none"},
		"EAB, no id":           {func(c *Config) { acme(c); c.ACME.EABKeyFile = "x" }, "both or none"},
		"EAB":                  {func(c *Config) { acme(c); c.ACME.EABKeyID, c.ACME.EABKeyFile = "x", "x" }, ""},
		"no data":              {func(c *Config) { c.Storage.Data = "" }, "storage.data"},
		"offload":              {func(c *Config) { c.Relay.Offload = "auto" }, ""},
		"offload, unclear":     {func(c *Config) { c.Relay.Offload = "yes" }, "relay.offload"},
		"metrics off":          {func(c *Config) { c.Metrics.Listen = "" }, ""},
		"metrics":              {func(c *Config) { c.Metrics.Listen = "9090" }, "metrics.listen"},
		"no calls":             {func(c *Config) { c.Limits.Calls = 0 }, "limits.calls"},
		"no connections":       {func(c *Config) { c.Limits.Connections = -1 }, "limits.connections"},
		"none per address":     {func(c *Config) { c.Limits.ConnectionsPerAddress = 0 }, "limits.connections_per_address"},
		"no connects a minute": {func(c *Config) { c.Limits.ConnectsPerMinute = 0 }, "limits.connects_per_minute"},
		"no creates a minute":  {func(c *Config) { c.Limits.CreatesPerMinute = 0 }, "limits.creates_per_minute"},
	} {
		c := Default()
		tt.change(&c)
		err := c.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// acme is a server that gets its own certificate.
func acme(c *Config) {
	c.ACME.Domains, c.ACME.TermsAgreed = "Call.example.org, www.example.org", true
}

func TestEABKey(t *testing.T) {
	const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	for name, tt := range map[string]struct{ text, want string }{
		"as given":       {key + "\n", ""},
		"padded":         {strings.Repeat("A", 22) + "==", ""},
		"other alphabet": {"++//" + strings.Repeat("A", 28), ""},
		"too short":      {"QUJD", "at least 16 bytes"},
		"not a key":      {"see the mail of Tuesday", "base64url"},
		"empty":          {"", "base64url"},
	} {
		a := ACME{EABKeyFile: write(t, tt.text)}
		got, err := a.EABKey()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || err == nil && len(got) < 16 {
			t.Errorf("%s: %v, %v, want %q", name, got, err, tt.want)
		}
	}
	if got, err := (ACME{}).EABKey(); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := (ACME{EABKeyFile: "/no/such/file"}).EABKey(); err == nil || !strings.Contains(err.Error(), "acme.eab_key_file") {
		t.Errorf("no file: %v", err)
	}
}

func TestToken(t *testing.T) {
	c := Default()
	if got, err := c.Token(); got != "" || err != nil {
		t.Errorf("Token = %q, %v; want none", got, err)
	}
	c.Create.TokenFile = write(t, "  sesame-sesame-sesame\n")
	if got, err := c.Token(); got != "sesame-sesame-sesame" || err != nil {
		t.Errorf("Token = %q, %v", got, err)
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 257)} {
		c.Create.TokenFile = write(t, bad)
		if got, err := c.Token(); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("Token = %q, %v; want an error that does not show it", got, err)
		}
	}
	c.Create.TokenFile = "/no/such/file"
	if _, err := c.Token(); err == nil {
		t.Error("a missing token file was no error")
	}
}
