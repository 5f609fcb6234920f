//go:build !linux

package relay

import "testing"

type veth struct{ server, clients string }

func (veth) remove() {}

func wire77() (veth, error) { return veth{}, nil }

func inside(_ string, f func() error) error { return f() }

func needsVeth(t testing.TB) veth {
	t.Skip("only Linux has it")
	return veth{}
}
