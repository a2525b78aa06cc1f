package store

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

// rewriteFormat writes the fixture of the newest format anew. Once a version
// with that format is out, its fixture never changes again.
var rewriteFormat = flag.Bool("rewrite-format", false, "write the fixture of the newest format anew")

const newestFormat = 1

// TestEveryFormatIsRead opens what programs of each format wrote and sees the
// same in it as they did.
func TestEveryFormatIsRead(t *testing.T) {
	if *rewriteFormat {
		writeFixture(t)
	}
	for _, name := range []string{"format1"} {
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
			if err := s.Commit(t.Context(), []network.Change{keyPair("key-1", "new")}, got.Generation+1); err != nil {
				t.Errorf("write to it: %v", err)
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
	if _, err := s.db.Exec(`PRAGMA journal_mode = DELETE`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copyFile(t, path, filepath.Join("testdata", "format1.db"))
	if err := os.WriteFile(filepath.Join("testdata", "format1.txt"), []byte(rows(last)), 0o644); err != nil {
		t.Fatal(err)
	}
}
