package sockets

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	canWatch = true
	// readBuffer is what one read takes of a connection; whoever has sent more has its
	// turn again when all others have had theirs.
	readBuffer = 32 << 10
	// batch is how many connections one look at the poller brings.
	batch = 128
)

// Hub waits for what comes on many connections. Its zero value is ready; Close it.
type Hub struct {
	attempts sync.Pool // of *attempt

	mu      sync.Mutex // guards what follows; never held while a handler runs
	closed  bool
	pollers []*poller // one for each processor; made with the first connection
	next    int

	running sync.WaitGroup
}

// watched is what a connection knows of the poller that watches it.
type watched struct {
	by    *poller
	token uint64
}

// watch reads what comes on c. If it reports false nothing has changed.
func (h *Hub) watch(c *Conn) bool {
	if c.raw == nil {
		return false
	}
	if c.watched.by == nil {
		c.watched.by = h.poller()
	}
	return c.watched.by != nil && c.watched.by.add(c) == nil
}

// unwatch is called by the poller that has read from c.
func (h *Hub) unwatch(c *Conn) {
	if c.watched.by != nil {
		c.watched.by.remove(c)
	}
}

// poller chooses one for a new connection; nil: there is none.
func (h *Hub) poller() *poller {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.pollers) < runtime.GOMAXPROCS(0) && !h.closed {
		p, err := newPoller(h)
		if err != nil {
			break // files have run out, perhaps: what there is must do
		}
		h.pollers = append(h.pollers, p)
		h.running.Go(p.run)
	}
	if h.closed || len(h.pollers) == 0 {
		return nil
	}
	h.next = (h.next + 1) % len(h.pollers)
	return h.pollers[h.next]
}

// Close ends the waiting.
func (h *Hub) Close() error {
	h.mu.Lock()
	h.closed = true
	pollers := h.pollers
	h.mu.Unlock()
	var errs []error
	for _, p := range pollers {
		errs = append(errs, p.file.Close())
	}
	h.running.Wait()
	return errors.Join(errs...)
}

// poller is an epoll instance, which itself waits in the runtime's: so its goroutine
// blocks no thread, and wakes as fast as one that reads a socket.
type poller struct {
	hub  *Hub
	file *os.File
	raw  syscall.RawConn

	mu    sync.Mutex // guards what follows
	conns map[uint64]*Conn
	last  uint64 // token; none is used twice, so that what is told late meets nobody

	// Owned by run.
	events [batch]unix.EpollEvent
	buf    [readBuffer]byte
	found  int
	n      int
	err    error
}

func newPoller(h *Hub) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os takes it to the runtime's poller
		return nil, errors.Join(err, unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &poller{hub: h, file: file, raw: raw, conns: make(map[uint64]*Conn)}, nil
}

// run waits and reads until the hub is closed. What it calls is bound once: a closure
// for each read would be garbage.
func (p *poller) run() {
	look, read := p.look, p.read
	for {
		if err := p.raw.Read(look); err != nil || p.err != nil {
			return
		}
		for _, e := range p.events[:p.found] {
			if c := p.get(tokenOf(e)); c != nil {
				p.serve(c, read)
			}
		}
	}
}

// look asks what there is, without waiting: false has the runtime wait.
func (p *poller) look(fd uintptr) bool {
	p.found, p.err = unix.EpollWait(int(fd), p.events[:], 0)
	if errors.Is(p.err, unix.EINTR) {
		p.found, p.err = 0, nil
	}
	return p.found > 0 || p.err != nil
}

func (p *poller) read(fd uintptr) bool {
	p.n, p.err = unix.Read(int(fd), p.buf[:])
	return true
}

// serve reads once. What is left is told again, for nothing here is edge-triggered.
func (p *poller) serve(c *Conn, read func(uintptr) bool) {
	err := c.raw.Read(read)
	if err == nil {
		err, p.err = p.err, nil
	}
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return
	}
	verdict := End
	if err == nil && p.n > 0 {
		verdict = c.feed(p.buf[:p.n], false)
	}
	if verdict == End {
		p.remove(c)
		go c.gone()
	}
}

func (p *poller) get(token uint64) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[token]
}

func (p *poller) add(c *Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	c.watched.token = p.last
	p.conns[p.last] = c // before it can be told of
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.last), Pad: int32(p.last >> 32)}
	err := p.control(c, unix.EPOLL_CTL_ADD, &e)
	if err != nil {
		delete(p.conns, p.last)
	}
	return err
}

func (p *poller) remove(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c.watched.token)
	_ = p.control(c, unix.EPOLL_CTL_DEL, nil) // a socket that is closed is not watched
}

func tokenOf(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

func (p *poller) control(c *Conn, op int, e *unix.EpollEvent) error {
	var failed, refused error
	err := p.raw.Control(func(epoll uintptr) {
		failed = c.raw.Control(func(fd uintptr) { refused = unix.EpollCtl(int(epoll), op, int(fd), e) })
	})
	return errors.Join(err, failed, refused)
}

// attempt is a write that does not wait. Attempts are kept, for each has a function
// that is bound to it.
type attempt struct {
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

func (a *attempt) write(fd uintptr) bool {
	a.n, a.err = unix.Write(int(fd), a.b)
	return true
}

func (h *Hub) attempt() *attempt {
	if a, ok := h.attempts.Get().(*attempt); ok {
		return a
	}
	a := &attempt{}
	a.do = a.write
	return a
}

// TryWrite writes what of b goes at once, and returns how much that was: perhaps nothing.
// What is wrong with the connection the next Write tells.
func (c *Conn) TryWrite(b []byte) int {
	if c.raw == nil {
		return 0
	}
	a := c.hub.attempt()
	defer c.hub.attempts.Put(a)
	a.b = b
	err := c.raw.Write(a.do)
	a.b = nil
	if err != nil || a.err != nil {
		return 0
	}
	return a.n
}

// shutdown has the next read find the end. One that fails is for a socket whose end
// has come already.
func shutdown(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}
