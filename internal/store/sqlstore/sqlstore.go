// Package sqlstore keeps calls in SQLite.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/visavis-call/visavis/internal/store"
	"github.com/visavis-call/visavis/protocol"
)

//go:embed migrations/*.sql
var migrations embed.FS

// fileName is the database inside the data directory.
const fileName = "visavis.db"

// DB is a [store.Store] in one SQLite file. Create it with [Open].
type DB struct {
	db   *sql.DB
	lock *os.File // held while the database is open; nil where there is no flock
}

// ErrInUse says that another process has the data directory open.
var ErrInUse = errors.New("another visavis serve uses it")

var _ store.Store = (*DB)(nil)

// Open opens the database in dir and brings its schema up to date. It creates
// both if need be, readable by the owner only. One process may have it open.
func Open(ctx context.Context, dir string) (*DB, error) {
	dir, err := filepath.Abs(dir) // a person has to find what an error names
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory %s (choose one that this user may write to with --data): %w", dir, err)
	}
	lock, err := lockDir(dir)
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("data directory %s: %w; stop it, or give this one a directory of its own with --data", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s (this user has to be able to write to it; --data chooses another): %w", dir, err)
	}
	db, err := openFile(ctx, filepath.Join(dir, fileName))
	if err != nil {
		return nil, errors.Join(err, closeLock(lock))
	}
	return &DB{db, lock}, nil
}

func openFile(ctx context.Context, path string) (*sql.DB, error) {
	// SQLite gives its -wal and -shm files the mode of the main file.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// SQLite has one writer; one connection makes callers wait here, in order and
	// under their context, and not in the busy handler.
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s (if it is damaged, put a backup in its place or move it away; links made so far"+
			" then stop working): %w", path, err), db.Close())
	}
	return db, nil
}

func closeLock(lock *os.File) error {
	if lock == nil {
		return nil
	}
	return lock.Close()
}

func dsn(path string) string {
	q := url.Values{"_pragma": {
		"busy_timeout(5000)",
		"journal_mode(WAL)",
		"synchronous(NORMAL)",
		"secure_delete(ON)", // deleted keys do not linger in free pages
		"foreign_keys(ON)",
	}}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// Lookup implements [store.Store].
func (d *DB) Lookup(ctx context.Context, id protocol.ID, now time.Time) (store.Call, bool, error) {
	c, err := scan(d.db.QueryRowContext(ctx, `SELECT srv_pub, expires_ms FROM calls WHERE call_id = ? AND tombstone_ms > ?`,
		id[:], now.UnixMilli()), id, now)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Call{}, false, nil
	}
	if err != nil {
		return store.Call{}, false, fmt.Errorf("read call: %w", err)
	}
	return c, true, nil
}

func scan(row *sql.Row, id protocol.ID, now time.Time) (store.Call, error) {
	var key []byte
	var expires int64
	if err := row.Scan(&key, &expires); err != nil {
		return store.Call{}, err
	}
	c := store.Call{ID: id, Expires: time.UnixMilli(expires), Over: key == nil || expires <= now.UnixMilli()}
	if !c.Over {
		copy(c.Key[:], key)
	}
	return c, nil
}

// Create implements [store.Store].
func (d *DB) Create(ctx context.Context, c store.Call, now time.Time) (store.Call, error) {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return store.Call{}, fmt.Errorf("create call: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit this does nothing
	if _, err := tx.ExecContext(ctx, `DELETE FROM calls WHERE call_id = ? AND tombstone_ms <= ?`, c.ID[:], now.UnixMilli()); err != nil {
		return store.Call{}, fmt.Errorf("create call: %w", err)
	}
	if _, err := tx.ExecContext(ctx,
		`INSERT INTO calls (call_id, srv_pub, expires_ms, tombstone_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.ID[:], c.Key[:], c.Expires.UnixMilli(), c.Expires.Add(store.TombstoneTTL).UnixMilli()); err != nil {
		return store.Call{}, fmt.Errorf("create call: %w", err)
	}
	kept, err := scan(tx.QueryRowContext(ctx, `SELECT srv_pub, expires_ms FROM calls WHERE call_id = ?`, c.ID[:]), c.ID, now)
	if err != nil {
		return store.Call{}, fmt.Errorf("create call: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return store.Call{}, fmt.Errorf("create call: %w", err)
	}
	return kept, nil
}

// End implements [store.Store].
func (d *DB) End(ctx context.Context, id protocol.ID, now time.Time) error {
	_, err := d.db.ExecContext(ctx,
		`UPDATE calls SET srv_pub = NULL, tombstone_ms = ? WHERE call_id = ? AND srv_pub IS NOT NULL AND expires_ms > ?`,
		now.Add(store.TombstoneTTL).UnixMilli(), id[:], now.UnixMilli())
	if err != nil {
		return fmt.Errorf("end call: %w", err)
	}
	return nil
}

// Purge implements [store.Store].
func (d *DB) Purge(ctx context.Context, now time.Time) (int64, error) {
	var changed int64
	for _, statement := range []string{
		`UPDATE calls SET srv_pub = NULL WHERE srv_pub IS NOT NULL AND expires_ms <= ?`,
		`DELETE FROM calls WHERE tombstone_ms <= ?`,
	} {
		r, err := d.db.ExecContext(ctx, statement, now.UnixMilli())
		if err != nil {
			return changed, fmt.Errorf("purge calls: %w", err)
		}
		n, err := r.RowsAffected()
		if err != nil {
			return changed, fmt.Errorf("purge calls: %w", err)
		}
		changed += n
	}
	return changed, nil
}

// Ping implements [store.Store].
func (d *DB) Ping(ctx context.Context) error { return d.db.PingContext(ctx) }

// Close implements [store.Store].
func (d *DB) Close() error { return errors.Join(d.db.Close(), closeLock(d.lock)) }
