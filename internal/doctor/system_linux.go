package doctor

import "golang.org/x/sys/unix"

// clockSynced asks the kernel (adjtimex(2)).
func clockSynced() (known, synced bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, false
	}
	return true, state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// freeSpace is how many bytes this user may still write below dir; -1: not known.
func freeSpace(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Bavail) * s.Bsize //nolint:gosec // no disk is as large
}

// bpfRefused reports whether this process may not use bpf(2), by a call that asks for nothing
// there is: whoever may is told that it is wrong.
func bpfRefused() bool {
	const nothing = 1 << 20
	_, _, errno := unix.Syscall(unix.SYS_BPF, nothing, 0, 0)
	return errno == unix.EPERM || errno == unix.EACCES || errno == unix.ENOSYS
}
