package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/visavis-call/visavis/internal/mediafile"
	"github.com/visavis-call/visavis/internal/probe"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// exitPartly says that some transports of a deployment work and others do not.
const exitPartly = 9

type probeCmd struct {
	URL        string   `arg:"" optional:"" default:"http://localhost:8080" help:"The server (default ${default})."`
	Transport  []string `enum:"direct,turn-udp,turn-tcp,turn-tls" placeholder:"NAME" help:"Only this one: direct, turn-udp, turn-tcp or turn-tls; may be given several times. It then has to be offered."`
	Family     int      `enum:"0,4,6" default:"0" placeholder:"4|6" help:"Only by IPv4, or only by IPv6: the server, its relay and direct media."`
	Duration   span     `default:"3s" placeholder:"3s" help:"Measure for so long over each transport, 1s to 1m (default ${default})."`
	Timeout    span     `default:"20s" placeholder:"20s" help:"For the set-up over each transport, 1s to 1m (default ${default})."`
	TokenFile  string   `placeholder:"FILE" help:"Token of a server whose operator asks for one to make calls."`
	JSON       bool     `name:"json" help:"Print one JSON object."`
	Prometheus string   `placeholder:"FILE" help:"Write metrics to this file, as node_exporter's textfile collector reads them; - is standard output."`
}

// Help is shown by visavis probe --help.
func (*probeCmd) Help() string {
	return `Makes a call at the server and has it with itself, as host and as guest, once over each transport:
directly, then through the relay over UDP, TCP and TLS. It says how long each step took, what got
lost, which way media really went, and whether both sides had the same verification words. The call
is ended afterwards. Run it from outside of the server's network: there it sees what people see.

CONNECT to ARRIVE are the two connections to the server, HANDSHAKE the keys, ADMIT knock and answer,
MEDIA the path until it is proven, PICTURE the first one; TOTAL is what a guest waits. LOSS, RTT and
JITTER are those of the worse side. Transports that the server does not offer are said to be so.
--family 4 and --family 6 say whether each works by itself: people have one, the other or both.
A certificate of an authority of your own: SSL_CERT_FILE=ca.pem visavis probe URL.

It costs the server one call, ten connections and about 0.1 MB through its relay for each transport.

Exit codes: 0 every transport that is offered works; 1 none works; 2 wrong usage; 4 the server does
not let calls be made (token, or too often); 6 the server cannot be reached; 7 a check of the
encryption failed, or the verification words differ; 9 some transports work, others do not.`
}

// Run probes and reports.
func (c *probeCmd) Run(ctx context.Context, std streams) error {
	origin, err := parseOrigin(c.URL)
	if err != nil {
		return usage(fmt.Errorf("%q: want http://HOST or https://HOST", c.URL))
	}
	for name, d := range map[string]span{"--duration": c.Duration, "--timeout": c.Timeout} {
		if time.Duration(d) < time.Second || time.Duration(d) > time.Minute {
			return usage(fmt.Errorf("%s %v: want 1s to 1m", name, time.Duration(d)))
		}
	}
	if c.Prometheus != "" && c.Prometheus != "-" {
		if dir := filepath.Dir(c.Prometheus); !isDirectory(dir) {
			return usage(fmt.Errorf("--prometheus %s: there is no directory %s", c.Prometheus, dir))
		}
	}
	token, err := readSecretFile(c.TokenFile, std.in)
	if err != nil {
		return usage(fmt.Errorf("--token-file: %w", err))
	}
	cfg := probe.Config{
		Origin: origin, Token: token, Transports: probe.Transports(),
		Family: c.Family, Setup: time.Duration(c.Timeout), Measure: time.Duration(c.Duration), Media: builtinMedia,
	}
	if len(c.Transport) > 0 {
		cfg.Transports = nil
		for _, t := range c.Transport {
			cfg.Transports = append(cfg.Transports, probe.Transport(t))
		}
	}
	if !c.JSON && c.Prometheus != "-" && isTerminal(std.in) {
		cfg.Begins = func(t probe.Transport) { fmt.Fprintf(std.err, "visavis: probing %s\n", t) }
	}
	report, failed := probe.Run(ctx, cfg)
	if err := c.print(std.out, &report); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil && failed == nil:
		return errors.New("interrupted; the call was ended")
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", failed)
	case errors.Is(failed, probe.ErrNotEnded):
		return errors.Join(failed, c.verdict(&report))
	case failed != nil:
		return probeFailed(failed, origin, token)
	}
	return c.verdict(&report)
}

// builtinMedia are picture and tone of this binary.
func builtinMedia() (video, audio peer.Source, err error) {
	ivf, err := mediafile.Pattern()
	if err != nil {
		return nil, nil, err
	}
	ogg, err := mediafile.Tone()
	return videoSource{ivf}, audioSource{ogg}, err
}

func (c *probeCmd) print(out io.Writer, r *probe.Report) error {
	if c.Prometheus != "" && c.Prometheus != "-" {
		if err := replaceFile(c.Prometheus, r.WritePrometheus); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	switch {
	case c.Prometheus == "-":
		return r.WritePrometheus(out)
	case c.JSON:
		return json.NewEncoder(out).Encode(r)
	case len(r.Transports) > 0:
		return r.WriteText(out)
	}
	return nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// replaceFile puts a whole file in the place of path: whoever reads it meanwhile
// sees the old one or the new one.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".visavis-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // perhaps closed already
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil { // the collector is another user
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// probeFailed explains why there was no call to probe with.
func probeFailed(err error, origin, token string) error {
	explained := unregistered(err, origin, token)
	if code := codeIn(err); code == protocol.ErrorCodeAuth || code == protocol.ErrorCodeRate {
		return &exitError{exitRefused, explained}
	}
	return explained
}

// verdict is what the report means for the exit code.
func (c *probeCmd) verdict(r *probe.Report) error {
	missing := false
	for _, t := range r.Transports {
		missing = missing || len(c.Transport) > 0 && !t.Offered
	}
	switch {
	case r.Has(probe.ProblemEncryption) || r.Has(probe.ProblemWords):
		return &exitError{exitInsecure, errors.New("a check of the encryption failed; do not use this server before you know why")}
	case r.OK && !missing:
		return nil
	case r.Working() > 0:
		return &exitError{exitPartly, fmt.Errorf("not every transport works; visavis doctor --outside %s looks closer", r.Server)}
	}
	return fmt.Errorf("no transport works; visavis doctor --outside %s looks closer", r.Server)
}
