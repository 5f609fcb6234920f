package main

import (
	"strings"
	"testing"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/quality"
)

// A path is named with what it goes over, first and at the end.
func TestPathsAreNamed(t *testing.T) {
	for want, w := range map[string]peer.Way{
		"direct over UDP and IPv6": {Path: peer.PathDirect, Over: peer.RelayUDP, Family: 6},
		"direct over TCP":          {Path: peer.PathDirect, Over: peer.RelayTCP},
		"relayed over TLS":         {Path: peer.PathRelayed, Over: peer.RelayTLS},
		"relayed":                  {Path: peer.PathRelayed},
	} {
		if got := sentence(peer.Connected{Way: w}); got != "Connected, "+want+"." {
			t.Errorf("%+v: %q", w, got)
		}
		if got := sentence(peer.Ended{Reason: peer.EndHangup, Way: w}); !strings.HasPrefix(got, "Ended (hangup) after 0s, "+want+". Received") {
			t.Errorf("%+v: %q", w, got)
		}
	}
}

// A receipt without trouble says what that means.
func TestReceiptWithoutTrouble(t *testing.T) {
	if got := receipt(&quality.Receipt{Reported: true}); got != "\nPicture and sound came through; any trouble was too short to tell of (less than 2.5 s in every minute)." {
		t.Errorf("%q", got)
	}
}
