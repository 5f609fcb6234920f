package peer

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
	"golang.org/x/text/unicode/norm"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// FuzzCandidate: what is let through leads where it was seen to lead, for the parser
// that acts on it, too.
func FuzzCandidate(f *testing.F) {
	f.Add(candidateTo("192.0.2.1"))
	f.Add(candidateTo("::ffff:127.0.0.1"))
	f.Add("candidate:1 1 udp 1 127.0.0.1  5 typ host 192.0.2.1 5 typ host")
	f.Add("candidate:1 1 UDP 1 x.local 9 typ host tcptype active")
	f.Fuzz(func(t *testing.T, text string) {
		if !(reach{}).allowsCandidate(text) {
			return
		}
		c, err := ice.UnmarshalCandidate(text)
		if err != nil {
			return
		}
		if c.NetworkType().IsTCP() {
			t.Errorf("%q is a TCP candidate", text)
		}
		if strings.HasSuffix(strings.ToLower(c.Address()), ".local") {
			return
		}
		if addr, err := netip.ParseAddr(c.Address()); err != nil || !(reach{}).allows(addr) {
			t.Errorf("%q leads to %s", text, c.Address())
		}
	})
}

// FuzzServers: what is asked is at the host of the link, for the parser that acts on
// it, too.
func FuzzServers(f *testing.F) {
	f.Add("turn:call.example:443?transport=tcp")
	f.Add("stun:call.example@192.0.2.1")
	f.Add("turns:[::1]:5349")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range ownServers([]protocol.Server{{URLs: []string{text}}}, "https://call.example") {
			for _, u := range s.URLs {
				if uri, err := stun.ParseURI(u); err == nil && !strings.EqualFold(uri.Host, "call.example") {
					t.Errorf("%q asks %s", text, uri.Host)
				}
			}
		}
	})
}

// FuzzServerSays is a server that says anything to a host with a visitor at the door,
// but for relays, which make it gather: those have FuzzServers. Nobody gets in by that.
func FuzzServerSays(f *testing.F) {
	f.Add(true, []byte(`{"type":"peer","slot":1,"cid":"AgAAAAAAAAAAAAAAAAAAAA","state":"gone"}`))
	f.Add(true, []byte(`{"type":"peer","slot":2,"cid":"AgAAAAAAAAAAAAAAAAAAAA","state":"waiting"}`))
	f.Add(true, []byte(`{"type":"ended","reason":"host"}`))
	f.Add(true, []byte(`{"type":"going_away","retry_ms":-1}`))
	f.Add(true, []byte(`{"type":"error","code":"E_REPLACED"}`))
	f.Add(false, []byte{0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, text bool, data []byte) {
		if m, err := protocol.DecodeServer(data); err == nil {
			if _, relays := m.(protocol.ICE); relays {
				return
			}
		}
		h, _ := visited(t, Config{})
		h.c.link.stage = greetingJoined
		kind := websocket.MessageBinary
		if text {
			kind = websocket.MessageText
		}
		h.c.receive(kind, data)
		h.c.applyEffects()
		if h.c.session != nil || !h.c.admittedAt.IsZero() {
			t.Errorf("%q lets somebody in", data)
		}
	})
}

// FuzzPeerSays is a guest in the call that says anything, but for descriptions: those
// have FuzzCheckSDP. What is shown of it is clean, and few files wait.
func FuzzPeerSays(f *testing.F) {
	for _, m := range []any{
		sealed.Beat{T: "beat", MS: -1},
		sealed.State{T: "state", Cam: true, SFrame: "?"},
		sealed.Want{T: "want", Video: "none"},
		sealed.Chat{T: "chat", ID: "1", Text: "\x1b[2J\u202e"},
		sealed.ChatAck{T: "chat-ack", ID: "1"},
		sealed.Cue{T: "cue", Kind: "nod"},
		sealed.Verify{T: "verify", R: "differ"},
		sealed.Bye{T: "bye", Reason: "limit"},
		sealed.Err{T: "err", Code: "?"},
		sealed.File{T: "file", ID: "1", Name: "../x", Size: -1},
	} {
		f.Add(marshal(m))
	}
	f.Add([]byte(`{"t":"bye","last":{"t":"report","n":-1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := messageType(data)
		if kind == "sdp" || kind == "ice" {
			return
		}
		h, _ := visited(t, Config{})
		c := h.c
		c.frames, c.conn = newFrameCipher(e2ee.RoleHost), &connection{}
		c.files = c.newTransfers()
		c.measuring.since = time.Now()
		c.peerMessage(kind, data)
		c.files.Close()
		c.files.Wait()
		for len(c.events) > 0 {
			if m, ok := (<-c.events).(ChatReceived); ok && m.Text != clean(m.Text, sealed.LimitChat, true) {
				t.Errorf("%q shows %q", data, m.Text)
			}
		}
		if len(c.early) > sealed.LimitFiles {
			t.Errorf("%d files wait", len(c.early))
		}
	})
}

// FuzzPackets is somebody who has the media connection without the keys of the
// session, and sends RTP of any form: headers, extensions (RFC 8285), payloads.
func FuzzPackets(f *testing.F) {
	whole, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: 96, Extension: true, ExtensionProfile: 0xbede, SSRC: 1},
		Payload: []byte{0x10, 0, 0x9d, 1, 0x2a},
	}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	for kind := range 3 {
		f.Add(byte(kind), append([]byte{byte(len(whole))}, whole...))
	}
	f.Add(byte(1), []byte{13, 0x90, 0x60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe})
	codecs := []Codec{CodecVP8, CodecVP9, CodecOpus}
	f.Fuzz(func(t *testing.T, kind byte, script []byte) { // length(1) and packet, again and again
		track := Track{Kind: KindVideo, Codec: codecs[int(kind)%len(codecs)]}
		if track.Codec == CodecOpus {
			track.Kind = KindAudio
		}
		builder, _ := newBuilder(track)
		_, receives := framePair()
		reader, _ := reading(receives)
		var numbers sequence
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			raw := script[1 : 1+n]
			script = script[1+n:]
			packet := &rtp.Packet{}
			if packet.Unmarshal(raw) != nil || len(packet.Payload) == 0 {
				continue
			}
			if lost := numbers.lost(packet.SequenceNumber); lost < -1 || lost >= 1<<15 {
				t.Errorf("%x: %d packets are missed", raw, lost)
			}
			builder.Push(packet)
			for sample := builder.Pop(); sample != nil; sample = builder.Pop() {
				if data, ok := reader.open(sample.Data, time.Now()); ok {
					t.Errorf("%x is taken for a frame: %x", sample.Data, data)
				}
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\u0301\u202e\x1b[0m\n\u200b")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		for _, lines := range []bool{false, true} {
			got := clean(text, 64, lines)
			if again := clean(got, 64, lines); again != got {
				t.Errorf("%q is shown as %q, and that as %q", text, got, again)
			}
			if strings.ContainsAny(got, "\x1b\x00\u202e") || !lines && strings.Contains(got, "\n") || !norm.NFC.IsNormalString(got) {
				t.Errorf("%q is shown as %q", text, got)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Error(err)
			}
		}
	})
}
