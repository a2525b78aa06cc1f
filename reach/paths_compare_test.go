package reach_test

import (
	"slices"
	"strings"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// TestCompareIsTheDifferenceOfAllPaths looks, before and after random changes, at
// all pairs, and wants of Compare no more and no less than what is different.
func TestCompareIsTheDifferenceOfAllPaths(t *testing.T) {
	networks, changed, quiet := 40, 0, 0
	if testing.Short() {
		networks = 10
	}
	for seed := range uint64(networks) {
		n := randnet.New(seed)
		before, was := n.State, allPaths(n.State)
		for range 4 {
			n.Change()
			after, is := n.State, allPaths(n.State)
			want := map[ends][2]space.Set{}
			for at := range join(was, is) {
				if opened, closed := is[at].Subtract(was[at]), was[at].Subtract(is[at]); !opened.Empty() || !closed.Empty() {
					want[at] = [2]space.Set{opened, closed}
				}
			}
			got := reach.Compare(before, after)
			for _, d := range got {
				w, ok := want[ends{d.Source, d.Destination}]
				if !ok || !d.Opened.Equal(w[0]) || !d.Closed.Equal(w[1]) {
					t.Fatalf("seed %d: %s to %s opened\n%v\nclosed\n%v\nwant\n%v\nand\n%v", seed, d.Source, d.Destination, d.Opened, d.Closed, w[0], w[1])
				}
			}
			if len(got) != len(want) {
				t.Fatalf("seed %d: %d pairs are different, of %d", seed, len(got), len(want))
			}
			if len(got) > 0 {
				changed++
			} else {
				quiet++
			}
			before, was = after, is
		}
	}
	if changed < networks || quiet == 0 {
		t.Errorf("%d changes changed something and %d nothing: that proves little", changed, quiet)
	}
}

type ends struct{ from, to network.ENIID }

func allPaths(s network.State) map[ends]space.Set {
	out := map[ends]space.Set{}
	for e := range s.ENIs() {
		for _, p := range reach.PathsTo(s, e.ID) {
			out[ends{p.Source, p.Destination}] = p.Flows
		}
	}
	return out
}

func join(a, b map[ends]space.Set) map[ends]bool {
	out := map[ends]bool{}
	for _, m := range []map[ends]space.Set{a, b} {
		for at := range m {
			out[at] = true
		}
	}
	return out
}

// differences are the lines "from > to: opened …; closed …".
func (s site) differences(list []reach.Difference) string {
	var out []string
	for _, d := range list {
		line := s.nameOf(string(d.Source)) + " > " + s.nameOf(string(d.Destination)) + ":"
		if !d.Opened.Empty() {
			line += " opened " + reach.Words(d.Opened)
		}
		if !d.Closed.Empty() {
			line += " closed " + reach.Words(d.Closed)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// after is the State once a request of the owner's has been done.
func (s site) after(r network.Request) network.State {
	s.t.Helper()
	next, err := s.Apply(network.Op{Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}, Request: r})
	if err != nil {
		s.t.Fatal(err)
	}
	return next
}

func TestCompareSaysWhatAChangeDoes(t *testing.T) {
	s := build(t, departments)
	finance := network.VPCID(s.id("finance"))
	for name, c := range map[string]struct {
		change network.Request
		want   string
	}{
		"the peering goes": {network.DeletePeering{Peering: network.PeeringID(s.id("mf"))},
			"market > ledger: closed icmp, tcp 80\nmarket2 > ledger: closed icmp, tcp 80"},
		"a rule comes": {network.AuthorizeRules{Group: network.GroupID(s.id("sg:server")), Rules: []network.RuleSpec{
			{Protocol: network.TCP, Ports: network.PortRange{From: 443, To: 443}, Peer: network.PeerCIDR{CIDR: s.Subnet(network.SubnetID(s.id("d"))).CIDR}}}},
			"dev > ledger: opened tcp 443\ndev2 > ledger: opened tcp 443"},
		"an entry closes a port": {network.CreateACLEntry{ACL: s.VPC(finance).DefaultACL, Entry: network.ACLEntry{Number: 10,
			Protocol: network.TCP, Ports: network.PortRange{From: 0, To: 79}, CIDR: s.VPC(network.VPCID(s.id("development"))).Blocks[0].CIDR}},
			"dev > ledger: closed tcp 22"},
		"a machine stops": {network.StopInstances{Instances: []network.InstanceID{s.ENI(s.eni("dev2")).Attachment.Instance}},
			"dev > dev2: closed everything\ndev2 > dev: closed everything\ndev2 > ledger: closed tcp 80"},
		"a name changes": {network.CreateTags{Resources: []string{s.id("finance")}, Tags: network.Tags{"Name": "money"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.differences(reach.Compare(s.State, s.after(c.change))); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCompareOfOneStateIsNothing(t *testing.T) {
	s := build(t, departments)
	if got := reach.Compare(s.State, s.State); got != nil {
		t.Errorf("a State differs from itself: %v", got)
	}
	var empty network.State
	if got := reach.Compare(empty, empty); got != nil {
		t.Errorf("nothing differs from nothing: %v", got)
	}
	opened := reach.Compare(empty, s.State)
	closed := reach.Compare(s.State, empty)
	if len(opened) == 0 || len(opened) != len(closed) || !opened[0].Opened.Equal(closed[0].Closed) || !opened[0].Closed.Empty() {
		t.Errorf("%d pairs come to be, %d end", len(opened), len(closed))
	}
}

func TestCompareLooksAtMembersOfNamedGroups(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
sg friends in a
sg strangers in a
sg db in a allow tcp/5432 from friends
eni one in a1 10.0.1.10 sg strangers
eni db in a1 10.0.1.20 sg db
`)
	after := s.after(network.SetENIAttribute{ENI: s.eni("one"), Groups: []network.GroupID{network.GroupID(s.id("sg:friends"))}})
	if got, want := s.differences(reach.Compare(s.State, after)), "one > db: opened tcp 5432"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// The yardstick is what a person waits for: a change in a large network is compared
// in the time of a few thousand pairs, not of a hundred million.
func BenchmarkCompare(b *testing.B) {
	c := newCrowd(b, 200, 10_000)
	before := c.state
	edge := c.state.ENI(c.enis[len(c.enis)/2])
	c.do(network.AuthorizeRules{Group: edge.Groups[0], Rules: []network.RuleSpec{{Protocol: network.UDP, Ports: network.PortRange{From: 53, To: 53},
		Peer: network.PeerCIDR{CIDR: c.state.VPC(edge.VPC).Blocks[0].CIDR}}}})
	b.ReportAllocs()
	for b.Loop() {
		if len(reach.Compare(before, c.state)) == 0 {
			b.Fatal("nothing is different")
		}
	}
}
