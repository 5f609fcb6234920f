package relay

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharedPort is a socket at a port that others may join.
func sharedPort(t *testing.T, network, addr string) net.PacketConn {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	}}
	pc, err := lc.ListenPacket(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return pc
}

func (s *Server) listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.serving)
}

// Clients of several sockets of one port reach each other past pion.
func TestSocketsShareAPort(t *testing.T) {
	for network, addr := range map[string]string{"udp4": "127.0.0.1:0", "udp": "[::]:0", "udp6": "[::1]:0"} {
		t.Run(network, func(t *testing.T) {
			s, err := New(Config{Sockets: 4})
			if err != nil {
				t.Fatal(err)
			}
			pc := sharedPort(t, network, addr)
			r := &relayed{Server: s, udp: pc.LocalAddr().String()}
			served := make(chan error, 1)
			go func() { served <- s.ServePacket(pc) }()
			// A client that comes before all of them are open is asked for its nonce again.
			for deadline := time.Now().Add(2 * time.Second); s.listeners() < 4; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d sockets are served, want 4", s.listeners())
				}
			}
			for i := range 8 {
				host, guest := r.bound(t, [16]byte{byte(i)}, "udp", "udp")
				host.say([]byte("there"))
				if got := guest.hear(2 * time.Second); string(got) != "there" {
					t.Fatalf("got %q", got)
				}
				guest.say([]byte("and back"))
				if got := host.hear(2 * time.Second); string(got) != "and back" {
					t.Fatalf("got %q", got)
				}
			}
			r.wentFast(t, 16)
			s.loop.mu.RLock()
			used := make(map[uint32]bool)
			for c := range s.loop.clients {
				used[c.listener] = true
			}
			s.loop.mu.RUnlock()
			if len(used) < 2 { // 16 clients of 4 sockets: once in 4^15 by chance
				t.Errorf("all clients are on %d socket", len(used))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// A socket that is alone on its port stays alone.
func TestOwnPortIsNotShared(t *testing.T) {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	if all := siblings(pc, 3); len(all) > 0 {
		t.Errorf("%d more sockets", len(all))
	}
}

// A batch is sent as far as it can be: what the kernel refuses does not take the rest with it.
func TestRefusedPacketsAreSkipped(t *testing.T) {
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	good := newWire(to.LocalAddr().(*net.UDPAddr).AddrPort(), netip.Addr{}, false)
	bad := newWire(netip.MustParseAddrPort("127.0.0.1:0"), netip.Addr{}, false) // EINVAL
	raw, err := from.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var out outbox
	for _, w := range []*wire{&bad, &good, &bad, &good, &bad} {
		out.add(channelData(0x4000, []byte("abc")), w)
	}
	var packets, size int
	if err := raw.Write(func(fd uintptr) bool { packets, size = out.send(fd); return true }); err != nil {
		t.Fatal(err)
	}
	if packets != 2 || size != 6 || out.n != 0 {
		t.Errorf("%d packets of %d bytes sent, %d left; want 2, 6 and 0", packets, size, out.n)
	}
	if err := to.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		buf := make([]byte, 16)
		if n, err := to.Read(buf); err != nil || n != 7 {
			t.Errorf("got %x (%v)", buf[:n], err)
		}
	}
}

// The kernel's addresses and ours, there and back.
func TestWireAddresses(t *testing.T) {
	for _, addr := range []string{"192.0.2.1:443", "[2001:db8::1]:65535", "[::1]:1"} {
		want := netip.MustParseAddrPort(addr)
		for _, v6 := range []bool{true, false} {
			if !v6 && want.Addr().Is6() {
				continue
			}
			w := newWire(want, netip.Addr{}, v6)
			if got := addrPort(&w.name); got != want || len(w.control) != 0 {
				t.Errorf("%s: got %s", want, got)
			}
		}
	}
	name := newWire(netip.MustParseAddrPort("[fe80::1]:5"), netip.Addr{}, true).name
	name.Scope_id = 7
	if got := withZone(&name).String(); got != "[fe80::1%7]:5" {
		t.Errorf("link-local: got %s", got)
	}
}

// What a control message says of its datagram's destination is an address or nothing.
func FuzzDestination(f *testing.F) {
	f.Add([]byte{})
	f.Add(source(netip.MustParseAddr("192.0.2.1"), false))
	f.Add(source(netip.MustParseAddr("2001:db8::1"), true))
	f.Add(bytes.Repeat([]byte{0xff}, 24))
	f.Fuzz(func(t *testing.T, oob []byte) {
		oob = bytes.Clone(oob) // aligned
		got := destination(oob)
		if got.Is6() && !bytes.Contains(oob, got.AsSlice()) || got.Is4() && !bytes.Contains(oob, got.AsSlice()) {
			t.Errorf("%x: got %s, which is not in it", oob, got)
		}
	})
}

// Whatever name the kernel could write, there is an address or none.
func FuzzAddrPort(f *testing.F) {
	f.Add([]byte{2, 0, 1, 187, 192, 0, 2, 1})
	f.Add([]byte{10, 0, 1, 187, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var name unix.RawSockaddrInet6
		copy((*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(&name))[:], raw)
		got := withZone(&name)
		if !got.Addr().IsValid() {
			return
		}
		if len(raw) >= 4 && got.Port() != binary.BigEndian.Uint16(raw[2:]) {
			t.Errorf("%x: got port %d", raw, got.Port())
		}
		if again := newWire(addrPort(&name), netip.Addr{}, true).name; addrPort(&again) != addrPort(&name) {
			t.Errorf("%x: reads as %s, and that as %s", raw, got, addrPort(&again))
		}
	})
}
