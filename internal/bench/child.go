package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is how long a server may take for its goodbye.
const stopTimeout = 10 * time.Second

// tailLimit bounds what is kept of a server's output, for the error.
const tailLimit = 4 << 10

// Child is a server that was started to be measured.
type Child struct {
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{} // closed when it has; then err says why
	err    error
}

// Start runs a command. It must not return while the server serves, and the server
// must be the command's own process: a script ends with exec. The child is killed
// when ctx ends; call Stop in any case.
func Start(ctx context.Context, environ []string, name string, args ...string) (*Child, error) {
	c := &Child{cmd: exec.CommandContext(ctx, name, args...), output: &tail{}, ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), environ...)
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	c.cmd.WaitDelay = stopTimeout
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// PID is the process to measure.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Ready waits until ask has no error any more, at most so long.
func (c *Child) Ready(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("%s ended at once: %w\n%s", c.cmd.Path, errors.Join(c.err, err), c.output)
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve: %w\n%s", c.cmd.Path, err, c.output)
		case <-pause.C:
		}
	}
}

// Stop ends the server and waits for it.
func (c *Child) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.AfterFunc(stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	<-c.ended
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - tailLimit; extra > 0 {
		t.text = bytes.Clone(t.text[extra:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// Output is the end of what the server has printed so far.
func (c *Child) Output() string { return c.output.String() }
