package outage

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
	"github.com/visavis-call/visavis/internal/probe"
)

// probe runs visavis probe on a node.
func (w *world) probe(n *netlab.Node, args ...string) probe.Report {
	w.t.Helper()
	out, err := n.Command(context.WithoutCancel(w.t.Context()), w.binary, append([]string{"probe", "--json", "--duration", "1s"}, args...)...).Output()
	var r probe.Report
	if json.Unmarshal(out, &r) != nil {
		w.t.Fatalf("probe said %q, %v", out, err)
	}
	return r
}

// A family that is forced is the only one, for the server, its relay and direct media; and
// where there is none of it, that is the reason.
func TestProbeByFamily(t *testing.T) {
	t.Parallel()
	lab := labtest.New(t)
	w := &world{t: t, lab: lab, binary: build(t), data: t.TempDir()}
	var at *netlab.Link
	w.server, at = labtest.Node(t, lab, "server", netlab.LinkOptions{})
	w.startServer()
	v4, v6 := "http://"+at.Addr4().String()+":8080", "http://["+at.Addr6().String()+"]:8080"
	both, _ := labtest.Node(t, lab, "both", netlab.LinkOptions{})
	for family, origin := range map[string]string{"4": v4, "6": v6} {
		r := w.probe(both, origin, "--family", family)
		if !r.OK || len(r.Offered) != 3 {
			t.Errorf("IPv%s: %+v", family, r)
		}
		for _, result := range r.Transports {
			if result.Transport == probe.Direct && result.Host != nil && strconv.Itoa(result.Host.Family) != family {
				t.Errorf("IPv%s: went directly over IPv%d", family, result.Host.Family)
			}
		}
	}
	only4, _ := labtest.Node(t, lab, "only4", netlab.LinkOptions{Family: netlab.IPv4Only})
	for _, tt := range []struct {
		node   *netlab.Node
		origin string
		family string
	}{{both, v6, "4"}, {both, v4, "6"}, {only4, v6, "6"}} {
		if r := w.probe(tt.node, tt.origin, "--family", tt.family); r.Up || r.Reason != probe.ReasonFamily {
			t.Errorf("%s by IPv%s: up %v, reason %q; want family", tt.origin, tt.family, r.Up, r.Reason)
		}
	}
}
