package certs

import (
	"context"
	"crypto/tls"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const expiry = "visavis_tls_certificate_expiry_timestamp_seconds"

// startFiles watches two files with a good certificate until the test ends.
func startFiles(t *testing.T, age, life time.Duration) (*Files, pair, *witness, chan<- os.Signal) {
	t.Helper()
	p, w := newPair(t), newWitness()
	chain, key := selfSigned(t, time.Now().Add(-age), life, "first.example")
	p.write(t, chain, key)
	f, err := NewFiles(FilesConfig{Cert: p.cert, Key: p.key, Log: w.logger(), Registerer: w.registry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	hangup := make(chan os.Signal, 1)
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx, hangup) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return f, p, w, hangup
}

func inUse(t *testing.T, f *Files) string {
	t.Helper()
	cert, err := f.Certificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.DNSNames[0]
}

func TestNewFilesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p, w, _ := startFiles(t, 0, 90*24*time.Hour)
		if got, want := w.metric(t, expiry), float64(time.Now().Add(90*24*time.Hour).Unix()); got != want {
			t.Errorf("expires at %v, want %v", got, want)
		}
		chain, key := selfSigned(t, time.Now(), 91*24*time.Hour, "second.example")
		p.write(t, chain, key)
		if got := inUse(t, f); got != "first.example" {
			t.Errorf("before anybody looked: %s", got)
		}
		time.Sleep(filesInterval)
		synctest.Wait()
		if got := inUse(t, f); got != "second.example" {
			t.Errorf("after %v: %s", filesInterval, got)
		}
		if got, want := w.metric(t, expiry), float64(time.Now().Add(91*24*time.Hour).Unix()); got < want-60 {
			t.Errorf("expires at %v, want %v", got, want)
		}
	})
}

func TestASignalMakesItLookAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p, _, hangup := startFiles(t, 0, time.Hour)
		chain, key := selfSigned(t, time.Now(), time.Hour, "second.example")
		p.write(t, chain, key)
		hangup <- os.Interrupt // whichever
		synctest.Wait()
		if got := inUse(t, f); got != "second.example" {
			t.Errorf("after the signal: %s", got)
		}
	})
}

func TestABrokenFileKeepsTheOld(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, p pair){
		"gone":   func(t *testing.T, p pair) { _ = os.Remove(p.cert) },
		"empty":  func(t *testing.T, p pair) { p.write(t, nil, nil) },
		"no PEM": func(t *testing.T, p pair) { p.write(t, []byte("what"), []byte("ever")) },
		"other key": func(t *testing.T, p pair) {
			_, key := selfSigned(t, time.Now(), time.Hour)
			_ = os.WriteFile(p.key, key, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p, w, hangup := startFiles(t, 0, time.Hour)
				spoil(t, p)
				time.Sleep(3 * filesInterval)
				synctest.Wait()
				if got := inUse(t, f); got != "first.example" {
					t.Errorf("in use: %s", got)
				}
				if n := strings.Count(w.lines.String(), "cannot be used"); n != 1 {
					t.Errorf("said %d times, want once: %s", n, &w.lines)
				}
				if got := w.metric(t, "visavis_tls_certificate_failures_total"); got != 1 {
					t.Errorf("%v failures counted", got)
				}
				hangup <- os.Interrupt
				synctest.Wait()
				if n := strings.Count(w.lines.String(), "cannot be used"); n != 2 {
					t.Errorf("a person who asks is not told: %s", &w.lines)
				}
				chain, key := selfSigned(t, time.Now(), time.Hour, "second.example")
				p.write(t, chain, key)
				time.Sleep(filesInterval)
				synctest.Wait()
				if got := inUse(t, f); got != "second.example" {
					t.Errorf("after the repair: %s", got)
				}
			})
		})
	}
}

func TestExpiryIsAnnouncedDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 100 * 24 * time.Hour
		_, _, w, _ := startFiles(t, life*9/10-time.Hour, life)
		time.Sleep(time.Hour)
		synctest.Wait()
		if strings.Contains(w.lines.String(), "expires soon") {
			t.Errorf("too early: %s", &w.lines)
		}
		time.Sleep(48*time.Hour + time.Minute)
		synctest.Wait()
		if n := strings.Count(w.lines.String(), "expires soon"); n != 3 {
			t.Errorf("%d warnings in two days, want 3: %s", n, &w.lines)
		}
	})
}

func TestABadStartIsAnError(t *testing.T) {
	p := newPair(t)
	p.write(t, []byte("what"), []byte("ever"))
	if _, err := NewFiles(FilesConfig{Cert: p.cert, Key: p.key, Log: newWitness().logger()}); err == nil {
		t.Error("started with a broken certificate")
	}
}
