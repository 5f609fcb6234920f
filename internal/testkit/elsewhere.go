package testkit

import (
	"log/slog"
	"testing"
)

// Elsewhere stands for a server that runs in another process: calls can be made
// there and parties can join, it cannot be stopped from here.
func Elsewhere(t testing.TB, origin string) *Server {
	return &Server{Origin: origin, t: t, log: slog.New(slog.DiscardHandler), stopped: true}
}
