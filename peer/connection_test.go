package peer

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/e2ee"
)

// still is a source of one frame, sent again and again.
type still struct {
	codec Codec
	data  []byte
	every time.Duration
}

func (s still) Codec() Codec         { return s.codec }
func (s still) Next() (Frame, error) { return Frame{Data: s.data, Duration: s.every}, nil }

// vp8Key is enough of a key frame to be packed and put together again: RFC 6386 §9.1.
func vp8Key() still {
	return still{CodecVP8, append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0}, make([]byte, 3000)...), 20 * time.Millisecond}
}

func opusTone() still { return still{CodecOpus, []byte{0xf8, 0xff, 0xfe}, 20 * time.Millisecond} }

// end is one end of two connections that are wired together without signaling.
type end struct {
	t     *testing.T
	conn  *connection
	inbox chan func()
	peer  *end
	// tracks counts remote tracks by mid.
	tracks    chan string
	connected chan struct{}
	opened    chan struct{}
	pictures  chan struct{} // received
	host      bool
	count     counters
	offers    atomic.Int32
}

func newEnd(t *testing.T, host bool) *end {
	e := &end{
		t: t, host: host, inbox: make(chan func(), 256),
		tracks: make(chan string, 16), connected: make(chan struct{}, 16), opened: make(chan struct{}, 1), pictures: make(chan struct{}, 16),
	}
	frames := newFrameCipher(e2ee.RoleHost)
	frames.mode.Store(framesOff) // nobody has shaken hands here
	conn, err := newConnection(t.Context(), connectionConfig{
		frames: frames,
		host:   host, reach: reach{loopback: true}, video: vp8Key(), audio: opusTone(),
		post: func(_ <-chan struct{}, f func()) { e.inbox <- f },
		events: connectionEvents{
			candidate: func(_ *connection, c *webrtc.ICECandidate) {
				if c != nil {
					init := c.ToJSON()
					e.peer.inbox <- func() { e.peer.conn.addRemoteCandidate(init) }
				}
			},
			state: func(_ *connection, s webrtc.PeerConnectionState) {
				if s == webrtc.PeerConnectionStateConnected {
					e.conn.startMedia()
					e.connected <- struct{}{}
				}
			},
			track: func(c *connection, track *webrtc.TrackRemote, rx *webrtc.RTPReceiver) {
				info := Track{MID: midOf(c.pc, rx), Kind: KindVideo, Codec: codecOf(track.Codec().MimeType)}
				if track.Kind() == webrtc.RTPCodecTypeAudio {
					info.Kind = KindAudio
				}
				r := &receiver{frames: &frameReader{cipher: frames}, info: info, track: track, pc: c.pc, bound: c.gate, count: &e.count, sink: e}
				c.pumps.Go(func() { r.run(c.ctx) })
				e.tracks <- info.MID
			},
			opened:  func(*connection) { e.opened <- struct{}{} },
			message: func(*connection, []byte) {},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.conn = conn
	return e
}

// WriteFrame implements Sink.
func (e *end) WriteFrame(track Track, _ Frame) error {
	if track.Kind == KindVideo {
		select {
		case e.pictures <- struct{}{}:
		default: // nobody counts
		}
	}
	return nil
}

func (e *end) run(ctx context.Context) {
	for {
		select {
		case f := <-e.inbox:
			f()
		case <-ctx.Done():
			return
		}
	}
}

func (e *end) offer() {
	offer, err := e.conn.negotiation.offer()
	if err != nil {
		e.t.Error(err)
		return
	}
	if offer != nil {
		e.offers.Add(1)
		e.peer.inbox <- func() { e.peer.receiveOffer(offer.SDP) }
	}
}

func (e *end) receiveOffer(sdp string) {
	answer, err := e.conn.negotiation.receiveOffer(sdp)
	if err != nil {
		e.t.Error(err)
		return
	}
	if answer != nil {
		e.peer.inbox <- func() { e.peer.receiveAnswer(answer.SDP) }
	}
	e.again()
}

func (e *end) receiveAnswer(sdp string) {
	want := map[bool]string{true: setupActive, false: setupPassive}[e.host]
	if got := setupOf(sdp); got != want {
		e.t.Errorf("the answer changes the DTLS role to %s, want %s: browsers refuse that", got, want)
	}
	if err := e.conn.negotiation.receiveAnswer(sdp); err != nil {
		e.t.Error(err)
		return
	}
	e.conn.startShared()
	e.again()
}

func (e *end) again() {
	if e.conn.negotiation.wanted {
		e.offer()
	}
}

// do runs f in the end's goroutine and waits.
func (e *end) do(f func()) {
	done := make(chan struct{})
	e.inbox <- func() { defer close(done); f() }
	<-done
}

func connectEnds(t *testing.T) (host, guest *end) {
	host, guest = newEnd(t, true), newEnd(t, false)
	host.peer, guest.peer = guest, host
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{}, 2)
	for _, e := range []*end{host, guest} {
		go func() { e.run(ctx); stopped <- struct{}{} }()
	}
	t.Cleanup(func() {
		for _, e := range []*end{host, guest} {
			e.conn.close()
		}
		cancel()
		<-stopped
		<-stopped
	})
	host.do(host.offer)
	for _, e := range []*end{host, guest} {
		wait(t, e.connected, "connected")
		wait(t, e.opened, "control channel")
		close(e.conn.gate)
	}
	return host, guest
}

func wait[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("timed out waiting for: %s", what)
	}
	return v
}

func waitTracks(t *testing.T, e *end, n int) map[string]bool {
	t.Helper()
	mids := map[string]bool{}
	for len(mids) < n {
		mids[wait(t, e.tracks, "track")] = true
	}
	return mids
}

func TestMediaPlan(t *testing.T) {
	host, guest := connectEnds(t)
	var offer, answer string
	host.do(func() {
		offer = host.conn.pc.LocalDescription().SDP
		answer = host.conn.pc.RemoteDescription().SDP
	})
	wantLines := []string{"audio sendonly", "video sendonly", "audio recvonly", "video recvonly", "application"}
	if got := mLines(offer); strings.Join(got, ", ") != strings.Join(wantLines, ", ") {
		t.Errorf("offer has m-lines %v, want %v", got, wantLines)
	}
	wantLines = []string{"audio recvonly", "video recvonly", "audio sendonly", "video sendonly", "application"}
	if got := mLines(answer); strings.Join(got, ", ") != strings.Join(wantLines, ", ") {
		t.Errorf("answer has m-lines %v, want %v", got, wantLines)
	}
	if got := waitTracks(t, host, 2); !got["2"] || !got["3"] {
		t.Errorf("host receives m-lines %v, want 2 and 3", got)
	}
	if got := waitTracks(t, guest, 2); !got["0"] || !got["1"] {
		t.Errorf("guest receives m-lines %v, want 0 and 1", got)
	}
}

// mLines lists the m-lines of an SDP with their directions.
func mLines(sdp string) (out []string) {
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		if m, ok := strings.CutPrefix(line, "m="); ok {
			out = append(out, strings.Fields(m)[0])
		}
		if direction, ok := strings.CutPrefix(line, "a="); ok && strings.HasSuffix(direction, "only") {
			out[len(out)-1] += " " + direction
		}
	}
	return out
}

// Both sides add a track at the same moment: their offers cross. Exactly one
// connection must come out of it, with both tracks.
func TestGlare(t *testing.T) {
	host, guest := connectEnds(t)
	waitTracks(t, host, 2)
	waitTracks(t, guest, 2)
	// Each side offers before it can have seen the other's offer.
	hostOffered, guestOffered := make(chan struct{}), make(chan struct{})
	both := func(e *end, mine, theirs chan struct{}) {
		if err := e.conn.share(vp8Key()); err != nil {
			t.Error(err)
		}
		e.offer()
		close(mine)
		<-theirs
	}
	host.inbox <- func() { both(host, hostOffered, guestOffered) }
	guest.inbox <- func() { both(guest, guestOffered, hostOffered) }
	wait(t, host.tracks, "guest's new track")
	wait(t, guest.tracks, "host's new track")
	if n := guest.offers.Load(); n != 2 {
		t.Errorf("the polite party offered %d times, want 2: once in vain, once again", n)
	}
	if n := host.offers.Load(); n != 2 {
		t.Errorf("the impolite party offered %d times, want 2: at the start and in the glare", n)
	}
}
