package reach_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"tombolo/network"
	"tombolo/reach"
)

// crowd is a State as large as the speed of questions is measured on: VPCs of four
// subnets each, peered in a ring and each with a hub, ten groups per VPC that name
// ranges and each other, an ACL with entries, instances with an interface each.
type crowd struct {
	t     testing.TB
	state network.State
	seeds uint64
	vpcs  []network.VPCID
	enis  []network.ENIID
}

var crowdCaller = network.Caller{Account: "123456789012", Region: "us-east-1"}

func (c *crowd) do(r network.Request) []string {
	c.seeds++
	op := network.Op{Caller: crowdCaller, At: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], c.seeds)
	next, err := c.state.Apply(op)
	if err != nil {
		c.t.Fatalf("%T: %v", r, err)
	}
	c.state = next
	made := next.Outcome().Created
	for due := next.Due(); !due.IsZero() && !due.After(op.At); due = c.state.Due() {
		c.do(network.Settle{})
	}
	return made
}

func newCrowd(t testing.TB, vpcs, enis int) *crowd {
	c := &crowd{t: t}
	c.do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	c.do(network.SetQuota{Quota: network.QuotaENIs, Limit: 1 << 20})
	for i := range vpcs {
		c.vpcs = append(c.vpcs, network.VPCID(c.do(network.CreateVPC{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16), Amazon6: true})[0]))
	}
	for i := range vpcs {
		c.peer(i, (i+1)%vpcs)
		if i > 1 && i < 50 {
			c.peer(0, i)
		}
	}
	for i, v := range c.vpcs {
		c.fill(i, v, enis/vpcs)
	}
	return c
}

func (c *crowd) peer(a, b int) {
	if c.state.ActivePeering(c.vpcs[a], c.vpcs[b]) != nil {
		return
	}
	p := network.PeeringID(c.do(network.RequestPeering{VPC: c.vpcs[a], PeerVPC: c.vpcs[b]})[0])
	c.do(network.AcceptPeering{Peering: p})
	for _, ends := range [][2]int{{a, b}, {b, a}} {
		table := c.state.VPC(c.vpcs[ends[0]]).MainTable
		for _, dst := range c.state.VPC(c.vpcs[ends[1]]).Prefixes() {
			c.do(network.CreateRoute{Table: table, Dst: dst, To: network.ToPeering{Peering: p}})
		}
	}
}

func (c *crowd) fill(i int, v network.VPCID, enis int) {
	var groups []network.GroupID
	for n := range 10 {
		groups = append(groups, network.GroupID(c.do(network.CreateSecurityGroup{VPC: v, Name: fmt.Sprint("g", n), Description: "some"})[0]))
	}
	for n, g := range groups {
		tcp := func(port int, peer network.Peer) network.RuleSpec {
			return network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: port, To: port}, Peer: peer}
		}
		rules := []network.RuleSpec{tcp(22, network.PeerGroup{Group: groups[(n+1)%10], Owner: crowdCaller.Account})}
		for k := range 8 {
			rules = append(rules, tcp(8000+k, network.PeerCIDR{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i + k), 0, 0}), 16)}))
		}
		rules = append(rules, tcp(443, network.PeerCIDR{CIDR: netip.MustParsePrefix("10.0.0.0/8")}), tcp(443, network.PeerCIDR{CIDR: netip.MustParsePrefix("::/0")}))
		c.do(network.AuthorizeRules{Group: g, Rules: rules})
	}
	acl := c.state.VPC(v).DefaultACL
	for n := range 8 {
		c.do(network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 10 + n, Protocol: network.TCP, Egress: n%2 == 0,
			CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(3 * n), 0, 0}), 16), Ports: network.PortRange{From: 9000, To: 9100}}})
	}
	six := c.state.VPC(v).Blocks6[0].CIDR.Addr().As16()
	var subnets []network.SubnetID
	for n := range byte(4) {
		six[7] = n
		subnets = append(subnets, network.SubnetID(c.do(network.CreateSubnet{VPC: v, CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), n, 0}), 24),
			CIDR6: netip.PrefixFrom(netip.AddrFrom16(six), 64), Zone: "us-east-1a", Zones: []string{"us-east-1a"}})[0]))
	}
	for n := range enis {
		made := c.do(network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", Interfaces: []network.InterfaceSpec{
			{New: network.ENISpec{Subnet: subnets[n%4], Extra6: 1, Groups: []network.GroupID{groups[n%10], groups[n*7%10]}[:1+n%2]}}}})
		for e := range c.state.ENIsAt(network.InstanceID(made[1])) {
			c.enis = append(c.enis, e.ID)
		}
	}
}

// The yardstick is 50 ms at 10,000 interfaces and 200 VPCs: of an interface in a
// VPC with a few peers, and of one in a hub with fifty.
func BenchmarkPaths(b *testing.B) {
	c := newCrowd(b, 200, 10_000)
	for _, where := range []struct {
		name string
		eni  network.ENIID
	}{{"edge", c.enis[len(c.enis)/2]}, {"hub", c.enis[0]}} {
		for name, ask := range map[string]func() []reach.Path{
			"to=" + where.name:   func() []reach.Path { return reach.PathsTo(c.state, where.eni) },
			"from=" + where.name: func() []reach.Path { return reach.PathsFrom(c.state, where.eni) },
		} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					ask()
				}
				paths, kept := weigh(ask)
				b.ReportMetric(float64(paths), "paths")
				b.ReportMetric(float64(kept)/1024, "KiB-kept")
			})
		}
	}
}

// weigh is how many paths there are, and what they weigh when all else is gone.
func weigh(ask func() []reach.Path) (paths int, bytes uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := ask()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(out)
	return len(out), after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
}
