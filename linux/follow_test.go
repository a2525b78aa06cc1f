package linux

import (
	"fmt"
	"slices"
	"testing"

	"tombolo/network"
)

// change is what people change while packets flow, there and back.
type change struct {
	name        string
	there, back func(w *site)
}

// changes are made to the last VPC of a crowd and to its last server.
func changes(w *site, servers int) []change {
	last := network.ENIID(w.ids[fmt.Sprint("eni-s", servers-1)])
	v, first := w.VPC(w.ENI(last).VPC), network.VPCID(w.ids["vpc-0"])
	g := w.ENI(last).Groups[0]
	other := w.group(v.ID, "other", "in tcp 22 0.0.0.0/0")
	w.do(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{{Protocol: network.TCP, Ports: network.PortRange{From: 1, To: 2}, Peer: network.PeerGroup{Group: other}}}})
	hub := w.accept(w.peering("hub", v.ID, first))
	regroup := func(groups ...network.GroupID) func(*site) {
		return func(w *site) { w.do(network.SetENIAttribute{ENI: last, Groups: groups}) }
	}
	spec := network.RuleSpec{Protocol: network.UDP, Ports: network.PortRange{From: 53, To: 53}, Peer: network.PeerCIDR{CIDR: cidr("10.0.0.0/8")}}
	return []change{
		{"a rule", func(w *site) { w.do(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{spec}}) },
			func(w *site) { w.do(network.RevokeRules{Group: g, Rules: []network.RuleSpec{spec}}) }},
		{"an ACL entry", func(w *site) {
			w.do(network.CreateACLEntry{ACL: v.DefaultACL, Entry: entryNamed("50 in deny tcp 22 0.0.0.0/0")})
		},
			func(w *site) { w.do(network.DeleteACLEntry{ACL: v.DefaultACL, Number: 50}) }},
		{"a route", func(w *site) { w.route(v.MainTable, "192.168.7.0/24", via(hub)) },
			func(w *site) { w.do(network.DeleteRoute{Table: v.MainTable, Dst: cidr("192.168.7.0/24")}) }},
		{"a member more", regroup(g, other), regroup(g)},
		{"other groups", regroup(other), regroup(g)},
		{"a peering", func(w *site) {
			w.do(network.DeletePeering{Peering: hub})
			hub = w.accept(w.peering("again", v.ID, first))
			w.route(v.MainTable, "192.168.9.0/24", via(hub))
		}, func(w *site) { w.do(network.DeleteRoute{Table: v.MainTable, Dst: cidr("192.168.9.0/24")}) }},
	}
}

// What people change while packets flow is compiled from the change alone, gives
// what a fresh compiler gives, and touches no more of a large fabric than of a
// small one.
func TestAChangeTouchesNoMoreOfALargeFabric(t *testing.T) {
	touched := map[string][2]int{}
	for at, servers := range []int{20, 200} {
		w, _ := crowd(t, servers, 5)
		list := changes(w, servers)
		c := NewCompiler(NewBook())
		c.Compile(w.take(), nil)
		for _, x := range list {
			x.there(w)
			for i, name := range []string{x.name, x.name + " back"} {
				if i == 1 {
					x.back(w)
				}
				before := c.last.out
				got := c.Compile(w.take(), nil)
				if got.base != before || len(got.delta) == 0 {
					t.Fatalf("%s among %d: not followed, or nothing changed", name, servers)
				}
				if a, b := NewCompiler(copyOf(c.book)).Compile(w.State, nil).String(), got.String(); a != b {
					t.Fatalf("%s: a fresh compiler gives something else:\n%s", name, w.rename(firstDifference(a, b)))
				}
				n := touched[name]
				n[at] = len(slices.Compact(slices.Sorted(slices.Values(got.delta))))
				touched[name] = n
			}
		}
	}
	for name, n := range touched {
		if n[1] > n[0] {
			t.Errorf("%s: %d units among 20 servers, %d among 200", name, n[0], n[1])
		}
	}
}

// BenchmarkChange is a change compiled together with its steps.
func BenchmarkChange(b *testing.B) {
	for _, servers := range []int{20, 1000} {
		w, _ := crowd(b, servers, 10)
		for _, x := range changes(w, servers) {
			b.Run(fmt.Sprintf("%s/%d", x.name, servers), func(b *testing.B) {
				c := NewCompiler(NewBook())
				have := compileAll(c, w.take())
				more := true
				for b.Loop() {
					b.StopTimer()
					if more {
						x.there(w)
					} else {
						x.back(w)
					}
					more = !more
					s := w.take()
					b.StartTimer()
					want := c.Compile(s, nil)
					want.KeepEpoch(V4, have)
					want.KeepEpoch(V6, have)
					if len(Diff(have, want)) == 0 {
						b.Fatal("no step")
					}
					have = want
				}
				if !more {
					x.back(w)
				}
			})
		}
	}
}
