package offload

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Changed reports whether interfaces, their IPv4 addresses, or ways out have come, gone or
// changed since it was asked last. It does not wait.
func (p *Program) Changed() bool { return p.watch.changed() }

// Retake puts the program on interfaces that have come, and takes it from those that are
// not fit any more. No route may lead out by one of the latter.
func (p *Program) Retake() error { return p.attach() }

// attach makes the links what they have to be. An interface that cannot be had, perhaps
// because it has gone again, leaves the others as they are.
func (p *Program) attach() error {
	return p.home.do(func() error {
		all, err := net.Interfaces()
		if err != nil {
			return fmt.Errorf("list the interfaces: %w", err)
		}
		fit := make(map[int]bool)
		var errs []error
		for _, i := range all {
			if !isFit(i) {
				continue
			}
			fit[i.Index] = true
			if p.links[i.Index] != nil {
				continue
			}
			l, err := p.attachTo(i.Index)
			if err != nil {
				errs = append(errs, fmt.Errorf("attach to an interface: %w", err))
				continue
			}
			p.links[i.Index] = l
		}
		for index, l := range p.links {
			if !fit[index] {
				_ = l.Close() // mostly the interface has gone, and taken it along
				delete(p.links, index)
			}
		}
		return errors.Join(errs...)
	})
}

// attachTo uses tcx, or what there was before.
func (p *Program) attachTo(index int) (io.Closer, error) {
	if !p.options.Filter {
		l, err := link.AttachTCX(link.TCXOptions{Interface: index, Program: p.objects.Relay, Attach: ebpf.AttachTCXIngress})
		if !errors.Is(err, ebpf.ErrNotSupported) {
			return l, err
		}
	}
	return p.netlink.install(index, p.objects.Relay.FD(), p.options.Port)
}

func isFit(i net.Interface) bool {
	return i.Flags&net.FlagUp != 0 && len(i.HardwareAddr) == 6 && i.MTU >= largest && hasIPv4(i)
}

func hasIPv4(i net.Interface) bool {
	addrs, err := i.Addrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return true
		}
	}
	return false
}

// watch hears of changes (rtnetlink(7)).
type watch struct{ fd int }

func openWatch() (*watch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("watch the interfaces: %w", err)
	}
	groups := uint32(0)
	for _, g := range []uint32{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE} {
		groups |= 1 << (g - 1)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return nil, errors.Join(fmt.Errorf("watch the interfaces: %w", err), unix.Close(fd))
	}
	return &watch{fd}, nil
}

// changed takes what there is, and only looks whether it is anything: also that something
// was missed (ENOBUFS) is a change.
func (w *watch) changed() bool {
	var buf [4096]byte // longer messages are cut, and nobody reads them
	any := false
	for range 1000 { // the rest the next time
		_, _, err := unix.Recvfrom(w.fd, buf[:], 0)
		if errors.Is(err, syscall.EAGAIN) {
			break
		}
		any = true
		if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			break
		}
	}
	return any
}

func (w *watch) Close() error { return unix.Close(w.fd) }

// namespace is a network namespace, in which interfaces have their numbers.
type namespace struct{ file *os.File }

const ownNamespace = "/proc/thread-self/ns/net"

// here is the namespace of the calling thread.
func here() (namespace, error) {
	f, err := os.Open(ownNamespace)
	if err != nil {
		return namespace{}, fmt.Errorf("open the network namespace: %w", err)
	}
	return namespace{f}, nil
}

func (n namespace) Close() error {
	if n.file == nil {
		return nil
	}
	return n.file.Close()
}

// do calls f on a thread that is in the namespace: as good as always on the caller's.
func (n namespace) do(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	there, err := n.file.Stat()
	if err != nil {
		return err
	}
	own, err := os.Stat(ownNamespace)
	if err != nil {
		return err
	}
	if os.SameFile(there, own) {
		return f()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}
