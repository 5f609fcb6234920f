package testkit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/internal/mirror"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/protocol"
)

// prober is a browser's side of a network check.
type prober struct {
	pc       *webrtc.PeerConnection
	channel  *webrtc.DataChannel
	opened   chan struct{}
	messages chan []byte
}

func newProber(t *testing.T) *prober {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	ordered, retransmits := false, uint16(0)
	channel, err := pc.CreateDataChannel(mirror.Label, &webrtc.DataChannelInit{Ordered: &ordered, MaxRetransmits: &retransmits})
	if err != nil {
		t.Fatal(err)
	}
	p := &prober{pc, channel, make(chan struct{}), make(chan []byte, 1000)}
	channel.OnOpen(func() { close(p.opened) })
	channel.OnMessage(func(m webrtc.DataChannelMessage) { p.messages <- m.Data })
	return p
}

// connect asks the server, and reaches the mirror through the relay alone.
func (p *prober) connect(t *testing.T, s *testkit.Server, transport protocol.CheckTransport) {
	t.Helper()
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	reply := post(t, s, protocol.CheckRequest{Transport: transport, Offer: offer.SDP})
	err = p.pc.SetConfiguration(webrtc.Configuration{ICETransportPolicy: webrtc.ICETransportPolicyRelay, ICEServers: []webrtc.ICEServer{
		{URLs: reply.Server.URLs, Username: reply.Server.Username, Credential: reply.Server.Credential},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: reply.Answer}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.opened:
	case <-time.After(testkit.Timeout):
		t.Fatal("not connected")
	}
}

func post(t *testing.T, s *testkit.Server, r protocol.CheckRequest) (reply protocol.CheckReply) {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Origin+protocol.PathCheck, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", s.Origin)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	return reply
}

// exchange sends until something comes back: packets may be lost.
func (p *prober) exchange(t *testing.T, message []byte) []byte {
	t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(testkit.Timeout); ; {
		if err := p.channel.Send(message); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-p.messages:
			return m
		case <-again.C:
		case <-deadline:
			t.Fatal("no answer from the mirror")
		}
	}
}

// Through the real front door and the real relay, by UDP and by TCP.
func TestNetworkCheck(t *testing.T) {
	s := testkit.StartServer(t)
	for _, transport := range []protocol.CheckTransport{protocol.CheckTransportUDP, protocol.CheckTransportTCP} {
		p := newProber(t)
		p.connect(t, s, transport)
		pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		if err != nil || pair.Local.Typ != webrtc.ICECandidateTypeRelay {
			t.Errorf("%s: goes over %v (%v), want the relay", transport, pair, err)
		}
		pong := p.exchange(t, binary.BigEndian.AppendUint32([]byte{protocol.CheckPing}, 7))
		if pong[0] != protocol.CheckPing || binary.BigEndian.Uint32(pong[1:]) != 7 {
			t.Errorf("%s: ping came back as %v", transport, pong)
		}
		down := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{protocol.CheckDown}, 1000), 200)
		for got := p.exchange(t, down); got[0] != protocol.CheckBurst; got = <-p.messages {
		}
	}
}
