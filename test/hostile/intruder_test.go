package hostile

import (
	"crypto/rand"
	"math"
	mathrand "math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/test/timing"
)

func isReady(e e2ee.Effect) bool { _, ok := e.(e2ee.Ready); return ok }

// A guest that was not let in asks for the relay, and talks of media.
func TestNotAdmitted(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link, host := waiting(s, "")
	i := Intrude(t, s.Origin)
	i.Prove(e2ee.GuestConfig{Link: link.Guest()}, 10, isReady)
	if err := i.Tell(`{"t":"sdp","type":"offer","gen":0,"sdp":"v=0","fp":""}`); e2ee.CodeOf(err) != e2ee.CodeState {
		t.Errorf("our own machine said %v", err)
	}
	i.Say(protocol.Renew{})
	code := ""
	for code == "" {
		m, frame := i.Hear()
		switch m := m.(type) {
		case protocol.Refusal:
			code = string(m.Code)
		case protocol.ICE:
			t.Fatal("relay credentials for somebody who was not let in")
		case nil:
			if frame == nil {
				t.Fatal("hung up without a word")
			}
		}
	}
	untouched(t, host)
	got(t, "A06", code+", no address, no relay")
}

// Fifty visitors with the link start a handshake and leave when the host has
// answered.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link, host := waiting(s, "correct horse")
	guess, err := e2ee.StretchPassword(link, "guess") // once: an attacker would not do it fifty times either
	if err != nil {
		t.Fatal(err)
	}
	answered, busy := 0, 0
	for range 50 {
		i := Intrude(t, s.Origin)
		i.Prove(e2ee.GuestConfig{Link: link.Guest(), Stretched: guess}, 1, func(e e2ee.Effect) bool { // M3 does not leave
			failed, ok := e.(e2ee.Failed)
			if ok && failed.Code == e2ee.CodeBusy {
				busy++
			}
			return ok
		})
		if i.sent > 1 {
			answered++
		}
		_ = i.ws.CloseNow()
	}
	if testkit.Seen[peer.PasswordWrong](host, nil) {
		t.Error("a guess was counted")
	}
	if answered != 20 || busy != 30 {
		t.Errorf("%d were answered, %d told that it is busy", answered, busy)
	}
	got(t, "A16", "no guess counted, E_BUSY after 20")
}

// The first guest is waiting; a second one uses its connection id.
func TestStolenSlot(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest, knock := knocked(r, "")
	stolen, err := protocol.ParseID(r.Latest(protocol.RoleGuest).CID)
	if err != nil {
		t.Fatal(err)
	}
	thief := Intrude(t, r.There.Origin)
	thief.CID = stolen
	thief.Join(knock.link.CallID())
	for _, m := range r.Log() {
		if m.Binary && !m.FromServer && m.Line.CID == stolen.String() {
			thief.Frame(m.Frame())
		}
	}
	host.Admit(knock.Slot)
	testkit.AwaitLive(host, guest)
	host.AwaitFrames("3", 5)
	if testkit.Seen[peer.Knocked](host, nil) {
		t.Error("the thief knocked")
	}
	got(t, "A21", "the first guest is let in, the second is nobody")
}

// Somebody with the link says that it was in the call before, and makes up what
// would prove it: a stranger like any other, who has to knock.
func TestUnknownResume(t *testing.T) {
	t.Parallel()
	s := testkit.StartServer(t)
	link, host := waiting(s, "")
	state := e2ee.ResumeState{Epoch: 3, Expires: time.Now().Add(time.Hour)}
	_, _ = rand.Read(state.ID[:]) // never fails (crypto/rand)
	_, _ = rand.Read(state.Secret[:])
	i := Intrude(t, s.Origin)
	proven, resumed := false, false
	i.Prove(e2ee.GuestConfig{Link: link.Guest(), Resume: &state}, 10, func(e e2ee.Effect) bool {
		ready, ok := e.(e2ee.Ready)
		proven, resumed = ok, ok && ready.Resumed
		return ok
	})
	if !proven || resumed {
		t.Errorf("proven %v, resumed %v", proven, resumed)
	}
	if err := i.Tell(`{"t":"state","mic":true,"cam":true,"screen":false}`); e2ee.CodeOf(err) != e2ee.CodeState {
		t.Errorf("it may talk of media at once: %v", err)
	}
	if err := i.Tell(`{"t":"knock","name":"an old friend"}`); err != nil {
		t.Error(err)
	}
	testkit.Await[peer.Knocked](host, nil)
	untouched(t, host)
	got(t, "A28", "a fresh session, and a knock; E_CONFIRM with an id alone")
}

// How long the server takes to say that the host is away shows nothing of whether
// there is such a call. Both kinds are measured in turns, in random order, at first
// sight and again.
func TestCallIDTiming(t *testing.T) {
	if os.Getenv("VISAVIS_ATTACKS") == "" {
		t.Skip("a measurement: make attacks")
	}
	s := testkit.StartServer(t)
	var ids [2][][16]byte // unknown, and registered without a host
	for range 30 {
		unknown := [16]byte{}
		_, _ = rand.Read(unknown[:])
		ids[0], ids[1] = append(ids[0], unknown), append(ids[1], s.NewCall(0).CallID())
	}
	var times [2][]float64
	for len(times[0]) < 1000 || len(times[1]) < 1000 {
		kind := mathrand.IntN(2)
		i := Intrude(t, s.Origin)
		begin := time.Now()
		i.Join(ids[kind][len(times[kind])%len(ids[kind])])
		for range 2 {
			if m, _ := i.Hear(); m == nil {
				t.Fatal("refused")
			}
		}
		times[kind] = append(times[kind], float64(time.Since(begin)))
		_ = i.ws.Close(websocket.StatusNormalClosure, "")
	}
	statistic := timing.Compare(times[0], times[1])
	t.Logf("t = %.2f over %d and %d joins", statistic, len(times[0]), len(times[1]))
	if math.Abs(statistic) > 6 {
		t.Errorf("t = %.2f: whether there is such a call shows in the time", statistic)
	}
	got(t, "A62", "the same answer, in the same time")
}
