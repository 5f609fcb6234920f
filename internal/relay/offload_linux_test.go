package relay

import (
	"bytes"
	"errors"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/relay/offload"
)

// What the kernel carries arrives as it was sent, both ways, with checksums that are
// right, and is counted. What is long, or more than it says, is the server's.
func TestKernelCarries(t *testing.T) {
	t.Run("tcx", func(t *testing.T) { kernelCarries(t, serverOn(PathOffload)(t, Limits{})) })
	// As before Linux 6.6. Not beside others: a packet may get lost while a filter comes and goes.
	t.Run("clsact", func(t *testing.T) {
		filters := func() int {
			var out []byte
			err := inside(needsVeth(t).server, func() (err error) {
				out, err = exec.Command("tc", "filter", "show", "dev", "wire", "ingress").CombinedOutput()
				return err
			})
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return bytes.Count(out, []byte("visavis"))
		}
		s := serveAs(t, Config{Path: PathOffload}, "udp4", "127.0.0.1:0", func(s *Server) {
			s.loadOffload = func(o offload.Options) (*offload.Program, error) {
				o.Filter = true
				return offload.Load(o)
			}
		})
		kernelCarries(t, s)
		if n := filters(); n != 1 {
			t.Errorf("%d filters, want 1", n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := filters(); n != 0 {
			t.Errorf("%d filters are left", n)
		}
	})
}

func kernelCarries(t *testing.T, r *relayed) {
	const longest = 1280 - 20 - 8 - channelHeader // of the program: IPv4 and UDP headers
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	r.settle(t, host, guest)
	fast, kernel := counter(t, r.metrics.fast), counter(t, r.metrics.kernel)
	for _, size := range []int{0, 1, 2, 3, 100, longest, longest + 1} {
		data := bytes.Repeat([]byte{byte(size)}, size)
		for _, way := range []struct{ from, to bound }{{host, guest}, {guest, host}} {
			way.from.say(data)
			if got := way.to.hear(2 * time.Second); !bytes.Equal(got, data) || got == nil {
				t.Fatalf("%d bytes: got %d", size, len(got))
			}
		}
	}
	for _, more := range []string{"\x00", "more"} { // padding, and what the server cuts
		if _, err := host.conn.Write(append(channelData(host.number, []byte("abc")), more...)); err != nil {
			t.Fatal(err)
		}
		if got := guest.hear(2 * time.Second); string(got) != "abc" {
			t.Errorf("and %q: got %q", more, got)
		}
	}
	until(t, "not counted", func() bool {
		return counter(t, r.metrics.kernel) == kernel+13 && counter(t, r.metrics.fast) == fast+3
	})
}

// When nobody counts, the kernel stops.
func TestKernelStopsUncounted(t *testing.T) {
	t.Parallel()
	r := serveAs(t, Config{Path: PathOffload}, "udp4", "127.0.0.1:0", nil)
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	r.settle(t, host, guest)
	k := r.loop.kernel.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	fast := counter(t, r.metrics.fast)
	until(t, "the kernel goes on", func() bool {
		host.say([]byte("anybody?"))
		if guest.hear(2*time.Second) == nil {
			t.Fatal("a packet was lost")
		}
		return counter(t, r.metrics.fast) > fast
	})
}

// The kernel's buckets are the server's: a burst, and so much a second. What passed and
// what did not add up.
func TestKernelKeepsRates(t *testing.T) {
	t.Parallel()
	const each, sent = 100, 300
	for reason, tt := range map[string]struct {
		limits Limits
		size   int
	}{
		dropPacketRate: {Limits{PacketsPerSecond: each}, 10},
		dropBitRate:    {Limits{BitsPerSecond: 8 * 1000 * each}, 1000},
	} {
		t.Run(reason, func(t *testing.T) {
			r := serveAs(t, Config{Path: PathOffload, Limits: tt.limits}, "udp4", "127.0.0.1:0", nil)
			host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
			before := r.settle(t, host, guest)
			fast, start := counter(t, r.metrics.fast), time.Now()
			for range sent {
				host.say(make([]byte, tt.size))
			}
			passed := func() float64 { return counter(t, r.metrics.packets) - before }
			dropped := func() float64 { return counter(t, r.metrics.drops.WithLabelValues(reason)) }
			until(t, "what was sent is not what passed and what was dropped", func() bool { return passed()+dropped() == sent })
			seconds := time.Since(start).Seconds()
			if most := each * (1 + seconds); passed() < each*9/10 || passed() > most+1 {
				t.Errorf("%v passed of %d in %.2f s, want %d to %.0f", passed(), sent, seconds, each*9/10, most)
			}
			if n := counter(t, r.metrics.fast) - fast; n != 0 {
				t.Errorf("%v packets passed by the server", n)
			}
		})
	}
}

// Several senders fill no receiver, and one sender has one allowance for all.
func TestKernelKeepsRatesOfEachEnd(t *testing.T) {
	t.Parallel()
	const each, sent = 100, 90
	for name, ways := range map[string]func(host [2]bound, guests [2]bound) [2]bound{
		"one receiver": func(_, guests [2]bound) [2]bound { return guests },
		"one sender":   func(host, _ [2]bound) [2]bound { return host },
	} {
		t.Run(name, func(t *testing.T) {
			r := serveAs(t, Config{Path: PathOffload, Limits: Limits{PacketsPerSecond: each}}, "udp4", "127.0.0.1:0", nil)
			host, guests := r.fork(t)
			var before float64
			for i := range guests {
				before = r.settle(t, host[i], guests[i])
			}
			start := time.Now()
			for range sent {
				for _, from := range ways(host, guests) {
					from.say([]byte("data"))
				}
			}
			passed := func() float64 { return counter(t, r.metrics.packets) - before }
			dropped := func() float64 { return counter(t, r.metrics.drops.WithLabelValues(dropPacketRate)) }
			until(t, "what was sent is not what passed and what was dropped", func() bool { return passed()+dropped() == 2*sent })
			seconds := time.Since(start).Seconds()
			if most := each * (1 + seconds); passed() < each*8/10 || passed() > most+1 {
				t.Errorf("%v passed of %d in %.2f s, want %d to %.0f", passed(), 2*sent, seconds, each*8/10, most)
			}
		})
	}
}

// A call that has used up its volume is refused, within the time in which the kernel is counted.
func TestKernelKeepsVolume(t *testing.T) {
	t.Parallel()
	const volume, size, late = 100_000, 1000, 20 * kernelCount // on a machine that does much else
	r := serveAs(t, Config{Path: PathOffload, Limits: Limits{CallBytes: volume}}, "udp4", "127.0.0.1:0", nil)
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	r.settle(t, host, guest)
	var over time.Time // when the volume was used up, or a bit later
	sent := 0
	refused := r.metrics.drops.WithLabelValues(dropVolume)
	until(t, "never refused", func() bool {
		host.say(make([]byte, size))
		if sent++; sent == volume/size {
			over = time.Now()
		}
		return counter(t, refused) > 0
	})
	if d := time.Since(over); d > late {
		t.Errorf("refused after %v", d)
	}
	carried := counter(t, r.metrics.bytes)
	for range 10 {
		host.say(make([]byte, size))
	}
	until(t, "passed", func() bool { return counter(t, refused) > 10 })
	if counter(t, r.metrics.bytes) != carried {
		t.Error("the call goes on")
	}
}

// Where the kernel does not help, it is said once, and everything works as well.
func TestWithoutKernel(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := Config{Path: PathOffload, Log: slog.New(slog.NewTextHandler(&log, nil))}
	r := serveAs(t, cfg, "udp4", "127.0.0.1:0", func(s *Server) {
		s.loadOffload = func(offload.Options) (*offload.Program, error) { return nil, errors.New("not allowed") }
	})
	host, guest := r.bound(t, [16]byte{1}, "udp", "udp")
	host.say([]byte("there"))
	if got := guest.hear(2 * time.Second); string(got) != "there" {
		t.Errorf("got %q", got)
	}
	r.wentFast(t, 1)
	if n := strings.Count(log.String(), "not allowed"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}
