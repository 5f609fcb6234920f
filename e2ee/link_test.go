package e2ee

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestLinkShape(t *testing.T) {
	host, err := NewLink(nil, FlagPassword|FlagRelayOnly)
	if err != nil {
		t.Fatal(err)
	}
	guest := host.Guest()
	if n := len(host.Fragment()); n != 47 {
		t.Errorf("host fragment has %d characters, want 47", n)
	}
	if n := len(guest.Fragment()); n != 68 {
		t.Errorf("guest fragment has %d characters, want 68", n)
	}
	if !host.Host() || guest.Host() || host.CallID() != guest.CallID() || guest.Flags() != host.Flags() {
		t.Error("host and guest link do not fit")
	}
	if guest.Guest() != guest {
		t.Error("guest link of a guest link is another one")
	}
	if guest.ServerPub() != nil || guest.SignServerAuth("https://a", nil, [16]byte{}) != nil {
		t.Error("a guest link can act as the host at the server")
	}
	if other, err := NewLink(nil, 0); err != nil || other.CallID() == host.CallID() {
		t.Errorf("two links of one call (%v)", err)
	}
	if _, err := NewLink(nil, 1<<4); CodeOf(err) != CodeParse {
		t.Errorf("unknown flag: %v", err)
	}
	if _, err := NewLink(strings.NewReader("short"), 0); err == nil {
		t.Error("link from too little randomness")
	}
}

func TestParseFragmentRefuses(t *testing.T) {
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	host, guest := link.Fragment(), link.Guest().Fragment()
	encode := func(kind string, b ...byte) string { return kind + base64.RawURLEncoding.EncodeToString(b) }
	tests := map[string]Code{
		"":                           CodeParse,
		"#":                          CodeParse,
		"g":                          CodeParse,
		"x" + host[1:]:               CodeParse,
		"g" + host[1:]:               CodeParse,
		"h" + guest[1:]:              CodeParse,
		host[:46]:                    CodeParse,
		host + "A":                   CodeParse,
		host + "=":                   CodeParse,
		host[:20] + "\n" + host[20:]: CodeParse,
		host[:20] + "+" + host[21:]:  CodeParse,
		"##" + host:                  CodeParse,
		strings.Repeat("g", 1<<16):   CodeParse,
		encode("g", 2, 0):            CodeVersion,
		encode("h", append([]byte{2, 0}, make([]byte, 32)...)...):    CodeVersion,
		encode("h", append([]byte{1, 0x10}, make([]byte, 32)...)...): CodeParse,
		// The last character carries unused bits: two spellings of one link.
		host[:46] + string(host[46]+1): CodeParse,
	}
	for s, want := range tests {
		if _, err := ParseFragment(s); CodeOf(err) != want {
			t.Errorf("ParseFragment(%.60q): %v, want %v", s, err, want)
		}
	}
}

func TestParseURL(t *testing.T) {
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	guest := link.Guest()
	f := guest.Fragment()
	for in, origin := range map[string]string{
		"https://call.example/c#" + f:             "https://call.example",
		" https://Call.Example:443/c#" + f + "\n": "https://call.example",
		"http://localhost:8080/c#" + f:            "http://localhost:8080",
		"http://[::1]:80/c#" + f:                  "http://[::1]",
		"https://call.example:8443/c?utm=1#" + f:  "https://call.example:8443",
		guest.URL("https://call.example"):         "https://call.example",
	} {
		got, l, err := ParseURL(in)
		if err != nil || got != origin || l != guest {
			t.Errorf("ParseURL = %q, %v; want %q", got, err, origin)
		}
	}
	for _, in := range []string{
		"", f, "ftp://call.example/c#" + f, "https:///c#" + f, "https://call.example/d#" + f,
		"https://user@call.example/c#" + f, "https://exämple.org/c#" + f, "https://call.example/c", "https://call.example/c#" + f + "x",
		"https://call.example/c#%zz",
	} {
		if _, _, err := ParseURL(in); CodeOf(err) != CodeParse {
			t.Errorf("ParseURL(%.40q): %v, want %v", in, err, CodeParse)
		}
	}
}

func TestServerAuthIsBoundToEverything(t *testing.T) {
	link, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	nonce, cid := bytes.Repeat([]byte{7}, 32), [16]byte{8}
	sig := link.SignServerAuth("https://call.example", nonce, cid)
	pub := link.ServerPub()
	if !VerifyServerAuth(pub, sig, "https://call.example", nonce, link.CallID(), cid) {
		t.Fatal("own signature does not verify")
	}
	flipped := bytes.Clone(sig)
	flipped[0] ^= 1
	for name, ok := range map[string]bool{
		"origin":    VerifyServerAuth(pub, sig, "https://evil.example", nonce, link.CallID(), cid),
		"nonce":     VerifyServerAuth(pub, sig, "https://call.example", make([]byte, 32), link.CallID(), cid),
		"call":      VerifyServerAuth(pub, sig, "https://call.example", nonce, other.CallID(), cid),
		"cid":       VerifyServerAuth(pub, sig, "https://call.example", nonce, link.CallID(), [16]byte{9}),
		"key":       VerifyServerAuth(other.ServerPub(), sig, "https://call.example", nonce, link.CallID(), cid),
		"signature": VerifyServerAuth(pub, flipped, "https://call.example", nonce, link.CallID(), cid),
		"no key":    VerifyServerAuth(nil, sig, "https://call.example", nonce, link.CallID(), cid),
		"no sig":    VerifyServerAuth(pub, nil, "https://call.example", nonce, link.CallID(), cid),
	} {
		if ok {
			t.Errorf("verifies with another %s", name)
		}
	}
}

// TestSecretsDoNotPrint passes every type that holds secrets through the ways
// in which things end up in logs.
func TestSecretsDoNotPrint(t *testing.T) {
	r := newActors(t).play(t, straight)
	state := r.guest.nextResume(testTime())
	link, err := NewLink(nil, FlagPassword)
	if err != nil {
		t.Fatal(err)
	}
	const password = "planted-secret"
	for _, v := range []any{
		link, &link, r.guest, state, &state,
		HostConfig{Link: link, Password: password},
		GuestConfig{Password: password},
		[]Link{link},
		ResumeChanged{States: []ResumeState{state}},
		Ready{Session: r.guest},
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		text := log.String() + fmt.Sprint(v) + fmt.Sprintf("%+v %#v %s", v, v, v)
		for name, secret := range map[string]string{
			"password": password, "fragment": link.Fragment(), "resume secret": fmt.Sprint(state.Secret[:]),
			"psk": fmt.Sprint(link.psk[:]), "media": fmt.Sprint(r.guest.media[:]),
			"resume secret as JSON": strings.ReplaceAll(fmt.Sprint(state.Secret[:]), " ", ","),
			"resume secret in Go":   strings.Trim(fmt.Sprintf("%#v", state.Secret), "[32]uint8{}"),
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%T prints its %s", v, name)
			}
		}
	}
}
