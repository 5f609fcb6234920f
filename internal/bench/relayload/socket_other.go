//go:build !linux

package relayload

import (
	"errors"
	"net/netip"
	"time"
)

const (
	batch      = 1
	receiveMax = 1600
)

// socket is there on Linux only.
type socket struct{ port uint16 }

type arrival struct {
	data []byte
	at   time.Time
}

func openSocket(netip.AddrPort) (*socket, error) {
	return nil, errors.New("sending in batches needs Linux")
}

func (*socket) aim(netip.AddrPort)              {}
func (*socket) put([4]byte, []byte, int) []byte { return nil }
func (*socket) full() bool                      { return false }
func (*socket) flush()                          {}
func (*socket) receive(int) int                 { return 0 }
func (*socket) arrival(int) arrival             { return arrival{} }
func (*socket) pause(time.Duration)             {}
func (*socket) sharpen() error                  { return nil }
func (*socket) close() error                    { return nil }
