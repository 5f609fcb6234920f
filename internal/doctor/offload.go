package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// offloadLeast is the first Linux with all that the program asks of it.
	offloadLeastMajor, offloadLeastMinor = 5, 10
	// offloadMTU is what the program forwards at most (internal/relay/offload).
	offloadMTU = 1280
)

// Capabilities that the relay's part in the kernel takes (capabilities(7)).
const (
	capNetAdmin = 12
	capPerfmon  = 38
	capBPF      = 39
)

// offloadRemedy is what a unit of systemd lacks (docs/operating.md).
const offloadRemedy = "systemctl edit visavis, and in [Service]: AmbientCapabilities=CAP_BPF CAP_PERFMON CAP_NET_ADMIN," +
	" the same in CapabilityBoundingSet=, RestrictAddressFamilies=AF_NETLINK, SystemCallFilter=bpf; or relay.offload = \"off\""

// offloadFacts are what keeps the kernel from forwarding for the relay.
type offloadFacts struct {
	release    string // of Linux; "": it is none
	running    bool   // the server; then rights are its own
	forwards   bool   // the server has a program in the kernel
	rights     uint64 // a bit for each capability
	known      bool   // whether rights are
	refused    bool   // this process may not call bpf(2)
	interfaces int    // that packets can be forwarded on
}

// checkOffload says nothing where the kernel is not to forward.
func checkOffload(_ context.Context, cfg *Config, here *place) []Finding {
	if !cfg.Offload {
		return nil
	}
	proc := cfg.procDir()
	f := offloadFacts{refused: bpfRefused(), interfaces: fitInterfaces()}
	if b, err := os.ReadFile(filepath.Join(proc, "sys/kernel/osrelease")); err == nil {
		f.release = strings.TrimSpace(string(b))
	}
	pid := "self"
	if here.running != nil {
		if p := listener(proc, cfg.port()); p != 0 {
			pid, f.running = strconv.Itoa(p), true
			f.forwards = hasProgram(filepath.Join(proc, pid, "fd"))
		}
	}
	f.rights, f.known = capabilities(filepath.Join(proc, pid, "status"))
	return judgeOffload(f)
}

func judgeOffload(f offloadFacts) []Finding {
	if f.forwards {
		return []Finding{good("kernel.offload", "the kernel forwards for the relay of the server that runs")}
	}
	whose := "this shell"
	if f.running {
		whose = "the server that runs"
	}
	var out []Finding
	major, minor, ok := version(f.release)
	switch {
	case f.release == "":
		out = append(out, warn("kernel.offload_version", "relay.offload = \"off\"", "relay.offload is auto, and only Linux has what the kernel needs to forward: everything goes by the server"))
	case ok && (major < offloadLeastMajor || major == offloadLeastMajor && minor < offloadLeastMinor):
		out = append(out, warn("kernel.offload_version", fmt.Sprintf("a Linux of %d.%d or later, or relay.offload = \"off\"", offloadLeastMajor, offloadLeastMinor),
			"relay.offload is auto, and Linux %s is too old for it: everything goes by the server", f.release))
	}
	if missing := missingRights(f); len(missing) > 0 {
		out = append(out, warn("kernel.offload_rights", offloadRemedy,
			"relay.offload is auto, and %s is neither root nor has %s: everything goes by the server", whose, strings.Join(missing, ", ")))
	} else if f.refused {
		out = append(out, warn("kernel.offload_calls", "SystemCallFilter=bpf in the systemd unit; in a container a seccomp profile that allows bpf; or relay.offload = \"off\"",
			"relay.offload is auto, and the system call bpf is refused, by a filter or because the kernel was built without it"))
	}
	if f.interfaces == 0 && f.release != "" {
		out = append(out, warn("kernel.offload_interfaces", "an interface that is up, with a hardware address, an IPv4 address and an MTU of 1280 or more; or relay.offload = \"off\"",
			"relay.offload is auto, and there is no interface that packets can be forwarded on: those of tunnels have no hardware address"))
	}
	switch {
	case len(out) > 0:
	case f.running:
		out = append(out, warn("kernel.offload", "journalctl -u visavis | grep kernel, which tells why; then "+offloadRemedy,
			"relay.offload is auto, nothing is in its way that could be seen from here, and the server that runs does not forward in the kernel, or was not told to: systemctl reload visavis tells it"))
	default:
		out = append(out, good("kernel.offload", "the kernel can forward for the relay, of a server with the rights of this shell"))
	}
	return out
}

// missingRights are the names of those that are not there; none if that is not known.
func missingRights(f offloadFacts) (names []string) {
	for _, c := range []struct {
		bit  int
		name string
	}{{capBPF, "CAP_BPF"}, {capPerfmon, "CAP_PERFMON"}, {capNetAdmin, "CAP_NET_ADMIN"}} {
		if f.known && f.rights>>c.bit&1 == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// version reads "6.1.0-18-amd64".
func version(release string) (major, minor int, ok bool) {
	n, err := fmt.Sscanf(release, "%d.%d", &major, &minor)
	return major, minor, err == nil && n == 2
}

// capabilities reads the effective ones of a process.
func capabilities(status string) (bits uint64, ok bool) {
	b, err := os.ReadFile(status)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if hex, found := strings.CutPrefix(line, "CapEff:"); found {
			bits, err = strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return bits, err == nil
		}
	}
	return 0, false
}

// hasProgram reports whether one of a process's files is a program in the kernel.
func hasProgram(files string) bool {
	all, err := os.ReadDir(files)
	if err != nil {
		return false
	}
	for _, f := range all {
		if target, err := os.Readlink(filepath.Join(files, f.Name())); err == nil && target == "anon_inode:bpf-prog" {
			return true
		}
	}
	return false
}

// fitInterfaces counts those that the program would be put on.
func fitInterfaces() (n int) {
	all, err := net.Interfaces()
	if err != nil {
		return 0
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || len(i.HardwareAddr) != 6 || i.MTU < offloadMTU {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil {
				n++
				break
			}
		}
	}
	return n
}
