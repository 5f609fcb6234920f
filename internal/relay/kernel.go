package relay

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/visavis-call/visavis/internal/relay/offload"
)

const (
	// kernelCount is how often what the kernel has forwarded is counted: by so much may
	// a call be over its volume before that is seen.
	kernelCount = 100 * time.Millisecond
	// kernelRetake is how often, at most, all channels are handed over anew because
	// interfaces or ways out have changed.
	kernelRetake = time.Second
	// kernelWishes is how many channels may wait to be handed over. When there are
	// more, the next packet of such a channel asks again.
	kernelWishes = 256
)

// kernel hands channels over to the kernel, takes them back, and counts what it did with
// them. A channel is there as long as its hop is good: whoever raises a call's version
// takes the call's channels back.
type kernel struct {
	metrics *metrics
	limits  *Limits
	epochs  *atomic.Uint64
	epoch   atomic.Uint64 // wishes of another one count for nothing
	wishes  chan wish
	closing chan struct{}
	closed  chan error // buffered

	// These belong to run.
	changed bool // interfaces, or ways out
	retaken time.Time

	mu      sync.Mutex
	program *offload.Program
	calls   map[*call][]*kernelRoute
	gone    []*kernelRoute // taken back, to be counted twice more: the second time nothing is on its way
	ledgers map[*allocation]*ledgers
}

// wish is a hop of an allocation that is in use.
type wish struct {
	from *allocation
	by   *binding
	hop  *hop
}

type kernelRoute struct {
	in       offload.End
	route    offload.Route
	from, to *allocation
	counted  offload.Account
	settled  bool // it was counted since it was taken back
}

// ledgers are an allocation's buckets in the kernel.
type ledgers struct {
	sent, received uint32
	routes         int
}

func newKernel(program *offload.Program, l *loop) (*kernel, error) {
	if err := program.Alive(); err != nil {
		return nil, errors.Join(err, program.Close())
	}
	k := &kernel{
		metrics: l.metrics, limits: &l.limits, epochs: &l.epochs, program: program,
		wishes: make(chan wish, kernelWishes), closing: make(chan struct{}), closed: make(chan error, 1),
		calls: make(map[*call][]*kernelRoute), ledgers: make(map[*allocation]*ledgers),
	}
	k.epoch.Store(k.epochs.Add(1))
	go k.run()
	return k, nil
}

// close takes everything back. Wishes that come later are not granted.
func (k *kernel) close() error {
	close(k.closing)
	return <-k.closed
}

func (k *kernel) run() {
	ticker := time.NewTicker(kernelCount)
	defer ticker.Stop()
	for {
		select {
		case w := <-k.wishes:
			k.mu.Lock()
			k.add(w)
			k.mu.Unlock()
		case now := <-ticker.C:
			k.mu.Lock()
			k.count()
			_ = k.program.Alive() // if it fails, it goes on here
			k.follow(now)
			k.mu.Unlock()
		case <-k.closing:
			k.mu.Lock()
			k.takeAllBack()
			k.mu.Unlock()
			ticker.Reset(kernelCount)
			<-ticker.C // what was on its way has left, and can be counted
			k.mu.Lock()
			k.count()
			err := k.program.Close()
			k.mu.Unlock()
			k.closed <- err
			return
		}
	}
}

// follow goes with the machine's interfaces and ways out: what was handed over is taken
// back, and asked for anew. k.mu is held.
func (k *kernel) follow(now time.Time) {
	k.changed = k.program.Changed() || k.changed
	if !k.changed || now.Sub(k.retaken) < kernelRetake {
		return
	}
	k.changed, k.retaken = false, now
	k.takeAllBack()
	_ = k.program.Retake() // what it could not have goes by the server
	k.epoch.Store(k.epochs.Add(1))
}

// wish asks once for each hop and epoch. It does not wait.
func (k *kernel) wish(from *allocation, by *binding, h *hop) {
	if k == nil {
		return
	}
	if e := k.epoch.Load(); h.wished.Load() == e || h.wished.Swap(e) == e {
		return
	}
	select {
	case k.wishes <- wish{from, by, h}:
	default:
		h.wished.Store(0)
	}
}

// add hands a channel over, if it still leads there. k.mu is held.
func (k *kernel) add(w wish) {
	from, to := w.from, w.hop.peer
	if from.call.version.Load() != w.hop.version {
		return // whoever raised it is done with taking back, or waits for k.mu to do it
	}
	back := to.channelTo(from.addr.Port)
	if back == nil {
		return
	}
	in, out := from.end(w.by), to.end(back)
	if !in.Fits() || !out.Fits() {
		return // IPv6
	}
	if slices.ContainsFunc(k.calls[from.call], func(r *kernelRoute) bool { return r.in == in }) {
		return // it was asked for in two epochs at once
	}
	sender, receiver := k.ledger(from), k.ledger(to)
	if sender == nil || receiver == nil {
		return // no room; this goes on in user space
	}
	route, err := k.program.Add(in, out, sender.sent, receiver.received)
	if err != nil {
		k.release(from, to)
		return // no room, or no way there; this goes on in user space
	}
	sender.routes++
	receiver.routes++
	k.calls[from.call] = append(k.calls[from.call], &kernelRoute{in: in, route: route, from: from, to: to})
	// Whoever raised the version before this line may have found nothing to take back.
	if from.call.version.Load() != w.hop.version {
		k.takeBack(from.call)
	}
}

// end is how the client of a channel and the server see each other.
func (a *allocation) end(b *binding) offload.End {
	local := b.local.Unmap()
	if !local.IsValid() {
		local = a.table.bound.Addr().Unmap()
	}
	return offload.End{
		Client: a.client.addr, Server: netip.AddrPortFrom(local, a.table.bound.Port()), Channel: b.number,
	}
}

func (k *kernel) ledger(a *allocation) *ledgers {
	if l := k.ledgers[a]; l != nil {
		return l
	}
	sent, err := k.program.NewLedger()
	if err != nil {
		return nil
	}
	received, err := k.program.NewLedger()
	if err != nil {
		k.program.CloseLedger(sent)
		return nil
	}
	l := &ledgers{sent: sent, received: received}
	k.ledgers[a] = l
	return l
}

// release gives ledgers back that no route has.
func (k *kernel) release(all ...*allocation) {
	for _, a := range all {
		if l := k.ledgers[a]; l != nil && l.routes == 0 {
			k.program.CloseLedger(l.sent)
			k.program.CloseLedger(l.received)
			delete(k.ledgers, a)
		}
	}
}

// drop takes a call's channels back. When it returns, the kernel forwards none of them.
func (k *kernel) drop(c *call) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.takeBack(c)
}

// takeBack is drop with k.mu held.
func (k *kernel) takeBack(c *call) {
	routes := k.calls[c]
	delete(k.calls, c)
	for _, r := range routes {
		_ = k.program.Remove(r.route) // what is not there is not forwarded
		k.charge(r)
	}
	k.gone = append(k.gone, routes...)
}

// takeAllBack is takeBack for each call.
func (k *kernel) takeAllBack() {
	for c := range k.calls {
		k.takeBack(c)
	}
}

// count charges calls and allocations for what the kernel has forwarded. k.mu is held.
func (k *kernel) count() {
	gone := k.gone
	k.gone = nil
	for _, r := range gone {
		k.charge(r)
		if !r.settled { // it may have been taken back a moment ago
			r.settled = true
			k.gone = append(k.gone, r)
			continue
		}
		k.program.Forget(r.route)
		k.ledgers[r.from].routes--
		k.ledgers[r.to].routes--
		k.release(r.from, r.to)
	}
	for c, routes := range k.calls {
		if within := slices.IndexFunc(routes, func(r *kernelRoute) bool { return !k.charge(r) }); within >= 0 {
			k.takeBack(c) // in user space the next packet is refused, and counted
		}
	}
}

// charge counts what a route has done since the last time, and reports whether all
// is within the limits.
func (k *kernel) charge(r *kernelRoute) bool {
	now, err := k.program.Account(r.route)
	if err != nil {
		return false
	}
	if now == r.counted {
		return true
	}
	packets, size := now.Packets-r.counted.Packets, now.Bytes-r.counted.Bytes
	k.metrics.offloaded(packets, size, now.PacketRate-r.counted.PacketRate, now.BitRate-r.counted.BitRate)
	r.counted = now
	if packets == 0 {
		return true
	}
	at := time.Now()
	within := r.from.sent.charge(packets, size, k.limits, at)
	within = r.to.received.charge(packets, size, k.limits, at) && within
	return r.from.call.charge(int64(size), r.from.role, k.limits) && within
}
