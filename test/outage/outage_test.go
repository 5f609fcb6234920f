// Package outage tests native parties on networks that break in mid-call
// (docs/lab.md).
package outage

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(partyEnv) == "" {
		os.Exit(m.Run())
	}
	if err := take(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	// soon is less than what pion takes to notice (peer.iceDisconnected, 4 s): who is
	// back by then has felt it by the silence.
	soon = 3500 * time.Millisecond
	// patience is for what has no such bound.
	patience = 30 * time.Second
	// farewell is well below what pion waits for a relay that does not answer (8 s, several times).
	farewell = 7 * time.Second
	several  = 15 // pictures
)

// world is a server and two parties in a call, each on a node.
type world struct {
	t           *testing.T
	lab         *netlab.Lab
	server      *netlab.Node
	host, guest *party
	hostNode    *netlab.Node
	guestNode   *netlab.Node
	guestLink   *netlab.Link
	origin      string
	binary      string
	data        string
	args        []string  // of the server
	serve       *exec.Cmd // nil: the server is dead
}

func connect(t *testing.T) *world {
	t.Helper()
	lab := labtest.New(t)
	w := &world{t: t, lab: lab, binary: build(t), data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, "server", netlab.LinkOptions{})
	w.hostNode, _ = labtest.Node(t, lab, "host", netlab.LinkOptions{})
	w.guestNode, w.guestLink = labtest.Node(t, lab, "guest", netlab.LinkOptions{})
	w.origin = "http://" + at.Addr4().String() + ":8080"
	w.startServer()
	link, err := e2ee.NewLink(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.host = start(t, w.hostNode, link.Fragment(), w.origin)
	w.host.await("phase alone", 1, patience)
	w.guest = start(t, w.guestNode, link.Guest().Fragment(), w.origin)
	for _, p := range []*party{w.host, w.guest} {
		p.await("connected direct", 1, patience)
		p.await("picture", several, patience)
	}
	return w
}

// build makes the server's program, once for all tests: the linker is quick the
// second time.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "visavis")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "noweb", "-o", program, "../../cmd/visavis").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// startServer returns when the server is ready.
func (w *world) startServer() {
	w.t.Helper()
	args := append([]string{"serve", "--data", w.data, "--metrics", ""}, w.args...)
	if w.args == nil {
		args = append(args, "--listen", ":8080")
	}
	cmd := w.server.Command(context.WithoutCancel(w.t.Context()), w.binary, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.serve = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if !strings.HasPrefix(line, "visavis is ready") {
		w.t.Fatalf("the server said %q, %v", line, err)
	}
	w.t.Cleanup(w.killServer)
}

// killServer is a power cut.
func (w *world) killServer() {
	if w.serve == nil {
		return
	}
	if err := w.serve.Process.Kill(); err != nil {
		w.t.Error(err)
	}
	_ = w.serve.Wait() // killed
	w.serve = nil
}

// bothSeeAgain fails unless pictures come to both within a time, over the same
// connection.
func (w *world) bothSeeAgain(within time.Duration) {
	w.t.Helper()
	from := time.Now()
	w.host.skip()
	w.guest.skip()
	for _, p := range []*party{w.host, w.guest} {
		p.await("picture", several, within-time.Since(from))
		w.t.Logf("%s sees again after %v: %v", p.name, time.Since(from).Round(10*time.Millisecond), p.log)
	}
	w.sameConnection()
}

// sameConnection: a track is added once to each connection.
func (w *world) sameConnection() {
	w.t.Helper()
	for p, mid := range map[*party]string{w.host: "3", w.guest: "1"} {
		if n := p.said["track "+mid]; n != 1 {
			w.t.Errorf("%s has had %d connections: %v", p.name, n, p.log)
		}
	}
}

func TestDirectPathDies(t *testing.T) {
	w := connect(t)
	w.lab.Cut(w.hostNode, w.guestNode)
	w.bothSeeAgain(soon)
	for _, p := range []*party{w.host, w.guest} {
		p.await("connected relayed", 1, patience)
	}
}

// The guest takes another network: its connection to the server dies without a
// word, too.
func TestGuestTakesAnotherNetwork(t *testing.T) {
	w := connect(t)
	if _, err := w.guestNode.Switch(t.Context(), netlab.LinkOptions{Interface: "wwan0"}); err != nil {
		t.Fatal(err)
	}
	w.bothSeeAgain(patience)

	// Relays that only the old network led to do not answer any more, and are not waited for.
	from := time.Now()
	w.guest.hangUp()
	w.guest.drain()
	if took := time.Since(from); took > farewell {
		t.Errorf("hanging up took %v", took.Round(time.Millisecond))
	}
}

func TestHostTakesAnotherNetwork(t *testing.T) {
	w := connect(t)
	if _, err := w.hostNode.Switch(t.Context(), netlab.LinkOptions{Interface: "wwan0"}); err != nil {
		t.Fatal(err)
	}
	w.bothSeeAgain(patience)
}

// With the server dead there is nobody to carry an offer: a path that comes back is
// taken as it is, and one that does not is replaced once the server is back.
func TestServerIsDead(t *testing.T) {
	w := connect(t)
	w.killServer()
	for _, p := range []*party{w.host, w.guest} {
		p.await("online false", 1, patience)
	}
	if err := w.guestLink.SetBoth(netlab.Impairment{Down: true}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*party{w.host, w.guest} {
		p.await("phase reconnecting", 1, patience)
	}
	if err := w.guestLink.SetBoth(netlab.Impairment{}); err != nil {
		t.Fatal(err)
	}
	w.bothSeeAgain(soon)

	w.lab.Cut(w.hostNode, w.guestNode)
	for _, p := range []*party{w.host, w.guest} {
		p.await("phase reconnecting", 1, patience)
	}
	w.startServer()
	w.bothSeeAgain(patience)
	for _, p := range []*party{w.host, w.guest} {
		p.await("connected relayed", 1, patience)
	}
}
