package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Apart puts the process on the first processor, and this one on all others. With one
// processor there is nothing to part.
func Apart(pid int) error {
	var first, others unix.CPUSet
	first.Set(0)
	for cpu := 1; cpu < runtime.NumCPU(); cpu++ {
		others.Set(cpu)
	}
	if others.Count() == 0 {
		return nil
	}
	if err := pin(pid, &first); err != nil {
		return err
	}
	return pin(os.Getpid(), &others)
}

// pin moves all threads of a process; those made later are where their makers are.
func pin(pid int, cpus *unix.CPUSet) error {
	tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*"))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, cpus); err != nil && err != unix.ESRCH { // it has just ended
			return fmt.Errorf("choose processors of thread %d: %w", tid, err)
		}
	}
	return nil
}

// OpenFiles lets this process, and those it starts, have so many files open. Beyond
// the hard limit only root may.
func OpenFiles(n uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	may := limit.Max
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("each connection is a file: %d are needed, and a process may have %d here (ulimit -Hn): %w", n, may, err)
	}
	return nil
}
