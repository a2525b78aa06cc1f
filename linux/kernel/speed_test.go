package kernel_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tombolo/linux/kernel"
	"tombolo/network"
	"tombolo/probe"
)

// crowd makes VPCs of several accounts, each peered with the next of its
// account, with this many instances in each and a group of 50 rules.
func (w *site) crowd(vpcs, each int) (groups []network.GroupID, servers []*server) {
	w.Helper()
	for i := range vpcs {
		home = network.Caller{Account: network.Account(fmt.Sprintf("%012d", 1+i/4)), Region: "us-east-1"}
		v, n := w.vpc(fmt.Sprintf("10.%d.0.0/16", i%4))
		g := w.group(v, "app")
		var rules []network.RuleSpec
		for k := range 49 {
			rules = append(rules, network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: 2000 + k*10, To: 2005 + k*10},
				Peer: network.PeerCIDR{CIDR: cidr(fmt.Sprintf("172.16.%d.0/24", k))}})
		}
		rules = append(rules, network.RuleSpec{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerCIDR{CIDR: cidr("10.0.0.0/8")}})
		w.do(network.AuthorizeRules{Group: g, Rules: rules})
		groups = append(groups, g)
		for range each {
			servers = append(servers, w.server(n, "", g))
		}
	}
	return groups, servers
}

// TestSmallSocketBuffersSuffice builds a fabric with the buffers that an ordinary
// user has on most distributions.
func TestSmallSocketBuffersSuffice(t *testing.T) {
	old := home
	defer func() { home = old }()
	w := newSite(t)
	plane, err := kernel.Open(kernel.Config{Fabric: w.fabric.File(), InstanceNS: w.namespace}.WithSocketBuffer(212992 / 2))
	if err != nil {
		t.Fatal(err)
	}
	w.plane.Close()
	w.plane = plane
	groups, servers := w.crowd(24, 2)
	w.obey()
	servers[1].serve(80)
	if r := servers[0].ask(probe.TCP, servers[1].addr.String()+":80", probe.Options{Timeout: patience}); r.Verdict != probe.Answered {
		t.Errorf("a neighbour: %v", r)
	}
	home = network.Caller{Account: "000000000001", Region: "us-east-1"}
	for _, g := range groups[:4] {
		// All of it goes, and comes again.
		var ids []network.RuleID
		for _, r := range w.SecurityGroup(g).Rules {
			if !r.Egress {
				ids = append(ids, r.ID)
			}
		}
		w.do(network.RevokeRules{Group: g, IDs: ids})
	}
	w.obey()
	servers[0].misses(servers[1], 80)
}

// BenchmarkRuleChange is the time from a new State, in which one security group
// rule more or less is allowed, to packets that obey it.
func BenchmarkRuleChange(b *testing.B) {
	for _, size := range []struct{ vpcs, each int }{{2, 3}, {100, 10}} {
		b.Run(fmt.Sprintf("ports=%d", size.vpcs*size.each), func(b *testing.B) {
			old := home
			defer func() { home = old }()
			w := newSite(b)
			groups, _ := w.crowd(size.vpcs, size.each)
			began := time.Now()
			w.obey()
			first := time.Since(began)
			home = network.Caller{Account: "000000000001", Region: "us-east-1"}
			rule := network.RuleSpec{Protocol: network.UDP, Ports: network.PortRange{From: 7000, To: 7000}, Peer: network.PeerCIDR{CIDR: cidr("172.30.0.0/16")}}
			var took []time.Duration
			on := false
			for b.Loop() {
				if on {
					w.do(network.RevokeRules{Group: groups[0], Rules: []network.RuleSpec{rule}})
				} else {
					w.do(network.AuthorizeRules{Group: groups[0], Rules: []network.RuleSpec{rule}})
				}
				on = !on
				t := time.Now()
				w.obey()
				took = append(took, time.Since(t))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "ms/p50")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "ms/p99")
			b.ReportMetric(first.Seconds(), "s/first")
		})
	}
}

// BenchmarkRouteChange is the same for a route, after which every interface is
// looked at again.
func BenchmarkRouteChange(b *testing.B) {
	old := home
	defer func() { home = old }()
	w := newSite(b)
	w.crowd(100, 10)
	w.obey()
	home = network.Caller{Account: "000000000001", Region: "us-east-1"}
	var v network.VPCID
	for x := range w.VPCsOf(home) {
		v = x.ID
	}
	var p network.PeeringID
	for x := range w.VPCsOf(home) {
		if x.ID != v {
			p = w.peer(v, x.ID)
			break
		}
	}
	on := false
	for b.Loop() {
		if on {
			w.do(network.DeleteRoute{Table: w.VPC(v).MainTable, Dst: cidr("192.0.2.0/24")})
		} else {
			w.route(v, cidr("192.0.2.0/24"), network.ToPeering{Peering: p})
		}
		on = !on
		w.obey()
	}
}

// BenchmarkAudit is the time that it takes to look at everything that the kernel
// holds for 1,000 interfaces and to find nothing wrong.
func BenchmarkAudit(b *testing.B) {
	old := home
	defer func() { home = old }()
	w := newSite(b)
	w.crowd(100, 10)
	w.obey()
	for b.Loop() {
		w.plane.Audit()
		w.obey()
	}
}
