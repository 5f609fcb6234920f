package outage

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/testkit"
	"github.com/visavis-call/visavis/peer"
)

// A party runs in the test binary itself, started again on a node of the lab: a
// namespace holds for whole processes.
const (
	partyEnv = "VISAVIS_OUTAGE_PARTY" // link and origin
	relayEnv = "VISAVIS_OUTAGE_RELAY" // the only way into the relay, or nothing
)

// take takes part in a call and prints a line for everything that happens, and
// "picture" for each that arrives.
func take() error {
	text, origin, _ := strings.Cut(os.Getenv(partyEnv), " ")
	link, err := e2ee.ParseFragment(text)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the test goes away with the pipe
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		cancel()
	}()
	out := &printer{}
	if link.Host() {
		if _, err := peer.Register(ctx, peer.Registration{Link: link, Origin: origin}); err != nil {
			return err
		}
	}
	video, audio, err := testkit.Media()
	if err != nil {
		return err
	}
	call, err := peer.Start(ctx, peer.Config{
		Link: link, Origin: origin, OpenDoor: true, Video: video, Audio: audio, Sink: out,
		RelayTransport: peer.RelayTransport(os.Getenv(relayEnv)),
	})
	if err != nil {
		return err
	}
	for e := range call.Events() {
		out.print(describe(e))
		if up, ok := e.(peer.Connected); ok {
			out.print(fmt.Sprintf("way %s %s %d", up.Path, up.Over, up.Family))
		}
		if over, ok := e.(peer.Ended); ok && over.Route != nil {
			out.print(route(over.Route))
		}
	}
	return nil
}

func describe(e peer.Event) string {
	switch e := e.(type) {
	case peer.PhaseChanged:
		return "phase " + string(e.Phase)
	case peer.Connected:
		return "connected " + string(e.Path)
	case peer.TrackAdded:
		return "track " + e.Track.MID
	case peer.SignalingChanged:
		return fmt.Sprintf("online %v", e.Online)
	case peer.Ended:
		return fmt.Sprintf("ended %s %s", e.Reason, e.Code)
	}
	return fmt.Sprintf("%T", e)
}

// route is "route direct", or "route relay" and by what this side reaches it.
func route(r *peer.Route) string {
	if r.Local != "relay" && r.Remote != "relay" {
		return "route direct"
	}
	return "route relay " + string(r.Relay)
}

type printer struct{ mu sync.Mutex }

func (p *printer) print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Println(line)
}

func (p *printer) WriteFrame(track peer.Track, _ peer.Frame) error {
	if track.Kind == peer.KindVideo {
		p.print("picture")
	}
	return nil
}

// party is one in its own process.
type party struct {
	t     *testing.T
	name  string
	lines chan string
	said  map[string]int // lines so far
	log   []string       // without pictures, and when, in seconds since the last outage
	since time.Time
	leave func() // hangs up
}

func start(t *testing.T, n *netlab.Node, link, origin string, env ...string) *party {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := n.Command(context.WithoutCancel(t.Context()), program)
	cmd.Env = append(append(os.Environ(), partyEnv+"="+link+" "+origin), env...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &party{t: t, name: n.Name, lines: make(chan string, 10_000), said: map[string]int{}, since: time.Now(), leave: func() { in.Close() }}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		for range p.lines { // its last words
		}
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, complaint.String())
		}
		if t.Failed() {
			t.Logf("%s: %v\n%s", p.name, p.log, complaint.String())
		}
	})
	return p
}

// await reads on until n more lines of this text have come, and fails after a time.
func (p *party) await(line string, n int, within time.Duration) {
	p.t.Helper()
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for n > 0 {
		select {
		case got, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s ended; it said %v", p.name, p.log)
			}
			p.heard(got)
			if got == line {
				n--
			}
		case <-timeout.C:
			p.t.Fatalf("%s: waited %v for %q; it said %v", p.name, within, line, p.log)
		}
	}
}

// skip forgets what has been said before the outage that begins now.
func (p *party) skip() {
	p.since, p.log = time.Now(), nil
	for len(p.lines) > 0 {
		p.heard(<-p.lines)
	}
}

func (p *party) heard(line string) {
	p.said[line]++
	if line != "picture" {
		p.log = append(p.log, fmt.Sprintf("%.1f %s", time.Since(p.since).Seconds(), line))
	}
}

// hangUp ends the call, and the process.
func (p *party) hangUp() { p.leave() }

// drain reads all that is left of a party that hung up.
func (p *party) drain() {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return
			}
			p.heard(line)
		case <-timeout.C:
			p.t.Fatalf("%s does not end; it said %v", p.name, p.log)
		}
	}
}
