package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// waitForLog fails unless one of these is said soon.
func (s *serving) waitForLog(wanted ...string) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		said := s.log.String()
		for _, w := range wanted {
			if strings.Contains(said, w) {
				return
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("none of %q is said: %s", wanted, said)
		}
	}
}

// The relay's part in the kernel begins and ends with the configuration. Where there can be none,
// that is said; a configuration that is wrong changes nothing.
func TestServeFollowsItsConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "visavis.toml")
	configure := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("[relay]\noffload = 'off'\n")
	s := startServe(t, "--config", file, "--data", filepath.Join(dir, "data"), "--metrics", "")
	if strings.Contains(s.log.String(), "the kernel") {
		t.Errorf("it is not off: %s", s.log)
	}

	configure("[relay]\noffload = 'on'\n")
	hangUp(t)
	s.waitForLog("the old one stays in use")

	configure("[relay]\noffload = 'auto'\n")
	hangUp(t)
	s.waitForLog("the kernel forwards what goes", "the kernel does not forward")
	forwards := strings.Contains(s.log.String(), "the kernel forwards what goes")

	configure("[relay]\noffload = 'off'\n[limits]\ncalls = 7\n")
	hangUp(t)
	s.waitForLog("takes a restart")
	if forwards {
		s.waitForLog("the kernel forwards no longer")
	}
	binding(t, "udp", s.addr())
	if code := s.stop(); code != exitOK {
		t.Errorf("exit code %d; log:\n%s", code, s.log)
	}
}
