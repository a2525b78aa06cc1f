package network

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// crowd is a State of about n resources: VPCs with groups and tables, peerings
// and tokens that are due one day.
func crowd(b testing.TB, n int) *site {
	w := newSite(b)
	w.do(OpenWorld{Zones: zones})
	for _, q := range []Quota{QuotaVPCs, QuotaGroups, QuotaPeeringRequests} {
		w.do(SetQuota{q, 1 << 30})
	}
	first := VPCID("")
	for i := 0; ; i++ {
		// A VPC is 4 resources (with its table, group and ACL); a peering and a
		// token wait at each.
		block := fmt.Sprintf("%d.%d.%d.0/24", 11+i>>16, i>>8&0xff, i&0xff)
		v := w.newVPC(home, block)
		if first == "" {
			first = v.ID
		}
		w.newGroup(home, v.ID, "web")
		w.do(RequestPeering{VPC: v.ID, PeerVPC: first})
		var err error
		if w.State, err = w.withToken(home, fmt.Sprint("tok", i), CreateACL{VPC: v.ID}); err != nil {
			b.Fatal(err)
		}
		if 7*(i+1) >= n {
			return w
		}
	}
}

// crowdOps are ops in a crowd, each with what it needs made before.
var crowdOps = []struct {
	name string
	op   func(w *site) Request
}{
	{"CreateRouteTable", func(w *site) Request { return CreateRouteTable{VPC: w.newVPC(home, "10.0.0.0/16").ID} }},
	{"CreateRoute", func(w *site) Request {
		v, peer := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
		return CreateRoute{v.MainTable, cidr("10.1.0.0/16"), ToPeering{w.newPeering(home, v.ID, home, peer.ID)}}
	}},
	{"RequestPeering", func(w *site) Request {
		return RequestPeering{VPC: w.newVPC(home, "10.0.0.0/16").ID, PeerVPC: w.newVPC(home, "10.1.0.0/16").ID}
	}},
	{"DeletePeering", func(w *site) Request {
		return DeletePeering{w.newPeering(home, w.newVPC(home, "10.0.0.0/16").ID, home, w.newVPC(home, "10.1.0.0/16").ID)}
	}},
	{"CreateSecurityGroup", func(w *site) Request {
		return CreateSecurityGroup{VPC: w.newVPC(home, "10.0.0.0/16").ID, Name: "db", Description: "d"}
	}},
	{"AuthorizeRules", func(w *site) Request {
		return AuthorizeRules{Group: w.newGroup(home, w.newVPC(home, "10.0.0.0/16").ID, "db"), Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}}
	}},
	{"AuthorizeTheLastRule", func(w *site) Request {
		g := w.newGroup(home, w.newVPC(home, "10.0.0.0/16").ID, "db")
		for i := range 59 {
			w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(i, "10.0.0.0/8")}})
		}
		return AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(99, "10.0.0.0/8")}}
	}},
	{"CreateACLEntry", func(w *site) Request {
		return CreateACLEntry{w.newACL(w.newVPC(home, "10.0.0.0/16").ID), entry(1, "0.0.0.0/0")}
	}},
	{"CreateTags", func(w *site) Request {
		return CreateTags{[]string{string(w.newVPC(home, "10.0.0.0/16").ID)}, Tags{"Name": "a"}}
	}},
	{"ImportKeyPair", func(*site) Request { return ImportKeyPair{Name: "ops"} }},
	{"Settle", func(*site) Request { return Settle{} }},
}

// An op must not look at all there is: see TestAnOpCostsLittleMoreInABigState.
func TestAnOpCostsLittleMoreInACrowd(t *testing.T) {
	small, big := crowd(t, 100), crowd(t, 20_000)
	for _, o := range crowdOps {
		cost := func(w *site) float64 {
			op := w.op(home, o.op(w))
			return testing.AllocsPerRun(20, func() {
				if _, err := w.Apply(op); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := cost(small), cost(big); many > 2*few {
			t.Errorf("%s: %v allocations among 100 resources, %v among 20,000", o.name, few, many)
		}
	}
}

func BenchmarkCrowdOps(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		w := crowd(b, size)
		for _, o := range crowdOps {
			request := o.op(w)
			b.Run(fmt.Sprintf("%s/%d", o.name, size), func(b *testing.B) {
				op := w.op(home, request)
				b.ReportAllocs()
				for n := uint64(0); b.Loop(); n++ {
					binary.BigEndian.PutUint64(op.Seed[8:], n)
					if _, err := w.Apply(op); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("Due/%d", size), func(b *testing.B) {
			for b.Loop() {
				if w.Due().IsZero() {
					b.Fatal("nothing is due")
				}
			}
		})
	}
}
