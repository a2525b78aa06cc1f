package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

func TestAnyDirectoryNameWorks(t *testing.T) {
	for _, name := range []string{"plain", "with space", "50% ?x=1&y#frag", "ö 日本", `quo"te's`, "file:x"} {
		t.Run(name, func(t *testing.T) {
			d := openDir(t, filepath.Join(t.TempDir(), name))
			defer d.Close()
			s, err := d.Database(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Commit(t.Context(), nil, 1); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(d.path, databaseFile)); err != nil || info.Size() == 0 {
				t.Errorf("the database is elsewhere: %v", err)
			}
		})
	}
}

func TestCommitIsInTheLogBeforeItReturns(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "state.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := s.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestStrangersWriteIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, stranger := openSQLite(t, path), openSQLite(t, path)
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "ours")}, 1); err != nil {
		t.Fatal(err)
	}
	if err := stranger.Commit(t.Context(), []network.Change{keyPair("key-2", "theirs")}, 1); !errors.Is(err, ErrDiverged) {
		t.Errorf("a stranger that loaded before our commit is told %v", err)
	}
	mustLoad(t, stranger)
	if err := stranger.Commit(t.Context(), []network.Change{keyPair("key-2", "theirs")}, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-3", "ours")}, 2); !errors.Is(err, ErrDiverged) {
		t.Errorf("after a stranger's commit ours is told %v", err)
	}
	state := mustLoad(t, s)
	if state.KeyPair("key-2") == nil || state.KeyPair("key-3") != nil {
		t.Errorf("key-2 is %v, key-3 is %v", state.KeyPair("key-2"), state.KeyPair("key-3"))
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`INSERT INTO format (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSQLite(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "format 99") || !strings.Contains(err.Error(), "use the newer program") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNotADatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database. ", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), path); err == nil {
		t.Error("opened")
	}
}

func TestRowThatTheModelCannotReadIsNamed(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "state.db"))
	if _, err := s.db.Exec(`INSERT INTO resource (kind, key, doc) VALUES ('vpc', 'vpc-bad', '{"ID":')`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "vpc-bad") {
		t.Errorf("error %v, want one that names vpc-bad", err)
	}
}

// TestLogCutAnywhereHoldsWholeCommits cuts the write-ahead log as a power cut
// would, at many lengths, and sees whole commits up to some generation in it.
func TestLogCutAnywhereHoldsWholeCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openSQLite(t, path)
	if _, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`PRAGMA wal_autocheckpoint = 0`); err != nil {
		t.Fatal(err)
	}
	want, state := map[uint64]string{0: rows(network.State{})}, network.State{}
	for _, state = range history(t) {
		if err := s.Commit(t.Context(), state.Changes(), state.Generation); err != nil {
			t.Fatal(err)
		}
		want[state.Generation] = rows(state)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for at := 0; at <= len(log); at += 509 { // a prime: every position within a page comes up
		got := loadCut(t, path, log[:at])
		seen[got.Generation] = true
		if diff := cmp.Diff(want[got.Generation], rows(got)); diff != "" {
			t.Fatalf("cut at %d of %d, generation %d (-committed +found):\n%s", at, len(log), got.Generation, diff)
		}
	}
	if len(seen) < len(want)-1 {
		t.Errorf("the cuts showed generations %v of %d: too few to mean anything", seen, len(want))
	}
	if got := loadCut(t, path, log); got.Generation != state.Generation {
		t.Errorf("the whole log gives generation %d, want %d", got.Generation, state.Generation)
	}
}

// loadCut loads a copy of the database at path with another log.
func loadCut(t *testing.T, path string, log []byte) network.State {
	t.Helper()
	dir := t.TempDir()
	copyFile(t, path, filepath.Join(dir, "cut.db"))
	if err := os.WriteFile(filepath.Join(dir, "cut.db-wal"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSQLite(context.Background(), filepath.Join(dir, "cut.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return mustLoad(t, s)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestManyRowsSurvive passes the size at which the log is checkpointed.
func TestManyRowsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	const commits, each = 60, 50
	for c := range commits {
		var changes []network.Change
		for i := range each {
			changes = append(changes, keyPair(fmt.Sprintf("key-%d-%d", c, i), strings.Repeat("x", 500)))
		}
		if err := s.Commit(t.Context(), changes, uint64(c+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range mustLoad(t, openSQLite(t, path)).KeyPairsOf(caller) {
		n++
	}
	if n != commits*each {
		t.Errorf("%d rows, want %d", n, commits*each)
	}
	info, err := os.Stat(path + "-wal")
	if err == nil && info.Size() > 32<<20 {
		t.Errorf("the log has grown to %d bytes", info.Size())
	}
}
