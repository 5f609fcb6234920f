package outage

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
	"github.com/visavis-call/visavis/internal/probe"
)

// A probe from behind a firewall that lets no UDP out says so, and that the rest works.
func TestProbeBehindAFirewall(t *testing.T) {
	t.Parallel()
	lab := labtest.New(t)
	w := &world{t: t, lab: lab, binary: build(t), data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, "server", netlab.LinkOptions{})
	w.origin = "http://" + at.Addr4().String() + ":8080"
	w.startServer()
	prober, line := labtest.Node(t, lab, "prober", netlab.LinkOptions{Firewall: netlab.Firewall{BlockUDP: true}})
	if err := line.SetBoth(netlab.Impairment{Delay: 15 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	cmd := prober.Command(context.WithoutCancel(t.Context()), w.binary, "probe", w.origin, "--json",
		"--transport", "turn-udp", "--transport", "turn-tcp", "--duration", "1s", "--timeout", "2s")
	out, err := cmd.Output()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != 9 {
		t.Fatalf("exit: %v, want 9\n%s", err, out)
	}
	var r probe.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	got := map[probe.Transport]probe.Result{}
	for _, result := range r.Transports {
		got[result.Transport] = result
	}
	if udp := got[probe.TURNUDP]; udp.Problem != probe.ProblemMedia {
		t.Errorf("over UDP: %+v, want no media", udp)
	}
	// From the prober to the relay and back, twice.
	if tcp := got[probe.TURNTCP]; !tcp.OK || tcp.Host.RTTMS < 60 || tcp.Host.RTTMS > 500 {
		t.Errorf("over TCP: %+v, %+v; want it to work, with a round trip of 60 ms and more", tcp, tcp.Host)
	}
}
