package doctor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// States of a socket in /proc/net/tcp (proc(5)).
const (
	established = "01"
	listening   = "0A"
	unconnected = "07" // of UDP, where it is the usual one
)

// holder names the program that listens on a TCP port: "nginx (pid 12)"; "" if that
// cannot be told, for want of rights or of a Linux.
func holder(proc string, port int) string { return named(proc, listener(proc, port)) }

// holderUDP is holder for a UDP port.
func holderUDP(proc string, port int) string {
	rows := append(socketTable(filepath.Join(proc, "net", "udp")), socketTable(filepath.Join(proc, "net", "udp6"))...)
	return named(proc, owner(proc, rows, unconnected, port))
}

func named(proc string, pid int) string {
	if pid == 0 {
		return ""
	}
	name, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s (pid %d)", strings.TrimSpace(string(name)), pid)
}

// listener is the process that listens on a TCP port, or 0.
func listener(proc string, port int) int { return owner(proc, sockets4and6(proc), listening, port) }

// owner is a process that has one of the sockets with this state and port, or 0.
func owner(proc string, rows []socketRow, state string, port int) int {
	sockets := map[string]bool{}
	for _, s := range rows {
		if s.state == state && s.port == port {
			sockets["socket:["+s.inode+"]"] = true
		}
	}
	if len(sockets) == 0 {
		return 0
	}
	files, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "[0-9]*"))
	if err != nil {
		return 0
	}
	for _, f := range files {
		if target, err := os.Readlink(f); err == nil && sockets[target] {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(f))))
			return pid
		}
	}
	return 0
}

// clients counts the connections to a TCP port, and those of them from this machine
// by a loopback address.
func clients(proc string, port int) (all, near int) {
	for _, s := range sockets4and6(proc) {
		if s.state == established && s.port == port {
			all++
			if s.loopback {
				near++
			}
		}
	}
	return all, near
}

// socketRow is one row of a table of sockets.
type socketRow struct {
	port     int  // ours
	loopback bool // the other side is
	state    string
	inode    string
}

func sockets4and6(proc string) []socketRow {
	return append(socketTable(filepath.Join(proc, "net", "tcp")), socketTable(filepath.Join(proc, "net", "tcp6"))...)
}

// isLoopback reads an address as the kernel writes it, in words of its own byte order;
// on a machine whose order is the other one nothing is found to be loopback.
func isLoopback(hex string) bool {
	const mapped = "0000000000000000FFFF0000" // of IPv4 in IPv6
	v4 := strings.TrimPrefix(hex, mapped)
	return hex == "00000000000000000000000001000000" || len(v4) == 8 && strings.HasSuffix(v4, "7F")
}

func socketTable(path string) []socketRow {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []socketRow
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		if err != nil {
			continue // the heading
		}
		remote, _, _ := strings.Cut(fields[2], ":")
		out = append(out, socketRow{int(port), isLoopback(remote), fields[3], fields[9]})
	}
	return out
}
