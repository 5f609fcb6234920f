package relay

import (
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"golang.org/x/sys/unix"

	"github.com/visavis-call/visavis/protocol"
)

// What a relayed datagram costs in CPU, twenty calls on loopback, sending and
// receiving included: compare the paths, not the figures of two machines.
//
//	go test -run '^$' -bench Relay -benchtime 500000x ./internal/relay
func BenchmarkRelay(b *testing.B) {
	for path, name := range []string{PathFast: "fast", PathSlow: "slow"} {
		b.Run(name, func(b *testing.B) { benchmarkPath(b, Path(path)) })
	}
}

func benchmarkPath(b *testing.B, path Path) {
	const calls, atOnce = 20, 40
	limits := Limits{BitsPerSecond: math.MaxInt, PacketsPerSecond: math.MaxInt, CallBytes: math.MaxInt64, RequestsPerSecond: 1000}
	r := serveAs(b, Config{Path: path, Limits: limits}, "udp4", "127.0.0.1:0", nil)
	var arrived atomic.Int64
	var hosts []bound
	for i := range calls {
		host, guest := r.bound(b, [16]byte{byte(i)}, "udp", "udp")
		hosts = append(hosts, host)
		if err := guest.conn.SetReadDeadline(time.Time{}); err != nil {
			b.Fatal(err)
		}
		go func() {
			for buf := make([]byte, mtu); ; arrived.Add(1) {
				if _, err := guest.conn.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	frame := channelData(hosts[0].number, make([]byte, 1100))
	before := processorTime()
	b.ResetTimer()
	for i := range b.N {
		if _, err := hosts[i%calls].conn.Write(frame); err != nil {
			b.Fatal(err)
		}
		for deadline := time.Now().Add(time.Second); int64(i)-arrived.Load() > atOnce && time.Now().Before(deadline); {
			time.Sleep(20 * time.Microsecond)
		}
	}
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/packet")
	b.ReportMetric(float64(arrived.Load())/float64(b.N), "arrived/packet")
}

// What an allocation keeps that has a permission and a channel, and nothing to carry, after
// a collection of garbage: on the heap, and as stacks.
//
//	go test -run '^$' -bench Idle -benchtime 2000x ./internal/relay
func BenchmarkIdle(b *testing.B) {
	r := serveAs(b, Config{Limits: Limits{RequestsPerSecond: math.MaxInt32, AllocationsPerIP: math.MaxInt}}, "udp4", "127.0.0.1:0", nil)
	clients := make([]*rawClient, b.N)
	for i := range clients {
		clients[i] = r.client(b, "udp", [16]byte{byte(i / 10), byte(i / 10 >> 8), byte(i / 10 >> 16)}, protocol.RoleHost)
	}
	before := kept()
	b.ResetTimer()
	for _, c := range clients {
		own := c.allocate()
		c.request(stun.MethodCreatePermission, 0, peerAddress(own))
		c.request(stun.MethodChannelBind, 0, peerAddress(own), channelNumber(0x4000))
	}
	b.StopTimer()
	after := kept()
	each := func(before, after uint64) float64 { return float64(int64(after-before)) / float64(b.N) }
	b.ReportMetric(each(before.HeapAlloc, after.HeapAlloc), "heap-B/allocation")
	b.ReportMetric(each(before.StackInuse, after.StackInuse), "stack-B/allocation")
}

func kept() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what the first has found to be finalized
	runtime.ReadMemStats(&m)
	return m
}

func processorTime() time.Duration {
	var used unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &used) // cannot fail
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
