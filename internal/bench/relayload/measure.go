package relayload

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

const (
	// setupTimeout bounds the making of all allocations of a slice.
	setupTimeout = time.Minute
	// settle is how long a server has to become quiet.
	settle = 3 * time.Second
	// idlePerRole is how many allocations one side of a call has when memory is
	// measured: about what a browser with two interfaces makes.
	idlePerRole = 10
)

// Subject is a server to be measured.
type Subject struct {
	Name   string
	Server netip.AddrPort
	// PID is the server's process; 0: not known, so there are no figures of it.
	PID int
	// ReceivePath is the kernel threads that work for the server's interface.
	ReceivePath []int
	// Credentials returns those of both sides of so many calls, side by side, and a
	// function to end the calls.
	Credentials func(ctx context.Context, calls int) (credentials []Credential, end func(), err error)
}

// cpu is what the server, and the kernel for its interface, have spent so far.
func (s *Subject) cpu() (bench.CPU, error) {
	var sum bench.CPU
	if s.PID == 0 {
		return sum, nil
	}
	for _, pid := range append([]int{s.PID}, s.ReceivePath...) {
		c, err := bench.ProcessCPU(pid)
		if err != nil {
			return sum, err
		}
		sum = sum.Plus(c)
	}
	return sum, nil
}

// Slice is one turn of one server.
type Slice struct {
	Result *Result
	CPU    bench.CPU // in the measured time
	// Allocations is how many were made in a second.
	Allocations float64
}

// Million is the processor time for a million packets that arrived.
func (s *Slice) Million() float64 { return perMillion(s.CPU.Total(), s.Result.Received) }

func perMillion(spent time.Duration, packets uint64) float64 {
	if packets == 0 {
		return 0
	}
	return spent.Seconds() * 1e6 / float64(packets)
}

// Measure gives the subject one slice of load, of this many packets a second.
func (s *Subject) Measure(ctx context.Context, sources netip.Prefix, rate int, plan Plan) (*Slice, error) {
	credentials, end, err := s.Credentials(ctx, Calls(rate))
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", s.Name, err)
	}
	defer end()
	g, parties, made, err := s.allocate(ctx, sources, credentials)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if err := g.Bind(ctx, parties); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	slice := &Slice{Allocations: float64(len(parties)) / made.Seconds()}
	var marks []bench.CPU
	slice.Result, err = g.Load(ctx, parties, plan, func() error {
		c, err := s.cpu()
		marks = append(marks, c)
		return err
	})
	if err == nil {
		slice.CPU = marks[1].Since(marks[0])
		err = g.Release(ctx, parties)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return slice, nil
}

// allocate opens a generator and makes the allocations.
func (s *Subject) allocate(ctx context.Context, sources netip.Prefix, credentials []Credential) (*Generator, []*Party, time.Duration, error) {
	g, err := New(s.Server, sources)
	if err != nil {
		return nil, nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	parties := g.Parties(credentials)
	took, err := g.Allocate(ctx, parties)
	if err != nil {
		return nil, nil, 0, errors.Join(fmt.Errorf("%s: %w", s.Name, err), g.Close())
	}
	return g, parties, took, nil
}

// Idle is what allocations cost that nothing goes through.
type Idle struct {
	Bytes float64 // of memory, for each
	// CPU is the share of a processor that all of them take, beyond what the server
	// takes without them.
	CPU float64
}

// Idle makes so many allocations and looks at the server for a while before and after.
func (s *Subject) Idle(ctx context.Context, sources netip.Prefix, allocations int, watch time.Duration) (*Idle, error) {
	calls := max(allocations/(2*idlePerRole), 1)
	pairs, end, err := s.Credentials(ctx, calls)
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", s.Name, err)
	}
	defer end()
	var credentials []Credential
	for range idlePerRole {
		credentials = append(credentials, pairs...)
	}
	without, before, err := s.quiet(ctx, watch)
	if err != nil {
		return nil, err
	}
	g, parties, _, err := s.allocate(ctx, sources, credentials)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	with, after, err := s.quiet(ctx, watch)
	if err != nil {
		return nil, err
	}
	if err := g.Release(ctx, parties); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return &Idle{
		Bytes: float64(after-before) / float64(len(parties)),
		CPU:   max((with-without).Seconds()/watch.Seconds(), 0),
	}, nil
}

// quiet lets the server settle, and then returns what it spends in this time and the
// memory that it has at the end.
func (s *Subject) quiet(ctx context.Context, watch time.Duration) (spent time.Duration, resident int64, err error) {
	if err := wait(ctx, settle); err != nil {
		return 0, 0, err
	}
	began, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	if err := wait(ctx, watch); err != nil {
		return 0, 0, err
	}
	ended, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	resident, err = bench.Resident(s.PID)
	return ended.Since(began).Total(), resident, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
