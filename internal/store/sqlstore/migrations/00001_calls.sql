-- +goose Up
-- One row per call, or per tombstone of a call that is over. Times are
-- milliseconds since the Unix epoch.
CREATE TABLE calls (
    call_id      BLOB    NOT NULL PRIMARY KEY CHECK (length(call_id) = 16),
    srv_pub      BLOB    CHECK (length(srv_pub) = 32), -- NULL: over
    expires_ms   INTEGER NOT NULL,
    tombstone_ms INTEGER NOT NULL                      -- the row is deleted after this
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_tombstone ON calls (tombstone_ms);
CREATE INDEX calls_expires ON calls (expires_ms) WHERE srv_pub IS NOT NULL;

-- +goose Down
DROP TABLE calls;
