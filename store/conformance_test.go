package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

// reopen closes a store and opens what it left behind; nil for one that leaves
// nothing.
type reopen func() Store

// conform is what every Store does. open gives a new and empty one.
func conform(t *testing.T, open func(t *testing.T) (Store, reopen)) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store, reopen)
	}{
		{"an unwritten store holds the zero State", testUnwritten},
		{"what was committed is loaded", testCommitted},
		{"the later of two changes to one row counts", testLaterCounts},
		{"a commit without changes is allowed", testEmptyCommit},
		{"a commit that can't be encoded changes nothing", testUnencodable},
		{"clear removes every row and record and no setting", testClear},
		{"settings are read back", testSettings},
		{"records are read back by kind", testRecords},
		{"many put records at once", testRecordsAtOnce},
		{"a closed store refuses", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, again := open(t)
			c.test(t, s, again)
		})
	}
}

func testUnwritten(t *testing.T, s Store, _ reopen) {
	if got := rows(mustLoad(t, s)); got != "generation 0\n" {
		t.Errorf("a new store holds:\n%s", got)
	}
}

func testCommitted(t *testing.T, s Store, again reopen) {
	var want string
	for _, state := range history(t) {
		if err := s.Commit(t.Context(), state.Changes(), state.Generation); err != nil {
			t.Fatal(err)
		}
		want = rows(state)
	}
	if diff := cmp.Diff(want, rows(mustLoad(t, s))); diff != "" {
		t.Errorf("loaded (-applied +loaded):\n%s", diff)
	}
	if again == nil {
		return
	}
	if diff := cmp.Diff(want, rows(mustLoad(t, again()))); diff != "" {
		t.Errorf("loaded after closing (-applied +loaded):\n%s", diff)
	}
}

func testLaterCounts(t *testing.T, s Store, _ reopen) {
	a, b := keyPair("key-1", "first"), keyPair("key-1", "second")
	gone := keyPair("key-2", "gone")
	changes := []network.Change{a, gone, b, {Kind: gone.Kind, Key: gone.Key}}
	if err := s.Commit(t.Context(), changes, 1); err != nil {
		t.Fatal(err)
	}
	state := mustLoad(t, s)
	if k := state.KeyPair("key-1"); k == nil || k.Name != "second" {
		t.Errorf("key-1 is %+v, want the second", k)
	}
	if k := state.KeyPair("key-2"); k != nil {
		t.Errorf("key-2 is %+v, want none", k)
	}
}

func testEmptyCommit(t *testing.T, s Store, _ reopen) {
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "a")}, 7); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), nil, 7); err != nil {
		t.Errorf("the same generation again: %v", err)
	}
	if err := s.Commit(t.Context(), nil, 8); err != nil {
		t.Errorf("the next generation without changes: %v", err)
	}
	if state := mustLoad(t, s); state.Generation != 8 || state.KeyPair("key-1") == nil {
		t.Errorf("generation %d, key pair %v; want 8 and the key pair", state.Generation, state.KeyPair("key-1"))
	}
}

func testUnencodable(t *testing.T, s Store, _ reopen) {
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "a")}, 1); err != nil {
		t.Fatal(err)
	}
	before := rows(mustLoad(t, s))
	bad := []network.Change{keyPair("key-2", "b"), {Kind: "vpc", Key: "vpc-1", Row: make(chan int)}}
	if err := s.Commit(t.Context(), bad, 2); err == nil {
		t.Error("no error for a row that has no stored form")
	}
	if diff := cmp.Diff(before, rows(mustLoad(t, s))); diff != "" {
		t.Errorf("the failed commit left (-before +after):\n%s", diff)
	}
}

func testClear(t *testing.T, s Store, again reopen) {
	if err := s.SetSetting(t.Context(), "kept", []byte("yes")); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "a"), keyPair("key-2", "b")}, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.PutRecord(t.Context(), "command", "one", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := s.Clear(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if again != nil {
		s = again()
	}
	if got := rows(mustLoad(t, s)); got != "generation 4\n" {
		t.Errorf("after Clear the store holds:\n%s", got)
	}
	if got, err := s.Records(t.Context(), "command"); err != nil || len(got) != 0 {
		t.Errorf("after Clear there are records %q, %v", got, err)
	}
	if v, err := s.Setting(t.Context(), "kept"); err != nil || string(v) != "yes" {
		t.Errorf("setting is %q, %v", v, err)
	}
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-3", "c")}, 5); err != nil {
		t.Errorf("commit after Clear: %v", err)
	}
}

func testSettings(t *testing.T, s Store, again reopen) {
	if v, err := s.Setting(t.Context(), "unset"); v != nil || err != nil {
		t.Errorf("an unset setting is %q, %v", v, err)
	}
	for _, value := range []string{"one", "two\x00\xff", ""} {
		if err := s.SetSetting(t.Context(), "a", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Setting(t.Context(), "a"); v == nil || string(v) != value || err != nil {
			t.Errorf("setting is %q, %v; want %q", v, err, value)
		}
	}
	if err := s.SetSetting(t.Context(), "b", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if again == nil {
		return
	}
	if v, err := again().Setting(t.Context(), "b"); string(v) != "kept" || err != nil {
		t.Errorf("setting after closing is %q, %v", v, err)
	}
}

func testRecords(t *testing.T, s Store, again reopen) {
	put := func(kind, key, doc string) {
		t.Helper()
		if err := s.PutRecord(t.Context(), kind, key, []byte(doc)); err != nil {
			t.Fatal(err)
		}
	}
	put("session", "a", "first")
	put("session", "a", "second\x00\xff")
	put("session", "b", "")
	put("session", "gone", "gone")
	put("command", "a", "another kind")
	for _, key := range []string{"gone", "never was"} {
		if err := s.DeleteRecord(t.Context(), "session", key); err != nil {
			t.Errorf("delete %s: %v", key, err)
		}
	}
	if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "a")}, 1); err != nil {
		t.Errorf("commit beside records: %v", err)
	}
	want := map[string]map[string][]byte{
		"session": {"a": []byte("second\x00\xff"), "b": {}},
		"command": {"a": []byte("another kind")},
		"none":    {},
	}
	see := func(s Store, when string) {
		t.Helper()
		for kind, want := range want {
			got, err := s.Records(t.Context(), kind)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s, records of %s, %v (-put +read):\n%s", when, kind, err, diff)
			}
			for _, doc := range got {
				clear(doc) // a reader's copy
			}
		}
	}
	see(s, "at once")
	see(s, "after a reader wrote to its copy")
	if again != nil {
		see(again(), "after closing")
	}
}

func testRecordsAtOnce(t *testing.T, s Store, again reopen) {
	const writers, each = 16, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d-%d", w, i)
				if err := s.PutRecord(t.Context(), "session", key, []byte(key)); err != nil {
					t.Error(err)
				}
				if i == each-1 {
					if err := s.DeleteRecord(t.Context(), "session", key); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for generation := range uint64(20) {
		if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "a")}, generation+1); err != nil {
			t.Errorf("commit beside them: %v", err)
		}
	}
	wg.Wait()
	if again != nil {
		s = again()
	}
	got, err := s.Records(t.Context(), "session")
	if err != nil || len(got) != writers*(each-1) {
		t.Errorf("%d records, %v; want %d", len(got), err, writers*(each-1))
	}
	for key, doc := range got {
		if string(doc) != key {
			t.Errorf("record %s holds %q", key, doc)
		}
	}
	if state := mustLoad(t, s); state.Generation != 20 {
		t.Errorf("generation %d, want 20: records are none of its business", state.Generation)
	}
}

func testClosed(t *testing.T, s Store, _ reopen) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), nil, 1); err == nil {
		t.Error("Commit on a closed store succeeds")
	}
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("Load on a closed store succeeds")
	}
	if err := s.Clear(t.Context(), 1); err == nil {
		t.Error("Clear on a closed store succeeds")
	}
	if err := s.SetSetting(t.Context(), "a", nil); err == nil {
		t.Error("SetSetting on a closed store succeeds")
	}
	if _, err := s.Setting(t.Context(), "a"); err == nil {
		t.Error("Setting on a closed store succeeds")
	}
	if err := s.PutRecord(t.Context(), "a", "a", nil); err == nil {
		t.Error("PutRecord on a closed store succeeds")
	}
	if err := s.DeleteRecord(t.Context(), "a", "a"); err == nil {
		t.Error("DeleteRecord on a closed store succeeds")
	}
	if _, err := s.Records(t.Context(), "a"); err == nil {
		t.Error("Records on a closed store succeeds")
	}
}

func TestMemoryConforms(t *testing.T) {
	conform(t, func(*testing.T) (Store, reopen) { return new(Memory), nil })
}

func TestSQLiteConforms(t *testing.T) {
	conform(t, func(t *testing.T) (Store, reopen) {
		path := filepath.Join(t.TempDir(), "state.db")
		first := openSQLite(t, path)
		return first, func() Store {
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			return openSQLite(t, path)
		}
	})
}

// openSQLite opens the database at path and closes it when the test ends.
func openSQLite(t testing.TB, path string) *SQLite {
	t.Helper()
	s, err := OpenSQLite(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func mustLoad(t testing.TB, s Store) network.State {
	t.Helper()
	state, err := s.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func keyPair(id, name string) network.Change {
	return network.Change{Kind: "key-pair", Key: id, Row: &network.KeyPair{
		ID: network.KeyPairID(id), Home: network.Home{Owner: caller.Account, Region: caller.Region}, Name: name, Created: epoch,
	}}
}
