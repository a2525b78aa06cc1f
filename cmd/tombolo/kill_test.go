package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tombolo/client"
)

// ledger is what writers know of the VPCs that they asked for.
type ledger struct {
	mu      sync.Mutex
	made    map[string]bool // acknowledged, and not asked to be deleted
	deleted map[string]bool // whose deletion was acknowledged
}

// write creates and deletes VPCs until the daemon is gone, and tells acknowledged of each answer.
func (l *ledger) write(ctx context.Context, api *client.Client, acknowledged chan<- struct{}) {
	for n := 0; ctx.Err() == nil; n++ {
		tree, err := api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16")
		if err != nil {
			return
		}
		id := tree.Text("vpc.vpcId")
		if n%4 != 0 {
			_, err = api.Call(ctx, "DeleteVpc", "VpcId", id)
		}
		l.mu.Lock()
		switch {
		case n%4 == 0:
			l.made[id] = true
		case err == nil:
			l.deleted[id] = true
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case acknowledged <- struct{}{}:
		default: // nobody waits any more
		}
	}
}

// kills is how often the daemon is killed under its writers.
const kills = 200

func TestNothingAcknowledgedIsLostWhenTheDaemonIsKilled(t *testing.T) {
	i := bare(t)
	l := &ledger{made: map[string]bool{}, deleted: map[string]bool{}}
	for range kills {
		api, err := i.site.api(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		acknowledged := make(chan struct{}, 4)
		for range 4 {
			writers.Go(func() { l.write(ctx, api, acknowledged) })
		}
		// After so many answers, not after so much time: a slow machine is killed as deep in its work.
		for range rand.IntN(12) {
			select {
			case <-acknowledged:
			case <-time.After(30 * time.Second):
				t.Fatal("no call was answered for 30 s")
			}
		}
		<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond)
		i.kill()
		cancel()
		writers.Wait()
		i.start("--fabric", "none")
	}
	if len(l.made) < kills/4 || len(l.deleted) < kills/4 {
		t.Errorf("only %d VPCs made and %d deleted: the kills came too early to prove anything", len(l.made), len(l.deleted))
	}
	there := map[string]bool{}
	for _, v := range i.call("DescribeVpcs").Items("vpcSet") {
		there[v.Text("vpcId")] = true
	}
	for id := range l.made {
		if !there[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	for id := range l.deleted {
		if there[id] {
			t.Errorf("%s is back after its deletion was acknowledged", id)
		}
	}
	// What was made in part would lack one of the things that come with a VPC.
	for _, c := range []struct{ action, list string }{{"DescribeRouteTables", "routeTableSet"}, {"DescribeNetworkAcls", "networkAclSet"}, {"DescribeSecurityGroups", "securityGroupInfo"}} {
		of := map[string]int{}
		for _, n := range i.call(c.action).Items(c.list) {
			of[n.Text("vpcId")]++
		}
		for id := range there {
			if of[id] != 1 {
				t.Errorf("%s: %d in %s", c.action, of[id], id)
			}
		}
		if len(of) != len(there) {
			t.Errorf("%s: they are in %d VPCs, and there are %d", c.action, len(of), len(there))
		}
	}
	t.Logf("%d kills: %d VPCs acknowledged and there, %d deletions acknowledged and gone", kills, len(l.made), len(l.deleted))
}
