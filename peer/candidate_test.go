package peer

import (
	"fmt"
	"net/netip"
	"testing"
)

func candidateTo(address string) string {
	return fmt.Sprintf("candidate:1 1 udp 2130706431 %s 50000 typ host generation 0", address)
}

func TestReach(t *testing.T) {
	far, here, lan := reach{}, reach{loopback: true}, reach{linkLocal: true}
	for _, tt := range []struct {
		address         string
		far, here, link bool
	}{
		{"203.0.113.7", true, true, true},
		{"192.168.1.7", true, true, true}, // two people in one house
		{"2001:db8::7", true, true, true},
		{"fd00::7", true, true, true},
		{"127.0.0.1", false, true, false},
		{"127.8.8.8", false, true, false},
		{"::1", false, true, false},
		{"::ffff:127.0.0.1", false, true, false},
		{"169.254.169.254", false, false, true}, // cloud metadata
		{"::ffff:169.254.169.254", false, false, true},
		{"fe80::1", false, false, true},
		{"fe80::1%eth0", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.251", false, false, false},
		{"255.255.255.255", false, false, false},
		{"ff02::fb", false, false, false},
		{"0f0e3c1e-7b1c-4a5c-9d2e-1f2a3b4c5d6e.local", true, true, true}, // mDNS, RFC 8828
		{".local", false, false, false},
		{"a.b.local", false, false, false},
		{"example.org", false, false, false}, // would be a DNS query on request
		{"localhost", false, false, false},
	} {
		for name, c := range map[string]struct {
			reach reach
			want  bool
		}{"far": {far, tt.far}, "loopback server": {here, tt.here}, "lan": {lan, tt.link}} {
			if got := c.reach.allowsCandidate(candidateTo(tt.address)); got != c.want {
				t.Errorf("%s, %s: allowed %v, want %v", tt.address, name, got, c.want)
			}
			if addr, err := netip.ParseAddr(tt.address); err == nil && addr.Zone() == "" {
				if got := c.reach.allowsIP(addr.AsSlice()); got != c.want {
					t.Errorf("%s as resolved address, %s: allowed %v, want %v", tt.address, name, got, c.want)
				}
			}
		}
	}
	for _, malformed := range []string{
		"", "candidate:", "candidate:1 1 udp 1 203.0.113.7 0 typ host", "candidate:1 1 udp 1 203.0.113.7 70000 typ host",
		"candidate:1 1 udp 1 203.0.113.7 x typ host", candidateTo("203.0.113.7") + string(make([]byte, 600)),
		// RFC 6544: we would have to connect, from whatever address we have.
		"candidate:1 1 tcp 2128609279 203.0.113.7 9000 typ host tcptype passive",
		"candidate:1 1 TCP 2128609279 203.0.113.7 9 typ host tcptype active",
		"candidate:1  1 udp 1 203.0.113.7 50000 typ host",
		// A transport of one field, to who splits at spaces only: the address is the last one.
		"candidate:1 1 udp\t1\t203.0.113.7\t50000\ttyp\thost 1 127.0.0.1 80 typ host",
	} {
		if far.allowsCandidate(malformed) {
			t.Errorf("%q was allowed", malformed)
		}
	}
}

func TestIsLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "a.localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true,
		"example.org": false, "10.0.0.1": false, "localhost.example.org": false, "": false,
	} {
		if got := isLoopbackHost(host); got != want {
			t.Errorf("%q is loopback: %v, want %v", host, got, want)
		}
	}
}
