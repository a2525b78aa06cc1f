package control

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tombolo/network"
	"tombolo/store"
)

// BenchmarkCreateVPC is n callers that create VPCs as fast as they are answered,
// each in accounts of its own, because a quota limits how many one may have.
// "memory" is the yardstick: the same without a disk. "slow" takes 1.5 ms for a
// transaction, as ordinary disks do, and nothing else: it shows how many
// requests share one.
func BenchmarkCreateVPC(b *testing.B) {
	for _, kind := range []string{"memory", "slow", "sqlite"} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", kind, callers), func(b *testing.B) {
				c := start(b, Config{Store: open(b, kind)})
				next := make(chan int)
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						for n := range next {
							caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", n)), Region: "us-east-1"}
							if _, err := c.Do(context.Background(), caller, "", createVPC("10.0.0.0/16")); err != nil {
								b.Error(err)
							}
						}
					})
				}
				n := 0
				for b.Loop() {
					next <- n
					n++
				}
				close(next)
				all.Wait()
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "vpcs/s")
			})
		}
	}
}

func open(b *testing.B, kind string) Store {
	switch kind {
	case "memory":
		return new(store.Memory)
	case "slow":
		return new(slowDisk)
	}
	s, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// slowDisk is a Store in memory that takes its time.
type slowDisk struct{ store.Memory }

func (d *slowDisk) Commit(ctx context.Context, changes []network.Change, generation uint64) error {
	pass(1500 * time.Microsecond)
	return d.Memory.Commit(ctx, changes, generation)
}
