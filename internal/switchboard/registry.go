package switchboard

import (
	"context"
	"time"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/store"
	"github.com/visavis-call/visavis/protocol"
)

// Registry gives calls their memory: the store, with the wall clock.
type Registry struct{ Store store.Store }

var _ call.Registry = Registry{}

// Lookup implements [call.Registry].
func (r Registry) Lookup(ctx context.Context, id protocol.ID) (call.Record, bool, error) {
	c, found, err := r.Store.Lookup(ctx, id, time.Now())
	return call.Record{Key: c.Key, Expires: c.Expires, Over: c.Over}, found, err
}

// Register implements [call.Registry].
func (r Registry) Register(ctx context.Context, id protocol.ID, record call.Record) (call.Record, error) {
	c, err := r.Store.Create(ctx, store.Call{ID: id, Key: record.Key, Expires: record.Expires}, time.Now())
	return call.Record{Key: c.Key, Expires: c.Expires, Over: c.Over}, err
}

// End implements [call.Registry].
func (r Registry) End(ctx context.Context, id protocol.ID) error {
	return r.Store.End(ctx, id, time.Now())
}
