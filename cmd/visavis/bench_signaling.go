package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
	"github.com/visavis-call/visavis/internal/bench/signalload"
	"github.com/visavis-call/visavis/protocol"
)

type benchSignalingCmd struct {
	Idle    int     `default:"20000" help:"Connections that wait, host and guest in its lobby (default ${default})."`
	Active  int     `default:"2000" help:"Connections that send frames to each other (default ${default})."`
	Rate    int     `default:"10000" help:"Frames in a second, over all of them (default ${default})."`
	Turns   int     `default:"1" help:"Turns of each server (default ${default})."`
	Seconds float64 `default:"10" help:"Length of the load (default ${default})."`
	Settle  span    `default:"45s" help:"How long idle connections are held before memory is read (default ${default})."`
	Sources prefix  `default:"127.0.0.0/8" help:"Local addresses for the connections (default ${default})."`
}

// Help is shown by visavis bench signaling --help.
func (*benchSignalingCmd) Help() string {
	return `Starts a visavis server on one processor, with this program on the others, and opens connections to it as
clients do: calls with a host and a guest in the lobby. Counted is what the server has in memory for each
idle connection, and how long a sealed frame takes from one party's write to the other's read.

Limits by address are lifted in the server that is started. Each connection is a file on both sides.

The last line of the output is one JSON object. Linux only.`
}

// Run measures and reports.
func (c *benchSignalingCmd) Run(ctx context.Context, std streams) error {
	if c.Active < 2 || c.Rate < 1 || c.Turns < 1 || c.Seconds <= 0 {
		return usage(errors.New("--rate, --turns and --seconds must be positive, and --active at least 2"))
	}
	if c.Idle < 0 || c.Settle < 0 {
		return usage(errors.New("--idle and --settle must not be negative"))
	}
	if most := c.Active * protocol.LimitFramesPerSecond; c.Rate > most {
		return usage(fmt.Errorf("--rate %d: a connection may send %d frames a second, and there are %d: at most %d, or more with --active",
			c.Rate, protocol.LimitFramesPerSecond, c.Active, most))
	}
	if err := bench.OpenFiles(uint64(c.Idle+c.Active) + 1000); err != nil {
		return err
	}
	// This process collects rarely, or the load would pause with it.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	measured := time.Duration(c.Seconds * float64(time.Second))
	loads := signalload.Loads{
		Idle: c.Idle, Active: c.Active, Settle: time.Duration(c.Settle),
		Plan: signalload.Plan{Rate: c.Rate, Warm: measured / 5, Measure: measured},
	}
	var turns []*signalload.Turn
	for range c.Turns {
		turn, err := c.turn(ctx, loads)
		if err != nil {
			return err
		}
		turns = append(turns, turn)
	}
	report := signalload.Sum(loads, turns, nil)
	report.Where = machine()
	if err := report.Print(std.out, ""); err != nil {
		return err
	}
	return json.NewEncoder(std.out).Encode(report)
}

// turn starts a server, so that each begins with nothing, and measures it.
func (c *benchSignalingCmd) turn(ctx context.Context, loads signalload.Loads) (*signalload.Turn, error) {
	b, err := startBenched(ctx, nil, "127.0.0.1", "GOMAXPROCS=1")
	if err != nil {
		return nil, err
	}
	defer b.stop()
	if err := bench.Apart(b.PID()); err != nil {
		return nil, err
	}
	s := &signalload.Server{Origin: b.url, Sources: c.Sources.Prefix}
	return s.Measure(ctx, b.PID(), loads)
}
