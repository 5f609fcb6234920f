//go:build linux

// Package scan proves that the server is blind: it starts the real server, holds
// calls with planted markers, and looks for them in everything the server has:
// its memory, its files, its log, and the frames it passes on.
package scan

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
)

// TestServerIsBlind holds a relayed and a direct call at the same time, because
// a server could be blind to one of them only. The relayed one has a password.
func TestServerIsBlind(t *testing.T) {
	server := startServer(t)
	there := testkit.Elsewhere(t, server.url)
	control := requestWithQuery(t, server)
	calls := []*plantedCall{
		holdCall(t, there, "relayed", e2ee.FlagRelayOnly|e2ee.FlagPassword),
		holdCall(t, there, "direct", 0),
	}
	var hidden, known []marker
	for _, c := range calls {
		hidden = append(hidden, c.markers(t)...)
		known = append(known, c.known...)
	}
	hidden = append(hidden, ownDescriptions(t)...)
	s := &scanner{
		server: server, calls: calls, control: control, known: known,
		finder: newFinder(slices.Concat(hidden, known, []marker{control})),
	}
	t.Logf("looking for %d markers", len(hidden))
	memory, disk := s.scan(t, "during the calls")
	s.expectKnown(t, memory, disk)
	for _, c := range calls {
		c.guest.Hangup()
		testkit.AwaitEnd(c.guest)
		c.host.End()
		testkit.AwaitEnd(c.host)
	}
	s.scan(t, "after the calls")
}

// requestWithQuery puts something into the server's memory that it cannot help
// seeing. The connection stays open, and with it the buffer that holds it.
func requestWithQuery(t *testing.T, server *process) marker {
	t.Helper()
	value := text("control")
	address := strings.TrimPrefix(server.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /healthz?%s HTTP/1.1\r\nHost: %s\r\n\r\n", url.QueryEscape(value), address); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("HTTP/1.1 200"))
	if _, err := conn.Read(answer); err != nil || string(answer) != "HTTP/1.1 200" {
		t.Fatalf("server answered %q, %v", answer, err)
	}
	return words("control", value)
}

// plantedCall is a call that is full of markers.
type plantedCall struct {
	name        string
	host, guest *testkit.Party
	texts       map[string]string
	bytes       map[string][]byte
	dice        *dice
	tap         *wiretap
	link        e2ee.Link
	known       []marker
}

// holdCall brings two parties together who have been held at the door, have
// written to each other, and receive each other's planted sound and picture.
func holdCall(t *testing.T, s *testkit.Server, name string, flags e2ee.Flags) *plantedCall {
	t.Helper()
	c := &plantedCall{name: name, texts: map[string]string{}, bytes: map[string][]byte{}, dice: &dice{}, tap: &wiretap{}}
	for _, about := range []string{"host's name", "guest's name", "note", "title", "hold message", "guest's chat", "host's chat"} {
		c.texts[about] = text(about)
	}
	for _, about := range []string{"sound", "picture"} {
		c.bytes[about] = random(80)
	}
	if flags&e2ee.FlagPassword != 0 {
		c.texts["password"] = text("password")
	}
	c.link = s.NewCall(flags)
	plant := func(cfg *peer.Config) {
		cfg.Password, cfg.Rand, cfg.HTTP = c.texts["password"], c.dice, c.tap.client()
		cfg.Audio, cfg.Video = plantSound(c.bytes["sound"]), plantPicture(c.bytes["picture"])
		cfg.Sink = sink{t, cfg.Sink, map[peer.Kind][]byte{peer.KindAudio: c.bytes["sound"], peer.KindVideo: c.bytes["picture"]}}
	}
	c.host = s.Host(c.link, func(cfg *peer.Config) {
		plant(cfg)
		cfg.Name, cfg.Title = c.texts["host's name"], c.texts["title"]
	})
	c.guest = s.Guest(c.link, func(cfg *peer.Config) {
		plant(cfg)
		cfg.Name, cfg.Note = c.texts["guest's name"], c.texts["note"]
	})
	knock := testkit.Await[peer.Knocked](c.host, nil)
	if knock.Name != c.texts["guest's name"] || knock.Note != c.texts["note"] {
		t.Errorf("%s: the knock says %+v", name, knock)
	}
	c.host.Hold(knock.Slot, c.texts["hold message"])
	if held := testkit.Await[peer.Held](c.guest, nil); held.Message != c.texts["hold message"] {
		t.Errorf("%s: held with %q", name, held.Message)
	}
	c.host.Admit(knock.Slot)
	for _, p := range []*testkit.Party{c.host, c.guest} {
		if path := testkit.Await[peer.Connected](p, nil).Path; string(path) != name {
			t.Errorf("%s: path of %s is %s", name, p.Name, path)
		}
	}
	c.host.AwaitFrames("2", 10)
	c.host.AwaitFrames("3", 3)
	c.guest.AwaitFrames("0", 10)
	c.guest.AwaitFrames("1", 3)
	c.write(t, c.guest, c.host, "guest's chat")
	c.write(t, c.host, c.guest, "host's chat")
	return c
}

func (c *plantedCall) write(t *testing.T, from, to *testkit.Party, about string) {
	t.Helper()
	from.Chat(c.texts[about])
	if got := testkit.Await[peer.ChatReceived](to, nil).Text; got != c.texts[about] {
		t.Errorf("%s: chat says %q", c.name, got)
	}
}

// markers are all secrets of the call that this process can know.
func (c *plantedCall) markers(t *testing.T) []marker {
	t.Helper()
	hidden, known := linkSecrets(t, c.name, c.link)
	c.known = known
	for about, said := range c.texts {
		hidden = append(hidden, words(c.name+": "+about, said))
	}
	for about, sent := range c.bytes {
		hidden = append(hidden, secret(c.name+": "+about, sent))
	}
	if password := c.texts["password"]; password != "" {
		stretched, err := e2ee.StretchPassword(c.link, password)
		if err != nil {
			t.Fatal(err)
		}
		hidden = append(hidden, secret(c.name+": stretched password", stretched))
	}
	sas := testkit.Await[peer.Words](c.host, nil)
	drawn := c.dice.markers(c.name)
	if len(drawn) < 4 {
		t.Fatalf("%s: the handshake drew %d secrets from its source", c.name, len(drawn))
	}
	return slices.Concat(hidden, drawn, []marker{
		words(c.name+": verification words", strings.Join(sas.Names[:], " ")),
		words(c.name+": verification digits", sas.Digits),
	})
}

// scanner looks at one server.
type scanner struct {
	server  *process
	calls   []*plantedCall
	control marker
	known   []marker
	finder  *finder
}

// scan fails for everything that is where it must not be, and returns what it
// found in memory and on disk.
func (s *scanner) scan(t *testing.T, when string) (memory, disk map[string]bool) {
	t.Helper()
	memory, disk = s.server.memory(t, s.finder), s.server.disk(t, s.finder)
	s.absent(t, when+": memory", memory, s.allowed(s.control))
	s.absent(t, when+": disk", disk, s.allowed())
	s.absent(t, when+": log", file(t, s.finder, s.server.log), nil)
	for _, c := range s.calls {
		heard, size, err := c.tap.find(s.finder)
		if err != nil || size < 10_000 { // a handshake alone is more
			t.Errorf("%s: heard %d bytes over signaling, %v", c.name, size, err)
		}
		s.absent(t, when+": frames", heard, nil)
	}
	s.scanLog(t, when)
	for _, path := range s.server.writableFiles(t) {
		if !strings.HasPrefix(path, s.server.data) && !strings.HasPrefix(path, s.server.home) && path != s.server.log {
			t.Errorf("%s: the server writes to %s, which is not looked at", when, path)
		}
	}
	return memory, disk
}

// allowed are what the server stores and no more: the call id, and the key with
// which a host proves itself to the server.
func (s *scanner) allowed(more ...marker) map[string]bool {
	names := map[string]bool{}
	for _, m := range append(more, s.known...) {
		names[m.name] = true
	}
	return names
}

func (s *scanner) absent(t *testing.T, where string, found, allowed map[string]bool) {
	t.Helper()
	for name := range found {
		if !allowed[name] {
			t.Errorf("%s holds %q", where, name)
		}
	}
}

// expectKnown shows that the scan sees what is there: in memory the control and
// what the server has to know, on disk the latter.
func (s *scanner) expectKnown(t *testing.T, memory, disk map[string]bool) {
	t.Helper()
	if !memory[s.control.name] {
		t.Error("the control is not found in memory: the scan is blind itself")
	}
	for _, m := range s.known {
		if !memory[m.name] {
			t.Errorf("%s is not found in memory, where it must be", m.name)
		}
		if !disk[m.name] {
			t.Errorf("%s is not found on disk, where it must be", m.name)
		}
	}
}

// scanLog looks for addresses and for pieces of session descriptions, and sees
// that the log speaks of the calls at all, by pseudonym.
func (s *scanner) scanLog(t *testing.T, when string) {
	t.Helper()
	b, err := os.ReadFile(s.server.log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "level=DEBUG") {
		t.Errorf("%s: the log is not at its most talkative:\n%s", when, b)
	}
	calls := map[string]bool{}
	for _, m := range regexp.MustCompile(`\bcall=([0-9a-f]{16})\b`).FindAllStringSubmatch(string(b), -1) {
		calls[m[1]] = true
	}
	if len(calls) != len(s.calls) {
		t.Errorf("%s: the log speaks of %d calls, want %d:\n%s", when, len(calls), len(s.calls), b)
	}
	for _, never := range []string{"127.0.0.1", "candidate", "fingerprint", "ufrag", "/healthz", "sdp"} {
		if strings.Contains(strings.ToLower(string(b)), never) {
			t.Errorf("%s: the log holds %q:\n%s", when, never, b)
		}
	}
	for _, c := range s.calls {
		id := c.link.CallID()
		if pseudonym := fmt.Sprintf("%x", id[:8]); calls[pseudonym] || strings.Contains(string(b), base64.StdEncoding.EncodeToString(id[:6])) {
			t.Errorf("%s: the log names a call by a part of its id", when)
		}
	}
}
