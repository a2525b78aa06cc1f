package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// batch are records that go to disk in one transaction.
type batch struct {
	records []row
	written bool
	err     error // of the transaction, once written
}

// waiting are the records that wait for their turn to be written. Who joins
// while another transaction is under way shares the next one, so that many
// writers cost few fsyncs.
type waiting struct {
	mu   sync.Mutex
	next *batch
}

func (w *waiting) join(r row) *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = &batch{}
	}
	w.next.records = append(w.next.records, r)
	return w.next
}

// close ends the joining; what is returned is the caller's alone.
func (w *waiting) close() []row {
	w.mu.Lock()
	defer w.mu.Unlock()
	records := w.next.records
	w.next = nil
	return records
}

// PutRecord makes a document durable.
func (s *SQLite) PutRecord(_ context.Context, kind, key string, doc []byte) error {
	return s.record(row{kind, key, append([]byte{}, doc...)})
}

// DeleteRecord removes a document, durably.
func (s *SQLite) DeleteRecord(_ context.Context, kind, key string) error {
	return s.record(row{kind, key, nil})
}

// record writes one record together with those that wait with it. It takes no
// context, for the reason of transact.
func (s *SQLite) record(r row) error {
	b := s.waiting.join(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.written {
		records := s.waiting.close()
		b.written, b.err = true, s.writeRecordsLocked(records)
	}
	return b.err
}

func (s *SQLite) writeRecordsLocked(records []row) error {
	err := s.transactLocked(s.generation, func(tx *sql.Tx) error {
		for _, r := range records {
			var err error
			if r.doc == nil {
				_, err = tx.Exec(`DELETE FROM record WHERE kind = ? AND key = ?`, r.kind, r.key)
			} else {
				_, err = tx.Exec(`INSERT INTO record (kind, key, doc) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET doc = excluded.doc`, r.kind, r.key, r.doc)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", r.kind, r.key, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return nil
}

// Records reads all documents of a kind.
func (s *SQLite) Records(ctx context.Context, kind string) (map[string][]byte, error) {
	found := map[string][]byte{}
	rows, err := s.db.QueryContext(ctx, `SELECT key, doc FROM record WHERE kind = ?`, kind)
	if err != nil {
		return nil, fmt.Errorf("read records of kind %s: %w", kind, err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var doc []byte
		if err := rows.Scan(&key, &doc); err != nil {
			return nil, fmt.Errorf("read records of kind %s: %w", kind, err)
		}
		found[key] = append([]byte{}, doc...) // an empty one is read as nil
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read records of kind %s: %w", kind, err)
	}
	return found, nil
}
