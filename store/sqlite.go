package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"tombolo/network"
)

// SQLite is a Store in one file. Decision 0051.
type SQLite struct {
	mu         sync.Mutex // one transaction at a time
	db         *sql.DB
	generation uint64 // that the file holds as far as this process knows
	waiting    waiting

	get, put, drop, mark *sql.Stmt
}

// OpenSQLite opens or makes the database at path, whose directory is there.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(abs))
	if err != nil {
		return nil, fmt.Errorf("open the state in %s: %w", path, err)
	}
	// The one connection lives as long as the Store: after a failed fsync it
	// alone knows that the last frames of the write-ahead log don't count.
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(0)
	s := &SQLite{db: db}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the state in %s: %w", path, err), db.Close())
	}
	return s, nil
}

// dsn asks for a write-ahead log and an fsync of it before a commit returns.
func dsn(path string) string {
	q := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "journal_size_limit(16777216)"},
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

func (s *SQLite) open(ctx context.Context) error {
	if err := migrate(ctx, s.db); err != nil {
		return err
	}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.get, `SELECT number FROM generation WHERE id = 1`},
		{&s.mark, `UPDATE generation SET number = ?, writes = writes + 1 WHERE id = 1 AND number = ?`},
		{&s.put, `INSERT INTO resource (kind, key, doc) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET doc = excluded.doc`},
		{&s.drop, `DELETE FROM resource WHERE kind = ? AND key = ?`},
	} {
		stmt, err := s.db.PrepareContext(ctx, p.text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", p.text, err)
		}
		*p.stmt = stmt
	}
	return s.get.QueryRowContext(ctx).Scan(&s.generation)
}

// Load reads everything.
func (s *SQLite) Load(ctx context.Context) (network.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l network.Loader
	if err := s.get.QueryRowContext(ctx).Scan(&s.generation); err != nil {
		return network.State{}, fmt.Errorf("read the generation: %w", err)
	}
	if err := s.load(ctx, &l); err != nil {
		return network.State{}, fmt.Errorf("read the state: %w", err)
	}
	return l.State(s.generation), nil
}

func (s *SQLite) load(ctx context.Context, l *network.Loader) error {
	rows, err := s.db.QueryContext(ctx, `SELECT kind, key, doc FROM resource`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, key string
		var doc sql.RawBytes
		if err := rows.Scan(&kind, &key, &doc); err != nil {
			return err
		}
		if err := l.Add(kind, doc); err != nil {
			return fmt.Errorf("row %s: %w", key, err)
		}
	}
	return rows.Err()
}

// Commit makes changes and generation durable in one transaction.
func (s *SQLite) Commit(_ context.Context, changes []network.Change, generation uint64) error {
	rows, err := last(changes)
	if err != nil {
		return fmt.Errorf("encode the rows of generation %d: %w", generation, err)
	}
	return s.transact(generation, func(tx *sql.Tx) error {
		put, drop := tx.Stmt(s.put), tx.Stmt(s.drop)
		for _, r := range rows {
			var err error
			if r.doc == nil {
				_, err = drop.Exec(r.kind, r.key)
			} else {
				_, err = put.Exec(r.kind, r.key, string(r.doc))
			}
			if err != nil {
				return fmt.Errorf("write row %s: %w", r.key, err)
			}
		}
		return nil
	})
}

// Clear removes every row and record.
func (s *SQLite) Clear(_ context.Context, generation uint64) error {
	return s.transact(generation, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM resource`); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM record`)
		return err
	})
}

// transact runs write and marks the generation. It takes no context: a
// transaction that is cut off by a cancelled caller would leave everybody to
// guess whether it happened.
func (s *SQLite) transact(generation uint64, write func(*sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transactLocked(generation, write)
}

func (s *SQLite) transactLocked(generation uint64, write func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("begin to store generation %d: %w", generation, err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing, and before it the error is already ours
	if err := s.advance(tx, generation); err != nil {
		return fmt.Errorf("store generation %d: %w", generation, err)
	}
	if err := write(tx); err != nil {
		return fmt.Errorf("store generation %d: %w", generation, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store generation %d: %w", generation, err)
	}
	s.generation = generation
	return nil
}

// advance sets the generation only where it is what we believe it to be. It
// counts the write as well: SQLite leaves out a write that changes no byte, and
// a commit without changes must find out whether the disk works, and put itself
// over the frames in the log that a commit left there whose fsync failed.
func (s *SQLite) advance(tx *sql.Tx, generation uint64) error {
	done, err := tx.Stmt(s.mark).Exec(generation, s.generation)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return ErrDiverged
}

// Setting reads a small value.
func (s *SQLite) Setting(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read setting %s: %w", name, err)
	}
	return append([]byte{}, value...), nil
}

// SetSetting makes a small value durable.
func (s *SQLite) SetSetting(ctx context.Context, name string, value []byte) error {
	_, err := s.db.ExecContext(context.WithoutCancel(ctx),
		`INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		name, append([]byte{}, value...))
	if err != nil {
		return fmt.Errorf("write setting %s: %w", name, err)
	}
	return nil
}

// Close waits for the commit under way and closes the file.
func (s *SQLite) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the state: %w", err)
	}
	return nil
}
