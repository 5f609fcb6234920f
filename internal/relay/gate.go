package relay

import (
	"encoding/binary"
	"net"
	"slices"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	stunHeader    = 20 // bytes, RFC 8489 §5
	channelHeader = 4  // bytes, RFC 8656 §12.4
)

// transportUDP is the protocol number in REQUESTED-TRANSPORT.
const transportUDP = 17

// maxPeers is how many addresses one request may ask permissions for. Permissions are for
// IP addresses, and here there is one; each that is named costs the listener time.
const maxPeers = 16

// gate decides what pion gets to see. One gate belongs to one listener.
type gate struct {
	server   *Server
	listener uint32
}

// verdict is what becomes of a frame; of the zero verdict, nothing.
type verdict struct {
	first, pass []byte // for pion, one after the other; may be the frame itself, or a rewritten copy
	reply       []byte // for the client
}

// admit decides about a frame.
func (g *gate) admit(frame []byte, from net.Addr) verdict {
	c, ok := clientOf(g.listener, from)
	if !ok || len(frame) < 4 {
		return g.drop(dropMalformed)
	}
	if isChannelData(frame) {
		if g.server.loop.of(c) == nil {
			return g.drop(dropNoAllocation)
		}
		return verdict{pass: frame}
	}
	// Clipped, because checking integrity scribbles on spare capacity, and
	// there the next frame of a stream may be.
	m := stun.Message{Raw: slices.Clip(frame)}
	if len(frame) < stunHeader || m.Decode() != nil {
		return g.drop(dropMalformed)
	}
	switch {
	case m.Type == stun.BindingRequest:
		if !g.server.bindings.take(c.addr.Addr(), g.server.limits.BindingsPerSecond, time.Now()) {
			return g.drop(dropBindingRate)
		}
		return verdict{pass: frame}
	case m.Type.Class == stun.ClassRequest:
		return g.request(&m, c)
	case m.Type.Class == stun.ClassIndication && m.Type.Method == stun.MethodSend:
		if g.server.loop.of(c) == nil {
			return g.drop(dropNoAllocation)
		}
		return verdict{pass: frame}
	default:
		return g.drop(dropMalformed)
	}
}

func (g *gate) drop(why string) verdict {
	g.server.metrics.drop(why)
	return verdict{}
}

// request handles everything that needs credentials.
func (g *gate) request(m *stun.Message, c client) verdict {
	key, ok := g.credentials(m)
	if !ok {
		if !g.server.requests.take(c.addr.Addr(), g.server.limits.RequestsPerSecond, time.Now()) {
			return g.drop(dropRequestRate)
		}
		return verdict{pass: withoutIntegrity(m)}
	}
	kept, live := g.server.loop.kept(c)
	if m.Type.Method != stun.MethodAllocate && !live && !isGivingUp(m) {
		return g.drop(dropNoAllocation)
	}
	if code := g.refusal(m, c); code != 0 {
		g.server.metrics.drop(dropRefused)
		return verdict{reply: refuse(m, code, key)}
	}
	v := verdict{pass: withLifetime(m, key)}
	if m.Type.Method == stun.MethodAllocate && kept != nil && !live {
		v.first = g.giveUp(kept, m)
	}
	return v
}

// credentials checks a request's user name and integrity and returns the key.
func (g *gate) credentials(m *stun.Message) (stun.MessageIntegrity, bool) {
	var username stun.Username
	var realm stun.Realm
	if username.GetFrom(m) != nil || realm.GetFrom(m) != nil {
		return nil, false
	}
	_, key, ok := g.server.verify(username.String(), realm.String(), m.Type.Method, time.Now())
	if !ok || stun.MessageIntegrity(key).Check(m) != nil {
		return nil, false
	}
	return key, true
}

// isGivingUp tells the one request that may be about an allocation that was taken from the client:
// to be rid of it sooner than pion would be.
func isGivingUp(m *stun.Message) bool {
	asked, err := m.Get(stun.AttrLifetime)
	return m.Type.Method == stun.MethodRefresh && err == nil && len(asked) == 4 && binary.BigEndian.Uint32(asked) == 0
}

// giveUp makes the request by which a client would give up an allocation that was taken
// from it and that pion still has. It goes before the request for the next one,
// with the nonce of that, or a client could not go from call to call with one socket: pion
// would see two allocations of the same client (437).
func (g *gate) giveUp(a *allocation, next *stun.Message) []byte {
	var nonce stun.Nonce
	if nonce.GetFrom(next) != nil {
		return nil // nor will pion take the next
	}
	s := g.server
	username := formatUsername(time.Now(), a.account)
	key := turn.GenerateAuthKey(username, s.realm, s.keys.password(username))
	m, err := stun.Build(stun.NewTransactionIDSetter(s.own), stun.NewType(stun.MethodRefresh, stun.ClassRequest),
		stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)},
		stun.NewUsername(username), stun.NewRealm(s.realm), nonce, stun.MessageIntegrity(key))
	if err != nil {
		return nil // all of it is ours and small, or pion's: cannot happen
	}
	return m.Raw
}

// answersOwn reports whether a packet that pion sends is the answer to such a request, which is not
// the client's.
func (s *Server) answersOwn(packet []byte) bool {
	return len(packet) >= stunHeader && packet[0]>>6 == 0 && [stun.TransactionIDSize]byte(packet[8:stunHeader]) == s.own
}

// refusal returns the error for a valid request that asks for what a closed
// loop has not, where pion would accept it or answer less clearly; 0: none.
func (g *gate) refusal(m *stun.Message, c client) stun.ErrorCode {
	switch m.Type.Method {
	case stun.MethodAllocate:
		transport, err := m.Get(stun.AttrRequestedTransport)
		if err == nil && len(transport) == 4 && transport[0] != transportUDP {
			return stun.CodeUnsupportedTransProto // RFC 6062 is not spoken here
		}
	case stun.MethodChannelBind:
		var peer stun.XORMappedAddress
		if peer.GetFromAs(m, stun.AttrXORPeerAddress) != nil {
			return stun.CodeBadRequest
		}
		if !g.server.loop.inside(peer.IP) {
			return stun.CodeForbidden
		}
		if a := g.server.loop.of(c); a != nil && !a.mayBind(peer.Port) {
			return stun.CodeInsufficientCapacity // RFC 8656 §12.2
		}
	case stun.MethodCreatePermission:
		if peers(m) > maxPeers {
			return stun.CodeInsufficientCapacity // RFC 8656 §10.2
		}
	case stun.MethodConnect, stun.MethodConnectionBind:
		return stun.CodeForbidden
	}
	return 0
}

func peers(m *stun.Message) (n int) {
	for _, a := range m.Attributes {
		if a.Type == stun.AttrXORPeerAddress {
			n++
		}
	}
	return n
}

func refuse(m *stun.Message, code stun.ErrorCode, key stun.MessageIntegrity) []byte {
	r, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID),
		stun.NewType(m.Type.Method, stun.ClassErrorResponse),
		&stun.ErrorCodeAttribute{Code: code}, key, stun.Fingerprint)
	if err != nil {
		return nil // all of it is ours and small: cannot happen
	}
	return r.Raw
}

// withoutIntegrity returns the request as if it had come without credentials,
// so that pion answers it with 401 and a nonce (RFC 8489 §9.2.4). Left alone,
// pion answers wrong and expired credentials with 400.
func withoutIntegrity(m *stun.Message) []byte {
	out := stun.New()
	out.Type, out.TransactionID = m.Type, m.TransactionID
	out.WriteHeader()
	for _, a := range m.Attributes {
		if a.Type == stun.AttrMessageIntegrity || a.Type == stun.AttrMessageIntegritySHA256 {
			break // what follows it is not covered either
		}
		out.Add(a.Type, a.Value)
	}
	return out.Raw
}

// withLifetime returns the request with no longer a lifetime than is given here.
// Pion gives whoever asks up to an hour.
func withLifetime(m *stun.Message, key stun.MessageIntegrity) []byte {
	asked, err := m.Get(stun.AttrLifetime)
	if err != nil || len(asked) != 4 || time.Duration(binary.BigEndian.Uint32(asked))*time.Second <= lifetime {
		return m.Raw
	}
	binary.BigEndian.PutUint32(asked, uint32(lifetime/time.Second)) // it is part of m
	out := &stun.Message{Raw: withoutIntegrity(m)}
	if out.Decode() != nil || key.AddTo(out) != nil {
		return m.Raw // it was one, and still is: cannot happen
	}
	return out.Raw
}

// isChannelData tells ChannelData from STUN by the first byte, RFC 8656 §12:
// channel numbers are 0x4000 to 0x4FFF.
func isChannelData(frame []byte) bool { return frame[0]>>4 == 4 }
