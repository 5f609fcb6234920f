package relay

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/pion/stun/v4"
	"golang.org/x/sys/unix"
)

// gatheredConn sends each datagram together with another one, of a byte, so that the server
// gets both as one message.
type gatheredConn struct{ *net.UDPConn }

func gathering(conn net.Conn) net.Conn {
	if udp, ok := conn.(*net.UDPConn); ok {
		return gatheredConn{udp}
	}
	return conn
}

// Write implements [net.Conn].
func (c gatheredConn) Write(p []byte) (int, error) {
	if len(p) < 2 {
		return c.UDPConn.Write(p)
	}
	return len(p), together(c.UDPConn, append(bytes.Clone(p), 0), len(p))
}

// together sends datagrams of this size, the last one maybe shorter, as one message.
func together(c *net.UDPConn, data []byte, size int) error {
	oob := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[unix.CmsgLen(0):], uint16(size))
	_, _, err := c.WriteMsgUDP(data, oob, nil)
	return err
}

// udpPair is a socket with a fast path that has no clients, and one that is connected to it.
func udpPair(t *testing.T) (*fastConn, *net.UDPConn) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fast, _ := withFastPath(pc, newMetrics())
	c, ok := fast.(*fastConn)
	if !ok {
		t.Fatal("no fast path")
	}
	t.Cleanup(func() { _ = c.Close() })
	conn, err := net.Dial("udp4", c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return c, conn.(*net.UDPConn)
}

// What the kernel hands over as one message is for pion what it was: datagrams, one by one.
func TestGatheredAreReadOneByOne(t *testing.T) {
	c, conn := udpPair(t)
	for _, tt := range []struct{ count, size, last int }{{5, 100, 37}, {2, mtu - 1, 1}, {1, 2, 1}, {63, 1, 1}, {40, 1500, 1500}, {2, mtu, 5}} {
		var sent []byte
		for i := range tt.count {
			sent = append(sent, bytes.Repeat([]byte{byte(i)}, tt.size)...)
		}
		sent = append(sent, bytes.Repeat([]byte{0xff}, tt.last)...)
		if err := together(conn, sent, tt.size); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, mtu)
		for i := range tt.count + 1 {
			want := sent[i*tt.size : min((i+1)*tt.size, len(sent))]
			n, from, err := c.ReadFrom(buf)
			if err != nil || !bytes.Equal(buf[:n], want[:min(len(want), mtu)]) || from.String() != conn.LocalAddr().String() {
				t.Fatalf("%+v: datagram %d: got %d bytes from %v (%v), want %d", tt, i, n, from, err, len(want))
			}
		}
		if c.in.got != 1 || c.next != len(c.slow) {
			t.Errorf("%+v: came as %d messages, %d datagrams are left", tt, c.in.got, len(c.slow)-c.next)
		}
	}
}

// One message may hold what goes on at once, what is for pion, and what is for nobody.
func TestGatheredMayBeMixed(t *testing.T) {
	r := serve(t, Limits{})
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	const size = 100
	frame := func(number uint16, text string, size int) []byte {
		return channelData(number, append([]byte(text), make([]byte, size-channelHeader-len(text))...))
	}
	// An attribute that nobody has to know fills the request up (RFC 8489 §14).
	binding := func() *stun.Message {
		return stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: 0xff00, Value: make([]byte, size-stunHeader-4)})
	}
	ask, ask2 := binding(), binding()
	message := bytes.Join([][]byte{
		frame(host.number, "one", size), ask.Raw, frame(host.number, "two", size), frame(host.number+1, "no channel", size),
		bytes.Repeat([]byte{0xee}, size), ask2.Raw, frame(host.number, "three", size), frame(host.number, "end", 20),
	}, nil)
	malformed := counter(t, r.metrics.drops.WithLabelValues(dropMalformed))
	if err := together(host.conn.(*net.UDPConn), message, size); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one", "two", "three", "end"} {
		got := guest.hear(2 * time.Second)
		if !bytes.HasPrefix(got, []byte(want)) || len(got) != []int{size, size, size, 20}[i]-channelHeader {
			t.Fatalf("got %q, want %s", got, want)
		}
	}
	for _, want := range []*stun.Message{ask, ask2} {
		if m := host.receive(2 * time.Second); m == nil || m.TransactionID != want.TransactionID {
			t.Errorf("got %v, want the answer to %v", m, want)
		}
	}
	r.wentFast(t, 4)
	if n := counter(t, r.metrics.drops.WithLabelValues(dropMalformed)) - malformed; n != 1 {
		t.Errorf("%v malformed, want 1", n)
	}
}

// Each datagram of a message is policed by itself.
func TestGatheredArePoliced(t *testing.T) {
	for reason, tt := range map[string]struct {
		limits Limits
		passes int
	}{
		dropPacketRate: {Limits{PacketsPerSecond: 10}, 10},
		dropBitRate:    {Limits{BitsPerSecond: 8 * 960}, 10},
		dropVolume:     {Limits{CallBytes: 960}, 10},
	} {
		t.Run(reason, func(t *testing.T) {
			r := serve(t, tt.limits)
			host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
			if err := together(host.conn.(*net.UDPConn), bytes.Repeat(channelData(host.number, make([]byte, 96)), 30), 100); err != nil {
				t.Fatal(err)
			}
			for range tt.passes {
				if guest.hear(2*time.Second) == nil {
					t.Fatal("a packet was lost")
				}
			}
			if guest.hear(20*time.Millisecond) != nil {
				t.Error("more than the limit passed")
			}
			r.wentFast(t, float64(tt.passes))
			if n := counter(t, r.metrics.drops.WithLabelValues(reason)); n != float64(30-tt.passes) {
				t.Errorf("%v dropped, want %d", n, 30-tt.passes)
			}
			if n := counter(t, r.metrics.bytes); n != float64(96*tt.passes) {
				t.Errorf("%v bytes counted, want %d", n, 96*tt.passes)
			}
		})
	}
}

// A message without its end loses the datagram that is cut.
func TestCutMessage(t *testing.T) {
	in := newInbox(gathered)
	oob := in.control[0][:]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_GRO
	h.SetLen(unix.CmsgLen(4))
	binary.NativeEndian.PutUint32(oob[unix.CmsgLen(0):], 100)
	in.heads[0].header.SetControllen(unix.CmsgSpace(4))
	for _, tt := range []struct {
		size  uint32
		flags int32
		want  int
		cut   bool
	}{{350, 0, 350, false}, {350, unix.MSG_TRUNC, 300, true}, {400, unix.MSG_TRUNC, 300, true}, {100, 0, 100, false}, {0, 0, 0, false}} {
		in.heads[0].size, in.heads[0].header.Flags = tt.size, tt.flags
		data, segment, cut := in.datagrams(0)
		if len(data) != tt.want || cut != tt.cut || segment < 1 || tt.size > 100 && segment != 100 {
			t.Errorf("%+v: %d bytes in datagrams of %d, cut: %v", tt, len(data), segment, cut)
		}
	}
}

// What a control message says of a message's datagrams is a size that is in it, or nothing.
func FuzzSegmentSize(f *testing.F) {
	f.Add([]byte{})
	f.Add(source(netip.MustParseAddr("2001:db8::1"), true))
	f.Add(bytes.Repeat([]byte{0xff}, controlSize))
	oob := make([]byte, unix.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_GRO
	h.SetLen(unix.CmsgLen(4))
	f.Add(oob)
	f.Fuzz(func(t *testing.T, oob []byte) {
		oob = bytes.Clone(oob) // aligned
		size := segmentSize(oob)
		if size != 0 && !bytes.Contains(oob, binary.NativeEndian.AppendUint32(nil, uint32(size))) {
			t.Errorf("%x: got %d, which is not in it", oob, size)
		}
	})
}
