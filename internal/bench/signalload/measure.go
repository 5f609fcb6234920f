package signalload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

// Loads is what a server gets in its turn: Idle connections that stay so, and Active
// ones that send frames by Plan.
type Loads struct {
	Idle, Active int
	// Settle is how long the idle ones are held before memory is read: what opening
	// them took has been given back by then, and each has been pinged.
	Settle time.Duration
	Plan   Plan
}

// Turn is what was measured of a server.
type Turn struct {
	Opened    float64   // connections in a second, from the first on
	Bytes     float64   // resident, for each idle connection
	IdleCPU   float64   // share of a processor, while nothing is sent
	Result    *Result   // of the frames
	CPU       bench.CPU // in the measured time
	Measuring time.Duration
}

// Million is the processor time for a million frames that arrived.
func (t *Turn) Million() float64 {
	return t.CPU.Total().Seconds() * 1e6 / max(float64(t.Result.Received), 1)
}

// Measure puts the loads on the server, whose process is pid.
func (s *Server) Measure(ctx context.Context, pid int, loads Loads) (_ *Turn, err error) {
	t := &Turn{Measuring: loads.Plan.Measure}
	lost := make(chan error, 1)
	before, err := bench.Resident(pid)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	idle, err := s.OpenMany(ctx, loads.Idle/2, func(p *Pair) {
		p.Hold(nil, func(err error) {
			select {
			case lost <- err:
			default:
			}
		})
	})
	defer func() { closeAll(idle) }()
	if err != nil {
		return nil, fmt.Errorf("idle connections: %w", err)
	}
	t.Opened = float64(2*len(idle)) / time.Since(began).Seconds()
	if err := t.settle(ctx, pid, loads, before); err != nil {
		return nil, err
	}
	active, err := s.OpenMany(ctx, loads.Active/2, nil)
	defer func() { closeAll(active) }()
	if err != nil {
		return nil, fmt.Errorf("active connections: %w", err)
	}
	var marks []bench.CPU
	t.Result, err = Load(ctx, active, loads.Plan, func() error {
		c, err := bench.ProcessCPU(pid)
		marks = append(marks, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.CPU = marks[1].Since(marks[0])
	select {
	case err := <-lost:
		return nil, fmt.Errorf("an idle connection was lost: %w", err)
	default:
		return t, nil
	}
}

// settle waits, and reads what the idle connections cost.
func (t *Turn) settle(ctx context.Context, pid int, loads Loads, before int64) error {
	spent, err := bench.ProcessCPU(pid)
	if err != nil {
		return err
	}
	quiet := time.NewTimer(loads.Settle)
	defer quiet.Stop()
	select {
	case <-quiet.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	now, err := bench.ProcessCPU(pid)
	after, err2 := bench.Resident(pid)
	if loads.Settle > 0 {
		t.IdleCPU = now.Since(spent).Total().Seconds() / loads.Settle.Seconds()
	}
	t.Bytes = float64(after-before) / float64(max(loads.Idle, 1))
	return errors.Join(err, err2)
}

func closeAll(pairs []*Pair) {
	for _, p := range pairs {
		p.Close()
	}
}
