package hostile

import (
	"testing"

	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// A relay damages each frame somewhere else.
func TestFlippedFrames(t *testing.T) {
	t.Parallel()
	r := stage(t)
	at := 0
	r.Bend(func(m Message) []Message {
		if !m.Binary {
			return []Message{m}
		}
		frame := append([]byte(nil), m.Frame()...)
		at += 37
		frame[at%len(frame)] ^= 1
		return []Message{m.With(frame)}
	})
	link, host := waiting(r.There, "")
	guest := r.There.Guest(link, nil)
	over := end(t, guest)
	if testkit.Seen[peer.Words](guest, nil) || testkit.Seen[peer.Knocked](host, nil) {
		t.Error("a handshake of damaged frames was completed")
	}
	untouched(t, host, guest)
	got(t, "A02", string(over.Code)+", never proven")
}

// A relay delivers the first frame that a party got twice more: a third one
// would end the connection.
func TestReplayedFrames(t *testing.T) {
	t.Parallel()
	r := stage(t)
	first, again := map[*Line]Message{}, map[*Line]int{}
	r.Bend(func(m Message) []Message {
		old, ok := first[m.Line]
		switch {
		case !m.Binary || !m.FromServer:
		case !ok:
			first[m.Line] = m
		case again[m.Line] < 2:
			again[m.Line]++
			return []Message{m, old}
		}
		return []Message{m}
	})
	link, host := waiting(r.There, "")
	guest := r.There.Guest(link, nil)
	testkit.AdmitKnock(host)
	testkit.AwaitLive(host, guest)
	if testkit.Seen[peer.Knocked](host, nil) || testkit.Seen[peer.PasswordWrong](host, nil) {
		t.Error("a replayed frame was taken for a new one")
	}
	got(t, "A03", "dropped, call is live")
}

// A relay loses the knock: the next sealed frame shows the gap, and a new
// handshake repairs it.
func TestLostSealedFrame(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest, knock := knocked(r, "")
	lost := 0
	r.Bend(func(m Message) []Message {
		if m.Binary && !m.FromServer && m.Line.Role == protocol.RoleGuest && lost == 0 {
			lost++
			return nil // the answer to the offer, or a candidate
		}
		return []Message{m}
	})
	host.Admit(knock.Slot)
	testkit.AwaitLive(host, guest)
	host.AwaitFrames("3", 5)
	words := 0
	for testkit.Seen[peer.Words](guest, nil) {
		testkit.Await[peer.Words](guest, nil)
		words++
	}
	if words < 2 {
		t.Errorf("%d handshakes, want a second one", words)
	}
	got(t, "A05", "new handshake, call is live")
}

// A relay rewrites whatever the guest says after it was let in: session
// descriptions are among it, and none of them arrives.
func TestRewrittenDescriptions(t *testing.T) {
	t.Parallel()
	r := stage(t)
	host, guest, knock := knocked(r, "")
	r.Bend(func(m Message) []Message {
		if m.Binary && !m.FromServer && m.Line.Role == protocol.RoleGuest {
			frame := append([]byte(nil), m.Frame()...)
			for i := 100; i < 132; i++ { // where a fingerprint might be
				frame[i] ^= 0x55
			}
			return []Message{m.With(frame)}
		}
		return []Message{m}
	})
	host.Admit(knock.Slot)
	h := end(t, host)
	untouched(t, host, guest)
	got(t, "A07", string(h.Code)+", no media")
}

// A relay gives each frame back to its sender, and says that the sender's own
// connection is the other side's.
func TestReflection(t *testing.T) {
	t.Parallel()
	r := stage(t)
	r.Bend(func(m Message) []Message {
		if m.FromServer && !m.Binary {
			if s, err := protocol.DecodeServer(m.Data); err == nil {
				if h, ok := s.(protocol.Host); ok && h.Online {
					h.CID = m.Line.CID
					m.Data = protocol.EncodeServer(h)
				}
			}
			return []Message{m}
		}
		if m.Binary && !m.FromServer {
			_ = m.Line.ToClient(t.Context(), true, m.Data) // the client may be gone
			return nil
		}
		return []Message{m}
	})
	link, host := waiting(r.There, "")
	guest := r.There.Guest(link, nil)
	over := end(t, guest)
	untouched(t, guest, host)
	if testkit.Seen[peer.Words](guest, nil) {
		t.Error("a guest proved itself to itself")
	}
	got(t, "A20", string(over.Code)+", never proven")
}

// A relay hands the frames of one call to the parties of another.
func TestSplicedCalls(t *testing.T) {
	t.Parallel()
	r := stage(t)
	_, guestA, _ := knocked(r, "")
	var recorded [][]byte
	for _, m := range r.Log() {
		if m.Binary && m.FromServer && m.Line.Role == protocol.RoleGuest {
			recorded = append(recorded, m.Frame())
		}
	}
	done := false
	r.Bend(func(m Message) []Message {
		if m.Binary && m.FromServer && m.Line.Role == protocol.RoleGuest && !done {
			done = true
			return []Message{m, m.With(recorded[0]), m.With(recorded[1])}
		}
		return []Message{m}
	})
	link, hostB := waiting(r.There, "")
	guestB := r.There.Guest(link, nil)
	testkit.AdmitKnock(hostB)
	testkit.AwaitLive(hostB, guestB)
	guestA.Hangup()
	got(t, "B03", "dropped, call is live")
}
