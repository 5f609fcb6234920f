package doctor

import "testing"

func TestCheckWays(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"no name", Config{Listen: ":8080"}, nil},
		{"one port", Config{Listen: ":443", URL: "https://call.example.org", TLS: true}, []string{"ways.relay ok"}},
		{"a forwarded port", Config{Listen: ":8443", URL: "https://call.example.org", TLS: true}, []string{"ways.relay warning"}},
		{"a proxy beside", Config{Listen: ":3478", URL: "https://call.example.org"}, []string{"ways.relay ok"}},
		{"a proxy in front of all", Config{Listen: "127.0.0.1:3478", URL: "https://call.example.org"}, []string{"ways.relay problem"}},
		{"a proxy in its place", Config{Listen: ":443", URL: "https://call.example.org"}, []string{"ways.relay problem"}},
		{"ACME at 443", Config{Listen: ":443", URL: "https://call.example.org", TLS: true, ByPort: true}, []string{"ways.relay ok", "ways.acme ok"}},
		{"ACME at 80", Config{Listen: ":8443", Plain: ":80", URL: "https://call.example.org:8443", TLS: true, ByPort: true}, []string{"ways.relay ok", "ways.acme ok"}},
		{"ACME nowhere", Config{Listen: ":8443", URL: "https://call.example.org:8443", TLS: true, ByPort: true}, []string{"ways.relay ok", "ways.acme warning"}},
	} {
		check(t, tt.name, checkWays(t.Context(), &tt.cfg, nil), tt.want...)
	}
}
