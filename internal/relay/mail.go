package relay

import (
	"encoding/binary"
	"net"
	"sync"

	"github.com/pion/stun/v4"
)

// queueLength is in packets, about 100 ms at the packet limit. When a client
// (over TCP) does not take them, new packets are dropped.
const queueLength = 256

// outlet is a socket to write to a client, as pion has it.
type outlet interface {
	WriteTo(p []byte, to net.Addr) (int, error)
}

// packet comes from loop.packets and goes back there.
type packet struct {
	frame [channelHeader + mtu + 3]byte // with room for what ChannelData has around it
	size  int                           // of the data
	from  *net.UDPAddr
}

func (p *packet) fill(data []byte, from *net.UDPAddr) {
	p.size, p.from = copy(p.frame[channelHeader:channelHeader+mtu], data), from
}

func (p *packet) data() []byte { return p.frame[channelHeader : channelHeader+p.size] }

// channelData is padded, as it has to be over TCP and may be over UDP (RFC 8656 §12.5).
func (p *packet) channelData(number uint16) []byte {
	binary.BigEndian.PutUint16(p.frame[:], number)
	binary.BigEndian.PutUint16(p.frame[2:], uint16(p.size))
	end := channelHeader + p.size
	padded := (end + 3) &^ 3
	clear(p.frame[end:padded])
	return p.frame[:padded]
}

// indication is what carries data without a channel (RFC 8656 §11.5).
func (p *packet) indication() ([]byte, error) {
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodData, stun.ClassIndication),
		xorPeer{IP: p.from.IP, Port: p.from.Port}, stun.RawAttribute{Type: stun.AttrData, Value: p.data()})
	if err != nil {
		return nil, err
	}
	return m.Raw, nil
}

// xorPeer is XOR-PEER-ADDRESS.
type xorPeer stun.XORMappedAddress

// AddTo implements [stun.Setter].
func (x xorPeer) AddTo(m *stun.Message) error {
	return stun.XORMappedAddress(x).AddToAs(m, stun.AttrXORPeerAddress)
}

// mail is the packets that wait for one client. As long as there are any, one
// goroutine of the loop takes them there: not the sender's, because a client on TCP may
// let itself be waited for, and not one of the client's own, because most clients have
// none waiting most of the time.
type mail struct {
	mu      sync.Mutex
	waiting []*packet // bounded; overflow drops the newest
	carried bool      // the goroutine is there
	closed  bool
}

// put takes a packet for the client and returns whether there was room.
func (a *allocation) put(p *packet) bool {
	if a.reader != nil {
		return a.reader.put(p)
	}
	m := &a.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.waiting) >= queueLength {
		return false
	}
	m.waiting = append(m.waiting, p)
	if !m.carried {
		m.carried = true
		a.loop.carriers.Go(a.carry)
	}
	return true
}

// next returns nil, and the goroutine is not there any more, when nothing waits.
func (m *mail) next() *packet {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		m.waiting, m.carried = nil, false
		return nil
	}
	p := m.waiting[0]
	m.waiting[0] = nil
	m.waiting = m.waiting[1:]
	return p
}

// shut drops what waits, and all that comes.
func (m *mail) shut(l *loop) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.waiting {
		l.packets.Put(p)
	}
	m.waiting, m.closed = nil, true
}

func (a *allocation) carry() {
	for p := a.mail.next(); p != nil; p = a.mail.next() {
		a.hand(p)
		a.loop.packets.Put(p)
	}
}

// hand writes a packet to the client, as a TURN server does with a datagram at the
// relayed transport address (RFC 8656 §12.7, §11.3): over the channel to where it comes
// from; without one as an indication, if there is a permission; else not at
// all. There is one address to permit, the relay's, so who has a permission has it
// for all. That a channel is enough, whatever became of the permission that came with
// it, is pion's rule, and holds while pion keeps the channel.
func (a *allocation) hand(p *packet) {
	var frame []byte
	if b := a.channelTo(p.from.Port); b != nil {
		frame = p.channelData(b.number)
	} else if a.permitted.Load() {
		var err error
		if frame, err = p.indication(); err != nil {
			return // all of it is ours and fits: cannot happen
		}
	}
	if frame != nil && a.outlet != nil {
		_, _ = a.outlet.WriteTo(frame, a.near) // a datagram may get lost anyway
	}
}

// reader is the near end of a check, which reads for itself.
type reader struct {
	in   chan *packet // bounded; overflow drops the newest
	done chan struct{}
}

func newReader() *reader {
	return &reader{in: make(chan *packet, queueLength), done: make(chan struct{})}
}

func (r *reader) put(p *packet) bool {
	select {
	case r.in <- p:
		return true
	default:
		return false
	}
}
