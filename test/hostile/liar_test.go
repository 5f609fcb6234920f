package hostile

import (
	"encoding/base64"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

func newLink(t *testing.T, flags e2ee.Flags) e2ee.Link {
	t.Helper()
	link, err := e2ee.NewLink(nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func cid(b byte) protocol.ID { return protocol.ID{b, b} }

// A server says welcome, joined and "your host is here" again and again on one
// connection. No two frames have one key and one nonce.
func TestJoinedTwice(t *testing.T) {
	t.Parallel()
	for _, role := range []protocol.Role{protocol.RoleGuest, protocol.RoleHost} {
		l := StartLiar(t)
		link := newLink(t, 0)
		if role == protocol.RoleGuest {
			l.There.Guest(link, nil)
		} else {
			l.There.Host(link, nil)
		}
		line := l.Next(t)
		line.Welcome()
		line.Join()
		for n := range 3 {
			line.Say(protocol.Joined{})
			line.Say(protocol.Host{Online: false})
			line.Say(protocol.Host{Online: true, CID: cid(1).String()})
			for slot := range 6 { // a host tells the last ones that it is busy
				line.Say(protocol.Peer{Slot: 10*n + slot + 1, CID: cid(byte(10*n + slot + 1)).String(), State: protocol.PeerStateWaiting})
			}
			line.Welcome()
		}
		seen := map[string]bool{}
		for _, frame := range line.Frames(3) {
			if header := string(frame[:24]); seen[header] {
				t.Errorf("%s: one key and nonce for two frames: %x", role, header)
			} else {
				seen[header] = true
			}
		}
	}
	got(t, "B01", "no counter starts again")
}

// A server announces a connection of the past again and replays what came over it.
func TestReplayedGuess(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest, knock := knocked(r, "correct horse")
	frames := guestFrames(r)
	old, line := r.Latest(protocol.RoleGuest).CID, r.Latest(protocol.RoleHost)
	guest.Hangup()
	testkit.Await[peer.KnockGone](host, nil)
	for n := range 7 {
		slot := uint16(100 + n)
		say(t, line, protocol.Peer{Slot: int(slot), CID: old, State: protocol.PeerStateWaiting})
		for _, frame := range frames[:2] { // M1 and M3
			if err := line.ToClient(t.Context(), true, protocol.AppendFrame(nil, slot, frame)); err != nil {
				t.Fatal(err)
			}
		}
		say(t, line, protocol.Peer{Slot: int(slot), CID: old, State: protocol.PeerStateGone})
	}
	again := r.There.Guest(knock.link, withPassword("correct horse")) // what was replayed before has been heard by now
	testkit.Await[peer.Knocked](host, nil)
	if testkit.Seen[peer.PasswordWrong](host, nil) {
		t.Error("a replayed guess was counted")
	}
	again.Hangup()
	got(t, "B02", "no guess is counted")
}

// The whole handshake of another day, replayed to a host that was started again
// and remembers nothing.
func TestReplayedHandshake(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest, knock := knocked(r, "")
	frames := guestFrames(r)
	old := r.Latest(protocol.RoleGuest).CID
	guest.Hangup()
	host.Hangup()
	end(t, host)

	fresh := r.There.Host(knock.link, nil)
	testkit.AwaitPhase(fresh, peer.PhaseAlone)
	line := r.Latest(protocol.RoleHost)
	say(t, line, protocol.Peer{Slot: 9, CID: old, State: protocol.PeerStateWaiting})
	for _, frame := range frames {
		if err := line.ToClient(t.Context(), true, protocol.AppendFrame(nil, 9, frame)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Await[peer.PasswordWrong](fresh, nil)
	if testkit.Seen[peer.Knocked](fresh, nil) {
		t.Error("a replayed guest knocked")
	}
	untouched(t, fresh)
	got(t, "A04", "E_CONFIRM at the host, nobody knocks")
}

// A server accepts connections and says nothing, or stops in the middle.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(*Lie){
		"nothing":         func(*Lie) {},
		"welcome only":    func(l *Lie) { l.Welcome() },
		"no word of host": func(l *Lie) { l.Welcome(); l.Join(); l.Say(protocol.Joined{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := StartLiar(t)
			guest := l.There.Guest(newLink(t, 0), nil)
			go func() {
				for {
					select {
					case line := <-l.Lines:
						say(line)
					case <-guest.Done():
						return
					}
				}
			}()
			over := end(t, guest)
			got(t, "B04", string(over.Code)+", said")
		})
	}
}

// A server refuses a guest in the host's name, with words that it makes up and that would
// write over a terminal.
func TestServerSpeaksForHost(t *testing.T) {
	t.Parallel()
	for code, want := range map[protocol.ErrorCode]string{protocol.ErrorCodeDenied: "", protocol.ErrorCodeBusy: "[2Jcome to another place"} {
		l := StartLiar(t)
		guest := l.There.Guest(newLink(t, 0), nil)
		line := l.Next(t)
		line.Welcome()
		line.Join()
		line.Say(protocol.Refusal{Code: code, Detail: "\x1b[2Jcome to\nanother place\u202e"})
		_ = line.ws.Close(protocol.CloseRefused, "")
		over := end(t, guest)
		wire, ok := errors.AsType[*protocol.WireError](over.Err)
		if !ok || over.Code != code || wire.Detail != want {
			t.Errorf("%s: ended with %q: %v", code, over.Code, over.Err)
		}
	}
}

// A server names STUN and TURN servers on other machines before anybody is proven.
func TestForeignServers(t *testing.T) {
	t.Parallel()
	probe, err := net.ListenPacket("udp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	port := probe.LocalAddr().(*net.UDPAddr).Port
	elsewhere := "127.0.0.2:" + strconv.Itoa(port)
	l := StartLiar(t)
	host := l.There.Host(newLink(t, 0), nil)
	line := l.Next(t)
	line.Welcome("stun:"+elsewhere, "gopher://x")
	line.Join()
	servers := protocol.Servers{Servers: []protocol.Server{
		{URLs: []string{"stun:" + elsewhere}},
		{URLs: []string{"turn:" + elsewhere + "?transport=udp"}, Username: "u", Credential: "c"},
		{URLs: []string{"turn:" + elsewhere + "?transport=tcp"}, Username: "u", Credential: "c"},
	}}
	line.Say(protocol.Joined{Slot: 0, ICE: &servers})
	testkit.AwaitPhase(host, peer.PhaseAlone)
	for range 200 {
		line.Say(protocol.ICE{ICE: servers})
	}
	line.Say(protocol.Ended{Reason: protocol.EndReasonHost}) // behind all of it
	end(t, host)
	if err := probe.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := probe.ReadFrom(make([]byte, 1600)); err == nil {
		t.Errorf("%d bytes from %v", n, from)
	}
	got(t, "B05", "no packet leaves for them")
}

// Somebody who has the link's secret and is not the host plays the host.
func TestFakeHost(t *testing.T) {
	t.Parallel()
	r := stage(t)
	link, host := waiting(r.There, "") // has the link secret, and a key that the guest was not promised
	raw, err := base64.RawURLEncoding.DecodeString(link.Guest().Fragment()[1:])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1 // of the hash of the host's key
	promised, err := e2ee.ParseFragment("g" + base64.RawURLEncoding.EncodeToString(raw))
	if err != nil {
		t.Fatal(err)
	}
	guest := r.There.Guest(promised, nil)
	over := end(t, guest)
	if frames := guestFrames(r); len(frames) != 2 { // M1 and the word that it gives up
		t.Errorf("the guest sent %d frames, want no M3", len(frames))
	}
	untouched(t, guest, host)
	got(t, "A08", string(over.Code)+", no M3")
}

// The guest's link was replaced on its way: somebody sits in the middle of
// everything, as host towards the guest and as guest towards the host.
func TestReplacedLink(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	theirs, host := waiting(s, "")
	mine, fakeHost := waiting(s, "")
	guest, fakeGuest := s.Guest(mine, nil), s.Guest(theirs, nil)
	testkit.AdmitKnock(host)
	testkit.AdmitKnock(fakeHost)
	testkit.AwaitLive(host, guest, fakeHost, fakeGuest)
	h, g := testkit.Await[peer.Words](host, nil), testkit.Await[peer.Words](guest, nil)
	if h == g || h.Digits == g.Digits {
		t.Errorf("both see %v", h)
	}
	guest.Verify("differ")
	over := end(t, guest)
	got(t, "A13", "words differ, "+string(over.Code))
}

// Both people were sent the guest's link; a server that likes to help says to
// each that the other is the host.
func TestTwoGuests(t *testing.T) {
	t.Parallel()
	r := stage(t)
	link := r.There.NewCall(0)
	one := r.There.Guest(link, nil)
	testkit.AwaitPhase(one, peer.PhaseHostAway)
	two := r.There.Guest(link, nil)
	testkit.AwaitPhase(two, peer.PhaseHostAway)
	var lines []*Line
	for _, m := range r.Log() {
		if !m.FromServer && !m.Binary && m.Line.Role == protocol.RoleGuest {
			lines = append(lines, m.Line)
		}
	}
	a, b := lines[len(lines)-2], lines[len(lines)-1]
	r.Bend(func(m Message) []Message {
		if m.Binary && !m.FromServer {
			other := a
			if m.Line == a {
				other = b
			}
			_ = other.ToClient(t.Context(), true, m.Data) // may be gone
			return nil
		}
		return []Message{m}
	})
	for _, pair := range [][2]*Line{{a, b}, {b, a}} {
		say(t, pair[0], protocol.Host{Online: true, CID: pair[1].CID})
	}
	over := end(t, one)
	for _, p := range []*testkit.Party{one, two} {
		if testkit.Seen[peer.Words](p, nil) {
			t.Error("two guests agreed on words")
		}
	}
	untouched(t, one, two)
	got(t, "A24", string(over.Code)+", never proven")
}
