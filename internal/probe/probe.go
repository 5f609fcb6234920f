// Package probe places real calls through a deployment, to tell whether it works:
// two native parties (package peer), both in this process, with each transport
// forced in turn.
//
// # What is judged
//
// [Run] makes one call at the server and takes both of its seats once for each
// transport. What a transport was like is judged from what the parties have seen
// themselves ([judge], pure): which candidates carried the media, how long each
// step took, what got lost, and whether both had the same verification words.
// A transport that the server does not name is not tried, and is no failure.
//
// # Ownership
//
// Run owns all that it starts. When it returns both parties are gone and the call
// is ended at the server, also if ctx was canceled.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

const (
	// ttl of the call, should nobody be able to end it.
	ttl = 10 * time.Minute
	// partingTimeout bounds the goodbye of a leg, and that of the call.
	partingTimeout = 5 * time.Second
)

// Config is what to probe, and how.
type Config struct {
	Origin     string // scheme://host[:port]
	Token      string // of a server that asks for one
	Transports []Transport
	Setup      time.Duration // at most, for one transport, until pictures flow
	Measure    time.Duration // after that
	// Media returns what a party sends; it is used once for each.
	Media func() (video, audio peer.Source, err error)
	// Family, 4 or 6, is the only one used, for everything; 0: both.
	Family int
	// Begins is told of each transport that is tried; may be nil.
	Begins func(Transport)

	http *http.Client // nil: http.DefaultClient
}

// Transport is a way for media between the two parties.
type Transport string

// The transports, in the order in which they are tried.
const (
	Direct  Transport = "direct"
	TURNUDP Transport = "turn-udp"
	TURNTCP Transport = "turn-tcp"
	TURNTLS Transport = "turn-tls"
)

// Transports lists all.
func Transports() []Transport { return []Transport{Direct, TURNUDP, TURNTCP, TURNTLS} }

// relay is how the transport reaches the relay.
func (t Transport) relay() peer.RelayTransport {
	switch t {
	case TURNUDP:
		return peer.RelayUDP
	case TURNTCP:
		return peer.RelayTCP
	case TURNTLS:
		return peer.RelayTLS
	case Direct:
	}
	return peer.RelayNone
}

// ErrNotEnded says that the call of a probe could not be ended; it ends by itself
// within ten minutes.
var ErrNotEnded = errors.New("the call of the probe could not be ended")

// Run probes. How each transport did is in the report. The error says why there was
// no call to probe with, or is [ErrNotEnded].
func Run(ctx context.Context, cfg Config) (Report, error) {
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		return Report{}, err
	}
	return runWith(ctx, cfg, link)
}

func runWith(ctx context.Context, cfg Config, link e2ee.Link) (Report, error) {
	begun := time.Now()
	if cfg.Family != 0 {
		cfg.http = peer.FamilyHTTP(cfg.Family)
		defer cfg.http.CloseIdleConnections()
	}
	r := Report{Server: cfg.Origin, Family: cfg.Family, StartedMS: begun.UnixMilli(), Offered: []Transport{}, Transports: []Result{}}
	_, err := peer.Register(ctx, peer.Registration{Link: link, Origin: cfg.Origin, TTL: ttl, Token: cfg.Token, HTTP: cfg.http})
	r.RegisterMS = milliseconds(time.Since(begun))
	if err != nil {
		r.Problem, r.Code, r.Detail = ProblemUnreachable, code(err), err.Error()
		r.Reason = reasonFor(ctx, strings.HasPrefix(cfg.Origin, "https:"), err)
		if r.Code != "" {
			r.Problem = ProblemRefused
		}
	} else {
		r.Up = true
		err = legs(ctx, cfg, link, &r)
		if failed := end(context.WithoutCancel(ctx), cfg, link); failed != nil {
			err = errors.Join(err, fmt.Errorf("%w: %w", ErrNotEnded, failed))
		}
	}
	r.DurationMS = milliseconds(time.Since(begun))
	r.finish()
	return r, err
}

// legs tries one transport after the other, until ctx ends. What the server offers is
// known with the first host that has joined.
func legs(ctx context.Context, cfg Config, link e2ee.Link, r *Report) error {
	for _, t := range cfg.Transports {
		if len(r.Offered) > 0 && !slices.Contains(r.Offered, t) {
			r.Transports = append(r.Transports, notOffered(t))
			continue
		}
		if cfg.Begins != nil {
			cfg.Begins(t)
		}
		o, err := run(ctx, cfg, link, t)
		if err != nil {
			return err
		}
		if o.relays != nil {
			r.Offered = offeredBy(o.relays)
		}
		if ctx.Err() != nil {
			return nil // what was cut short is not judged
		}
		if !slices.Contains(r.Offered, t) && o.relays != nil {
			r.Transports = append(r.Transports, notOffered(t))
			continue
		}
		r.Transports = append(r.Transports, judge(t, o))
	}
	return nil
}

func offeredBy(relays []peer.RelayTransport) []Transport {
	var out []Transport
	for _, t := range Transports() {
		if t == Direct || slices.Contains(relays, t.relay()) {
			out = append(out, t)
		}
	}
	return out
}

// end takes the host's seat once more, to end the call for good.
func end(ctx context.Context, cfg Config, link e2ee.Link) error {
	ctx, cancel := context.WithTimeout(ctx, partingTimeout)
	defer cancel()
	call, err := peer.Start(ctx, peer.Config{Link: link, Origin: cfg.Origin, HTTP: cfg.http, RelayTransport: peer.RelayNone})
	if err != nil {
		return err
	}
	done := false
	for e := range call.Events() {
		switch e := e.(type) {
		case peer.PhaseChanged:
			if e.Phase == peer.PhaseAlone {
				done = true
				call.End()
			}
		case peer.Ended:
			err = e.Err
		}
	}
	if done {
		return nil
	}
	return errors.Join(err, ctx.Err())
}

// code is that of an error, "" for one without.
func code(err error) protocol.ErrorCode {
	if wire, ok := errors.AsType[*protocol.WireError](err); ok {
		return wire.Code
	}
	return protocol.ErrorCode(e2ee.CodeOf(err))
}
