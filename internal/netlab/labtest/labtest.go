// Package labtest makes labs for tests.
package labtest

import (
	"context"
	"os"
	"testing"

	"github.com/visavis-call/visavis/internal/netlab"
)

// RequireEnv is the variable that says that a test may not be skipped for want of
// a lab: set to "require", as make test does. CI=true means the same.
const RequireEnv = "VISAVIS_LAB"

// New returns an empty lab, removed when the test ends. Where there can be none the
// test is skipped with the reason, or fails if it must not be skipped.
func New(t testing.TB) *netlab.Lab {
	t.Helper()
	if err := netlab.Check(); err != nil {
		if os.Getenv("CI") == "true" || os.Getenv(RequireEnv) == "require" {
			t.Fatal(err)
		}
		t.Skipf("%v; as root, on Linux: scripts/setup-tests.sh installs the commands", err)
	}
	lab, err := netlab.New(t.Context(), netlab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Errorf("remove the lab: %v", err)
		}
	})
	return lab
}

// Node is a node with one link.
func Node(t testing.TB, lab *netlab.Lab, name string, o netlab.LinkOptions) (*netlab.Node, *netlab.Link) {
	t.Helper()
	// The life of a link is not that of the test's context, which ends before cleanup.
	ctx := context.WithoutCancel(t.Context())
	n, err := lab.AddNode(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	link, err := n.Attach(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return n, link
}
