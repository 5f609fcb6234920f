//go:build !linux

package offload

// Program is the kernel's side. There is none here.
type Program struct{}

// Route is a channel that the kernel forwards.
type Route struct{}

// Load fails.
func Load(Options) (*Program, error) { return nil, ErrUnsupported }

// Alive does nothing.
func (*Program) Alive() error { return nil }

// Changed reports nothing.
func (*Program) Changed() bool { return false }

// Retake does nothing.
func (*Program) Retake() error { return nil }

// NewLedger fails.
func (*Program) NewLedger() (uint32, error) { return 0, ErrUnsupported }

// CloseLedger does nothing.
func (*Program) CloseLedger(uint32) {}

// Add fails.
func (*Program) Add(_, _ End, _, _ uint32) (Route, error) { return Route{}, ErrUnsupported }

// Remove does nothing.
func (*Program) Remove(Route) error { return nil }

// Account fails.
func (*Program) Account(Route) (Account, error) { return Account{}, ErrUnsupported }

// Forget does nothing.
func (*Program) Forget(Route) {}

// Close does nothing.
func (*Program) Close() error { return nil }
