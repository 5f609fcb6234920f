package peer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	controlLabel = "ctl"
	// iceDisconnected and iceFailed bound how long a dead path goes unnoticed;
	// keep-alive checks run each second.
	iceDisconnected = 4 * time.Second
	iceFailed       = 12 * time.Second
	iceKeepAlive    = time.Second
	// dtlsAgain is when a lost flight of the DTLS handshake is sent again, at first; sctpAgain is the longest time
	// after which the data channel does so. With pion's own, 1 s at first and 60 s at most, a line that loses every
	// fifth packet keeps two people waiting for half a minute.
	dtlsAgain = 250 * time.Millisecond
	sctpAgain = 2 * time.Second
)

// connection is one PeerConnection with its certificate, its tracks and the
// ctl data channel. Its methods are called by the call's goroutine; what pion
// reports comes back through post.
type connection struct {
	pc      *webrtc.PeerConnection
	control *webrtc.DataChannel
	files   *fileChannel
	gen     uint32
	fp      string // of our certificate
	post    func(func())
	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	pumps   sync.WaitGroup
	reach   reach

	// owned by the call's goroutine
	negotiation negotiation
	numbering   numbering
	remote      remoteSide
	servers     []webrtc.ICEServer        // to be used once gathering is over; nil: none
	local       []webrtc.ICECandidateInit // found before anything may be sent
	gathered    bool
	open        bool          // offers and candidates may leave this party
	gate        chan struct{} // closed when bound: received media may be taken
	senders     map[Kind]*pump
	started     bool
	relayOnly   bool
	relays      *relayNet
	shared      []*pump                    // added by share, not sending yet
	screens     map[*webrtc.RTPSender]bool // senders added by share
	tracks      int                        // remote ones
	frames      *frameCipher
	verified    sealed.SFrameState // what was found in received frames, "" before
	theirs      sealed.SFrameState // what the other party says of ours
	told        sealed.SFrameState // the last FramesChanged
	said        Way                // by the last Connected
}

// remoteSide is what the other party has told about its PeerConnection.
type remoteSide struct {
	known bool
	gen   uint32
	fp    string
	lines []sealed.Line // what it sends outside the media plan
	later *sealed.SDP   // an offer to be taken once the answer can leave
}

// connectionConfig is what a new connection needs to know.
type connectionConfig struct {
	gen       uint32
	host      bool // which of the two seats of the media plan is ours
	servers   []webrtc.ICEServer
	relayOnly bool
	reach     reach
	video     Source
	audio     Source
	post      func(gone <-chan struct{}, f func())
	frames    *frameCipher
	events    connectionEvents
}

// connectionEvents run in the call's goroutine.
type connectionEvents struct {
	candidate func(*connection, *webrtc.ICECandidate)
	state     func(*connection, webrtc.PeerConnectionState)
	track     func(*connection, *webrtc.TrackRemote, *webrtc.RTPReceiver)
	opened    func(*connection)
	message   func(*connection, []byte)
	chunk     func(*connection, []byte)
}

// newConnection makes a PeerConnection with all transceivers of the media plan:
// 0 host's audio, 1 host's video, 2 guest's audio, 3 guest's video, 4 data, all
// unidirectional. Nothing leaves this machine yet, apart from STUN and TURN
// requests of a host that gathers early.
func newConnection(ctx context.Context, cfg connectionConfig) (*connection, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	fp, err := ownFP(certificate)
	if err != nil {
		return nil, err
	}
	relays, err := newRelayNet(cfg.reach.family)
	if err != nil {
		return nil, err
	}
	api, err := newAPI(relays, cfg.reach, cfg.relayOnly)
	if err != nil {
		return nil, err
	}
	policy := webrtc.ICETransportPolicyAll
	if cfg.relayOnly {
		policy = webrtc.ICETransportPolicyRelay
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		ICEServers:         cfg.servers,
		ICETransportPolicy: policy,
		BundlePolicy:       webrtc.BundlePolicyMaxBundle,
		Certificates:       []webrtc.Certificate{*certificate},
	})
	if err != nil {
		return nil, fmt.Errorf("peer connection: %w", err)
	}
	c := &connection{pc: pc, gen: cfg.gen, numbering: newNumbering(cfg.gen), fp: fp, reach: cfg.reach, relays: relays, senders: map[Kind]*pump{}, screens: map[*webrtc.RTPSender]bool{}, gate: make(chan struct{}), frames: cfg.frames}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.post = func(f func()) {
		if c.ctx.Err() == nil {
			cfg.post(c.ctx.Done(), func() { // close waits for pion's handlers, which wait here
				if c.ctx.Err() == nil { // closed while f waited in the inbox
					f()
				}
			})
		}
	}
	c.negotiation = negotiation{pc: pc, polite: !cfg.host}
	if err := c.plan(cfg); err != nil {
		c.close()
		return nil, err
	}
	c.listen(cfg.events)
	return c, nil
}

// plan adds transceivers and the data channel in the order of the media plan.
func (c *connection) plan(cfg connectionConfig) error {
	if err := c.addSender(KindAudio, cfg.audio); err != nil {
		return err
	}
	if err := c.addSender(KindVideo, cfg.video); err != nil {
		return err
	}
	if cfg.host { // a guest's receivers come with the offer
		receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := c.pc.AddTransceiverFromKind(kind, receive); err != nil {
				return fmt.Errorf("add receiver: %w", err)
			}
		}
	}
	negotiated, id := true, uint16(0)
	control, err := c.pc.CreateDataChannel(controlLabel, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return fmt.Errorf("control channel: %w", err)
	}
	c.control = control
	c.files, err = newFileChannel(c.pc)
	return err
}

func (c *connection) listen(on connectionEvents) {
	c.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		c.post(func() { on.candidate(c, candidate) })
	})
	c.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		c.post(func() { on.state(c, state) })
	})
	c.pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		c.post(func() { on.track(c, track, receiver) })
	})
	c.control.OnOpen(func() { c.post(func() { on.opened(c) }) })
	c.control.OnMessage(func(m webrtc.DataChannelMessage) {
		c.post(func() { on.message(c, m.Data) })
	})
	c.files.listen(func(frame []byte) { c.post(func() { on.chunk(c, frame) }) })
}

// setServers replaces STUN and TURN servers for what is gathered from now on.
func (c *connection) setServers(servers []webrtc.ICEServer) {
	c.servers = servers
	c.applyServers()
}

// applyServers waits while pion gathers: it reads its servers unlocked (ice v4.4.2 to v4.4.9,
// gatherCandidatesInternal).
func (c *connection) applyServers() {
	if c.servers == nil || c.pc.ICEGatheringState() == webrtc.ICEGatheringStateGathering {
		return
	}
	configuration := c.pc.GetConfiguration()
	configuration.ICEServers, c.servers = c.servers, nil
	// What pion refuses here it refuses because the connection is closed.
	_ = c.pc.SetConfiguration(configuration)
}

// close ends the connection and everything it started, and waits for it.
func (c *connection) close() {
	c.cancel()
	// A relay that does not answer any more would be waited for, half a minute.
	giveUp := time.AfterFunc(relayFarewell, c.relays.close)
	defer giveUp.Stop()
	_ = c.pc.GracefulClose() // what can fail here is already gone
	c.pumps.Wait()
}

// addRemoteCandidate filters and adds one candidate of the other party.
func (c *connection) addRemoteCandidate(candidate webrtc.ICECandidateInit) {
	if !c.reach.allowsCandidate(candidate.Candidate) {
		return
	}
	// What pion refuses is of kinds it does not know.
	_ = c.pc.AddICECandidate(candidate)
}

// flow is what has gone over the transport so far.
func (c *connection) flow() *flow {
	ice := c.pc.SCTP().Transport().ICETransport()
	stats := ice.Stats()
	f := &flow{received: stats.BytesReceived, sent: stats.BytesSent}
	if pair, err := ice.GetSelectedCandidatePair(); err == nil && pair != nil {
		f.pair = pair.Local.Address + " " + pair.Remote.Address
	}
	return f
}

// usable reports whether a restart may bring the connection back.
func (c *connection) usable() bool {
	channel := c.control.ReadyState()
	return c.negotiation.complete() && c.pc.ConnectionState() != webrtc.PeerConnectionStateClosed &&
		channel != webrtc.DataChannelStateClosing && channel != webrtc.DataChannelStateClosed
}

// certificateMatches compares the certificate DTLS used with the fingerprint
// that came sealed.
func (c *connection) certificateMatches() bool {
	der := c.pc.SCTP().Transport().GetRemoteCertificate()
	return len(der) > 0 && sameText(certificateFP(der), c.remote.fp)
}

// way tells how media travels; its Path is "" before a pair is selected.
func (c *connection) way() Way {
	pair, err := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return Way{}
	}
	w := Way{Path: PathDirect, Over: RelayTransport(pair.Local.Protocol.String())}
	switch {
	case pair.Local.Typ == webrtc.ICECandidateTypeRelay:
		w.Path, w.Over = PathRelayed, ""
		if r := c.route(); r != nil {
			w.Over = r.Relay
		}
	case pair.Remote.Typ == webrtc.ICECandidateTypeRelay:
		w.Path = PathRelayed
	default:
		w.Family = familyOf(pair.Remote.Address)
	}
	return w
}

// familyOf an address is 4 or 6, or 0 of what is none.
func familyOf(address string) int {
	switch a, err := netip.ParseAddr(address); {
	case err != nil:
		return 0
	case a.Unmap().Is4():
		return 4
	}
	return 6
}

func ownFP(certificate *webrtc.Certificate) (string, error) {
	fingerprints, err := certificate.GetFingerprints()
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	for _, f := range fingerprints {
		if f.Algorithm == "sha-256" {
			return plainFP(f.Value), nil
		}
	}
	return "", fmt.Errorf("no sha-256 fingerprint among %d", len(fingerprints))
}

// newAPI is pion with the codecs and limits of this package. Its own logger is
// silent: it would print addresses.
func newAPI(relays *relayNet, r reach, relayOnly bool) (*webrtc.API, error) {
	var engine webrtc.SettingEngine
	engine.SetNet(relays)
	engine.LoggerFactory = silent{}
	engine.SetICETimeouts(iceDisconnected, iceFailed, iceKeepAlive)
	engine.SetDTLSRetransmissionInterval(dtlsAgain)
	engine.SetSCTPRTOMax(sctpAgain)
	if relayOnly {
		engine.SetRelayAcceptanceMinWait(0) // pion waits 2 s for a better path: there will be none
	}
	if t := r.networkTypes(); t != nil && !relayOnly { // a relayed address may be of the other family
		engine.SetNetworkTypes(t)
	}
	engine.SetRemoteIPFilter(r.allowsIP)
	engine.SetIncludeLoopbackCandidate(r.loopback)
	media := &webrtc.MediaEngine{}
	if err := registerCodecs(media); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, fmt.Errorf("interceptors: %w", err)
	}
	return webrtc.NewAPI(
		webrtc.WithSettingEngine(engine),
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(registry),
	), nil
}

type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger {
	return &logging.DefaultLeveledLogger{} // level 0 is disabled
}

// candidateInit is the other direction of sealed.Candidate.
func candidateInit(c theirCandidate) webrtc.ICECandidateInit {
	init := webrtc.ICECandidateInit{Candidate: c.candidate}
	if c.mid != "" {
		init.SDPMid = &c.mid
	}
	return init
}
