package probe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
)

// observed is what the two parties of a leg have seen.
type observed struct {
	host, guest party
	relays      []peer.RelayTransport // named by the server; nil: it did not come to that
	late        bool                  // no picture at both in time
	interrupted bool                  // media was lost after it had flowed
}

// party is what one of them has seen; times are zero for what did not happen.
type party struct {
	started, joined, ready, admitted, bound, picture time.Time

	ended peer.Ended
}

func (p *party) over() bool { return p.ended.Reason != "" }

// seat is a party at work. Its first group is fixed once it has started; the second
// belongs to the loop.
type seat struct {
	call  *peer.Call
	first chan time.Time // when the first picture came

	events   <-chan peer.Event // nil before the beginning and after the end
	pictures <-chan time.Time  // nil once one has come
}

// WriteFrame implements peer.Sink.
func (s *seat) WriteFrame(track peer.Track, _ peer.Frame) error {
	if track.Kind == peer.KindVideo {
		select {
		case s.first <- time.Now():
		default: // not the first
		}
	}
	return nil
}

// leg is one call over one transport.
type leg struct {
	cfg       Config
	transport Transport
	link      e2ee.Link
	seen      observed
	host      seat
	guest     seat
	measuring <-chan time.Time // nil until pictures flow
}

// run has a call over one transport. It returns once both parties are gone.
func run(ctx context.Context, cfg Config, link e2ee.Link, t Transport) (observed, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &leg{cfg: cfg, transport: t, link: link}
	if err := l.start(ctx, &l.host, link); err != nil {
		return l.seen, err
	}
	l.seen.host.started = time.Now()
	err := l.loop(ctx, cancel)
	cancel()
	<-l.host.call.Done()
	if l.guest.call != nil {
		<-l.guest.call.Done()
	}
	return l.seen, err
}

func (l *leg) start(ctx context.Context, s *seat, link e2ee.Link) error {
	video, audio, err := l.cfg.Media()
	if err != nil {
		return err
	}
	s.first = make(chan time.Time, 1)
	s.call, err = peer.Start(ctx, peer.Config{
		Link: link, Origin: l.cfg.Origin, Name: "visavis probe", HTTP: l.cfg.http, Family: l.cfg.Family,
		OpenDoor: true, RelayOnly: l.transport != Direct, RelayTransport: l.transport.relay(),
		Video: video, Audio: audio, Sink: s,
	})
	if err != nil {
		return fmt.Errorf("start a party: %w", err)
	}
	s.events, s.pictures = s.call.Events(), s.first
	return nil
}

// loop follows both until each has ended, which one of them does if the other has
// failed.
func (l *leg) loop(ctx context.Context, cancel context.CancelFunc) error {
	setup := time.NewTimer(l.cfg.Setup)
	defer setup.Stop()
	var parting <-chan time.Time
	for l.host.events != nil || l.guest.events != nil {
		select {
		case e := <-l.host.events:
			l.note(&l.host, &l.seen.host, e)
			if l.waits(e) {
				if err := l.start(ctx, &l.guest, l.link.Guest()); err != nil {
					return err
				}
				l.seen.guest.started = time.Now()
			}
		case e := <-l.guest.events:
			l.note(&l.guest, &l.seen.guest, e)
		case l.seen.host.picture = <-l.host.pictures:
			l.host.pictures = nil
			l.flows()
		case l.seen.guest.picture = <-l.guest.pictures:
			l.guest.pictures = nil
			l.flows()
		case <-setup.C:
			if l.measuring == nil {
				l.seen.late = true
				cancel()
			}
		case <-l.measuring:
			l.measuring = nil
			setup.Stop()
			parting = time.After(partingTimeout)
			l.guest.call.Hangup()
		case <-parting:
			cancel()
		}
		if parting == nil && (l.seen.host.over() || l.seen.guest.over() || !l.offered()) {
			cancel()
		}
	}
	return nil
}

// offered reports whether the transport is among those of the server, as far as that is known.
func (l *leg) offered() bool {
	return l.seen.relays == nil || slices.Contains(offeredBy(l.seen.relays), l.transport)
}

// waits reports whether the host is there for its guest now.
func (l *leg) waits(e peer.Event) bool {
	phase, ok := e.(peer.PhaseChanged)
	return ok && phase.Phase == peer.PhaseAlone && l.guest.call == nil
}

// flows begins to measure when both see each other.
func (l *leg) flows() {
	if l.host.pictures == nil && l.guest.pictures == nil {
		l.measuring = time.After(l.cfg.Measure)
	}
}

func (l *leg) note(s *seat, p *party, e peer.Event) {
	now := time.Now()
	switch e := e.(type) {
	case peer.SignalingChanged:
		if e.Online && p.joined.IsZero() {
			p.joined = now
		}
	case peer.RelaysOffered:
		if p == &l.seen.host {
			l.seen.relays = append([]peer.RelayTransport{}, e.Transports...)
		}
	case peer.PhaseChanged:
		l.phase(p, e.Phase, now)
	case peer.Connected:
		if p.bound.IsZero() {
			p.bound = now
		}
	case peer.Ended:
		p.ended = e
		s.events = nil // it is the last
	}
}

func (l *leg) phase(p *party, phase peer.Phase, now time.Time) {
	switch phase {
	case peer.PhaseReady:
		p.ready = now
	case peer.PhaseJoining:
		p.admitted = now
	case peer.PhaseReconnecting:
		l.seen.interrupted = true
	case peer.PhaseConnecting, peer.PhaseHostAway, peer.PhasePassword, peer.PhaseKnocking, peer.PhaseHeld,
		peer.PhaseAlone, peer.PhaseLive, peer.PhaseEnded:
	}
}
