package store

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"tombolo/network"
)

// BenchmarkCommit stores one CreateVPC after another, n of them per transaction.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("vpcs=%d", n), func(b *testing.B) {
			s := openSQLite(b, filepath.Join(b.TempDir(), "state.db"))
			state, i := network.State{}, 0
			for b.Loop() {
				var changes []network.Change
				for range n {
					state = createVPC(b, state, i)
					changes = append(changes, state.Changes()...)
					i++
				}
				if err := s.Commit(b.Context(), changes, state.Generation); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "vpcs/s")
		})
	}
}

// BenchmarkFsync is the yardstick of BenchmarkCommit: what one fsync of as many
// bytes costs on this disk.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "yardstick"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 32<<10)
	var at int64
	for b.Loop() {
		if _, err := f.WriteAt(page, at); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		at = (at + int64(len(page))) % (4 << 20)
	}
}

// BenchmarkLoad opens a state of 10,000 rows, as a start of the daemon does.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	s := openSQLite(b, path)
	state, i := network.State{}, 0
	var changes []network.Change
	for ; len(changes) < 10_000; i++ {
		state = createVPC(b, state, i)
		changes = append(changes, state.Changes()...)
	}
	if err := s.Commit(b.Context(), changes, state.Generation); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := OpenSQLite(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if got := mustLoad(b, s); got.Generation != state.Generation {
			b.Fatalf("loaded generation %d, want %d", got.Generation, state.Generation)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// createVPC applies one CreateVPC, each in an account of its own: a quota limits
// how many one account may have.
func createVPC(b *testing.B, s network.State, n int) network.State {
	b.Helper()
	op := network.Op{At: epoch, Caller: network.Caller{Account: network.Account(fmt.Sprintf("%012d", n)), Region: "us-east-1"},
		Request: network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16")}}
	binary.BigEndian.PutUint64(op.Seed[:], uint64(n)+1)
	next, err := s.Apply(op)
	if err != nil {
		b.Fatal(err)
	}
	return next
}
