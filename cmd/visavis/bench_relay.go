package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
	"github.com/visavis-call/visavis/internal/bench/relayload"
	"github.com/visavis-call/visavis/internal/bench/signalload"
)

type benchRelayCmd struct {
	Rate      []int      `default:"50000" placeholder:"N" help:"Datagrams to relay in a second; several loads one after the other (default ${default})."`
	Slices    int        `default:"5" help:"Turns of each server for each load (default ${default})."`
	Seconds   float64    `default:"5" help:"Length of a turn (default ${default})."`
	Burst     int        `default:"5" help:"Packets of video that a party sends in a row, as a browser does with those of a picture; 1 spreads them evenly (default ${default})."`
	Search    bool       `help:"Instead of --rate and --slices: the most that each server relays without loss, on one processor."`
	Idle      int        `default:"2000" help:"Allocations for the figures of idle ones; 0 leaves them out (default ${default})."`
	URL       string     `name:"url" placeholder:"URL" help:"A visavis that runs, http://ADDRESS:PORT, instead of one that is started."`
	PID       int        `name:"pid" help:"The process of that server, if it is on this machine."`
	Reference string     `placeholder:"COMMAND" help:"Starts another TURN server to compare with, like scripts/coturn.sh."`
	Address   netip.Addr `default:"127.0.0.1" help:"Address for the servers to listen on (default ${default})."`
	Sources   prefix     `default:"127.0.0.0/8" help:"Local addresses for the parties (default ${default})."`
	Within    string     `placeholder:"COMMAND" help:"Run the servers under this, like 'ip netns exec NAME'."`
	Interface string     `placeholder:"NAME" help:"The servers' interface: the kernel's threads that receive from it are counted, if it has them."`
	Offload   bool       `help:"Measure visavis a second time, with the kernel forwarding (relay.offload); takes --interface."`
}

// Help is shown by visavis bench relay --help.
func (*benchRelayCmd) Help() string {
	return `Starts a visavis server, makes calls in it, and lets both parties of each send through the relay (UDP,
ChannelData) what a call sends. With --reference it does the same to another TURN server, in turns. Counted
is the processor time of the server's process, user and kernel, for a million datagrams that arrived.

Video is sent as Chromium sends it, the packets of a picture in a row, some 40 µs apart (make bench-bursts), and
to all servers alike. --burst 1 is the load of the other extreme: no two packets of a party come together.

The command of --reference must not return while the server serves, and must end in it (exec). It finds
BENCH_ADDRESS, BENCH_PORT, BENCH_USER, BENCH_PASSWORD and BENCH_REALM in its environment.

Each party has an address of its own in --sources, so no limit of the relay has to be lifted; those of
signaling by address are, in the server that is started. With --url they must be high enough.

The last line of the output is one JSON object. Linux only.`
}

// Run measures and reports.
func (c *benchRelayCmd) Run(ctx context.Context, std streams) error {
	if c.Slices < 1 || c.Seconds <= 0 || len(c.Rate) == 0 || slices.Min(c.Rate) < 1 {
		return usage(errors.New("--slices, --seconds and --rate must be positive"))
	}
	if c.Burst < 1 || c.Burst > relayload.MaxBurst {
		return usage(fmt.Errorf("--burst must be from 1 to %d", relayload.MaxBurst))
	}
	if c.Idle < 0 {
		return usage(errors.New("--idle must not be negative"))
	}
	if c.Offload && c.URL != "" {
		return usage(errors.New("--offload starts a server: not with --url"))
	}
	if c.PID != 0 && c.URL == "" {
		return usage(errors.New("--pid is the process of the server at --url: give both"))
	}
	subjects, stop, err := c.subjects(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if c.Search {
		return c.search(ctx, std, subjects)
	}
	report, err := c.measure(ctx, std, subjects)
	if err != nil {
		return err
	}
	if err := report.Print(std.out, nameReference); err != nil {
		return err
	}
	return json.NewEncoder(std.out).Encode(report)
}

// Names of what is measured.
const (
	nameOwn       = "visavis"
	nameReference = "reference"
	nameOffload   = "offload"
)

// subjects starts all that is to be measured; visavis is the first. stop ends it.
func (c *benchRelayCmd) subjects(ctx context.Context) (subjects []*relayload.Subject, stop func(), err error) {
	var stops []func()
	end := func() {
		for _, f := range slices.Backward(stops) {
			f()
		}
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	add := func(s *relayload.Subject, stop func(), err error) error {
		if err == nil {
			subjects, stops = append(subjects, s), append(stops, stop)
		}
		return err
	}
	if err := add(c.own(ctx, nameOwn, "VISAVIS_RELAY_OFFLOAD=off")); err != nil {
		return nil, nil, err
	}
	if c.Reference != "" {
		if err := add(c.reference(ctx)); err != nil {
			return nil, nil, err
		}
	}
	if c.Offload {
		if err := add(c.own(ctx, nameOffload, "VISAVIS_RELAY_OFFLOAD=auto")); err != nil {
			return nil, nil, err
		}
	}
	if c.Interface == "" && !c.Offload {
		return subjects, end, nil
	}
	if _, err := net.InterfaceByName(c.Interface); err != nil && c.Within == "" {
		return nil, nil, usage(fmt.Errorf("--interface %s: %w", c.Interface, err))
	}
	threads, err := bench.ReceivePath(c.Interface)
	if err == nil && len(threads) == 0 && c.Offload {
		err = usage(errors.New("--offload: what the kernel does is counted in the threads of --interface, and it has none (scripts/bench-veth.sh makes one that has)"))
	}
	for _, s := range subjects {
		s.ReceivePath = threads
	}
	return subjects, end, err
}

func (c *benchRelayCmd) measure(ctx context.Context, std streams, subjects []*relayload.Subject) (*relayload.Report, error) {
	report := &relayload.Report{Where: machine(), Burst: c.Burst}
	if c.Idle > 0 && subjects[0].PID != 0 {
		idle, err := c.idle(ctx, subjects)
		if err != nil {
			return nil, err
		}
		report.Idle = idle
	}
	plan := c.plan()
	for _, rate := range c.Rate {
		direct, err := c.direct(ctx, subjects[0].Server, rate, plan)
		if err != nil {
			return nil, err
		}
		turns := make(map[string][]*relayload.Slice)
		err = bench.Alternate(c.Slices, len(subjects), func(turn, i int) error {
			slice, err := subjects[i].Measure(ctx, c.Sources.Prefix, rate, plan)
			if err != nil {
				return err
			}
			turns[subjects[i].Name] = append(turns[subjects[i].Name], slice)
			_, err = fmt.Fprintf(std.err, "%d/s, turn %d of %d, %s: %.2f s/million\n", rate, turn+1, c.Slices, subjects[i].Name, slice.Million())
			return err
		})
		if err != nil {
			return nil, err
		}
		report.Loads = append(report.Loads, relayload.Sum(rate, c.Seconds, direct, turns[nameOwn], turns[nameReference], turns[nameOffload]))
	}
	report.Conclude()
	return report, nil
}

// search finds each server's limit, pinned to the first processor; the load is on the others.
func (c *benchRelayCmd) search(ctx context.Context, std streams, subjects []*relayload.Subject) error {
	report := relayload.LimitReport{Where: machine(), Burst: c.Burst, Limits: make(map[string]relayload.Limit)}
	for _, s := range subjects {
		if s.PID == 0 {
			return usage(errors.New("--search puts the server on one processor: give its --pid, too"))
		}
		if err := bench.Apart(s.PID); err != nil {
			return err
		}
		limit, err := s.Limit(ctx, c.Sources.Prefix, c.plan())
		if err != nil {
			return err
		}
		report.Limits[s.Name] = limit
		fmt.Fprintf(std.out, "%s\t%s\n", s.Name, limit)
	}
	report.Conclude(nameOwn, nameReference)
	return json.NewEncoder(std.out).Encode(report)
}

// plan is one turn.
func (c *benchRelayCmd) plan() relayload.Plan {
	measured := time.Duration(c.Seconds * float64(time.Second))
	return relayload.Plan{Warm: measured / 5, Measure: measured, Burst: c.Burst}
}

// direct measures the same load without a server.
func (c *benchRelayCmd) direct(ctx context.Context, server netip.AddrPort, rate int, plan relayload.Plan) (*relayload.Result, error) {
	g, err := relayload.New(server, c.Sources.Prefix)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return g.Direct(ctx, g.Parties(make([]relayload.Credential, 2*relayload.Calls(rate))), plan, server)
}

func (c *benchRelayCmd) idle(ctx context.Context, subjects []*relayload.Subject) (*relayload.IdleReport, error) {
	report := &relayload.IdleReport{Allocations: c.Idle}
	for _, s := range subjects {
		if s.Name == nameOffload {
			continue // the same but for what is forwarded
		}
		idle, err := s.Idle(ctx, c.Sources.Prefix, c.Idle, time.Duration(c.Seconds*float64(time.Second)))
		if err != nil {
			return nil, err
		}
		f := relayload.IdleFigures{Bytes: float64(int(idle.Bytes)), CPU: 100 * idle.CPU}
		if s.Name == nameOwn {
			report.Visavis = f
		} else {
			report.Reference = &f
		}
	}
	return report, nil
}

// own is the visavis to measure: the one at --url, or one that is started.
func (c *benchRelayCmd) own(ctx context.Context, name, environ string) (_ *relayload.Subject, stop func(), err error) {
	at, pid := c.URL, c.PID
	stop = func() {}
	if at == "" {
		b, err := startBenched(ctx, strings.Fields(c.Within), c.Address.String(), environ)
		if err != nil {
			return nil, nil, err
		}
		at, pid, stop = b.url, b.PID(), b.stop
	}
	u, err := url.Parse(at)
	if err == nil {
		var server netip.AddrPort
		if server, err = netip.ParseAddrPort(u.Host); err == nil {
			from := &signalload.Server{Origin: at, Sources: c.Sources.Prefix}
			return &relayload.Subject{Name: name, Server: server, PID: pid, Credentials: credentialsOf(from)}, stop, nil
		}
	}
	stop()
	return nil, nil, usage(fmt.Errorf("--url %q: want http://ADDRESS:PORT", at))
}

// credentialsOf makes calls as clients do: create, join, grant.
func credentialsOf(from *signalload.Server) func(context.Context, int) ([]relayload.Credential, func(), error) {
	return func(ctx context.Context, calls int) ([]relayload.Credential, func(), error) {
		pairs, err := from.OpenMany(ctx, calls, nil)
		end := func() {
			for _, p := range pairs {
				p.End()
			}
		}
		var out []relayload.Credential
		for _, p := range pairs {
			if err == nil {
				err = p.Grant(ctx)
			}
			for _, s := range append(p.HostRelay.Servers, p.GuestRelay.Servers...) {
				if s.Username != "" {
					out = append(out, relayload.Credential{Username: s.Username, Password: s.Credential})
				}
			}
		}
		if err == nil && len(out) != 2*calls {
			err = errors.New("the server gave no relay credentials")
		}
		if err != nil {
			end()
			return nil, nil, err
		}
		for _, p := range pairs {
			p.Hold(nil, func(error) {})
		}
		return out, end, nil
	}
}

// reference starts the server to compare with.
func (c *benchRelayCmd) reference(ctx context.Context) (_ *relayload.Subject, stop func(), err error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, nil, err
	}
	credential := relayload.Credential{Username: "bench", Password: rand.Text()}
	command := append(strings.Fields(c.Within), strings.Fields(c.Reference)...)
	child, err := bench.Start(ctx, []string{
		"BENCH_ADDRESS=" + c.Address.String(), "BENCH_PORT=" + strconv.Itoa(port),
		"BENCH_USER=" + credential.Username, "BENCH_PASSWORD=" + credential.Password, "BENCH_REALM=bench",
	}, command[0], command[1:]...)
	if err != nil {
		return nil, nil, err
	}
	server := netip.AddrPortFrom(c.Address, uint16(port))
	err = child.Ready(ctx, startTimeout, func(ctx context.Context) error {
		g, err := relayload.New(server, c.Sources.Prefix)
		if err != nil {
			return err
		}
		defer g.Close()
		return g.Ask(ctx)
	})
	if err != nil {
		child.Stop()
		return nil, nil, err
	}
	return &relayload.Subject{
		Name: nameReference, Server: server, PID: child.PID(),
		Credentials: func(_ context.Context, calls int) ([]relayload.Credential, func(), error) {
			same := make([]relayload.Credential, 2*calls)
			for i := range same {
				same[i] = credential
			}
			return same, func() {}, nil
		},
	}, child.Stop, nil
}

// freePort is a UDP port that nobody has. Another program may take it in between;
// then the server says so.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer pc.Close()
	return pc.LocalAddr().(*net.UDPAddr).Port, nil
}
