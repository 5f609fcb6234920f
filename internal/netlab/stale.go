package netlab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// label begins the name of each namespace of a lab: visavis-PID-START-LAB-NODE. PID
// and START (clock ticks since boot) name the process for good: numbers of
// processes come again.
const label = "visavis-"

func newPrefix() (string, error) {
	born, err := started(os.Getpid())
	if err != nil {
		return "", err
	}
	var lab [2]byte // a process may have several
	if _, err := rand.Read(lab[:]); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%s-%x-", label, os.Getpid(), born, lab), nil
}

// started is the 22nd field of /proc/PID/stat.
func started(pid int) (string, error) {
	fields, err := stat(pid)
	if err != nil {
		return "", err
	}
	return fields[19], nil
}

// removeStale removes the namespaces of processes that are no more.
func removeStale(ctx context.Context, log *slog.Logger) error {
	entries, err := os.ReadDir(run)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, e := range entries {
		if !stale(e.Name()) {
			continue
		}
		err := (&namespace{e.Name()}).remove(ctx)
		if _, gone := os.Stat(run + e.Name()); err != nil && gone == nil { // else: another lab was quicker
			errs = append(errs, err)
		}
		log.Info("removed what a dead lab left", slog.String("namespace", e.Name()))
	}
	return errors.Join(append(errs, err)...)
}

// stale reports whether name is that of a lab whose process is dead.
func stale(name string) bool {
	rest, ours := strings.CutPrefix(name, label)
	parts := strings.Split(rest, "-")
	if !ours || len(parts) != 4 {
		return false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	born, err := started(pid)
	return err != nil || born != parts[1]
}
