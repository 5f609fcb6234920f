package relay

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// eachPath runs a test once for each way that data may take through the server's process:
// what comes of it has to be the same.
func eachPath(t *testing.T, test func(t *testing.T, path Path)) {
	t.Helper()
	onPaths(t, test, PathFast, PathSlow)
}

// pathGathered is PathFast for clients whose datagrams come several in one message.
const pathGathered = PathOffload + 1

// eachRealPath is eachPath with those that need sockets: that for datagrams which the kernel
// has gathered, and the kernel's own, for which clients are at the other end of a wire.
func eachRealPath(t *testing.T, test func(t *testing.T, path Path)) {
	t.Helper()
	onPaths(t, test, PathFast, PathSlow, PathOffload, pathGathered)
}

func onPaths(t *testing.T, test func(t *testing.T, path Path), paths ...Path) {
	t.Helper()
	for _, path := range paths {
		t.Run([]string{"fast", "slow", "offload", "gathered"}[path], func(t *testing.T) {
			t.Parallel()
			if path != PathSlow && runtime.GOOS != "linux" {
				t.Skip("only Linux has it")
			}
			test(t, path)
		})
	}
}

// onEachPath is eachRealPath with a server.
func onEachPath(t *testing.T, test func(t *testing.T, serve server)) {
	t.Helper()
	eachRealPath(t, func(t *testing.T, path Path) { test(t, serverOn(path)) })
}

// onPathsHere is eachPath with a server on loopback.
func onPathsHere(t *testing.T, test func(t *testing.T, serve server)) {
	t.Helper()
	eachPath(t, func(t *testing.T, path Path) { test(t, serverOn(path)) })
}

func serverOn(path Path) server {
	return func(t *testing.T, limits Limits) *relayed {
		t.Helper()
		return serveAs(t, Config{Limits: limits, Path: path}, "udp4", "127.0.0.1:0", nil)
	}
}

var relayAddr = netip.MustParseAddr("198.51.100.1")

// line is a loop without sockets; what is sent takes the path.
type line struct {
	*loop
	t    *testing.T
	path Path
}

func newLine(t *testing.T, path Path, limits Limits) line {
	l := line{newLoop(relayAddr, limits.withDefaults(), newMetrics()), t, path}
	if path == PathFast {
		l.openTable()
	}
	return l
}

// openTable gives the listener that these allocations belong to a fast path.
func (l line) openTable() {
	l.open(1, front{table: &table{metrics: l.metrics, clients: make(map[netip.AddrPort]*allocation)}})
}

// channelOf is the number of every channel to an allocation, in these tests.
func channelOf(a *allocation) uint16 { return 0x4000 | uint16(a.addr.Port)&0xfff }

// allocated has channels to all others of its call, and they to it.
func (l line) allocated(role protocol.Role, port uint16) *allocation {
	l.t.Helper()
	a := allocated(l.t, l.loop, role, port)
	for _, other := range a.call.list() {
		if other != a {
			l.bind(a, other)
			l.bind(other, a)
		}
	}
	return a
}

func (l line) bind(a, to *allocation) {
	user, near := userID(account{"aaaaaaaaaaaaaaaa", a.role}, a.client), net.UDPAddrFromAddrPort(a.client.addr)
	l.events().OnPermissionCreated(near, nil, "UDP", user, "", a.addr, to.addr.IP)
	l.events().OnChannelCreated(near, nil, "UDP", user, "", a.addr, to.addr, channelOf(to))
}

func (l line) pair() (a, b *allocation) {
	return l.allocated(protocol.RoleHost, 1), l.allocated(protocol.RoleGuest, 2)
}

func (l line) send(from, to *allocation, data []byte) {
	l.t.Helper()
	if l.path == PathSlow {
		if _, err := from.WriteTo(data, to.addr); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	hop, size, why := from.table.forward(channelData(channelOf(to), data), from.client.addr, time.Now())
	switch {
	case why != "":
		l.metrics.drop(why)
	case hop == nil:
		l.t.Fatal("left to pion")
	case hop.peer != to || hop.number != channelOf(from):
		l.t.Fatalf("goes to port %d with number %x", hop.peer.addr.Port, hop.number)
	default:
		l.metrics.forwarded(1, size-channelHeader, 0)
	}
}

func channelData(number uint16, data []byte) []byte {
	frame := binary.BigEndian.AppendUint16(nil, number)
	return append(binary.BigEndian.AppendUint16(frame, uint16(len(data))), data...)
}

// bound is a client with a channel, and the number of it.
type bound struct {
	*rawClient
	number  uint16
	relayed stun.XORMappedAddress
}

// bound returns two clients of a call that have channels to each other.
func (r *relayed) bound(t testing.TB, call [16]byte, hostNetwork, guestNetwork string) (host, guest bound) {
	t.Helper()
	return bindBoth(r.client(t, hostNetwork, call, protocol.RoleHost), r.client(t, guestNetwork, call, protocol.RoleGuest))
}

func bindBoth(a, b *rawClient) (host, guest bound) {
	a.t.Helper()
	return bindAs(a, b, [2]uint16{0x4001, 0x4abc})
}

func bindAs(a, b *rawClient, numbers [2]uint16) (host, guest bound) {
	a.t.Helper()
	host, guest = bound{a, numbers[0], a.allocate()}, bound{b, numbers[1], b.allocate()}
	host.request(stun.MethodChannelBind, 0, peerAddress(guest.relayed), channelNumber(host.number))
	guest.request(stun.MethodChannelBind, 0, peerAddress(host.relayed), channelNumber(guest.number))
	return host, guest
}

// say sends data over the channel.
func (b bound) say(data []byte) {
	b.t.Helper()
	if _, err := b.conn.Write(channelData(b.number, data)); err != nil {
		b.t.Fatal(err)
	}
}

// hear returns the next data that comes over the channel; nil after quiet time.
func (b bound) hear(quiet time.Duration) []byte {
	b.t.Helper()
	if err := b.conn.SetReadDeadline(time.Now().Add(quiet)); err != nil {
		b.t.Fatal(err)
	}
	buf := make([]byte, mtu)
	n, err := b.conn.Read(buf)
	if err != nil {
		return nil
	}
	if n < channelHeader || binary.BigEndian.Uint16(buf) != b.number {
		b.t.Fatalf("got %x, want data of channel %x", buf[:n], b.number)
	}
	return buf[channelHeader : channelHeader+int(binary.BigEndian.Uint16(buf[2:]))]
}
