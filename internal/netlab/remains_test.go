package netlab_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/visavis-call/visavis/internal/netlab"
	"github.com/visavis-call/visavis/internal/netlab/labtest"
)

// TestNothingIsLeft: not after Close, whoever runs inside, and not in our own namespace.
func TestNothingIsLeft(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	labtest.New(t) // or skip
	before, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := netlab.New(ctx, netlab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, _ := labtest.Node(t, lab, "host", netlab.LinkOptions{NAT: netlab.NATSymmetric})
	sleeper := host.Command(ctx, "sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	during, err := net.Interfaces()
	if err != nil || len(during) != len(before) {
		t.Errorf("the lab made an interface here: %v, before %v (%v)", during, before, err)
	}
	name := host.Namespace()
	if err := lab.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := sleeper.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("a process inside ended with %v", err)
	}
	prefix := strings.TrimSuffix(name, "host")
	left, err := os.ReadDir("/run/netns")
	for _, e := range left {
		if strings.HasPrefix(e.Name(), prefix) {
			t.Errorf("%s is left", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestRemainsOfACrashAreRemoved: a namespace named for a process that is dead.
func TestRemainsOfACrashAreRemoved(t *testing.T) {
	ctx := t.Context()
	labtest.New(t) // or skip
	dead := exec.CommandContext(ctx, "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	name := "visavis-" + strings.Join([]string{strconv.Itoa(dead.ProcessState.Pid()), "1", "abcd", "host"}, "-")
	if out, err := exec.CommandContext(ctx, "ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	labtest.New(t)
	if _, err := os.Stat("/run/netns/" + name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", name, err)
	}
}
