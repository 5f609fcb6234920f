package relay

import (
	"sync"

	"github.com/visavis-call/visavis/internal/relay/offload"
	"github.com/visavis-call/visavis/internal/telemetry"
)

// offloading is whether the kernel is to forward.
type offloading struct {
	mu     sync.Mutex // held while that begins and ends
	wanted bool
	port   uint16 // 0: no UDP port is served yet
}

// Offload lets the kernel forward from now on, or no longer, and reports whether it
// does. Before a UDP port is served it only says what is wanted. No packet gets lost by
// it: whatever the kernel does not take goes by the server. If the kernel cannot, everything else
// works as before; the next call tries again.
func (s *Server) Offload(on bool) bool {
	s.offload.mu.Lock()
	defer s.offload.mu.Unlock()
	s.offload.wanted = on
	switch running := s.loop.kernel.Load() != nil; {
	case on && !running:
		return s.startOffload()
	case !on && running:
		if err := s.stopOffload(); err != nil {
			s.log.Warn("relay: ending the kernel's part", telemetry.FieldError, err)
		}
		s.log.Info("relay: the kernel forwards no longer; everything goes by the server")
	}
	return on
}

// offloadPort says which port is served, once.
func (s *Server) offloadPort(port uint16) {
	s.offload.mu.Lock()
	defer s.offload.mu.Unlock()
	if s.offload.port != 0 {
		return
	}
	if s.offload.port = port; s.offload.wanted {
		s.startOffload()
	}
}

// startOffload asks the kernel for help. offload.mu is held.
func (s *Server) startOffload() bool {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed || s.offload.port == 0 || s.path == PathSlow {
		return false
	}
	program, err := s.loadOffload(offload.Options{
		BitsPerSecond: s.limits.BitsPerSecond, PacketsPerSecond: s.limits.PacketsPerSecond, Port: s.offload.port,
	})
	var k *kernel
	if err == nil {
		k, err = newKernel(program, s.loop)
	}
	if err != nil {
		s.log.Warn("relay: the kernel does not forward; everything else works", telemetry.FieldError, err)
		return false
	}
	s.loop.kernel.Store(k)
	s.log.Info("relay: the kernel forwards what goes between two clients over IPv4")
	return true
}

// stopOffload ends it. offload.mu is held.
func (s *Server) stopOffload() error {
	k := s.loop.kernel.Load()
	if k == nil {
		return nil
	}
	err := k.close()
	// Not before: whoever ends a call meanwhile has to find who takes its channels back.
	s.loop.kernel.Store(nil)
	return err
}
