package store

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

// rewriteFormat writes the fixture of the newest format anew. Once a version
// with that format is out, its fixture never changes again.
var rewriteFormat = flag.Bool("rewrite-format", false, "write the fixture of the newest format anew")

const newestFormat = 2

// TestEveryFormatIsRead opens what programs of each format wrote and sees the
// same in it as they did.
func TestEveryFormatIsRead(t *testing.T) {
	if *rewriteFormat {
		writeFixture(t)
	}
	for format := 1; format <= newestFormat; format++ {
		name := fmt.Sprintf("format%d", format)
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			copyFile(t, filepath.Join("testdata", name+".db"), path)
			s := openSQLite(t, path)
			got := mustLoad(t, s)
			want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), rows(got)); diff != "" {
				t.Errorf("read (-written +read); a format that no release has may be rewritten with -rewrite-format, others need a migration:\n%s", diff)
			}
			again := network.Op{Caller: caller, At: epoch, Token: "token", Request: network.CreateRouteTable{VPC: tokenVPC(got)}}
			if next, err := got.Apply(again); err != nil || !next.Outcome().Replay {
				t.Errorf("an old idempotency token is not known: %v", err)
			}
			if v, err := s.Setting(t.Context(), "note"); string(v) != "kept" || err != nil {
				t.Errorf("setting is %q, %v", v, err)
			}
			wantRecords := map[string][]byte{}
			if format >= 2 {
				wantRecords["a"] = []byte(`{"kept":true}`)
			}
			records, err := s.Records(t.Context(), "note")
			if diff := cmp.Diff(wantRecords, records); diff != "" || err != nil {
				t.Errorf("records, %v (-written +read):\n%s", err, diff)
			}
			if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "new")}, got.Generation+1); err != nil {
				t.Errorf("write to it: %v", err)
			}
			if err := s.PutRecord(t.Context(), "note", "b", []byte("{}")); err != nil {
				t.Errorf("put a record: %v", err)
			}
		})
	}
}

// tokenVPC is the VPC that history spent its token on.
func tokenVPC(s network.State) network.VPCID {
	for v := range s.VPCsOf(caller) {
		if !v.Default {
			return v.ID
		}
	}
	return ""
}

func TestFixtureOfTheNewestFormatIsThere(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "state.db"))
	var version int
	if err := s.db.QueryRow(`SELECT max(version_id) FROM format`).Scan(&version); err != nil || version != newestFormat {
		t.Errorf("the newest format is %d, %v; add a fixture of it", version, err)
	}
}

// writeFixture makes testdata/formatN.db and .txt of the newest N.
func writeFixture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var last network.State
	for _, state := range history(t) {
		last = state
		if err := s.Commit(t.Context(), state.Changes(), state.Generation); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetSetting(t.Context(), "note", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := s.PutRecord(t.Context(), "note", "a", []byte(`{"kept":true}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`PRAGMA journal_mode = DELETE`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", fmt.Sprintf("format%d", newestFormat))
	copyFile(t, path, name+".db")
	if err := os.WriteFile(name+".txt", []byte(rows(last)), 0o644); err != nil {
		t.Fatal(err)
	}
}
