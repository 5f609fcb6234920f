// Package signalload puts the load of many signaling connections on a server, and
// measures what becomes of it.
//
// Connections come in pairs, as calls do: a host and a guest in its lobby. Idle ones
// only answer pings. Of active ones each sends sealed frames of the smallest size
// to the other, and the time from one's write to the other's read is measured;
// what is in a frame is the time, and else nothing, for no server reads it.
//
// A connection here costs a goroutine and half a kilobyte, so one process holds
// tens of thousands; hence a WebSocket client of its own, which can do what this needs.
//
// # Ownership
//
// A [Pair] owns its sockets and goroutines until Close returns.
package signalload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/protocol"
)

// openTimeout bounds everything until both of a pair are seated.
const openTimeout = 20 * time.Second

// Server is where connections go, and where from.
type Server struct {
	// Origin is http://host:port: nothing is encrypted here but what is relayed.
	Origin string
	// Sources is a network of local addresses. Servers limit by address, so each
	// connection has its own.
	Sources netip.Prefix
	// Bare says that it is [ServeBare], or another server that joins two who ask for the
	// same path.
	Bare bool

	used atomic.Uint32
}

// dial opens a connection from the next address.
func (s *Server) dial(ctx context.Context, path string) (*wire, error) {
	u, err := url.Parse(s.Origin)
	if err != nil || u.Scheme != "http" {
		return nil, fmt.Errorf("server %q: want http://host:port", s.Origin)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: s.source().AsSlice()}}
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	w, err := handshake(ctx, conn, u.Host, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("upgrade: %w", err), conn.Close())
	}
	return w, nil
}

// source is the next address; those of a network are used in turn. The first 65536
// are left alone, for 127.0.0.1 and its like are among them.
func (s *Server) source() netip.Addr {
	const first = 1 << 16
	room := uint32(1)<<(32-s.Sources.Bits()) - first
	n := first + s.used.Add(1)%room
	a := s.Sources.Masked().Addr().As4()
	for i := range a {
		a[i] |= byte(n >> (24 - 8*i))
	}
	return netip.AddrFrom4(a)
}

// Pair is a call: two connections.
type Pair struct {
	host, guest *wire
	slot        uint16 // of the guest
	// Relay credentials, after [Pair.Grant].
	HostRelay, GuestRelay protocol.Servers

	reading sync.WaitGroup
}

// Open makes a call and seats both parties.
func (s *Server) Open(ctx context.Context) (_ *Pair, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if s.Bare {
		return s.openBare(ctx)
	}
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		return nil, err
	}
	p := &Pair{}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.host, err = s.dial(ctx, protocol.PathSignaling); err != nil {
		return nil, err
	}
	if err := p.seatHost(ctx, link, s.Origin); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	if p.guest, err = s.dial(ctx, protocol.PathSignaling); err != nil {
		return nil, err
	}
	if err := p.seatGuest(ctx, link); err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	return p, nil
}

// openBare has two connections joined by nothing but their path.
func (s *Server) openBare(ctx context.Context) (*Pair, error) {
	path := "/" + newID().String()
	host, err := s.dial(ctx, path)
	if err != nil {
		return nil, err
	}
	guest, err := s.dial(ctx, path)
	if err != nil {
		return nil, errors.Join(err, host.conn.Close())
	}
	return &Pair{host: host, guest: guest}, nil
}

func (p *Pair) seatHost(ctx context.Context, link e2ee.Link, origin string) error {
	welcome, err := await[protocol.Welcome](ctx, p.host)
	if err != nil {
		return err
	}
	nonce, err := protocol.DecodeBytes(welcome.Nonce, 32)
	if err != nil {
		return err
	}
	id := protocol.ID(link.CallID())
	create := protocol.Create{
		Call: id.String(), SrvPub: protocol.EncodeBytes(link.ServerPub()),
		TTLMS: time.Hour.Milliseconds(),
	}
	if err := p.host.text(protocol.EncodeClient(create)); err != nil {
		return err
	}
	if _, err := await[protocol.Created](ctx, p.host); err != nil {
		return err
	}
	cid := newID()
	join := protocol.Join{
		Role: protocol.RoleHost, Call: id.String(), CID: cid.String(),
		Sig: protocol.EncodeBytes(link.SignServerAuth(origin, nonce, cid)),
	}
	if err := p.host.text(protocol.EncodeClient(join)); err != nil {
		return err
	}
	joined, err := await[protocol.Joined](ctx, p.host)
	if err == nil && joined.ICE != nil {
		p.HostRelay = *joined.ICE
	}
	return err
}

func (p *Pair) seatGuest(ctx context.Context, link e2ee.Link) error {
	if _, err := await[protocol.Welcome](ctx, p.guest); err != nil {
		return err
	}
	join := protocol.Join{Role: protocol.RoleGuest, Call: protocol.ID(link.CallID()).String(), CID: newID().String()}
	if err := p.guest.text(protocol.EncodeClient(join)); err != nil {
		return err
	}
	if _, err := await[protocol.Joined](ctx, p.guest); err != nil {
		return err
	}
	peer, err := await[protocol.Peer](ctx, p.host)
	p.slot = uint16(peer.Slot)
	return err
}

// Grant lets the guest have relay credentials.
func (p *Pair) Grant(ctx context.Context) error {
	if err := p.host.text(protocol.EncodeClient(protocol.Grant{Slot: int(p.slot)})); err != nil {
		return err
	}
	ice, err := await[protocol.ICE](ctx, p.guest)
	p.GuestRelay = ice.ICE
	return err
}

// End ends the call at the server, and closes the pair.
func (p *Pair) End() {
	_ = p.host.text(protocol.EncodeClient(protocol.End{})) // the server may have gone first
	p.Close()
}

// Close closes both sockets and waits for their readers.
func (p *Pair) Close() {
	for _, w := range []*wire{p.host, p.guest} {
		if w != nil {
			_ = w.conn.Close()
		}
	}
	p.reading.Wait()
}

// Hold answers pings on both connections until Close. got, which may be nil, is
// called with each sealed frame and the time at which it came; lost, once for each
// connection that ends first.
func (p *Pair) Hold(got func(frame []byte, at time.Time), lost func(error)) {
	for _, w := range []*wire{p.host, p.guest} {
		p.reading.Go(func() {
			err := w.serve(got)
			_ = w.conn.Close() // a server that said goodbye waits for it
			if !errors.Is(err, net.ErrClosed) {
				lost(err)
			}
		})
	}
}

// await reads until a message of type M comes. It must not be used after Hold.
func await[M protocol.ServerMessage](ctx context.Context, w *wire) (M, error) {
	var none M
	deadline, _ := ctx.Deadline()
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return none, err
	}
	for {
		kind, payload, err := w.next()
		if err != nil {
			return none, err
		}
		if kind != opText {
			continue
		}
		m, err := protocol.DecodeServer(payload)
		switch m := m.(type) {
		case M:
			return m, w.conn.SetReadDeadline(time.Time{})
		case protocol.Refusal:
			return none, fmt.Errorf("the server refuses: %s %s", m.Code, m.Detail)
		}
		if err != nil && !errors.Is(err, protocol.ErrUnknownType) {
			return none, err
		}
	}
}

// openers is how many pairs are opened at once.
const openers = 8

// OpenMany opens n pairs, and calls opened, which may be nil, with each: a server asks for
// a sign of life long before the last of many is there. What it returns must be closed
// also if there is an error.
func (s *Server) OpenMany(ctx context.Context, n int, opened func(*Pair)) ([]*Pair, error) {
	pairs := make([]*Pair, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(openers)
	for i := range pairs {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if pairs[i], err = s.Open(ctx); err == nil && opened != nil {
				opened(pairs[i])
			}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(pairs, func(p *Pair) bool { return p == nil }), err
}
