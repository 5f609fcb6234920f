package outage

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/internal/doctor"
	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

// examine runs visavis doctor on a node and returns the findings, level by id. Its exit
// code says the worst of them, which a test does not want to depend on here.
func (w *world) examine(n *netlab.Node, args ...string) map[string]doctor.Level {
	w.t.Helper()
	out, err := n.Command(context.WithoutCancel(w.t.Context()), w.binary, append([]string{"doctor", "--json", "--data", w.data}, args...)...).Output()
	var r doctor.Report
	if json.Unmarshal(out, &r) != nil {
		w.t.Fatalf("doctor said %q, %v", out, err)
	}
	levels := map[string]doctor.Level{}
	for _, f := range r.Findings {
		levels[f.ID] = f.Level
	}
	return levels
}

func (w *world) want(got map[string]doctor.Level, id string, want doctor.Level) {
	w.t.Helper()
	if got[id] != want {
		w.t.Errorf("%s is %q, want %q, in %v", id, got[id], want, got)
	}
}

// serverNode is a machine with a server.
func serverNode(t *testing.T, lab *netlab.Lab, binary, name string) *world {
	t.Helper()
	w := &world{t: t, lab: lab, binary: binary, data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, name, netlab.LinkOptions{})
	w.origin = "http://" + at.Addr4().String() + ":8080"
	w.startServer()
	return w
}

// What doctor says of a NAT, of a firewall, and of a machine that has neither, with two
// servers to ask.
func TestDoctorOnOtherNetworks(t *testing.T) {
	t.Parallel()
	lab, binary := labtest.New(t), build(t)
	w := serverNode(t, lab, binary, "server")
	via := []string{"--via", w.origin, "--via", serverNode(t, lab, binary, "other").origin}

	oneToOne, _ := labtest.Node(t, lab, "onetoone", netlab.LinkOptions{NAT: netlab.NATEndpointIndependent})
	got := w.examine(oneToOne, via...)
	w.want(got, "address.ipv4", doctor.OK)
	w.want(got, "nat.mapping", doctor.OK)
	w.want(got, "port.tcp", doctor.OK)

	symmetric, _ := labtest.Node(t, lab, "symmetric", netlab.LinkOptions{NAT: netlab.NATSymmetric})
	got = w.examine(symmetric, via...)
	w.want(got, "address.ipv4", doctor.Warning)
	w.want(got, "nat.mapping", doctor.Warning)

	strict, _ := labtest.Node(t, lab, "strict", netlab.LinkOptions{Firewall: netlab.Firewall{BlockUDP: true}})
	got = w.examine(strict, "--outside", w.origin)
	w.want(got, "outside.tcp4", doctor.OK)
	w.want(got, "outside.udp4", doctor.Problem)
	w.want(got, "outside.turn_udp", doctor.Problem)
	w.want(got, "outside.turn_tcp", doctor.OK)

	got = w.examine(w.server, append(via[2:], "--url", w.origin)...)
	w.want(got, "address.ipv4", doctor.OK)
	w.want(got, "nat.mapping", "")
	w.want(got, "hairpin.udp", doctor.OK)
	w.want(got, "clock.offset", doctor.OK)
}

// A rule of the machine's own firewall against UDP is found on it, with what mends it, and
// from outside by either kind of address.
func TestDoctorFindsARule(t *testing.T) {
	t.Parallel()
	lab, binary := labtest.New(t), build(t)
	w := &world{t: t, lab: lab, binary: binary, data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, "server", netlab.LinkOptions{})
	w.origin = "http://" + at.Addr4().String() + ":8080"
	w.startServer()
	outside, _ := labtest.Node(t, lab, "outside", netlab.LinkOptions{})
	six := "http://[" + at.Addr6().String() + "]:8080"
	ids := func(level doctor.Level) {
		t.Helper()
		w.want(w.examine(w.server), "port.udp", level)
		for origin, family := range map[string]string{w.origin: "4", six: "6"} {
			got := w.examine(outside, "--outside", origin)
			w.want(got, "outside.tcp"+family, doctor.OK)
			w.want(got, "outside.udp"+family, level)
			w.want(got, "outside.turn_udp", level)
			w.want(got, "outside.turn_tcp", doctor.OK)
		}
	}
	ids(doctor.OK)
	w.want(w.examine(w.server), "firewall", doctor.OK)
	rules := "table inet f {\n chain in {\n type filter hook input priority 0; policy accept;\n udp dport 8080 drop\n }\n}"
	cmd := w.server.Command(context.WithoutCancel(t.Context()), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	ids(doctor.Problem)
	w.want(w.examine(w.server), "firewall", doctor.Warning)
}
