package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/bench"
)

// benchCmd is the family of load generators. Each has a file of its own.
type benchCmd struct {
	Relay     benchRelayCmd     `cmd:"" help:"What relaying costs, beside another TURN server."`
	Signaling benchSignalingCmd `cmd:"" help:"What signaling connections cost, in memory and in time."`
	Bare      benchBareCmd      `cmd:"" hidden:"" help:"The reference of bench signaling."`
}

// prefix is a range of addresses whose mistakes are explained.
type prefix struct{ netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *prefix) UnmarshalText(text []byte) error {
	v, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q: want a range of addresses, like 127.0.0.0/8", text)
	}
	p.Prefix = v
	return nil
}

// startTimeout is how long a server may take until it serves.
const startTimeout = 20 * time.Second

// benched is a visavis server that was started to be measured.
type benched struct {
	*bench.Child
	url  string
	data string
}

// startBenched starts this binary as a server on a free port of address. Limits
// by address of signaling are lifted, for everything comes from this machine; those
// of the relay stand. within is a command to run it under, or nothing.
func startBenched(ctx context.Context, within []string, address string, environ ...string) (*benched, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "visavis-bench-")
	if err != nil {
		return nil, err
	}
	args := append(within, own, "serve", "--listen", address+":0", "--data", data, "--metrics", "", "--log-level", "error")
	environ = append(environ,
		"VISAVIS_LIMITS_CALLS=100000", "VISAVIS_LIMITS_CONNECTIONS=100000", "VISAVIS_LIMITS_CONNECTIONS_PER_ADDRESS=100000",
		"VISAVIS_LIMITS_CONNECTS_PER_MINUTE=1000000", "VISAVIS_LIMITS_CREATES_PER_MINUTE=1000000")
	child, err := bench.Start(ctx, environ, args[0], args[1:]...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	b := &benched{Child: child, data: data}
	err = child.Ready(ctx, startTimeout, func(context.Context) error {
		m := regexp.MustCompile(`visavis is ready: (\S+)\n`).FindStringSubmatch(child.Output())
		if m == nil {
			return errors.New("it has not said that it is ready")
		}
		b.url = m[1]
		return nil
	})
	if err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// stop ends the server and removes its data.
func (b *benched) stop() {
	b.Stop()
	_ = os.RemoveAll(b.data) // in the directory for temporary files: nothing depends on it
}

// machine says where figures were measured.
func machine() string {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown kernel")
	}
	return fmt.Sprintf("%d cores, %s %s, %s", runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version())
}
