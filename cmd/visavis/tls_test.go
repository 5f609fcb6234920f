package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/testkit/selfsigned"
)

// certificate writes a certificate for 127.0.0.1 and localhost, and its key.
func certificate(t *testing.T, valid time.Duration) (cert, key string) {
	t.Helper()
	return certificateFor(t, valid, "localhost")
}

func certificateFor(t *testing.T, valid time.Duration, names ...string) (cert, key string) {
	t.Helper()
	loopback := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	return selfsigned.Write(t, selfsigned.Certificate{Names: names, Addrs: loopback, Valid: valid})
}
