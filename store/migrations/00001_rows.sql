-- Format 1. docs/format.md explains it.

-- +goose Up
-- One row per thing that exists; doc is JSON whose form package network owns.
CREATE TABLE resource (
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    doc  TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);

-- The number of changes that led to these rows, in the one row with id 1.
CREATE TABLE generation (
    id     INTEGER NOT NULL PRIMARY KEY,
    number BIGINT  NOT NULL
);
INSERT INTO generation (id, number) VALUES (1, 0);

-- Small values that are no part of the State.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
