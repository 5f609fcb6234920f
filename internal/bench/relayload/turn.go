package relayload

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// window is how many requests are under way at once.
	window = 64
	// A request is repeated after resend, and given up after so many attempts.
	resend   = 300 * time.Millisecond
	attempts = 8
	// challenges is how often a server may ask one request for other credentials.
	challenges = 3
	// poll is how long to wait when nothing has come.
	poll = 100 * time.Microsecond

	channel      = 0x4000 // of every party, to the other of its call
	transportUDP = 17     // protocol number
)

// Allocate makes an allocation for each party and returns how long that took.
func (g *Generator) Allocate(ctx context.Context, parties []*Party) (time.Duration, error) {
	began := time.Now()
	err := g.transact(ctx, parties, stun.MethodAllocate,
		func(*Party) []stun.Setter {
			return []stun.Setter{stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{transportUDP, 0, 0, 0}}}
		},
		func(p *Party, m *stun.Message) error { return p.relayed.GetFromAs(m, stun.AttrXORRelayedAddress) })
	return time.Since(began), err
}

// Bind gives each party a channel to its neighbor.
func (g *Generator) Bind(ctx context.Context, parties []*Party) error {
	peer := make(map[*Party]*Party, len(parties))
	for i, p := range parties {
		peer[p] = parties[i^1]
	}
	number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: append(binary.BigEndian.AppendUint16(nil, channel), 0, 0)}
	return g.transact(ctx, parties, stun.MethodChannelBind,
		func(p *Party) []stun.Setter { return []stun.Setter{number, peerAddress(peer[p].relayed)} },
		func(*Party, *stun.Message) error { return nil })
}

// Release deletes the allocations.
func (g *Generator) Release(ctx context.Context, parties []*Party) error {
	return g.transact(ctx, parties, stun.MethodRefresh,
		func(*Party) []stun.Setter {
			return []stun.Setter{stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 0, 0}}}
		},
		func(*Party, *stun.Message) error { return nil })
}

// Ask sends one Binding request and waits a moment for the answer.
func (g *Generator) Ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return g.transact(ctx, g.Parties(make([]Credential, 1)), stun.MethodBinding,
		func(*Party) []stun.Setter { return nil },
		func(*Party, *stun.Message) error { return nil })
}

type peerAddress stun.XORMappedAddress

func (p peerAddress) AddTo(m *stun.Message) error {
	return stun.XORMappedAddress(p).AddToAs(m, stun.AttrXORPeerAddress)
}

// exchange is one request under way.
type exchange struct {
	party      *Party
	request    []byte
	sent       time.Time
	attempts   int
	challenges int
}

// transaction is one kind of request, made for many parties.
type transaction struct {
	g       *Generator
	method  stun.Method
	attrs   func(*Party) []stun.Setter
	done    func(*Party, *stun.Message) error
	open    map[[stun.TransactionIDSize]byte]*exchange
	waiting []*Party
}

// transact makes the same request for all parties, some at a time.
func (g *Generator) transact(ctx context.Context, parties []*Party, method stun.Method,
	attrs func(*Party) []stun.Setter, done func(*Party, *stun.Message) error,
) error {
	t := &transaction{g, method, attrs, done, make(map[[stun.TransactionIDSize]byte]*exchange), parties}
	for len(t.waiting) > 0 || len(t.open) > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: no answer in time: %w", method, err)
		}
		for len(t.open) < window && len(t.waiting) > 0 {
			p := t.waiting[0]
			t.waiting = t.waiting[1:]
			if err := t.begin(&exchange{party: p}); err != nil {
				return err
			}
		}
		if err := t.repeat(time.Now()); err != nil {
			return err
		}
		g.socket.flush()
		n := g.socket.receive(receiveMax)
		for i := range n {
			if err := t.answer(g.socket.arrival(i).data); err != nil {
				return err
			}
		}
		if n == 0 {
			g.socket.pause(poll)
		}
	}
	return nil
}

// begin sends the request of e, with credentials as soon as there is a nonce.
func (t *transaction) begin(e *exchange) error {
	p := e.party
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(t.method, stun.ClassRequest)}, t.attrs(p)...)
	if len(p.nonce) > 0 {
		setters = append(setters, stun.NewUsername(p.credential.Username), p.realm, p.nonce, p.key)
	}
	m, err := stun.Build(append(setters, stun.Fingerprint)...)
	if err != nil {
		return fmt.Errorf("%s: %w", t.method, err)
	}
	e.request, e.attempts = m.Raw, 0
	t.open[m.TransactionID] = e
	t.send(e, time.Now())
	return nil
}

func (t *transaction) send(e *exchange, now time.Time) {
	if t.g.socket.full() {
		t.g.socket.flush()
	}
	t.g.socket.put(e.party.source, e.request, len(e.request))
	e.sent = now
	e.attempts++
}

// repeat sends again what was not answered.
func (t *transaction) repeat(now time.Time) error {
	for _, e := range t.open {
		switch {
		case now.Sub(e.sent) < resend:
		case e.attempts == attempts:
			return fmt.Errorf("%s: the server does not answer", t.method)
		default:
			t.send(e, now)
		}
	}
	return nil
}

func (t *transaction) answer(data []byte) error {
	m := &stun.Message{Raw: bytes.Clone(data)} // what is taken from it stays
	if len(data) < 20 || data[0]>>6 != 0 || m.Decode() != nil {
		return nil // media of a load that is over
	}
	e := t.open[m.TransactionID]
	if e == nil {
		return nil // the answer to a repeated request
	}
	delete(t.open, m.TransactionID)
	if m.Type.Class == stun.ClassSuccessResponse {
		return t.done(e.party, m)
	}
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil {
		return fmt.Errorf("%s: answer without an error code: %w", t.method, err)
	}
	e.challenges++
	if e.challenges > challenges || code.Code != stun.CodeUnauthorized && code.Code != stun.CodeStaleNonce {
		return fmt.Errorf("%s: the server refuses: %s", t.method, code)
	}
	p := e.party
	if err := errors.Join(p.realm.GetFrom(m), p.nonce.GetFrom(m)); err != nil {
		return fmt.Errorf("%s: challenge: %w", t.method, err)
	}
	p.key = stun.NewLongTermIntegrity(p.credential.Username, p.realm.String(), p.credential.Password)
	return t.begin(e)
}
