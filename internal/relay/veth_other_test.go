//go:build !linux

package relay

import (
	"net"
	"testing"
)

type veth struct{ server, clients string }

func (veth) remove() {}

func wire77() (veth, error) { return veth{}, nil }

func inside(_ string, f func() error) error { return f() }

func needsVeth(t testing.TB) veth {
	t.Skip("only Linux has it")
	return veth{}
}

// gathering is not for this system: no test gets here.
func gathering(conn net.Conn) net.Conn { return conn }
