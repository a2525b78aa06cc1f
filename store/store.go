package store

import (
	"context"
	"errors"
	"io"

	"tombolo/network"
)

// Store is a place that outlives the process. The users of its rows take turns:
// one commit at a time, in order of generation.
type Store interface {
	Rows
	Settings
	Records
	io.Closer
}

// Rows are the State.
type Rows interface {
	// Load reads everything. A store that was never written holds the zero State.
	Load(context.Context) (network.State, error)
	// Commit makes changes and generation durable, all or nothing. Of two
	// changes to one row the later counts. When it fails nothing is changed, and
	// it may be tried again: a commit without changes asks whether writes work.
	Commit(ctx context.Context, changes []network.Change, generation uint64) error
	// Clear removes every row and record, durably; settings stay.
	Clear(ctx context.Context, generation uint64) error
}

// Settings are small values kept beside the State, each durable when set.
type Settings interface {
	// Setting is nil when it was never set.
	Setting(ctx context.Context, name string) ([]byte, error)
	SetSetting(ctx context.Context, name string, value []byte) error
}

// Records are documents that other packages keep beside the State, each durable
// when its call returns; calls may come at the same time. A kind belongs to one
// package, which alone knows what is in its documents.
type Records interface {
	PutRecord(ctx context.Context, kind, key string, doc []byte) error
	// DeleteRecord is content when there is none.
	DeleteRecord(ctx context.Context, kind, key string) error
	// Records are all documents of a kind, by key; the caller may change them.
	Records(ctx context.Context, kind string) (map[string][]byte, error)
}

// ErrDiverged means that the store holds another generation than the one last
// loaded or committed here: somebody else wrote to it. Nothing was changed;
// only loading again, that is a restart, helps.
var ErrDiverged = errors.New("the store was changed by somebody else; restart to read it again")

// row is one change in its stored form; doc is nil when the row is deleted.
type row struct {
	kind, key string
	doc       []byte
}

// last keeps of several changes to one row the last, in the order of the first,
// and encodes each: an op of a batch often overwrites what an earlier one wrote.
func last(changes []network.Change) ([]row, error) {
	type id struct{ kind, key string }
	at := make(map[id]int, len(changes))
	var kept []network.Change
	for _, c := range changes {
		if i, ok := at[id{c.Kind, c.Key}]; ok {
			kept[i] = c
			continue
		}
		at[id{c.Kind, c.Key}] = len(kept)
		kept = append(kept, c)
	}
	rows := make([]row, len(kept))
	for i, c := range kept {
		doc, err := c.Doc()
		if err != nil {
			return nil, err
		}
		rows[i] = row{c.Kind, c.Key, doc}
	}
	return rows, nil
}
