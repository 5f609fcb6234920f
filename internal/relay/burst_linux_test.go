package relay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"golang.org/x/sys/unix"

	"github.com/visavis-call/visavis/protocol"
)

// burstWire is one whose packets reach the server gathered. Either their sender has
// left that to the device, or the server's side has put them together; and it
// leaves taking them apart, and their checksums, to the device, or not.
func burstWire(t *testing.T, tag string, bySender, byDevice bool) veth {
	t.Helper()
	wire := ownVeth(t, tag)
	err := errors.Join(
		inside(wire.clients, func() error { return setChecksums(bySender) }),
		inside(wire.server, func() error { return errors.Join(setChecksums(byDevice), setGRO()) }))
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// sayAll sends frames with one call: all have the length of the first, the last may be shorter.
func (b bound) sayAll(frames ...[]byte) {
	b.t.Helper()
	c, ok := b.conn.(*net.UDPConn)
	if !ok {
		b.t.Fatal("not UDP")
	}
	control := make([]byte, unix.CmsgSpace(2))
	h := control[:unix.SizeofCmsghdr]
	binary.NativeEndian.PutUint64(h, uint64(unix.CmsgLen(2)))
	binary.NativeEndian.PutUint32(h[8:], unix.SOL_UDP)
	binary.NativeEndian.PutUint32(h[12:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(len(frames[0])))
	if _, _, err := c.WriteMsgUDP(slices.Concat(frames...), control, nil); err != nil {
		b.t.Fatal(err)
	}
}

// series is data of n packets, each of this size but the last, and what the channel makes of it.
func series(number uint16, n, size, last int) (data, frames [][]byte) {
	for i := range n {
		if i == n-1 {
			size = last
		}
		d := bytes.Repeat([]byte{byte(i + 1)}, size)
		data, frames = append(data, d), append(frames, channelData(number, d))
	}
	return data, frames
}

// What comes in gathered leaves as it was sent: each packet, in order, with its own
// header and a checksum that is right; and each one is counted.
func TestKernelCarriesBursts(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]struct {
		tag      string
		bySender bool
	}{"gathered by their sender": {"s", true}, "gathered on the way": {"g", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("in pieces", func(t *testing.T) {
				r := kernelCarriesBursts(t, burstWire(t, by.tag+"p", by.bySender, false))
				if by.bySender { // else it is up to the kernel how many come together
					kernelLeavesBursts(t, r)
				}
			})
			t.Run("whole", func(t *testing.T) { kernelKeepsTogether(t, burstWire(t, by.tag+"w", by.bySender, true)) })
		})
	}
}

func kernelCarriesBursts(t *testing.T, wire veth) *relayed {
	t.Helper()
	const longest = 1280 - 20 - 8 - channelHeader // of the program: IPv4 and UDP headers
	r := serveOn(t, wire, Config{Path: PathOffload, Limits: Limits{BitsPerSecond: 1e9, PacketsPerSecond: 1e6}}, "udp4", "127.0.0.1:0", nil)
	for call, numbers := range [][2]uint16{{0x4001, 0x4abc}, {0x4001, 0x4001}} {
		host, guest := bindAs(r.client(t, "udp", [16]byte{byte(call)}, protocol.RoleHost), r.client(t, "udp", [16]byte{byte(call)}, protocol.RoleGuest), numbers)
		before := r.settle(t, host, guest)
		fast, kernel, size := counter(t, r.metrics.fast), counter(t, r.metrics.kernel), counter(t, r.metrics.bytes)
		sent, total := 0, 0
		for _, tt := range []struct{ n, size, last int }{
			{2, 0, 0}, {2, 1, 1}, {10, 100, 100}, {10, 101, 7}, {3, longest, longest}, {40, longest, 0}, {64, 20, 19},
		} {
			for _, way := range []struct{ from, to bound }{{host, guest}, {guest, host}} {
				data, frames := series(way.from.number, tt.n, tt.size, tt.last)
				way.from.sayAll(frames...)
				for i, want := range data {
					if got := way.to.hear(2 * time.Second); got == nil || !bytes.Equal(got, want) {
						t.Fatalf("call %d, %+v: packet %d is %d bytes of %x", call, tt, i, len(got), got[:min(len(got), 1)])
					}
					total += len(want)
				}
				sent += tt.n
			}
		}
		until(t, "not counted", func() bool { return counter(t, r.metrics.packets) == before+float64(sent) })
		if n := counter(t, r.metrics.kernel) - kernel; n != float64(sent) {
			t.Errorf("call %d: the kernel carried %v of %d", call, n, sent)
		}
		if n := counter(t, r.metrics.fast) - fast; n != 0 {
			t.Errorf("call %d: the server carried %v", call, n)
		}
		if n := counter(t, r.metrics.bytes) - size; n != float64(total) {
			t.Errorf("call %d: %v bytes counted, want %d", call, n, total)
		}
	}
	return r
}

// kernelLeavesBursts: what is not as the program knows it is the server's, all of it.
func kernelLeavesBursts(t *testing.T, r *relayed) {
	const longest = 1280 - 20 - 8 - channelHeader
	host, guest := r.bound(t, [16]byte{9}, "udp", "udp")
	r.settle(t, host, guest)
	data, frames := series(host.number, 5, 40, 40)
	_, long := series(host.number, 3, longest+1, longest+1)
	odd := func(at int, frame []byte) [][]byte {
		all := slices.Clone(frames)
		all[at] = frame
		return all
	}
	cut := binary.BigEndian.AppendUint16(bytes.Clone(frames[0][:2]), 41)
	for name, tt := range map[string]struct {
		frames [][]byte
		heard  int
	}{
		"another channel": {odd(3, channelData(host.number+1, data[3])), 4},
		"no channel":      {odd(1, append([]byte{0x60}, frames[1][1:]...)), 4},
		"cut":             {odd(2, append(cut, data[2]...)), 4},
		"cut at the end":  {odd(4, append(bytes.Clone(cut), data[4][:20]...)), 4},
		"more behind":     {odd(4, append(channelData(host.number, data[4][:30]), 0, 0, 0)), 5},
		"too long":        {long, 3},
	} {
		kernel, fast := counter(t, r.metrics.kernel), counter(t, r.metrics.fast)
		host.sayAll(tt.frames...)
		for i := range tt.heard {
			if guest.hear(2*time.Second) == nil {
				t.Fatalf("%s: only %d are heard", name, i)
			}
		}
		until(t, name+": not counted", func() bool { return counter(t, r.metrics.fast) == fast+float64(tt.heard) })
		if n := counter(t, r.metrics.kernel) - kernel; n != 0 {
			t.Errorf("%s: the kernel carried %v", name, n)
		}
	}
}

// kernelKeepsTogether: it is one packet that goes through, if the device can take it apart.
func kernelKeepsTogether(t *testing.T, wire veth) {
	r := serveOn(t, wire, Config{Path: PathOffload}, "udp4", "127.0.0.1:0", nil)
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	r.settle(t, host, guest)
	c, ok := guest.conn.(*net.UDPConn)
	if !ok {
		t.Fatal("not UDP")
	}
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1) }), err)
	}
	if err != nil {
		t.Fatal(err)
	}
	const n, size = 10, 1000
	_, frames := series(host.number, n, size, size)
	_, want := series(guest.number, n, size, size)
	together := 0
	for range 20 {
		host.sayAll(frames...)
		var got []byte
		for buf := make([]byte, 1<<16); len(got) < n*len(want[0]); {
			if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("after %d bytes: %v", len(got), err)
			}
			together = max(together, n/len(want[0]))
			got = append(got, buf[:n]...)
		}
		if !bytes.Equal(got, slices.Concat(want...)) {
			t.Fatal("what came is not what was sent")
		}
	}
	if together < 2 {
		t.Error("nothing came together")
	}
}

// A burst passes as a whole or not at all, and the rates of both ends are kept with
// bursts as they are with packets.
func TestKernelKeepsRatesOfBursts(t *testing.T) {
	t.Parallel()
	const each, bursts, n = 100, 30, 10
	for reason, tt := range map[string]struct {
		limits Limits
		size   int
	}{
		dropPacketRate: {Limits{PacketsPerSecond: each}, 10},
		dropBitRate:    {Limits{BitsPerSecond: 8 * 1000 * each}, 1000},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			wire := burstWire(t, reason[:1], true, false)
			for name, ways := range map[string]func(hosts, guests [2]bound) [2]bound{
				"one receiver": func(_, guests [2]bound) [2]bound { return guests },
				"one sender":   func(hosts, _ [2]bound) [2]bound { return hosts },
			} {
				r := serveOn(t, wire, Config{Path: PathOffload, Limits: tt.limits}, "udp4", "127.0.0.1:0", nil)
				hosts, guests := r.fork(t)
				before := max(r.settle(t, hosts[0], guests[0]), r.settle(t, hosts[1], guests[1]))
				fast, start := counter(t, r.metrics.fast), time.Now()
				for range bursts / 2 {
					for _, from := range ways(hosts, guests) {
						_, frames := series(from.number, n, tt.size, tt.size)
						from.sayAll(frames...)
					}
				}
				passed := func() float64 { return counter(t, r.metrics.packets) - before }
				dropped := func() float64 { return counter(t, r.metrics.drops.WithLabelValues(reason)) }
				until(t, name+": what was sent is not what passed and what was dropped", func() bool { return passed()+dropped() == bursts*n })
				seconds := time.Since(start).Seconds()
				if most := each * (1 + seconds); passed() < each*8/10 || passed() > most+1 || int(passed())%n != 0 {
					t.Errorf("%s: %v passed of %d in %.2f s, want %d to %.0f, in whole bursts", name, passed(), bursts*n, seconds, each*8/10, most)
				}
				if n := counter(t, r.metrics.fast) - fast; n != 0 {
					t.Errorf("%s: %v packets passed by the server", name, n)
				}
			}
		})
	}
}

// fork returns a host that has a channel to each of two guests, and they to it.
func (r *relayed) fork(t *testing.T) (host, guests [2]bound) {
	t.Helper()
	call := [16]byte{1}
	client := r.client(t, "udp", call, protocol.RoleHost)
	relayed := client.allocate()
	for i := range guests {
		guests[i] = bound{rawClient: r.client(t, "udp", call, protocol.RoleGuest), number: 0x4800}
		guests[i].relayed = guests[i].allocate()
		host[i] = bound{client, 0x4001 + uint16(i), relayed}
		host[i].request(stun.MethodChannelBind, 0, peerAddress(guests[i].relayed), channelNumber(host[i].number))
		guests[i].request(stun.MethodChannelBind, 0, peerAddress(relayed), channelNumber(guests[i].number))
	}
	return host, guests
}
