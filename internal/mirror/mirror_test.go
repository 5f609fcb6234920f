package mirror

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// wire is a line in memory: what is written at one end arrives at the other,
// from its address, and goes nowhere else. That is what the relay gives, too.
type wire struct {
	at     *net.UDPAddr
	in     chan []byte
	other  *wire
	done   chan struct{}
	once   *sync.Once
	strays chan net.Addr // addresses that are not the other end's
}

func newWire() (near, far *wire) {
	done, once, strays := make(chan struct{}), new(sync.Once), make(chan net.Addr, 100)
	near = &wire{at: &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 50_000}, in: make(chan []byte, 1000), done: done, once: once, strays: strays}
	far = &wire{at: &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 50_001}, in: make(chan []byte, 1000), done: done, once: once, strays: strays}
	near.other, far.other = far, near
	return near, far
}

func (w *wire) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case b := <-w.in:
		return copy(p, b), w.other.at, nil
	case <-w.done:
		return 0, nil, net.ErrClosed
	}
}

func (w *wire) WriteTo(p []byte, to net.Addr) (int, error) {
	if to.String() != w.other.at.String() {
		w.strays <- to
		return len(p), nil
	}
	select {
	case w.other.in <- append([]byte(nil), p...):
	default:
	}
	return len(p), nil
}

func (w *wire) Close() error                     { w.once.Do(func() { close(w.done) }); return nil }
func (w *wire) LocalAddr() net.Addr              { return w.at }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
func (w *wire) Conn() net.PacketConn             { return w }
func (w *wire) Credentials() (username, password string, expires time.Time) {
	return "user", "password", time.Unix(1, 0)
}

type kit struct {
	*Mirror
	far chan *wire
}

func start(t *testing.T, checks, perSource int) *kit {
	t.Helper()
	k := &kit{far: make(chan *wire, 100)}
	m, err := New(Config{
		Open: func(time.Time) (Line, error) {
			near, far := newWire()
			k.far <- far
			return near, nil
		},
		Checks: checks, ChecksPerSource: perSource,
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	k.Mirror = m
	t.Cleanup(m.Close)
	return k
}

// result waits for checks that ended in this way.
func (k *kit) result(t *testing.T, result string, want float64) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		var m dto.Metric
		if err := k.ended.WithLabelValues(result).Write(&m); err != nil {
			t.Fatal(err)
		}
		if m.GetCounter().GetValue() == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v checks ended with %s, want %v", m.GetCounter().GetValue(), result, want)
		}
		time.Sleep(time.Millisecond)
	}
}

// browser is the client's end, over the far end of the wire.
type browser struct {
	pc       *webrtc.PeerConnection
	channel  *webrtc.DataChannel
	mux      *ice.UDPMuxDefault
	wire     *lateConn
	messages chan []byte
}

func (k *kit) browser(t *testing.T, label string) (b *browser, offer string) {
	t.Helper()
	b = &browser{messages: make(chan []byte, 2000)}
	// The mirror's wire is not known before the offer is: connect sets it.
	b.wire = &lateConn{ready: make(chan struct{}), at: &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 50_001}}
	b.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: b.wire, Logger: &logging.DefaultLeveledLogger{}})
	var e webrtc.SettingEngine
	e.SetICEUDPMux(b.mux)
	e.SetNet(noNet{})
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	b.pc = pc
	t.Cleanup(func() {
		b.wire.set(nil)
		_ = pc.GracefulClose()
		_ = b.mux.Close()
	})
	ordered, retransmits := false, uint16(0)
	b.channel, err = pc.CreateDataChannel(label, &webrtc.DataChannelInit{Ordered: &ordered, MaxRetransmits: &retransmits})
	if err != nil {
		t.Fatal(err)
	}
	b.channel.OnMessage(func(m webrtc.DataChannelMessage) { b.messages <- m.Data })
	d, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(d); err != nil {
		t.Fatal(err)
	}
	return b, d.SDP
}

// begin does not wait: a mirror that hangs up at once may be faster than our own end.
func (b *browser) begin(t *testing.T, k *kit, answer Answer) {
	t.Helper()
	b.wire.set(<-k.far)
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP}); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) connect(t *testing.T, k *kit, answer Answer) {
	t.Helper()
	open := make(chan struct{})
	b.channel.OnOpen(func() { close(open) })
	b.begin(t, k, answer)
	select {
	case <-open:
	case <-time.After(patience):
		t.Fatal("not connected")
	}
}

func (b *browser) next(t *testing.T) []byte {
	t.Helper()
	select {
	case m := <-b.messages:
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

func source(n byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, n}), 32)
}

func codeOf(err error) protocol.ErrorCode {
	if e, ok := errors.AsType[*protocol.WireError](err); ok {
		return e.Code
	}
	return ""
}

func TestCheck(t *testing.T) {
	k := start(t, 1, 1)
	b, offer := k.browser(t, Label)
	answer, err := k.Answer(t.Context(), source(1), offer)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Username != "user" || answer.Credential != "password" {
		t.Errorf("credentials are %q and %q, want those of the line", answer.Username, answer.Credential)
	}
	for line := range strings.Lines(answer.SDP) {
		if strings.HasPrefix(line, "a=candidate:") && !strings.Contains(line, " 198.51.100.1 50000 typ host") {
			t.Errorf("%q is not the line's address", line)
		}
	}
	b.connect(t, k, answer)
	ping := binary.BigEndian.AppendUint32([]byte{protocol.CheckPing}, 42)
	if err := b.channel.Send(ping); err != nil {
		t.Fatal(err)
	}
	if got := b.next(t); len(got) != 9 || binary.BigEndian.Uint32(got[1:]) != 42 || binary.BigEndian.Uint32(got[5:]) != 1 {
		t.Errorf("ping came back as %v", got)
	}
	down := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{protocol.CheckDown}, 2000), 100)
	if err := b.channel.Send(down); err != nil {
		t.Fatal(err)
	}
	if got := b.next(t); got[0] != protocol.CheckBurst || len(got) != protocol.CheckPacket {
		t.Errorf("burst is of tag %d, %d bytes", got[0], len(got))
	}
	if err := b.pc.Close(); err != nil {
		t.Fatal(err)
	}
	k.result(t, resultDone, 1)
	if n := len(b.wire.strays()); n != 0 {
		t.Errorf("%d packets went elsewhere", n)
	}
}

// An offer cannot make the mirror ask, send or resolve anything elsewhere: such
// offers are refused, and if they were not, it has no network.
func TestOffersThatAreRefused(t *testing.T) {
	k := start(t, 10, 10)
	_, good := k.browser(t, Label)
	media := "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"
	for name, tt := range map[string]struct {
		offer string
		want  protocol.ErrorCode
	}{
		"candidate":     {good + "a=candidate:1 1 udp 2130706431 203.0.113.9 9 typ host\r\n", protocol.ErrorCodeSDP},
		"name":          {good + "a=candidate:1 1 udp 2130706431 victim.example 9 typ host\r\n", protocol.ErrorCodeSDP},
		"lite":          {"a=ice-lite\r\n" + good, protocol.ErrorCodeSDP},
		"hidden":        {good + "\ra=candidate:1 1 udp 2130706431 203.0.113.9 9 typ host\r\n", protocol.ErrorCodeSDP},
		"hidden lite":   {strings.Replace(good, "t=0 0\r\n", "t=0 0\r\n\ra=ice-lite\r\n", 1), protocol.ErrorCodeSDP},
		"media":         {good + media, protocol.ErrorCodeSDP},
		"media alone":   {media, protocol.ErrorCodeSDP},
		"two channels":  {good + good[strings.Index(good, "m="):], protocol.ErrorCodeSDP},
		"nothing":       {"", protocol.ErrorCodeSDP},
		"junk":          {"m=application 9\r\n", protocol.ErrorCodeSDP},
		"no key":        {strings.ReplaceAll(good, "a=fingerprint", "a=nothing"), protocol.ErrorCodeSDP},
		"too long":      {good + strings.Repeat("a=x\r\n", protocol.LimitCheckOffer/5), protocol.ErrorCodeSize},
		"no user":       {strings.ReplaceAll(good, "a=ice-ufrag", "a=nothing"), protocol.ErrorCodeSDP},
		"short version": {strings.Replace(good, "v=0", "v=9", 1), protocol.ErrorCodeSDP},
	} {
		if _, err := k.Answer(t.Context(), source(1), tt.offer); codeOf(err) != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	if k.running != 0 || len(k.sources) != 0 {
		t.Errorf("%d checks are counted", k.running)
	}
}

func TestChecksAtOnce(t *testing.T) {
	k := start(t, 3, 2)
	_, offer := k.browser(t, Label)
	for i, tt := range []struct {
		from byte
		want protocol.ErrorCode
	}{{1, ""}, {1, ""}, {1, protocol.ErrorCodeBusy}, {2, ""}, {3, protocol.ErrorCodeBusy}} {
		if _, err := k.Answer(t.Context(), source(tt.from), offer); codeOf(err) != tt.want {
			t.Errorf("%d: got %v, want %q", i, err, tt.want)
		}
	}
	k.Close()
	if k.running != 0 || len(k.sources) != 0 {
		t.Errorf("%d checks are counted after the end", k.running)
	}
	if _, err := k.Answer(t.Context(), source(1), offer); codeOf(err) != protocol.ErrorCodeBusy {
		t.Errorf("after the end: %v", err)
	}
}

// A channel by another name is somebody who wants something else.
func TestForeignChannelEndsTheCheck(t *testing.T) {
	k := start(t, 1, 1)
	b, offer := k.browser(t, "ctl")
	answer, err := k.Answer(t.Context(), source(1), offer)
	if err != nil {
		t.Fatal(err)
	}
	b.begin(t, k, answer)
	k.result(t, resultDone, 1)
}

func TestCheckEndsByItself(t *testing.T) {
	for _, tt := range []struct {
		comes bool
		want  string
		after time.Duration
	}{{false, resultNobody, connectTime}, {true, resultTimeout, Lifetime}} {
		synctest.Test(t, func(t *testing.T) {
			near, _ := newWire()
			c := &check{line: near, mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: near}), opened: make(chan struct{}), over: make(chan struct{})}
			if tt.comes {
				close(c.opened)
			}
			start := time.Now()
			if got := c.run(t.Context()); got != tt.want || time.Since(start) != tt.after {
				t.Errorf("got %s after %v, want %s after %v", got, time.Since(start), tt.want, tt.after)
			}
			if _, _, err := near.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
				t.Error("the line is still open")
			}
		})
	}
}

func TestLineThatDoesNotOpen(t *testing.T) {
	k := start(t, 1, 1)
	k.cfg.Open = func(time.Time) (Line, error) { return nil, errors.New("full") }
	_, offer := k.browser(t, Label)
	if _, err := k.Answer(t.Context(), source(1), offer); err == nil || codeOf(err) != "" {
		t.Errorf("got %v, want an error of ours", err)
	}
	if k.running != 0 {
		t.Error("still counted")
	}
}

func TestAnswerIsGivenUp(t *testing.T) {
	k := start(t, 1, 1)
	_, offer := k.browser(t, Label)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = k.Answer(ctx, source(1), offer) // may have been faster
	k.Close()
	if k.running != 0 {
		t.Error("still counted")
	}
}
