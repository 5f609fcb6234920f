package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// spareFiles are those beside the connections: the database, listeners, the log.
	spareFiles = 256
	// wantedBuffer is what the relay asks for its sockets (internal/relay).
	wantedBuffer = 4 << 20
	// droppedShare of all datagrams that the kernel may drop for want of room.
	droppedShare = 0.001
)

// kernelFacts are limits and counters; -1 is for what cannot be read.
type kernelFacts struct {
	connections    int
	files          int64 // of the server if it runs, else of this process
	running        bool
	rmem, wmem     int64
	tracked, track int64 // connections followed by the firewall: now, at most
	dropped, came  int64 // UDP
}

func checkKernel(_ context.Context, cfg *Config, here *place) []Finding {
	proc := cfg.procDir()
	f := kernelFacts{
		connections: cfg.Connections, files: -1,
		rmem:    number(filepath.Join(proc, "sys/net/core/rmem_max")),
		wmem:    number(filepath.Join(proc, "sys/net/core/wmem_max")),
		tracked: number(filepath.Join(proc, "sys/net/netfilter/nf_conntrack_count")),
		track:   number(filepath.Join(proc, "sys/net/netfilter/nf_conntrack_max")),
	}
	pid := "self"
	if here.running != nil {
		if p := listener(proc, cfg.port()); p != 0 {
			pid, f.running = strconv.Itoa(p), true
		}
	}
	f.files = openFiles(filepath.Join(proc, pid, "limits"))
	f.dropped, f.came = datagrams(filepath.Join(proc, "net/snmp"))
	return judgeKernel(f)
}

func judgeKernel(f kernelFacts) []Finding {
	var out []Finding
	whose := "this shell's limit"
	if f.running {
		whose = "the limit of the server that runs"
	}
	switch need := int64(f.connections) + spareFiles; {
	case f.files < 0:
	case f.files < need:
		out = append(out, warn("kernel.nofile", fmt.Sprintf("LimitNOFILE=%d in the systemd unit, or a lower limits.connections", max(65536, need)),
			"%s is %d open files, and limits.connections allows %d connections, each of them one", whose, f.files, f.connections))
	default:
		out = append(out, good("kernel.nofile", "%s, %d open files, is enough for %d connections", whose, f.files, f.connections))
	}
	if least := min(f.rmem, f.wmem); least >= 0 {
		if least < wantedBuffer {
			out = append(out, warn("kernel.buffers", fmt.Sprintf("sysctl -w net.core.rmem_max=%d net.core.wmem_max=%d, and the same in /etc/sysctl.d", wantedBuffer, wantedBuffer),
				"the kernel gives UDP sockets %d kB at most, the relay would like %d kB: bursts of many calls get lost", least>>10, wantedBuffer>>10))
		} else {
			out = append(out, good("kernel.buffers", "UDP sockets may have the buffers that the relay asks for"))
		}
	}
	if f.track > 0 {
		if f.tracked*5 > f.track*4 {
			out = append(out, bad("kernel.conntrack", fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", f.track*4),
				"the firewall follows %d connections of at most %d: soon new ones are dropped", f.tracked, f.track))
		} else {
			out = append(out, good("kernel.conntrack", "the firewall follows %d connections of at most %d", f.tracked, f.track))
		}
	}
	if f.came > 0 {
		if float64(f.dropped) > droppedShare*float64(f.came) {
			out = append(out, warn("kernel.udp_drops", "larger buffers (kernel.buffers), or a faster machine; watch nstat -az UdpRcvbufErrors",
				"since it started this machine has dropped %d datagrams of %d for want of room", f.dropped, f.came+f.dropped))
		} else {
			out = append(out, good("kernel.udp_drops", "hardly any datagram was dropped for want of room (%d)", f.dropped))
		}
	}
	return out
}

// number reads a file of one number; -1 if it cannot.
func number(path string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// openFiles reads the hard limit, which a Go program raises its own to.
func openFiles(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "Max open files")
		if fields := strings.Fields(rest); ok && len(fields) >= 2 {
			if fields[1] == "unlimited" {
				return 1 << 30
			}
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
	}
	return -1
}

// datagrams reads the UDP counters of /proc/net/snmp: a line of names, then one of
// numbers.
func datagrams(path string) (dropped, came int64) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i := 1; i < min(len(names), len(fields)); i++ {
			n, _ := strconv.ParseInt(fields[i], 10, 64)
			switch names[i] {
			case "RcvbufErrors":
				dropped = n
			case "InDatagrams":
				came = n
			}
		}
	}
	return dropped, came
}
