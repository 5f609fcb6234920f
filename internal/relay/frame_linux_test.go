package relay

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What follows a packet in its Ethernet frame is not counted, so such a frame is the server's.
func TestKernelLeavesTrailers(t *testing.T) {
	t.Parallel()
	r := serveAs(t, Config{Path: PathOffload}, "udp4", "127.0.0.1:0", nil)
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	r.settle(t, host, guest)
	fast, kernel := counter(t, r.metrics.fast), counter(t, r.metrics.kernel)
	for _, size := range []int{3, 100} {
		data := bytes.Repeat([]byte{7}, size)
		packet := ipv4(t, host.conn, channelData(host.number, data))
		for _, trailer := range []int{max(0, 46-len(packet)), 1000} { // 46: as short a frame as there is
			onWire(t, append(bytes.Clone(packet), make([]byte, trailer)...))
			if got := guest.hear(2 * time.Second); !bytes.Equal(got, data) {
				t.Fatalf("%d bytes and %d more: got %d", size, trailer, len(got))
			}
		}
	}
	until(t, "not counted", func() bool {
		return counter(t, r.metrics.kernel) == kernel+2 && counter(t, r.metrics.fast) == fast+2
	})
}

// ipv4 is a packet as the connection sends it.
func ipv4(t *testing.T, c net.Conn, data []byte) []byte {
	t.Helper()
	from, ok := c.LocalAddr().(*net.UDPAddr)
	to, also := c.RemoteAddr().(*net.UDPAddr)
	if !ok || !also {
		t.Fatal("not UDP")
	}
	const ip, udp = 20, 8
	p := make([]byte, ip+udp, ip+udp+len(data))
	p[0], p[8], p[9] = 0x45, 64, unix.IPPROTO_UDP // version and length, TTL
	binary.BigEndian.PutUint16(p[2:], uint16(cap(p)))
	copy(p[12:], from.IP.To4())
	copy(p[16:], to.IP.To4())
	var sum uint32
	for i := 0; i < ip; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(p[ip:], uint16(from.Port))
	binary.BigEndian.PutUint16(p[ip+2:], uint16(to.Port))
	binary.BigEndian.PutUint16(p[ip+4:], uint16(udp+len(data))) // and no checksum, which IPv4 allows
	return append(p, data...)
}

// onWire sends an IPv4 packet, and whatever follows it, in one frame to the server.
func onWire(t *testing.T, packet []byte) {
	t.Helper()
	v := needsVeth(t)
	var server net.HardwareAddr
	err := inside(v.server, func() error {
		wire, err := net.InterfaceByName("wire")
		if err == nil {
			server = wire.HardwareAddr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = inside(v.clients, func() error {
		wire, err := net.InterfaceByName("wire")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		frame := append(append(bytes.Clone(server), wire.HardwareAddr...), 0x08, 0x00) // EtherType IPv4
		return unix.Sendto(fd, append(frame, packet...), 0, &unix.SockaddrLinklayer{Ifindex: wire.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
}
