-- Format 2. docs/format.md explains it.

-- +goose Up
-- One row per document that another package keeps here; doc is its own affair.
CREATE TABLE record (
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    doc  BLOB NOT NULL,
    PRIMARY KEY (kind, key)
);
