package relay

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/visavis-call/visavis/internal/relay/offload"
)

// veth is a wire between two network namespaces: the server's and the clients'. The
// server has 10.77.0.1, 10.77.0.2 and fd77::1.
type veth struct{ server, clients string }

var wire77 = sync.OnceValues(func() (veth, error) { return newVeth("") })

// newVeth makes one; tag tells it from others of this process.
func newVeth(tag string) (veth, error) {
	v := veth{fmt.Sprintf("visavis-relay-s%s%d", tag, os.Getpid()), fmt.Sprintf("visavis-relay-c%s%d", tag, os.Getpid())}
	commands := fmt.Sprintf(`ip netns add %[1]s
ip netns add %[2]s
ip -n %[1]s link add wire type veth peer name wire netns %[2]s
ip netns exec %[1]s sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.wire.accept_dad=0
ip netns exec %[2]s sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.wire.accept_dad=0
ip -n %[1]s addr add 10.77.0.1/24 dev wire
ip -n %[1]s addr add 10.77.0.2/24 dev wire
ip -n %[1]s addr add fd77::1/64 dev wire
ip -n %[2]s addr add 10.77.0.9/24 dev wire
ip -n %[2]s addr add fd77::9/64 dev wire
ip -n %[1]s link set lo up
ip -n %[2]s link set lo up
ip -n %[1]s link set wire up
ip -n %[2]s link set wire up`, v.server, v.clients)
	for line := range strings.SplitSeq(commands, "\n") {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return v, fmt.Errorf("%s: %w: %s", line, err, out)
		}
	}
	return v, errors.Join(v.wait(), inside(v.clients, func() error { return setChecksums(false) }), inside(v.server, func() error {
		p, err := offload.Load(offload.Options{})
		if err != nil {
			return err
		}
		return p.Close()
	}))
}

// wait returns when the wire carries packets: the kernel does not begin to in the moment in which
// it is told, and until then drops them.
func (v veth) wait() error {
	deadline := time.Now().Add(10 * time.Second)
	for _, ns := range []string{v.server, v.clients} {
		for {
			out, err := exec.Command("ip", "-n", ns, "link", "show", "wire").CombinedOutput()
			if err == nil && bytes.Contains(out, []byte("qdisc noqueue state UP")) {
				break
			}
			if err != nil || time.Now().After(deadline) {
				return fmt.Errorf("the wire is not up: %w: %s", err, out)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}

// ownVeth is for a test that changes the wire. Where there can be none, needsVeth has said so.
func ownVeth(t *testing.T, tag string) veth {
	t.Helper()
	needsVeth(t)
	v, err := newVeth(tag)
	t.Cleanup(v.remove)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ip runs the command where one end of the wire is.
func ip(t *testing.T, ns, line string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", ns}, strings.Fields(line)...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", line, err, out)
	}
}

func (v veth) remove() {
	for _, ns := range []string{v.server, v.clients} {
		_ = exec.Command("ip", "netns", "del", ns).Run() // it may not be there
	}
}

// inside runs f on a thread that is in a namespace, until f returns.
func inside(ns string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		there, err := os.Open("/run/netns/" + ns)
		if err == nil {
			err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET)
			err = errors.Join(err, there.Close())
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// needsVeth skips the test where there can be no namespaces, unless that is not allowed.
func needsVeth(t testing.TB) veth {
	t.Helper()
	v, err := wire77()
	if err == nil {
		return v
	}
	if os.Getenv("CI") == "true" || os.Getenv("VISAVIS_LAB") == "require" {
		t.Fatal(err)
	}
	t.Skip(err)
	return v
}
