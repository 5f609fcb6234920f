package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat: USER_HZ, which is 100 on every Linux there is.
const tick = 10 * time.Millisecond

// CPU is processor time.
type CPU struct{ User, Kernel time.Duration }

// Total is both.
func (c CPU) Total() time.Duration { return c.User + c.Kernel }

// Since returns what was spent after an earlier reading.
func (c CPU) Since(before CPU) CPU { return CPU{c.User - before.User, c.Kernel - before.Kernel} }

// Plus adds up.
func (c CPU) Plus(d CPU) CPU { return CPU{c.User + d.User, c.Kernel + d.Kernel} }

// ProcessCPU reads what a process has spent so far, all its threads together.
func ProcessCPU(pid int) (CPU, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return CPU{}, fmt.Errorf("read processor time of process %d: %w", pid, err)
	}
	return parseStat(stat)
}

// parseStat reads fields 14 and 15, proc_pid_stat(5). The second one, the name,
// may hold blanks and parentheses.
func parseStat(stat []byte) (CPU, error) {
	_, rest, ok := cutLast(stat, ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return CPU{}, errors.New("read processor time: not the format of /proc/PID/stat")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	kernel, err2 := strconv.ParseInt(fields[12], 10, 64)
	return CPU{time.Duration(user) * tick, time.Duration(kernel) * tick}, errors.Join(err, err2)
}

func cutLast(b []byte, sep string) (before, after string, ok bool) {
	i := bytes.LastIndex(b, []byte(sep))
	if i < 0 {
		return "", "", false
	}
	return string(b[:i]), string(b[i+len(sep):]), true
}

// Resident reads how many bytes of a process are in memory.
func Resident(pid int) (int64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return parseResident(status)
}

func parseResident(status []byte) (int64, error) {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("read memory: the process has ended")
}

// ReceivePath is the kernel threads that take packets from an interface, where it
// has threads for that (threaded NAPI); empty where it has none.
func ReceivePath(iface string) ([]int, error) {
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		if !strings.HasPrefix(string(comm), "napi/"+iface+"-") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
