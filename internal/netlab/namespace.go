package netlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// run is where ip netns keeps the names of namespaces.
const run = "/run/netns/"

// namespace is a named network namespace.
type namespace struct{ name string }

func newNamespace(ctx context.Context, name string) (*namespace, error) {
	if err := command(ctx, "", "ip", "netns", "add", name); err != nil {
		return nil, err
	}
	ns := &namespace{name}
	err := ns.ip(ctx, "link set lo up")
	if err == nil {
		err = ns.do(ns.tune)
	}
	if err != nil {
		return nil, errors.Join(err, ns.remove(ctx))
	}
	return ns, nil
}

// tune sets what the kernel's defaults, or the distribution's, would spoil.
func (*namespace) tune() error {
	for _, s := range [][2]string{
		{"ipv6/conf/all/disable_ipv6", "0"},
		{"ipv6/conf/default/disable_ipv6", "0"},
		{"ipv6/conf/default/accept_dad", "0"},           // an address counts from the moment it is given
		{"ipv6/conf/default/router_solicitations", "0"}, // nobody would answer
		{"ipv4/conf/all/rp_filter", "0"},                // two links at once are no attack
		{"ipv4/conf/default/rp_filter", "0"},
		{"ipv4/ping_group_range", "0 0"},
	} {
		if err := sysctl(s[0], s[1]); err != nil {
			return err
		}
	}
	return nil
}

// sysctl must be called inside a namespace.
func sysctl(name, value string) error {
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// ip runs lines of the ip command, without the word ip, inside.
func (ns *namespace) ip(ctx context.Context, lines ...string) error {
	return command(ctx, strings.Join(lines, "\n"), "ip", "-netns", ns.name, "-batch", "-")
}

// ipFor is ip for lines about addresses of the family of a.
func (ns *namespace) ipFor(ctx context.Context, a netip.Addr, lines ...string) error {
	family := "-4"
	if a.Is6() {
		family = "-6"
	}
	return command(ctx, strings.Join(lines, "\n"), "ip", family, "-netns", ns.name, "-batch", "-")
}

// do calls f on a thread that is inside. What f opens stays inside; a
// goroutine that f starts is not.
func (ns *namespace) do(f func() error) error {
	result := make(chan error)
	go func() { result <- ns.enter(f) }()
	return <-result
}

// enter is called by a goroutine of its own. If there is no way back, it keeps the
// thread locked, and the runtime ends the thread with the goroutine.
func (ns *namespace) enter(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	there, err := os.Open(run + ns.name)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", ns.name, err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("leave %s: %w", ns.name, back))
	}
	runtime.UnlockOSThread()
	return err
}

// tun makes a TUN device inside; it is there until the file is closed.
func (ns *namespace) tun(name string) (*os.File, error) {
	var fd int
	err := ns.do(func() (err error) {
		fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		request, err := unix.NewIfreq(name)
		if err == nil {
			request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("make %s in %s: %w", name, ns.name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Not earlier: a descriptor that is no interface yet cannot be polled.
	return os.NewFile(uintptr(fd), name), nil
}

// remove ends the processes inside and takes the namespace away.
func (ns *namespace) remove(ctx context.Context) error {
	if err := ns.kill(ctx); err != nil {
		return err
	}
	return command(ctx, "", "ip", "netns", "delete", ns.name)
}

// kill returns when nobody is inside any more.
func (ns *namespace) kill(ctx context.Context) error {
	for {
		out, err := exec.CommandContext(ctx, "ip", "netns", "pids", ns.name).Output()
		if err != nil {
			return fmt.Errorf("who is in %s: %w", ns.name, err)
		}
		pids := strings.Fields(string(out))
		alive := false
		for _, text := range pids {
			pid, err := strconv.Atoi(text)
			if err == nil && !zombie(pid) {
				alive = true
				_ = unix.Kill(pid, unix.SIGKILL) // gone in between: as good
			}
		}
		if !alive {
			return nil
		}
		select { // there is no event for the death of a process that is not ours
		case <-ctx.Done():
			return fmt.Errorf("processes in %s do not end: %w", ns.name, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// zombie: dead, and nobody has asked how. It holds nothing.
func zombie(pid int) bool {
	fields, err := stat(pid)
	return err != nil || fields[0] == "Z"
}

// stat is /proc/PID/stat from its third field on (proc_pid_stat(5)).
func stat(pid int) ([]string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("process %d: unknown form of stat", pid)
	}
	return fields, nil
}

// command runs a program to its end.
func command(ctx context.Context, stdin, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out), stdin)
	}
	return nil
}
