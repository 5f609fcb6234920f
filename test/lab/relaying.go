package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// metricsAt is on the server's node, where nobody else is.
const metricsAt = "127.0.0.1:9090"

// patience bounds how long a server may take for a word.
const patience = 20 * time.Second

func (s *server) config() string { return filepath.Join(s.dir, "visavis.toml") }

// configure writes the part of the settings that can be changed while the server runs.
func (s *server) configure(offload string) error {
	return os.WriteFile(s.config(), fmt.Appendf(nil, "[relay]\noffload = %q\n", offload), 0o600)
}

// offload changes the setting, tells the server, and returns what it has said.
func (s *server) offload(ctx context.Context, value string) (string, error) {
	if err := s.configure(value); err != nil || s.cmd == nil {
		return "", err
	}
	before, err := os.ReadFile(s.log())
	if err != nil {
		return "", err
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		said, err := os.ReadFile(s.log())
		if err != nil {
			return "", err
		}
		for word, answer := range map[string]string{
			"the kernel forwards what goes": "kernel=forwards", "the kernel forwards no longer": "kernel=rests",
			"the kernel does not forward": "kernel=cannot", "the old one stays in use": "kernel=unchanged",
		} {
			if bytes.Contains(said[len(before):], []byte(word)) {
				return answer, nil
			}
		}
		select { // a file tells nobody that it grows
		case <-ctx.Done():
			return "", errors.New("the server says nothing of the kernel: perhaps it is so already")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// dial is for what listens on the server's node alone.
func (s *server) dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	err = s.node.Do(func() (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// metric reads one number of those for Prometheus.
func (s *server) metric(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.dial}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+metricsAt+"/metrics", http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("the server has no %q", name)
}
