package doctor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listening is the state of a listening socket in /proc/net/tcp (proc(5)).
const listening = "0A"

// holder names the program that listens on a TCP port: "nginx (pid 12)"; "" if that
// cannot be told, for want of rights or of a Linux.
func holder(proc string, port int) string {
	pid := listener(proc, port)
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
func listener(proc string, port int) int {
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		for _, s := range socketTable(filepath.Join(proc, "net", table)) {
			if s.state == listening && s.port == port {
				sockets["socket:["+s.inode+"]"] = true
			}
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

// socket is one row of a table of sockets.
type socketRow struct {
	port  int // ours
	state string
	inode string
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
		out = append(out, socketRow{int(port), fields[3], fields[9]})
	}
	return out
}
