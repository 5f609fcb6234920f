package offload

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

//go:embed relay.bpf.o
var program []byte

// Program is the kernel's side. Its methods are for one goroutine at a time.
type Program struct {
	objects struct {
		Relay    *ebpf.Program `ebpf:"relay"`
		Routes   *ebpf.Map     `ebpf:"routes"`
		Ledgers  *ebpf.Map     `ebpf:"ledgers"`
		Accounts *ebpf.Map     `ebpf:"accounts"`
		Alive    *ebpf.Map     `ebpf:"alive"`
	}
	options  Options
	links    map[int]io.Closer // by interface
	home     namespace         // where these are
	netlink  *routing
	watch    *watch
	memory   *ebpf.Memory // of the accounts
	accounts slots
	ledgers  slots
}

// key, route, ledger and account are the structs of relay.bpf.c.
type key struct {
	Client, Server         [4]byte
	ClientPort, ServerPort [2]byte
	Channel                [2]byte
	_                      [2]byte
}

type route struct {
	Key                                  key
	Interface, Sender, Receiver, Account uint32
}

type ledger struct {
	Lock, Zero            uint32
	Before, Packets, Bits uint64
}

// Load puts the program on every interface that packets can be forwarded on: up, with a
// hardware address and an IPv4 address. It fails where the kernel has not what it takes,
// or there is no such interface.
func Load(o Options) (_ *Program, err error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, ErrUnsupported
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	const most = 1 << 33 // what the program can multiply by the nanoseconds of a second
	err = errors.Join(
		spec.Variables["bits_per_second"].Set(min(uint64(o.BitsPerSecond), most)),
		spec.Variables["packets_per_second"].Set(min(uint64(o.PacketsPerSecond), most)))
	if err != nil {
		return nil, fmt.Errorf("set the limits: %w", err)
	}
	_ = rlimit.RemoveMemlock() // before Linux 5.11; if it fails, loading says so
	p := &Program{options: o, links: make(map[int]io.Closer), accounts: slots{limit: Routes}, ledgers: slots{limit: Ledgers}}
	if err := spec.LoadAndAssign(&p.objects, nil); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("it takes root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN: %w", err)
		}
		return nil, fmt.Errorf("load the program: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.memory, err = p.objects.Accounts.Memory(); err != nil {
		return nil, fmt.Errorf("map the accounts: %w", err)
	}
	if p.netlink, err = openRouting(); err != nil {
		return nil, err
	}
	if p.home, err = here(); err != nil {
		return nil, err
	}
	if p.watch, err = openWatch(); err != nil { // before the first look: what comes meanwhile is seen
		return nil, err
	}
	if err := p.attach(); err != nil {
		return nil, err
	}
	if len(p.links) == 0 {
		return nil, fmt.Errorf("no interface to attach to: %w", ErrUnsupported)
	}
	return p, nil
}

// Close takes the program away. Packets go up to the relay from then on.
func (p *Program) Close() error {
	var errs []error
	for _, l := range p.links {
		errs = append(errs, l.Close())
	}
	if p.netlink != nil {
		errs = append(errs, p.netlink.Close())
	}
	if p.watch != nil {
		errs = append(errs, p.watch.Close())
	}
	errs = append(errs, p.home.Close())
	for _, c := range []io.Closer{p.objects.Relay, p.objects.Routes, p.objects.Ledgers, p.objects.Accounts, p.objects.Alive} {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Alive lets the program forward for two more seconds: it stops when nobody counts.
func (p *Program) Alive() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	if err := p.objects.Alive.Put(uint32(0), uint64(now.Nano())+uint64(2*time.Second)); err != nil {
		return fmt.Errorf("stay alive: %w", err)
	}
	return nil
}

const accountSize = 32

// largest is LARGEST of the program.
const largest = 1280

// NewLedger makes the buckets of one direction of an allocation, full.
func (p *Program) NewLedger() (uint32, error) {
	n, err := p.ledgers.take()
	if err != nil {
		return 0, err
	}
	if err := p.objects.Ledgers.Put(n, ledger{}); err != nil {
		p.ledgers.give(n)
		return 0, fmt.Errorf("make a ledger: %w", err)
	}
	return n, nil
}

// CloseLedger ends it. No route may have it.
func (p *Program) CloseLedger(n uint32) { p.ledgers.give(n) }

// Route is a channel that the kernel forwards.
type Route struct {
	key     key
	account uint32
}

// Add lets what comes in at from go out at to, at the cost of two ledgers. It fails
// if the way to that client is not by an interface that has the program.
func (p *Program) Add(from, to End, sender, receiver uint32) (Route, error) {
	out, err := p.netlink.interfaceTo(to.Client.Addr(), to.Server.Addr())
	if err != nil {
		return Route{}, err
	}
	if p.links[out] == nil {
		return Route{}, fmt.Errorf("the way out is by another interface: %w", ErrUnsupported)
	}
	n, err := p.accounts.take()
	if err != nil {
		return Route{}, err
	}
	r := Route{from.key(), n}
	err = errors.Join(p.objects.Accounts.Put(n, Account{}),
		p.objects.Routes.Put(r.key, route{to.key(), uint32(out), sender, receiver, n}))
	if err != nil {
		p.accounts.give(n)
		return Route{}, fmt.Errorf("add a route: %w", err)
	}
	return r, nil
}

// Remove takes a route out: the next packet goes up. What is on its way at this
// moment still counts; [Program.Forget] follows when it must have left.
func (p *Program) Remove(r Route) error {
	if err := p.objects.Routes.Delete(r.key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("remove a route: %w", err)
	}
	return nil
}

// Account reads what a route has done.
func (p *Program) Account(r Route) (Account, error) {
	var raw [accountSize]byte
	if _, err := p.memory.ReadAt(raw[:], int64(r.account)*accountSize); err != nil {
		return Account{}, fmt.Errorf("read an account: %w", err)
	}
	at := func(i int) uint64 { return binary.NativeEndian.Uint64(raw[8*i:]) }
	return Account{at(0), at(1), at(2), at(3)}, nil
}

// Forget ends the account of a route that was removed.
func (p *Program) Forget(r Route) { p.accounts.give(r.account) }

func (e End) key() key {
	k := key{Client: e.Client.Addr().As4(), Server: e.Server.Addr().As4()}
	binary.BigEndian.PutUint16(k.ClientPort[:], e.Client.Port())
	binary.BigEndian.PutUint16(k.ServerPort[:], e.Server.Port())
	binary.BigEndian.PutUint16(k.Channel[:], e.Channel)
	return k
}

// slots are the free places of an array.
type slots struct {
	limit, used uint32
	free        []uint32
}

var errFull = errors.New("the kernel's table is full")

func (s *slots) take() (uint32, error) {
	if n := len(s.free); n > 0 {
		last := s.free[n-1]
		s.free = s.free[:n-1]
		return last, nil
	}
	if s.used == s.limit {
		return 0, errFull
	}
	s.used++
	return s.used - 1, nil
}

func (s *slots) give(n uint32) { s.free = append(s.free, n) }
