package signaling

import (
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

func TestBadInput(t *testing.T) {
	n := serve(t, nil)
	link := newLink(t)
	text := func(s string) func(*client) {
		return func(c *client) { c.write(websocket.MessageText, []byte(s)) }
	}
	tests := map[string]struct {
		do   func(*client)
		want []string
	}{
		"not JSON":          {text("{"), []string{`{"type":"error","code":"E_PARSE"}`, "close 4003"}},
		"not UTF-8":         {text("{\"type\":\"join\",\"req\":\"\xff\"}"), []string{`{"type":"error","code":"E_PARSE"}`, "close 4003"}},
		"no type":           {text("{}"), []string{`{"type":"error","code":"E_PARSE"}`, "close 4003"}},
		"short call id":     {text(`{"type":"join","role":"guest","call":"AA","cid":"AAAAAAAAAAAAAAAAAAAAAA"}`), []string{`{"type":"error","code":"E_PARSE"}`, "close 4003"}},
		"long text":         {text(strings.Repeat(" ", protocol.LimitControlBytes+1)), []string{`{"type":"error","code":"E_SIZE"}`, "close 4005"}},
		"long frame":        {func(c *client) { c.frame(0, strings.Repeat("x", protocol.LimitFrameBytes)) }, []string{`{"type":"error","code":"E_SIZE"}`, "close 4005"}},
		"very long frame":   {func(c *client) { c.frame(0, strings.Repeat("x", 300_000)) }, []string{`{"type":"error","code":"E_SIZE"}`, "close 4005"}},
		"grant before join": {func(c *client) { c.say(protocol.Grant{Slot: 1}) }, []string{`{"type":"error","code":"E_STATE"}`}},
		"end before join":   {func(c *client) { c.say(protocol.End{Req: "x"}) }, []string{`{"type":"error","req":"x","code":"E_STATE"}`}},
		"two joins": {func(c *client) {
			c.joinGuest(link, protocol.ID{1})
			c.say(guestJoin(link, protocol.ID{2}))
		}, []string{`{"type":"error","req":"j","code":"E_STATE"}`, "close 4003"}},
		"create after join": {func(c *client) {
			c.joinGuest(link, protocol.ID{1})
			c.say(creation(link))
		}, []string{`{"type":"error","req":"c","code":"E_STATE"}`}},
		"ignored things": {func(c *client) {
			c.write(websocket.MessageText, []byte(`{"type":"from_the_future"}`))
			c.write(websocket.MessageBinary, nil)
			c.frame(0, "nobody is seated")
			c.say(guestJoin(newLink(t), protocol.ID{1}))
			c.seat = expect[protocol.Joined](c).Seat
		}, []string{`{"type":"host","online":false}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := n.connect(t)
			tt.do(c)
			got := c.line()
			if i := strings.Index(got, `,"detail"`); i > 0 {
				got = got[:i] + "}"
			}
			if got != tt.want[0] {
				t.Fatalf("server said %s, want %s", got, tt.want[0])
			}
			c.want(tt.want[1:]...)
		})
	}
	for _, reason := range []string{"unknown_type", "short", "not_seated"} {
		if got := n.counter(t, "visavis_signaling_drops_total", reason); got != 1 {
			t.Errorf("drops for %s = %v, want 1", reason, got)
		}
	}
}

func TestFrameRate(t *testing.T) {
	n := serve(t, nil)
	_, host, guest := n.pair(t)
	for range 2 * protocol.LimitFramesBurst {
		if guest.conn.Write(t.Context(), websocket.MessageBinary, []byte{0, 0, 'x'}) != nil {
			break // closed while we were talking
		}
	}
	guest.want(`{"type":"error","code":"E_RATE"}`, "close 4004")
	for range protocol.LimitFramesBurst - 1 { // the join was one
		host.want("frame 1 x")
	}
}

func TestByteRate(t *testing.T) {
	n := serve(t, nil)
	_, _, guest := n.pair(t)
	big := make([]byte, 60_000)
	for range 2 * protocol.LimitBytesPerMinute / len(big) {
		if guest.conn.Write(t.Context(), websocket.MessageBinary, big) != nil {
			break
		}
	}
	guest.want(`{"type":"error","code":"E_RATE"}`, "close 4004")
}

func TestToken(t *testing.T) {
	n := serve(t, func(c *Config) { c.Token = "sesame-sesame-sesame" })
	c := n.connect(t)
	link := newLink(t)
	m := creation(link)
	c.say(m)
	c.want(`{"type":"error","req":"c","code":"E_AUTH"}`)
	m.Token = "sesame-sesame-sesamE"
	c.say(m)
	c.want(`{"type":"error","req":"c","code":"E_AUTH"}`)
	m.Token = "sesame-sesame-sesame"
	c.say(m)
	expect[protocol.Created](c)
}

func TestCreateRate(t *testing.T) {
	n := serve(t, func(c *Config) { c.CreatesPerMinute = 2 })
	c := n.connect(t)
	c.create(newLink(t))
	c.create(newLink(t))
	c.say(creation(newLink(t)))
	c.want(`{"type":"error","req":"c","code":"E_RATE"}`)
}
