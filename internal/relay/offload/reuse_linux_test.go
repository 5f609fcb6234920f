package offload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// loaded is the program without an interface.
func loaded(t *testing.T) *Program {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	const many = 1 << 33
	err = errors.Join(spec.Variables["bits_per_second"].Set(uint64(many)), spec.Variables["packets_per_second"].Set(uint64(many)))
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{accounts: slots{limit: Routes}, ledgers: slots{limit: Ledgers}}
	if err := spec.LoadAndAssign(&p.objects, nil); err != nil {
		if errors.Is(err, fs.ErrPermission) && os.Getenv("CI") != "true" && os.Getenv("VISAVIS_LAB") != "require" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Alive(); err != nil {
		t.Fatal(err)
	}
	return p
}

// burst is a packet as the kernel has gathered it from a client: n datagrams of 40 bytes.
func burst(from End, n int) []byte {
	client, server := from.Client.Addr().As4(), from.Server.Addr().As4()
	var datagrams []byte
	for range n {
		datagrams = binary.BigEndian.AppendUint16(datagrams, from.Channel)
		datagrams = append(datagrams, 0, 36)
		datagrams = append(datagrams, make([]byte, 36)...)
	}
	p := append(make([]byte, 12), 8, 0, 0x45, 0) // Ethernet, IPv4
	p = binary.BigEndian.AppendUint16(p, uint16(20+8+len(datagrams)))
	p = append(p, 0, 0, 0x40, 0, 64, 17, 0, 0)
	p = append(append(p, client[:]...), server[:]...)
	for _, v := range []uint16{from.Client.Port(), from.Server.Port(), uint16(8 + len(datagrams)), 0} {
		p = binary.BigEndian.AppendUint16(p, v)
	}
	return append(p, datagrams...)
}

// context is struct __sk_buff, of a gathered packet (linux/bpf.h).
func context(segments, size uint32) []byte {
	c := make([]byte, 192)
	binary.NativeEndian.PutUint32(c[164:], segments)
	binary.NativeEndian.PutUint32(c[176:], size)
	return c
}

// While a packet is on its way its route may be taken out, and the route's place in the
// kernel's memory be given to one of another call. It must not lead there.
func TestRouteIsReused(t *testing.T) {
	p := loaded(t)
	end := func(client, server string, channel uint16) End {
		return End{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server), channel}
	}
	const server = "10.0.0.1:3478"
	ours, others := end("10.0.0.2:1000", server, 0x4001), end("10.9.0.2:1000", server, 0x4001)
	way, foreign := end("10.0.0.3:1000", server, 0x4abc), end("10.9.0.3:1000", server, 0x4abc)
	put := func(from, to End) error {
		return p.objects.Routes.Put(from.key(), route{to.key(), 1, 0, 1, 0})
	}
	over, changing := make(chan struct{}), sync.WaitGroup{}
	changing.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			if err := errors.Join(put(ours, way), p.objects.Routes.Delete(ours.key()),
				put(others, foreign), p.objects.Routes.Delete(others.key())); err != nil {
				t.Error(err)
				return
			}
		}
	})
	want, wrong := way.Client.Addr().As4(), foreign.Client.Addr().As4()
	packet, out := burst(ours, 64), make([]byte, 4096)
	left := map[string]int{}
	for begun := time.Now(); time.Since(begun) < time.Second; {
		options := &ebpf.RunOptions{Data: packet, DataOut: out, Context: context(64, 40), Repeat: 1}
		verdict, err := p.objects.Relay.Run(options)
		if err != nil {
			t.Fatal(err)
		}
		const redirected = 7 // TC_ACT_REDIRECT
		switch to := [4]byte(options.DataOut[30:34]); {
		case verdict != redirected:
			left["for the server"]++
		case to == want:
			left["to the other end"]++
		case to == wrong:
			left["to another call"]++
		default:
			left["nowhere"]++
		}
	}
	close(over)
	changing.Wait()
	t.Log(left)
	if left["to the other end"] == 0 || left["for the server"] == 0 {
		t.Error("the test proves nothing")
	}
	if n := left["to another call"] + left["nowhere"]; n != 0 {
		t.Errorf("%d packets have taken a way that is not theirs", n)
	}
}
