package signaling

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

const (
	refusedAuth   = `{"type":"error","req":"j","code":"E_AUTH"}`
	refusedBusy   = `{"type":"error","req":"j","code":"E_BUSY"}`
	refusedLocked = `{"type":"error","req":"j","code":"E_LOCKED"}`
	refusedGone   = `{"type":"error","req":"j","code":"E_GONE"}`
)

// seatOf is the one part of joined that differs each time.
var seatOf = regexp.MustCompile(`,"seat":"[\w-]{22}"`)

func hostOnline(cid protocol.ID) string {
	return fmt.Sprintf(`{"type":"host","online":true,"cid":"%s"}`, cid)
}

func peerIs(slot int, cid protocol.ID, state protocol.PeerState) string {
	return fmt.Sprintf(`{"type":"peer","slot":%d,"cid":"%s","state":"%s"}`, slot, cid, state)
}

// The story of a call, from creation to end.
func TestCall(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	host, guest := n.connect(t), n.connect(t)

	guest.say(guestJoin(link, protocol.ID{2})) // before the call exists
	expect[protocol.Joined](guest)
	guest.want(`{"type":"host","online":false}`)

	host.create(link)
	seat := host.joinHost(link, protocol.ID{1})
	if seat.ICE == nil || len(seat.ICE.Servers) != 2 || seat.ICE.Servers[1].Username != "user-host" {
		t.Fatalf("host's relay = %+v, want credentials", seat.ICE)
	}
	host.want(peerIs(1, protocol.ID{2}, "waiting"))
	guest.want(hostOnline(protocol.ID{1}))

	guest.frame(0, "to the host")
	host.want("frame 1 to the host")
	host.frame(1, "to the guest")
	guest.want("frame 0 to the guest")

	host.say(protocol.Grant{Slot: 1})
	ice := expect[protocol.ICE](guest).ICE
	if got, want := fmt.Sprint(ice.Servers[1].URLs), "[turn:127.0.0.1:3478?transport=udp turn:127.0.0.1:3478?transport=tcp]"; got != want {
		t.Errorf("TURN URLs = %s, want %s", got, want)
	}
	if ice.Servers[1].Username != "user-guest" || ice.Servers[1].Credential != "secret-guest" {
		t.Errorf("credentials = %+v, want the guest's", ice.Servers[1])
	}
	guest.say(protocol.Renew{})
	expect[protocol.ICE](guest)

	farewell := make(chan string, 1)
	go func() { // reads on, as clients do: so it answers when asked whether it is there
		_, b, err := guest.read()
		farewell <- fmt.Sprint(string(b), err)
	}()
	third := n.connect(t)
	third.say(guestJoin(link, protocol.ID{3}))
	third.want(refusedBusy, "close 4003")

	host.say(protocol.End{Req: "e"})
	host.want(`{"type":"ended","req":"e","reason":"host"}`, "close 4000")
	if got, want := <-farewell, `{"type":"ended","reason":"host"}<nil>`; got != want {
		t.Errorf("guest was told %s, want %s", got, want)
	}
	guest.want("close 4000")

	late := n.connect(t)
	late.say(guestJoin(link, protocol.ID{4}))
	late.want(refusedGone, "close 4000")
	squatter := n.connect(t)
	squatter.say(creation(link))
	squatter.want(`{"type":"error","req":"c","code":"E_GONE"}`)
}

func TestHostMustProveItself(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	owner := n.connect(t)
	owner.create(link)
	cid := protocol.ID{1}
	stale := n.connect(t).nonce
	used := hostJoin(link, n.origin(), owner.nonce, cid)
	owner.say(used)
	expect[protocol.Joined](owner)
	tests := map[string]func(c *client) protocol.Join{
		"no key": func(c *client) protocol.Join {
			other := newLink(t)
			m := hostJoin(other, n.origin(), c.nonce, cid)
			m.Call = protocol.ID(link.CallID()).String()
			return m
		},
		"nonce of another connection":       func(*client) protocol.Join { return hostJoin(link, n.origin(), stale, cid) },
		"what the owner said, word by word": func(*client) protocol.Join { return used },
		"signed for another origin":         func(c *client) protocol.Join { return hostJoin(link, "http://evil.example", c.nonce, cid) },
		"signed for https":                  func(c *client) protocol.Join { return hostJoin(link, "https://"+n.host, c.nonce, cid) },
		"another connection id": func(c *client) protocol.Join {
			m := hostJoin(link, n.origin(), c.nonce, cid)
			m.CID = protocol.ID{9}.String()
			return m
		},
		"unknown call": func(c *client) protocol.Join { return hostJoin(newLink(t), n.origin(), c.nonce, cid) },
	}
	for name, join := range tests {
		t.Run(name, func(t *testing.T) {
			c := n.connect(t)
			c.say(join(c))
			c.want(refusedAuth, "close 4003")
		})
	}
	owner.say(protocol.Renew{})
	expect[protocol.ICE](owner) // nobody has taken its place
}

func TestHostIsReplaced(t *testing.T) {
	n := serve(t, nil)
	link, first, guest := n.pair(t)
	second := n.connect(t)
	second.joinHost(link, protocol.ID{7})
	first.want(`{"type":"error","code":"E_REPLACED"}`, "close 4001")
	second.want(peerIs(1, protocol.ID{2}, "waiting"))
	guest.want(hostOnline(protocol.ID{7}))
	guest.frame(0, "hello again")
	second.want("frame 1 hello again")
}

func TestConnectionLossIsTold(t *testing.T) {
	n := serve(t, nil)
	link, host, guest := n.pair(t)
	_ = guest.conn.CloseNow()
	host.want(peerIs(1, protocol.ID{2}, "gone"))
	again := n.connect(t)
	again.joinGuest(link, protocol.ID{5})
	host.want(peerIs(2, protocol.ID{5}, "waiting"))
	_ = host.conn.CloseNow()
	again.want(`{"type":"host","online":false}`)
}

func TestGrantedGuestComesBack(t *testing.T) {
	n := serve(t, nil)
	link, host, guest := n.pair(t)
	host.say(protocol.Grant{Slot: 1})
	expect[protocol.ICE](guest)
	_ = guest.conn.CloseNow()
	host.want(peerIs(1, protocol.ID{2}, "gone"))
	again := n.connect(t)
	again.joinGuest(link, protocol.ID{3})
	host.want(peerIs(2, protocol.ID{3}, "waiting"))
	host.say(protocol.Grant{Slot: 2})
	expect[protocol.ICE](again)
}

func TestFullAndLocked(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	host := n.connect(t)
	host.create(link)
	host.joinHost(link, protocol.ID{1})
	for i := range protocol.LimitWaiting {
		n.connect(t).joinGuest(link, protocol.ID{byte(10 + i)})
		expect[protocol.Peer](host)
	}
	fifth := n.connect(t)
	fifth.say(guestJoin(link, protocol.ID{99}))
	fifth.want(refusedBusy, "close 4003")

	host.say(protocol.Drop{Slot: 1})
	host.want(peerIs(1, protocol.ID{10}, "gone"))
	host.say(protocol.Lock{})
	host.say(protocol.Renew{}) // its answer says that the lock is in place
	expect[protocol.ICE](host)
	locked := n.connect(t)
	locked.say(guestJoin(link, protocol.ID{98}))
	locked.want(refusedLocked, "close 4003")
}

func TestDrop(t *testing.T) {
	n := serve(t, nil)
	_, host, guest := n.pair(t)
	host.say(protocol.Drop{Slot: 1})
	guest.want(`{"type":"error","code":"E_DENIED"}`, "close 4002")
	host.want(peerIs(1, protocol.ID{2}, "gone"))
}

// What a stranger sees of a call that does not exist, and of one whose host is
// away, is the same, to the last message.
func TestUnknownLooksLikeOffline(t *testing.T) {
	n := serve(t, nil)
	offline, unknown := newLink(t), newLink(t)
	owner := n.connect(t)
	owner.create(offline)

	observe := func(link e2ee.Link) (lines []string) {
		join := protocol.Join{Req: "j", Role: protocol.RoleGuest, Call: protocol.ID(link.CallID()).String()}
		for i := range protocol.LimitWaiting + 1 {
			c := n.connect(t)
			join.CID = protocol.ID{byte(i)}.String()
			c.say(join)
			c.frame(0, "anybody there?")
			c.say(protocol.Renew{})
			c.say(protocol.Grant{Slot: 1})
			for range 4 {
				line := seatOf.ReplaceAllString(c.line(), "") // random, like the call's id
				lines = append(lines, line)
				if strings.HasPrefix(line, "close") {
					break
				}
			}
		}
		impostor := n.connect(t)
		join.Role, join.CID = protocol.RoleHost, protocol.ID{7}.String()
		join.Sig = protocol.EncodeBytes(make([]byte, 64))
		impostor.say(join)
		return append(lines, impostor.line(), impostor.line())
	}
	a, b := observe(offline), observe(unknown)
	if strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Errorf("offline:\n%s\n\nunknown:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	if len(a) < 2*protocol.LimitWaiting {
		t.Errorf("too little was seen: %q", a)
	}
}

func TestShutdown(t *testing.T) {
	n := serve(t, nil)
	_, host, guest := n.pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan struct{})
	go func() { n.Shutdown(ctx); close(done) }()
	for _, c := range []*client{host, guest} {
		told := false
		for line := c.line(); line != "close 1012"; line = c.line() { // the other may be seen to leave in between
			told = told || line == `{"type":"going_away","retry_ms":2000}`
		}
		if !told {
			t.Error("closed without a word")
		}
	}
	<-done
	if _, status := n.attempt(t, nil, protocol.SubprotocolNative); status != 503 {
		t.Errorf("status after shutdown = %d, want 503", status)
	}
}

// Nothing that identifies people or calls is in the log, at its most talkative.
func TestLogHasNoMarkers(t *testing.T) {
	n := serve(t, nil)
	link, host, guest := n.pair(t)
	guest.frame(0, "MARKER-frame")
	host.want("frame 1 MARKER-frame")
	host.say(protocol.Grant{Slot: 1})
	expect[protocol.ICE](guest)
	stranger := n.connect(t)
	stranger.say(protocol.End{Req: "MARKER-req"})
	stranger.line()
	stranger.write(websocket.MessageText, []byte(`{"type":"join","role":"MARKER-role"}`))
	stranger.line()
	stranger.line()
	host.say(protocol.End{})
	expect[protocol.Ended](host)
	late := n.connect(t)
	late.say(guestJoin(link, protocol.ID{3}))
	late.want(refusedGone) // so the end has been logged, too
	log := n.log.String()
	id := link.CallID()
	for name, marker := range map[string]string{
		"planted": "MARKER", "call id": protocol.ID(id).String(), "call id, hex": fmt.Sprintf("%x", id),
		"fragment": link.Fragment(), "guest fragment": link.Guest().Fragment(),
		"server key": protocol.EncodeBytes(link.ServerPub()), "credential": "secret-", "user": "user-guest",
		"seat": guest.seat, "address": "127.0.0.1", "cid": protocol.ID{2}.String(),
	} {
		if strings.Contains(log, marker) {
			t.Errorf("the log holds the %s %q", name, marker)
		}
	}
	if !strings.Contains(log, "call ended") {
		t.Errorf("the log is not that of this call:\n%s", log)
	}
}
