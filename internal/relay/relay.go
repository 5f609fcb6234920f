// Package relay is the embedded STUN and TURN server: it tells a client its
// public address, and carries media for two parties that cannot reach each
// other directly.
//
// A relay forwards packets; it never holds keys and cannot read media
// (DTLS-SRTP, RFC 5764, runs end to end through it).
//
// # Closed loop
//
// A relayed transport address here is not a socket but a place in memory.
// What a client sends to a peer can only arrive at another live allocation of
// the same call: every other peer address is refused, and nothing is ever sent
// to a third machine. So there is no relay port range to open, no way into the
// operator's network, no open proxy and no amplifier. Allocations of one call
// do not even have a name for those of another. Relaying over TCP (RFC 6062)
// is refused; clients may reach the server itself over UDP or TCP.
//
// # Layers
//
//	client ──▶ packetGuard / streamConn ──▶ pion/turn ──▶ allocation ──▶ allocation ──▶ client
//	           size, framing, rates,        RFC 8656      in memory,                    (mail)
//	           credentials (gate)                         same call only (loop)
//
//	client ──▶ fastConn ──▶ client        a channel at both ends, both over UDP
//
// pion/turn implements the protocol. The gate in front of it exists because
// pion answers everything: it limits requests without credentials, and turns
// wrong or expired ones into the 401 that RFC 8489 asks for.
//
// What pion has set up between two clients need not pass through it: the fast path
// takes ChannelData from the socket, and what it may send on is for the same
// allocations, buckets and counters to say.
//
// # Ownership
//
// A [Server] owns what is given to [Server.ServePacket] and
// [Server.ServeListener], and all goroutines, until [Server.Close] returns.
// All methods are safe for concurrent use.
package relay

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/visavis-call/visavis/internal/relay/offload"
	"github.com/visavis-call/visavis/protocol"
)

// DefaultRealm is the STUN realm when [Config] names none.
const DefaultRealm = "visavis"

// maxSockets is how many sockets of one port there are by default, at most.
const maxSockets = 16

// Config configures a [Server]. The zero value works.
type Config struct {
	// RelayIP is the address that all relayed transport addresses have. No
	// packet is ever sent to it. It must be IPv4, and should not be an address
	// of any real host, because a peer that is not relayed may try it. The
	// default is 198.51.100.1, of a network that RFC 5737 keeps for
	// documentation: never routed, and not of the private ranges that browsers
	// may ask about before they contact them.
	RelayIP netip.Addr
	// Realm is shown to clients; default [DefaultRealm].
	Realm string
	// Log gets life-cycle events; never an address or a name. Default: none.
	Log *slog.Logger
	// Registerer gets the metrics; default: none.
	Registerer prometheus.Registerer
	// Limits that are zero have the default of [DefaultLimits].
	Limits Limits
	// Path is how ChannelData goes; default [PathFast].
	Path Path
	// Sockets is on how many sockets a UDP port is served that may be shared
	// (SO_REUSEPORT), where there is a fast path; default: one for two CPUs, because more
	// of them find fewer datagrams each time they look; 16 at most.
	Sockets int
}

// Server is the relay. Create it with [New].
type Server struct {
	realm   string
	log     *slog.Logger
	limits  Limits
	keys    keys
	own     [stun.TransactionIDSize]byte // of requests that are not the client's, see giveUp
	loop    *loop
	metrics *metrics
	path    Path
	sockets int
	// How long a channel lives that nobody refreshes; 0: as RFC 8656 §12 has it.
	// Only tests change it.
	channelLifetime time.Duration
	loadOffload     func(offload.Options) (*offload.Program, error)
	// Requests without credentials, by where they come from.
	requests *sources
	bindings *sources

	offload offloading

	mu       sync.Mutex
	closed   bool
	serving  map[*listener]struct{}
	serial   uint32 // of listeners, tells clients with equal addresses apart
	sessions sync.WaitGroup
}

// listener is one socket being served. done gets the reason why its read or
// accept loop ended.
type listener struct {
	id   uint32
	done chan error // buffered
	stop func() error
}

// New returns a server that serves nothing yet. Its keys are fresh:
// credentials of another process are not valid here.
func New(cfg Config) (*Server, error) {
	if !cfg.RelayIP.IsValid() {
		cfg.RelayIP = netip.AddrFrom4([4]byte{198, 51, 100, 1})
	}
	if cfg.RelayIP = cfg.RelayIP.Unmap(); !cfg.RelayIP.Is4() {
		return nil, fmt.Errorf("relay address %s: must be IPv4", cfg.RelayIP)
	}
	if cfg.Realm == "" {
		cfg.Realm = DefaultRealm
	}
	if cfg.Sockets == 0 {
		cfg.Sockets = min(max(1, runtime.GOMAXPROCS(0)/2), maxSockets)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	var k keys
	if _, err := rand.Read(k.secret[:]); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	var own [stun.TransactionIDSize]byte
	if _, err := rand.Read(own[:]); err != nil {
		return nil, fmt.Errorf("make a transaction id: %w", err)
	}
	limits := cfg.Limits.withDefaults()
	m := newMetrics()
	if err := m.register(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Server{
		realm:   cfg.Realm,
		log:     cfg.Log,
		limits:  limits,
		keys:    k,
		own:     own,
		loop:    newLoop(cfg.RelayIP, limits, m),
		metrics: m,
		path:    cfg.Path,
		sockets: cfg.Sockets,

		loadOffload: offload.Load,
		offload:     offloading{wanted: cfg.Path == PathOffload},
		requests:    newSources(),
		bindings:    newSources(),
		serving:     make(map[*listener]struct{}),
	}, nil
}

// Credentials returns what role needs to use the relay in this call, valid for
// [protocol.CredentialTTLMS]. Expiry stops new allocations only: one that
// already runs goes on being refreshed, so the life of a credential need not
// cover that of the call.
func (s *Server) Credentials(call [16]byte, role protocol.Role, now time.Time) (username, password string, expires time.Time) {
	acc := account{s.keys.handle(call), role}
	expires = s.loop.expiry(acc, now)
	username = formatUsername(expires, acc)
	return username, s.keys.password(username), expires
}

// Revoke takes the relay away from whoever had this role of the call until now:
// it deletes the role's allocations and refuses the credentials given out so far.
// Those given out later are good.
func (s *Server) Revoke(call [16]byte, role protocol.Role) {
	n := s.loop.revoke(account{s.keys.handle(call), role}, time.Now())
	s.log.Debug("relay: role revoked", "role", string(role), "allocations", n)
}

// EndCall deletes all allocations of a call and refuses its credentials from now on.
func (s *Server) EndCall(call [16]byte) {
	n := s.loop.end(s.keys.handle(call), time.Now())
	s.log.Debug("relay: call ended", "allocations", n)
}

// ServeListener serves TURN on each connection that l accepts (RFC 8656 §3.1:
// over TCP, or over TLS if l decrypts). It blocks until Close (also one that
// came before), then returns nil, or until l fails. It closes l.
func (s *Server) ServeListener(l net.Listener) error {
	var sl *streamListener
	stop := func() error { return sl.Close() }
	return s.serve(stop, func(own *listener, cfg *turn.ServerConfig) {
		sl = newStreamListener(l, s.gate(own), own, s.limits)
		s.loop.open(own.id, front{outlet: sl.outlet})
		cfg.ListenerConfigs = []turn.ListenerConfig{{
			Listener:              sl,
			RelayAddressGenerator: s.loop,
			PermissionHandler:     s.loop.permit(own.id),
		}}
	})
}

// serve runs one pion server. add puts the socket into its configuration.
func (s *Server) serve(stop func() error, add func(*listener, *turn.ServerConfig)) error {
	s.mu.Lock()
	s.serial++
	l := &listener{id: s.serial, done: make(chan error, 1), stop: stop}
	cfg := turn.ServerConfig{
		LoggerFactory:      silent{},
		Realm:              s.realm,
		AuthHandler:        func(ra *turn.RequestAttributes) (string, []byte, bool) { return s.authenticate(l, ra) },
		QuotaHandler:       s.loop.quota,
		EventHandler:       s.loop.events(),
		AllocationLifetime: lifetime,
		ChannelBindTimeout: s.channelLifetime,
		// One address family inside, whatever family a client comes from.
		StrictAddressFamily: true,
		InboundMTU:          mtu,
	}
	add(l, &cfg)
	defer s.loop.shut(l.id)
	if s.closed {
		s.mu.Unlock()
		return stop()
	}
	if _, err := turn.NewServer(cfg); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("start TURN: %w", err)
	}
	s.serving[l] = struct{}{}
	s.sessions.Add(1)
	s.mu.Unlock()

	defer s.sessions.Done()
	err := <-l.done
	s.mu.Lock()
	closed := s.closed
	delete(s.serving, l)
	s.mu.Unlock()
	if closed || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return errors.Join(err, stop())
}

func (s *Server) gate(l *listener) *gate {
	return &gate{server: s, listener: l.id}
}

// authenticate is pion's question who a request is from. The gate has checked
// the same request already; this repeats it so that pion never depends on that.
func (s *Server) authenticate(l *listener, ra *turn.RequestAttributes) (string, []byte, bool) {
	acc, key, ok := s.verify(ra.Username, ra.Realm, ra.Method, time.Now())
	c, known := clientOf(l.id, ra.SrcAddr)
	if !ok || !known {
		return "", nil, false
	}
	return userID(acc, c), key, true
}

// Close stops serving and deletes every allocation. It returns when all Serve
// calls have.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for l := range s.serving {
		if err := l.stop(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.mu.Unlock()
	s.sessions.Wait()
	s.loop.close()
	s.offload.mu.Lock()
	defer s.offload.mu.Unlock()
	return errors.Join(append(errs, s.stopOffload())...)
}

// userID names an allocation for pion: the account, and the client's address,
// because pion tells the address to nobody who decides about allocations.
func userID(a account, c client) string { return a.String() + "|" + c.String() }

func parseUserID(s string) (account, client, bool) {
	left, right, ok := strings.Cut(s, "|")
	if !ok {
		return account{}, client{}, false
	}
	a, ok := parseAccount(left)
	if !ok {
		return account{}, client{}, false
	}
	c, ok := parseClient(right)
	return a, c, ok
}
