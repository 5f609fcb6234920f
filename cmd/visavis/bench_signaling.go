package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
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
	Settle  span    `default:"65s" help:"How long idle connections are held before memory is read; a server tidies up after 30 s of quiet, at most 60 (default ${default})."`
	Sources prefix  `default:"127.0.0.0/8" help:"Local addresses for the connections (default ${default})."`

	Reference string `default:"bare" placeholder:"COMMAND" help:"What to compare with: 'bare', 'none', or a command that starts a relay (default ${default})."`
}

// benchBareCmd is what bench signaling starts to compare with.
type benchBareCmd struct {
	Listen string `arg:"" help:"Address and port."`
}

// Run serves until it is told to stop.
func (c *benchBareCmd) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	return signalload.ServeBare(ctx, l)
}

// Help is shown by visavis bench signaling --help.
func (*benchSignalingCmd) Help() string {
	return `Starts a visavis server on one processor, with this program on the others, and opens connections to it as
clients do: calls with a host and a guest in the lobby. Counted is what the server has in memory for each
idle connection, and how long a sealed frame takes from one party's write to the other's read.

In turns with it the same is done to a reference: a relay that joins two connections and does nothing else,
written with the WebSocket library that clients here use ('bare'). Another one is started by the command of
--reference, which finds BENCH_ADDRESS and BENCH_PORT in its environment, must not return, and must end in the
server (exec). It joins the two connections that ask for the same path: what one says in binary the other gets.

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
	if len(strings.Fields(c.Reference)) == 0 {
		return usage(errors.New("--reference must be bare, none, or a command"))
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
	var own, reference []*signalload.Turn
	for range c.Turns {
		turn, err := c.turn(ctx, loads, c.visavis)
		if err != nil {
			return fmt.Errorf("visavis: %w", err)
		}
		own = append(own, turn)
		if c.Reference == "none" {
			continue
		}
		if turn, err = c.turn(ctx, loads, c.other); err != nil {
			return fmt.Errorf("reference: %w", err)
		}
		reference = append(reference, turn)
	}
	report := signalload.Sum(loads, own, reference)
	report.Where = machine()
	if err := report.Print(std.out, c.Reference); err != nil {
		return err
	}
	return json.NewEncoder(std.out).Encode(report)
}

// onOneProcessor is for servers of either kind.
const onOneProcessor = "GOMAXPROCS=1"

// turn starts a server, so that each begins with nothing, and measures it.
func (c *benchSignalingCmd) turn(ctx context.Context, loads signalload.Loads,
	start func(context.Context) (*signalload.Server, int, func(), error),
) (*signalload.Turn, error) {
	s, pid, stop, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := bench.Apart(pid); err != nil {
		return nil, err
	}
	return s.Measure(ctx, pid, loads)
}

func (c *benchSignalingCmd) visavis(ctx context.Context) (*signalload.Server, int, func(), error) {
	b, err := startBenched(ctx, nil, benchAddress, onOneProcessor)
	if err != nil {
		return nil, 0, nil, err
	}
	return &signalload.Server{Origin: b.url, Sources: c.Sources.Prefix}, b.PID(), b.stop, nil
}

const benchAddress = "127.0.0.1"

// other starts what to compare with.
func (c *benchSignalingCmd) other(ctx context.Context) (*signalload.Server, int, func(), error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	address := net.JoinHostPort(benchAddress, strconv.Itoa(port))
	command := strings.Fields(c.Reference)
	if c.Reference == "bare" {
		own, err := os.Executable()
		if err != nil {
			return nil, 0, nil, err
		}
		command = []string{own, "bench", "bare", address}
	}
	child, err := bench.Start(ctx, []string{
		onOneProcessor, "BENCH_ADDRESS=" + benchAddress, "BENCH_PORT=" + strconv.Itoa(port),
	}, command[0], command[1:]...)
	if err != nil {
		return nil, 0, nil, err
	}
	err = child.Ready(ctx, startTimeout, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		child.Stop()
		return nil, 0, nil, err
	}
	return &signalload.Server{Origin: "http://" + address, Sources: c.Sources.Prefix, Bare: true}, child.PID(), child.Stop, nil
}
