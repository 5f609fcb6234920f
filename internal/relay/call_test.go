package relay

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"github.com/visavis-call/visavis/protocol"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if v, _ := wire77(); v.server != "" { // made by a test, or just now
			v.remove()
		}
		os.Exit(code)
	}))
}

// relayed is a server on loopback, over UDP and TCP.
type relayed struct {
	*Server
	udp, tcp string // host:port
	wire     veth   // what clients are at the other end of; empty: loopback
	gathered bool   // what clients send comes in messages of several datagrams
}

// dial makes a client's socket.
func (r *relayed) dial(network, addr string) (conn net.Conn, err error) {
	dial := func() error {
		conn, err = net.Dial(network, addr)
		return err
	}
	switch {
	case r.wire.clients != "":
		err = inside(r.wire.clients, dial)
	case dial() == nil && r.gathered:
		conn = gathering(conn)
	}
	return conn, err
}

// host is what stands for one of loopback's addresses where the server is.
func (w veth) host(loopback string) string {
	if at, ok := map[string]string{"127.0.0.1": "10.77.0.1", "127.0.0.2": "10.77.0.2", "::1": "fd77::1"}[loopback]; ok && w.server != "" {
		return at
	}
	return loopback
}

// server starts one.
type server func(*testing.T, Limits) *relayed

func serve(t *testing.T, limits Limits) *relayed {
	t.Helper()
	return serveAs(t, Config{Limits: limits}, "udp4", "127.0.0.1:0", nil)
}

// serveAs serves at a UDP address; change is made to the server before, if there is one.
func serveAs(t testing.TB, cfg Config, network, addr string, change func(*Server)) *relayed {
	t.Helper()
	var wire veth
	if cfg.Path == PathOffload {
		wire = needsVeth(t)
	}
	return serveOn(t, wire, cfg, network, addr, change)
}

// serveOn is serveAs at one end of a wire, if there is one.
func serveOn(t testing.TB, wire veth, cfg Config, network, addr string, change func(*Server)) *relayed {
	t.Helper()
	together := cfg.Path == pathGathered
	if together {
		cfg.Path = PathFast
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	r := &relayed{Server: s, wire: wire, gathered: together}
	here := func(f func() error) error { return f() }
	if wire.server != "" {
		here = func(f func() error) error { return inside(wire.server, f) }
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var pc net.PacketConn
	var l net.Listener
	err = here(func() (err error) {
		if pc, err = net.ListenPacket(network, net.JoinHostPort(r.wire.host(host), port)); err != nil {
			return err
		}
		l, err = net.Listen("tcp4", r.wire.host("127.0.0.1")+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.udp, r.tcp = pc.LocalAddr().String(), l.Addr().String()
	done := make(chan error, 2)
	go func() { done <- here(func() error { return s.ServePacket(pc) }) }()
	go func() { done <- s.ServeListener(l) }()
	until(t, "the kernel's part does not begin", func() bool {
		s.offload.mu.Lock() // held meanwhile, which may take longer than a client waits
		defer s.offload.mu.Unlock()
		return s.offload.port != 0
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
	return r
}

func (r *relayed) url(transport string) string {
	if transport == "tcp" {
		return "turn:" + r.tcp + "?transport=tcp"
	}
	return "turn:" + r.udp + "?transport=udp"
}

// party is one side of a call that may only use the relay.
type party struct {
	*webrtc.PeerConnection
	states chan webrtc.PeerConnectionState
}

func (r *relayed) party(t *testing.T, call [16]byte, role protocol.Role, transport string) party {
	t.Helper()
	user, password, _ := r.Credentials(call, role, time.Now())
	var settings webrtc.SettingEngine
	settings.SetRelayAcceptanceMinWait(0) // there is nothing better to wait for
	settings.SetICETimeouts(time.Second, 5*time.Second, 200*time.Millisecond)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: []string{r.url(transport)}, Username: user, Credential: password}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Errorf("close peer: %v", err)
		}
	})
	p := party{pc, make(chan webrtc.PeerConnectionState, 16)}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.states <- s })
	return p
}

func (p party) reaches(ctx context.Context, want webrtc.PeerConnectionState) bool {
	for {
		select {
		case s := <-p.states:
			if s == want {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// negotiate exchanges complete descriptions, and returns a data channel of a
// whose messages b answers with the same.
func negotiate(t *testing.T, a, b party) *webrtc.DataChannel {
	t.Helper()
	dc, err := a.CreateDataChannel("echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { _ = dc.Send(m.Data) })
	})
	describe := func(p party, make func() (webrtc.SessionDescription, error)) webrtc.SessionDescription {
		d, err := make()
		if err != nil {
			t.Fatal(err)
		}
		gathered := webrtc.GatheringCompletePromise(p.PeerConnection)
		if err := p.SetLocalDescription(d); err != nil {
			t.Fatal(err)
		}
		<-gathered
		return *p.LocalDescription()
	}
	offer := describe(a, func() (webrtc.SessionDescription, error) { return a.CreateOffer(nil) })
	if err := b.SetRemoteDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer := describe(b, func() (webrtc.SessionDescription, error) { return b.CreateAnswer(nil) })
	if err := a.SetRemoteDescription(answer); err != nil {
		t.Fatal(err)
	}
	return dc
}

func TestRelayedCall(t *testing.T) {
	onPathsHere(t, func(t *testing.T, serve server) {
		for _, tt := range []struct{ host, guest string }{
			{"udp", "udp"}, {"tcp", "tcp"}, {"udp", "tcp"},
		} {
			t.Run(tt.host+"-"+tt.guest, func(t *testing.T) {
				r := serve(t, Limits{})
				call := [16]byte{1}
				host := r.party(t, call, protocol.RoleHost, tt.host)
				guest := r.party(t, call, protocol.RoleGuest, tt.guest)
				dc := negotiate(t, host, guest)
				echo := make(chan string, 1)
				dc.OnMessage(func(m webrtc.DataChannelMessage) { echo <- string(m.Data) })
				dc.OnOpen(func() { _ = dc.SendText("through the relay") })

				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if !host.reaches(ctx, webrtc.PeerConnectionStateConnected) {
					t.Fatal("not connected")
				}
				select {
				case got := <-echo:
					if got != "through the relay" {
						t.Errorf("echo %q", got)
					}
				case <-ctx.Done():
					t.Fatal("no echo")
				}
				pair, err := host.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
				if err != nil {
					t.Fatal(err)
				}
				if pair.Local.Typ != webrtc.ICECandidateTypeRelay || pair.Remote.Typ != webrtc.ICECandidateTypeRelay {
					t.Errorf("selected %s/%s, want relay/relay", pair.Local.Typ, pair.Remote.Typ)
				}
			})
		}
	})
}

func TestOtherCallUnreachable(t *testing.T) {
	t.Parallel()
	onPathsHere(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		host := r.party(t, [16]byte{1}, protocol.RoleHost, "udp")
		guest := r.party(t, [16]byte{2}, protocol.RoleGuest, "udp")
		negotiate(t, host, guest)
		// Checks are sent from the moment both descriptions are set, and a pair in
		// the same call connects within 100 ms.
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if host.reaches(ctx, webrtc.PeerConnectionStateConnected) {
			t.Fatal("two calls reached each other")
		}
		if n := counter(t, r.metrics.packets); n != 0 {
			t.Errorf("%v packets relayed", n)
		}
		if n := counter(t, r.metrics.drops.WithLabelValues(dropNoPeer)); n == 0 {
			t.Error("no attempt was counted: this test shows nothing")
		}
	})
}

func TestEndCallCutsConnection(t *testing.T) {
	t.Parallel()
	onPathsHere(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		call := [16]byte{1}
		host := r.party(t, call, protocol.RoleHost, "udp")
		guest := r.party(t, call, protocol.RoleGuest, "tcp")
		negotiate(t, host, guest)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if !host.reaches(ctx, webrtc.PeerConnectionStateConnected) {
			t.Fatal("not connected")
		}
		r.EndCall(call)
		if n := counter(t, r.metrics.allocations); n != 0 {
			t.Errorf("%v allocations after the end", n)
		}
		if !host.reaches(ctx, webrtc.PeerConnectionStateDisconnected) {
			t.Error("still connected after the end")
		}
	})
}
