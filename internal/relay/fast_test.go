package relay

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// wentFast fails unless that many packets were relayed, all of them past pion; or
// through it where that is the path.
func (r *relayed) wentFast(t *testing.T, want float64) {
	t.Helper()
	fast := want
	if r.path == PathSlow {
		fast = 0
	}
	past := func() float64 { return counter(t, r.metrics.fast) + counter(t, r.metrics.kernel) }
	deadline := time.Now().Add(5 * time.Second)
	for counter(t, r.metrics.packets) != want || past() != fast {
		if time.Now().After(deadline) { // counted is after sending
			t.Fatalf("%v packets relayed, %v of them past pion; want %v and %v", counter(t, r.metrics.packets), past(), want, fast)
		}
		time.Sleep(time.Millisecond)
	}
}

// settle returns how many packets were relayed once data of each of the two goes as it
// is going to: the first packets of a channel pass through the server on each path.
func (r *relayed) settle(t testing.TB, a, b bound) float64 {
	t.Helper()
	if r.path != PathOffload {
		return counter(t, r.metrics.packets)
	}
	deadline := time.Now().Add(5 * time.Second)
	for _, way := range []struct{ from, to bound }{{a, b}, {b, a}} {
		for before := counter(t, r.metrics.kernel); counter(t, r.metrics.kernel) == before; time.Sleep(kernelCount / 4) {
			if time.Now().After(deadline) {
				t.Fatal("the kernel carries nothing")
			}
			way.from.say(nil)
			if way.to.hear(2*time.Second) == nil {
				t.Fatal("a packet was lost")
			}
		}
	}
	for last := -1.0; last != counter(t, r.metrics.packets); time.Sleep(2 * kernelCount) {
		last = counter(t, r.metrics.packets)
	}
	return counter(t, r.metrics.packets)
}

// Data of all sizes arrives as it was sent, in the receiver's channel, on sockets of
// each kind, and from the address that the client talks to.
func TestChannelDataArrives(t *testing.T) {
	eachRealPath(t, func(t *testing.T, path Path) {
		for name, tt := range map[string]struct{ network, addr, host, guest string }{
			"IPv4":         {"udp4", "127.0.0.1:0", "127.0.0.1", "127.0.0.1"},
			"all IPv4":     {"udp4", "0.0.0.0:0", "127.0.0.1", "127.0.0.2"},
			"all families": {"udp", "[::]:0", "127.0.0.2", "::1"},
			"IPv6":         {"udp6", "[::1]:0", "::1", "::1"},
		} {
			t.Run(name, func(t *testing.T) {
				r := serveAs(t, Config{Path: path}, tt.network, tt.addr, nil)
				_, port, err := net.SplitHostPort(r.udp)
				if err != nil {
					t.Fatal(err)
				}
				at := func(ip string) *relayed {
					return &relayed{r.Server, net.JoinHostPort(r.wire.host(ip), port), "", r.wire, r.gathered}
				}
				call := [16]byte{1}
				host, guest := bindBoth(at(tt.host).client(t, "udp", call, protocol.RoleHost), at(tt.guest).client(t, "udp", call, protocol.RoleGuest))
				total := 0
				for _, size := range []int{0, 1, 3, 4, 5, 100, 1200, mtu - channelHeader - 1} {
					data := bytes.Repeat([]byte{byte(size)}, size)
					for _, way := range []struct{ from, to bound }{{host, guest}, {guest, host}} {
						way.from.say(data)
						if got := way.to.hear(2 * time.Second); !bytes.Equal(got, data) || got == nil {
							t.Fatalf("%d bytes: got %d", size, len(got))
						}
						total += size
					}
				}
				r.wentFast(t, 16)
				if n := counter(t, r.metrics.bytes); n != float64(total) {
					t.Errorf("%v bytes counted, want %d", n, total)
				}
			})
		}
	})
}

// What is not as it should be does not arrive, and nothing of what follows the data.
func TestOddChannelData(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
		sent := r.settle(t, host, guest)
		for name, frame := range map[string][]byte{
			"too long a length": binary.BigEndian.AppendUint16(channelData(host.number, nil)[:2], 9),
			"no such channel":   channelData(host.number+1, []byte("x")),
			"the other's":       channelData(guest.number, []byte("x")),
			"cut":               channelData(host.number, nil)[:3],
			"too large":         channelData(host.number, make([]byte, mtu-channelHeader)),
			"no channel number": channelData(0x5001, []byte("x")),
		} {
			if _, err := host.conn.Write(frame); err != nil {
				t.Fatal(err)
			}
			if got := guest.hear(20 * time.Millisecond); got != nil {
				t.Errorf("%s: %q arrived", name, got)
			}
		}
		if _, err := host.conn.Write(append(channelData(host.number, []byte("data")), "and more"...)); err != nil {
			t.Fatal(err)
		}
		if err := guest.conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, mtu)
		if n, err := guest.conn.Read(buf); err != nil || n != channelHeader+4 {
			t.Errorf("got %q (%v), want the data and no more", buf[:n], err)
		}
		r.wentFast(t, sent+1)
	})
}

// A peer that has no channel, or that is on TCP, is reached through pion.
func TestUnevenPeersAreReached(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{RequestsPerSecond: 1000})
		host, guest := r.bound(t, [16]byte{1}, "udp", "tcp")
		host.say([]byte("to TCP!!")) // of a length that needs no padding
		if got := guest.hear(2 * time.Second); string(got) != "to TCP!!" {
			t.Errorf("over TCP: got %q", got)
		}
		guest.say([]byte("from TCP"))
		if got := host.hear(2 * time.Second); string(got) != "from TCP" {
			t.Errorf("from TCP: got %q", got)
		}

		call := [16]byte{2}
		a, b := r.client(t, "udp", call, protocol.RoleHost), r.client(t, "udp", call, protocol.RoleGuest)
		from, to := a.allocate(), b.allocate()
		a.request(stun.MethodChannelBind, 0, peerAddress(to), channelNumber(0x4001))
		b.request(stun.MethodCreatePermission, 0, peerAddress(from))
		bound{rawClient: a, number: 0x4001}.say([]byte("no channel back"))
		m := b.receive(2 * time.Second)
		if m == nil {
			t.Fatal("nothing arrived")
		}
		if data, err := m.Get(stun.AttrData); err != nil || string(data) != "no channel back" {
			t.Errorf("got %q (%v)", data, err)
		}
		if n := counter(t, r.metrics.fast); n != 0 {
			t.Errorf("%v packets went past pion", n)
		}
	})
}

// Who has lost channel, allocation, role or call sends and gets nothing from that moment.
func TestEndIsAtOnce(t *testing.T) {
	call := [16]byte{1}
	for name, end := range map[string]func(r *relayed, host, guest bound){
		"call":  func(r *relayed, _, _ bound) { r.EndCall(call) },
		"role":  func(r *relayed, _, _ bound) { r.Revoke(call, protocol.RoleGuest) },
		"host":  func(_ *relayed, host, _ bound) { host.giveUp() },
		"guest": func(_ *relayed, _, guest bound) { guest.giveUp() },
	} {
		t.Run(name, func(t *testing.T) {
			onEachPath(t, func(t *testing.T, serve server) {
				r := serve(t, Limits{})
				host, guest := r.bound(t, call, "udp", "udp")
				host.say([]byte("before"))
				if guest.hear(2*time.Second) == nil {
					t.Fatal("nothing was relayed")
				}
				sent := r.settle(t, host, guest)
				end(r, host, guest)
				host.say([]byte("after"))
				guest.say([]byte("after"))
				if guest.hear(50*time.Millisecond) != nil || host.hear(50*time.Millisecond) != nil {
					t.Error("relayed after the end")
				}
				r.wentFast(t, max(sent, 1))
			})
		})
	}
}

func (b bound) giveUp() {
	b.request(stun.MethodRefresh, 0, stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)})
}

// A channel that nobody refreshes is gone when pion lets it go.
func TestChannelExpires(t *testing.T) {
	lives := map[Path]time.Duration{PathFast: time.Second, PathSlow: time.Second, PathOffload: 4 * time.Second, pathGathered: time.Second}
	eachRealPath(t, func(t *testing.T, path Path) {
		r := serveAs(t, Config{Path: path}, "udp4", "127.0.0.1:0", func(s *Server) { s.channelLifetime = lives[path] })
		host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
		host.say([]byte("before"))
		if guest.hear(2*time.Second) == nil {
			t.Fatal("nothing was relayed")
		}
		sent := max(r.settle(t, host, guest), 1)
		deadline := time.Now().Add(10 * time.Second)
		for ; r.channels([16]byte{1}) > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the channels are still there")
			}
		}
		host.say([]byte("after"))
		if guest.hear(50*time.Millisecond) != nil {
			t.Error("relayed over a channel that has expired")
		}
		// The same number is good again, and leads to the same place.
		host.request(stun.MethodChannelBind, 0, peerAddress(guest.relayed), channelNumber(host.number))
		guest.request(stun.MethodChannelBind, 0, peerAddress(host.relayed), channelNumber(guest.number))
		host.say([]byte("again"))
		if guest.hear(2*time.Second) == nil {
			t.Error("a channel made again carries nothing")
		}
		r.wentFast(t, sent+1)
	})
}

// Whatever pion takes away at either end, the next packet is pion's; whatever it gives
// back, the one after that is not.
func TestChangesCount(t *testing.T) {
	l := newLine(t, PathFast, Limits{})
	a, b := l.pair()
	events := l.events()
	user := func(of *allocation) string { return userID(account{"aaaaaaaaaaaaaaaa", of.role}, of.client) }
	near := func(of *allocation) net.Addr { return net.UDPAddrFromAddrPort(of.client.addr) }
	fast := func() bool {
		to, _, _ := a.table.forward(channelData(channelOf(b), nil), a.client.addr, time.Now())
		return to != nil
	}
	unbind := func(of, to *allocation, relayed net.Addr) {
		events.OnChannelDeleted(near(of), nil, "UDP", user(of), "", relayed, to.addr, channelOf(to))
	}
	for name, take := range map[string]func(){
		"the sender's channel":      func() { unbind(a, b, a.addr) },
		"the receiver's channel":    func() { unbind(b, a, b.addr) },
		"the receiver's permission": func() { events.OnPermissionDeleted(near(b), nil, "UDP", user(b), "", b.addr, a.addr.IP) },
	} {
		if !fast() {
			t.Fatalf("before %s is gone: left to pion", name)
		}
		take()
		if fast() {
			t.Errorf("%s is gone, and counts", name)
		}
		unbind(a, b, a.addr)
		unbind(b, a, b.addr)
		l.bind(a, b)
		l.bind(b, a)
	}
	// What is told late of an allocation that the client had before means another.
	unbind(a, b, &net.UDPAddr{IP: a.addr.IP, Port: a.addr.Port})
	if !fast() {
		t.Error("an earlier allocation's end was taken for this one's")
	}
}

// channels is how many the allocations of a call have.
func (r *relayed) channels(call [16]byte) int {
	r.loop.mu.RLock()
	defer r.loop.mu.RUnlock()
	n := 0
	for _, a := range r.loop.calls[r.keys.handle(call)].list() {
		n += len(a.bindings())
	}
	return n
}

// A packet costs no memory.
func TestForwardAllocatesNothing(t *testing.T) {
	l := newLine(t, PathFast, Limits{BitsPerSecond: math.MaxInt, PacketsPerSecond: math.MaxInt})
	a, b := l.pair()
	frame, now := channelData(channelOf(b), make([]byte, 1000)), time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		binary.BigEndian.PutUint16(frame, channelOf(b))
		if to, _, _ := a.table.forward(frame, a.client.addr, now); to == nil {
			t.Fatal("not forwarded")
		}
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

// Whatever arrives: what is sent on is the data of a frame, in the peer's channel.
func FuzzForward(f *testing.F) {
	f.Add([]byte{0x40, 2, 0, 4, 1, 2, 3, 4}, true)
	f.Add([]byte{0x40, 2, 0, 4, 1, 2, 3, 4, 5}, true)
	f.Add([]byte{0x40, 2, 0xff, 0xff, 1}, true)
	f.Add([]byte{0x40, 2, 0, 0}, false)
	f.Add([]byte{0x40}, true)
	l := line{newLoop(relayAddr, Limits{BitsPerSecond: math.MaxInt, PacketsPerSecond: math.MaxInt}.withDefaults(), newMetrics()), nil, PathFast}
	l.openTable()
	var a, b *allocation
	f.Fuzz(func(t *testing.T, frame []byte, known bool) {
		if a == nil {
			l.t = t
			a, b = l.pair()
		}
		if len(frame) > 1 && known {
			binary.BigEndian.PutUint16(frame, channelOf(b))
		}
		sent := bytes.Clone(frame)
		to, size, why := a.table.forward(frame, a.client.addr, time.Now())
		switch {
		case to == nil && why == "" && bytes.Equal(frame, sent): // for pion
		case to == nil:
			t.Errorf("%x: dropped as %q, left as %x", sent, why, frame)
		case to.peer != b || size != channelHeader+int(binary.BigEndian.Uint16(sent[2:])) || size > len(sent) || !bytes.Equal(frame[2:], sent[2:]):
			t.Errorf("%x: sent on as %x, %d bytes", sent, frame, size)
		case binary.BigEndian.Uint16(sent) != channelOf(b) || binary.BigEndian.Uint16(frame) != channelOf(a):
			t.Errorf("%x: sent on as %x", sent, frame)
		}
	})
}
