-- Format 1. docs/format.md explains it.

-- +goose Up
-- One row per thing that exists; doc is JSON whose form package network owns.
CREATE TABLE resource (
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    doc  TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);

-- What the rows amount to, in the one row with id 1: number is the count of
-- changes that led to them, writes that of transactions.
CREATE TABLE generation (
    id     INTEGER NOT NULL PRIMARY KEY,
    number BIGINT  NOT NULL,
    writes BIGINT  NOT NULL
);
INSERT INTO generation (id, number, writes) VALUES (1, 0, 0);

-- Small values that are no part of the State.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
