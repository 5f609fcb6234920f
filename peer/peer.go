// Package peer takes part in a call from Go, as host or as guest: it dials
// signaling, runs the end-to-end handshake (package e2ee), negotiates media with
// pion, and hands tracks and events to its caller. It is the same party as a
// browser, without the page.
//
// # A call
//
// [Start] returns at once. Everything that happens comes out of [Call.Events],
// in order; the last event is [Ended], after which the channel is closed. Read
// it to the end. A guest knocks by itself as soon as the handshake has proven
// the host; a host answers [Knocked] with [Call.Admit], [Call.Hold] or
// [Call.Refuse], unless [Config.OpenDoor] admits the first one.
//
// # What is secret
//
// Links, passwords, session descriptions, addresses and chat never reach the
// log. The server sees sealed frames only. No candidate and no description
// leaves this party before admission.
//
// # Ownership
//
// One goroutine owns a call's state; pion's callbacks, the socket and the
// methods of [Call] send it functions to run. Whatever it started has ended
// when the channel of events is closed.
package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// Config is what a party starts with.
type Config struct {
	Link   e2ee.Link
	Origin string // scheme://host[:port] of the link

	Password string // of the call; a guest may also be asked, see PhasePassword
	Name     string // shown to the other party, which cannot verify it
	Note     string // guest: said with the knock
	Lang     string // guest: BCP 47
	Title    string // host

	OpenDoor bool          // host: admit the first visitor without asking
	Limit    time.Duration // host: end this long after admission; 0: no limit
	OneTime  bool          // host: the links stop working once a call has taken place

	// RelayOnly keeps this party's addresses from the other one.
	RelayOnly bool
	// RelayTransport uses only the relay over that transport, to test one; ""
	// uses all.
	RelayTransport RelayTransport
	// Family, 4 or 6, is that of all addresses that media goes to, directly or into the
	// relay, to test it; 0: both. HTTP is a matter of its own: [FamilyHTTP].
	Family int
	// LAN lets the other party name link-local addresses. Loopback addresses
	// are allowed if and only if the server itself is on loopback.
	LAN bool

	// RekeyEvery is how long keys are used; 0: e2ee.RekeyInterval.
	RekeyEvery time.Duration

	Video, Audio Source // nil: nothing of that kind is sent
	Sink         Sink   // nil: received media is only counted
	Recording    bool   // the sink keeps what it gets; the other party is told

	Files files.Store // nil: offered files are declined
	// AcceptFiles takes files without asking until they are this many bytes in all;
	// 0: [Call.AcceptFile] answers.
	AcceptFiles int64

	Log  *slog.Logger // nil: silent
	HTTP *http.Client // nil: http.DefaultClient
	Rand io.Reader    // nil: crypto/rand
}

const (
	inboxSize = 64
	// eventQueue bounds unread events. A caller that is this far behind is
	// taken for dead and the call ends.
	eventQueue = 1024
	// eventReserve are places for the end of the call, and of the files that it ends.
	eventReserve = 2 + 4*sealed.LimitFiles
)

// ErrSlow ends a call whose events nobody reads.
var ErrSlow = errors.New("events were not read")

// Start begins to take part. Canceling ctx hangs up. It fails only on a wrong
// Config; all else is told by events.
func Start(ctx context.Context, cfg Config) (*Call, error) {
	origin, err := url.Parse(cfg.Origin)
	if err != nil || origin.Host == "" {
		return nil, fmt.Errorf("origin %q: want scheme://host", cfg.Origin)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	c := &Call{
		cfg:    cfg,
		log:    cfg.Log,
		inbox:  make(chan func(), inboxSize),
		events: make(chan Event, eventQueue),
		done:   make(chan struct{}),
		reach:  reach{loopback: isLoopbackHost(origin.Hostname()), linkLocal: cfg.LAN, family: cfg.Family},
	}
	role := e2ee.RoleGuest
	if cfg.Link.Host() {
		role = e2ee.RoleHost
	}
	c.frames = newFrameCipher(role)
	c.recovery.guest = role == e2ee.RoleGuest
	if cfg.Link.Host() {
		c.seat, err = newHostSeat(c)
	} else {
		c.seat, err = newGuestSeat(c)
	}
	if err != nil {
		return nil, err
	}
	c.files = c.newTransfers()
	c.ctx, c.cancel = context.WithCancel(ctx)
	go c.run()
	return c, nil
}

// Events returns what happens, in order. It is closed after [Ended].
func (c *Call) Events() <-chan Event { return c.events }

// Done is closed when the call has ended and nothing of it runs any more.
func (c *Call) Done() <-chan struct{} { return c.done }
