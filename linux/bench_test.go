package linux

import (
	"fmt"
	"testing"

	"tombolo/network"
)

// crowd is many servers in VPCs of ten, all of a VPC in one group with many
// rules.
func crowd(b testing.TB, servers, rules int) (*site, network.GroupID) {
	w := newSite(b)
	var g network.GroupID
	w.do(network.OpenWorld{Zones: zones})
	w.do(network.SetQuota{Quota: network.QuotaRules, Limit: 2000})
	var n network.SubnetID
	for i := range servers {
		if i%10 == 0 {
			v := w.vpc(fmt.Sprint(i/10), fmt.Sprintf("10.%d.0.0/16", i/10%256))
			n = w.subnet(v, fmt.Sprint(i/10), fmt.Sprintf("10.%d.1.0/24", i/10%256))
			g = w.group(v, fmt.Sprint("g", i/10), "out all 0.0.0.0/0")
			var specs []network.RuleSpec
			for k := range rules {
				specs = append(specs, network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: 1000 + k, To: 1000 + k},
					Peer: network.PeerCIDR{CIDR: cidr(fmt.Sprintf("10.%d.%d.0/24", k%200, k/200))}})
			}
			w.do(network.AuthorizeRules{Group: g, Rules: specs})
		}
		w.server(n, fmt.Sprint("s", i), fmt.Sprintf("10.%d.1.%d", i/10%256, 10+i%10), g)
	}
	return w, g
}

// How long it takes to compile a State from nothing, and after one change of
// a rule together with the steps.
func BenchmarkCompile(b *testing.B) {
	for _, size := range []struct{ servers, rules int }{{6, 10}, {6, 1000}, {1000, 10}, {1000, 1000}} {
		if size.servers == 1000 && size.rules == 1000 && testing.Short() {
			continue
		}
		w, g := crowd(b, size.servers, size.rules)
		name := fmt.Sprintf("interfaces=%d/rules=%d/", size.servers, size.rules)
		b.Run(name+"whole", func(b *testing.B) {
			for b.Loop() {
				NewCompiler(NewBook()).Compile(w.State, nil)
			}
		})
		// Both ways in turn: a rule more, a rule less.
		spec := network.RuleSpec{Protocol: network.UDP, Ports: network.PortRange{From: 53, To: 53}, Peer: network.PeerCIDR{CIDR: cidr("10.0.0.0/8")}}
		b.Run(name+"one rule", func(b *testing.B) {
			start := w.State
			defer func() { w.State = start }()
			c := NewCompiler(NewBook())
			have := compileAll(c, w.State)
			more := true
			for b.Loop() {
				b.StopTimer()
				if more {
					w.do(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{spec}})
				} else {
					w.do(network.RevokeRules{Group: g, Rules: []network.RuleSpec{spec}})
				}
				more = !more
				b.StartTimer()
				want := c.Compile(w.State, nil)
				want.KeepEpoch(V4, have)
				want.KeepEpoch(V6, have)
				if len(Diff(have, want)) != 1 {
					b.Fatal("a rule is not one step")
				}
				have = want
			}
		})
		b.Run(name+"one address", func(b *testing.B) {
			start := w.State
			defer func() { w.State = start }()
			c := NewCompiler(NewBook())
			have := compileAll(c, w.State)
			more := true
			for b.Loop() {
				b.StopTimer()
				if more {
					w.do(network.AssignAddrs{ENI: network.ENIID(w.ids["eni-s0"]), Addrs: addrs("10.0.1.200")})
				} else {
					w.do(network.UnassignAddrs{ENI: network.ENIID(w.ids["eni-s0"]), Addrs: addrs("10.0.1.200")})
				}
				more = !more
				b.StartTimer()
				want := compileAll(c, w.State)
				if len(Diff(have, want)) == 0 {
					b.Fatal("an address is no step")
				}
				have = want
			}
		})
	}
}
