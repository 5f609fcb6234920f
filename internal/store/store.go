// Package store is what the server keeps about calls, and the interface to keep it.
//
// It is little: the id of a call (derived from the link, and no help in finding
// the link), the public key of its host for this server, and when it ends. No
// names, no addresses, no content, no times of use. When a call is over its key
// is deleted; the bare id stays for [TombstoneTTL] so that nobody can squat it.
package store

import (
	"context"
	"time"

	"github.com/visavis-call/visavis/protocol"
)

// TombstoneTTL is how long the id of a call stays unusable after its end.
const TombstoneTTL = protocol.LimitTombstoneMS * time.Millisecond

// Call is one kept call.
type Call struct {
	ID      protocol.ID
	Key     [32]byte // Ed25519 key of the host for this server; zero once the call is over
	Expires time.Time
	Over    bool // ended, or expired at the time of asking
}

// Store keeps calls. All methods are safe for concurrent use; now is the
// caller's clock.
type Store interface {
	// Lookup returns the call with this id, also if it is over; found is false if
	// there is none.
	Lookup(ctx context.Context, id protocol.ID, now time.Time) (c Call, found bool, err error)
	// Create keeps c unless its id is taken. It returns what is then kept: c, or
	// the call that was there before.
	Create(ctx context.Context, c Call, now time.Time) (Call, error)
	// End turns the call into a tombstone. A missing call, or one that is over,
	// is left as it is.
	End(ctx context.Context, id protocol.ID, now time.Time) error
	// Purge turns expired calls into tombstones and deletes old tombstones. It
	// returns how many rows it changed.
	Purge(ctx context.Context, now time.Time) (int64, error)
	// Ping reports whether the store can answer.
	Ping(ctx context.Context) error
	Close() error
}
