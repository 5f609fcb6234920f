package relay

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// receiver is a place to send to.
func receiver(t *testing.T) (*net.UDPConn, wire) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, newWire(conn.LocalAddr().(*net.UDPAddr).AddrPort(), netip.Addr{}, false)
}

// expect reads datagrams and compares them.
func expect(t *testing.T, conn *net.UDPConn, frames [][]byte) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	for i, want := range frames {
		if n, err := conn.Read(buf); err != nil || !bytes.Equal(buf[:n], want) {
			t.Fatalf("datagram %d: got %d bytes (%v), want %d", i, n, err, len(want))
		}
	}
}

// What goes to one place leaves as few messages as can be, and arrives as it was, in order.
func TestFramesLeaveTogether(t *testing.T) {
	sizes := func(all ...int) []int { return all }
	same := func(n, size int) (all []int) {
		for range n {
			all = append(all, size)
		}
		return all
	}
	for name, tt := range map[string]struct {
		sizes    []int
		segments bool
		messages int
	}{
		"equal":              {same(5, 1100), true, 1},
		"the last shorter":   {sizes(100, 100, 50), true, 1},
		"after the shorter":  {sizes(100, 100, 50, 50, 100), true, 3},
		"growing":            {sizes(50, 100, 200), true, 3},
		"too long":           {same(3, fitting+1), true, 3},
		"as long as can be":  {same(3, fitting), true, 1},
		"more than there is": {same(segments+1, 20), true, 2},
		"a full packet":      {same(56, 1200), true, 2},
		"not on this socket": {same(5, 1100), false, 5},
	} {
		t.Run(name, func(t *testing.T) {
			conn, here := receiver(t)
			other, there := receiver(t)
			here.slot, there.slot = 1, 2 // by chance they are the same
			out := outbox{segmented: tt.segments}
			var mine, others [][]byte
			bytes, buffer := 0, make([]byte, 0, 1<<20)
			for i, size := range tt.sizes {
				for range 2 {
					buffer = append(buffer, channelData(uint16(i), make([]byte, size-channelHeader))...)
				}
				two := buffer[len(buffer)-2*size:]
				mine, others = append(mine, two[:size:size]), append(others, two[size:])
				out.add(mine[i], &here)
				out.add(others[i], &there)
				bytes += 2 * (size - channelHeader)
			}
			if out.made != 2*tt.messages {
				t.Errorf("%d messages, want %d", out.made, 2*tt.messages)
			}
			raw, err := conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			var packets, size int
			if err := raw.Control(func(fd uintptr) { packets, size = out.send(fd) }); err != nil {
				t.Fatal(err)
			}
			if packets != 2*len(tt.sizes) || size != bytes || out.n != 0 || out.made != 0 {
				t.Errorf("%d packets of %d bytes sent, want %d of %d", packets, size, 2*len(tt.sizes), bytes)
			}
			expect(t, conn, mine)
			expect(t, other, others)
		})
	}
}

// Places that have the same slot take turns, and each has its order.
func TestSlotsAreShared(t *testing.T) {
	a, here := receiver(t)
	b, there := receiver(t)
	there.slot = here.slot
	out := outbox{segmented: true}
	var toA, toB [][]byte
	for i := range 10 {
		toA, toB = append(toA, channelData(uint16(i), []byte("a"))), append(toB, channelData(uint16(i), []byte("b")))
		out.add(toA[i], &here)
		out.add(toB[i], &there)
	}
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { out.send(fd) }); err != nil {
		t.Fatal(err)
	}
	expect(t, a, toA)
	expect(t, b, toB)
}

// Where the way is too narrow for a message of several datagrams, they go one by one, and
// from then on nobody tries.
func TestNarrowWay(t *testing.T) {
	err := apart(func() error {
		if out, err := exec.Command("ip", "link", "set", "lo", "up", "mtu", "600").CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		conn, here := receiver(t)
		out := outbox{segmented: true}
		raw, err := conn.SyscallConn()
		if err != nil {
			return err
		}
		for round, messages := range []int{1, 3} {
			var frames [][]byte
			for i := range 3 {
				frames = append(frames, channelData(uint16(i), make([]byte, 1000)))
				out.add(frames[i], &here)
			}
			if out.made != messages {
				t.Errorf("round %d: %d messages, want %d", round, out.made, messages)
			}
			var packets, size int
			if err := raw.Control(func(fd uintptr) { packets, size = out.send(fd) }); err != nil {
				return err
			}
			if packets != 3 || size != 3000 {
				t.Errorf("round %d: %d packets of %d bytes sent", round, packets, size)
			}
			expect(t, conn, frames)
		}
		return nil
	})
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") != "true" && os.Getenv("VISAVIS_LAB") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// apart runs f on a thread with a network of its own, until f returns.
func apart(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := errors.New("the test has failed")
		defer func() { done <- err }()
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			err = f()
		}
	}()
	return <-done
}

// What one client's way cannot do is not asked for again there, and is for others: some
// way out may not cut messages (IPsec, a tunnel). Other refusals are for the packets.
func TestRefusals(t *testing.T) {
	for errno, want := range map[syscall.Errno]struct{ singly, small, segmented bool }{
		syscall.EIO:      {true, true, true},
		syscall.EINVAL:   {true, true, true},
		syscall.EMSGSIZE: {true, true, true},
		syscall.EPERM:    {false, false, true},
	} {
		out, w := outbox{segmented: true}, wire{}
		singly := out.refused(&message{to: &w}, errno)
		if singly != want.singly || w.small != want.small || out.segmented != want.segmented {
			t.Errorf("%v: one by one: %v, there always: %v, everywhere: %v", errno, singly, w.small, !out.segmented)
		}
	}
}

// Sending costs no memory.
func TestSendAllocatesNothing(t *testing.T) {
	conn, here := receiver(t)
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	out := &outbox{segmented: true}
	frames := [][]byte{channelData(1, make([]byte, 1000)), channelData(1, make([]byte, 1000)), channelData(1, make([]byte, 10))}
	if err := raw.Control(func(fd uintptr) {
		if n := testing.AllocsPerRun(100, func() {
			for _, frame := range frames {
				out.add(frame, &here)
			}
			if packets, _ := out.send(fd); packets == 0 && out.made != 0 { // it may be full
				t.Error("not sent")
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
