package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"tombolo/network"
)

// Memory is a Store that forgets everything with the process: for tests, and
// for a server that is thrown away. The zero Memory is ready. It keeps rows in
// their stored form, so that what can't be stored shows here too.
type Memory struct {
	mu         sync.Mutex
	closed     bool
	generation uint64
	rows       map[[2]string][]byte
	settings   map[string][]byte
	records    map[[2]string][]byte
}

var errClosed = errors.New("the store is closed")

// Load reads everything.
func (m *Memory) Load(context.Context) (network.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return network.State{}, errClosed
	}
	var l network.Loader
	for id, doc := range m.rows {
		if err := l.Add(id[0], doc); err != nil {
			return network.State{}, fmt.Errorf("read row %s: %w", id[1], err)
		}
	}
	return l.State(m.generation), nil
}

// Commit writes changes and generation.
func (m *Memory) Commit(_ context.Context, changes []network.Change, generation uint64) error {
	rows, err := last(changes)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if m.rows == nil {
		m.rows = map[[2]string][]byte{}
	}
	for _, r := range rows {
		if r.doc == nil {
			delete(m.rows, [2]string{r.kind, r.key})
			continue
		}
		m.rows[[2]string{r.kind, r.key}] = r.doc
	}
	m.generation = generation
	return nil
}

// Clear removes every row and record.
func (m *Memory) Clear(_ context.Context, generation uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	m.rows, m.records, m.generation = nil, nil, generation
	return nil
}

// Setting reads a small value.
func (m *Memory) Setting(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	return bytes.Clone(m.settings[name]), nil // nil of nil, empty of empty
}

// SetSetting writes a small value.
func (m *Memory) SetSetting(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if m.settings == nil {
		m.settings = map[string][]byte{}
	}
	m.settings[name] = append([]byte{}, value...)
	return nil
}

// PutRecord writes a document.
func (m *Memory) PutRecord(_ context.Context, kind, key string, doc []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if m.records == nil {
		m.records = map[[2]string][]byte{}
	}
	m.records[[2]string{kind, key}] = append([]byte{}, doc...)
	return nil
}

// DeleteRecord removes a document.
func (m *Memory) DeleteRecord(_ context.Context, kind, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	delete(m.records, [2]string{kind, key})
	return nil
}

// Records reads all documents of a kind.
func (m *Memory) Records(_ context.Context, kind string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	found := map[string][]byte{}
	for id, doc := range m.records {
		if id[0] == kind {
			found[id[1]] = append([]byte{}, doc...)
		}
	}
	return found, nil
}

// Close ends it; what it held is gone.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.rows, m.settings, m.records = true, nil, nil, nil
	return nil
}
