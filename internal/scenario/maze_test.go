package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"

	"tombolo/network"
)

func itoa(n int) string { return strconv.Itoa(n) }

// maze is a small random network in an account of its own.
type maze struct {
	*site
	dice     *rand.Rand
	who      network.Caller
	vpcs     []network.VPCID
	subnets  []network.SubnetID
	enis     []network.ENIID
	idle     []network.ENIID // attached to nothing: routes to them are blackholes
	tables   []network.RouteTableID
	acls     []network.ACLID
	groups   []network.GroupID
	peerings []network.PeeringID
}

func (m *maze) chance(percent int) bool { return m.dice.IntN(100) < percent }

func pick[T any](m *maze, from []T) T { return from[m.dice.IntN(len(from))] }

// newMaze has three VPCs with two subnets each, one or two machines in each, and
// random peerings, routes, groups and ACLs: most of them open, so that packets
// get far enough to meet the rest.
func newMaze(s *site, number int, dice *rand.Rand) *maze {
	m := &maze{site: s, dice: dice, who: network.Caller{Account: network.Account(fmt.Sprintf("%012d", 200000000000+number)), Region: "us-east-1"}}
	s.do(m.who, network.OpenWorld{Zones: mazeZones})
	for _, cidr := range []string{"10.0.0.0/16", "10.1.0.0/16", "172.31.0.0/16"} {
		m.addVPC(netip.MustParsePrefix(cidr))
	}
	for i, a := range m.vpcs {
		for _, b := range m.vpcs[i+1:] {
			if m.chance(90) {
				p := network.PeeringID(s.do(m.who, network.RequestPeering{VPC: a, PeerVPC: b})[0])
				m.peerings = append(m.peerings, p)
				if m.chance(85) {
					s.do(m.who, network.AcceptPeering{Peering: p})
				}
			}
		}
	}
	m.openUp()
	for range 12 {
		m.addRoute()
		m.addRule()
	}
	for range 5 {
		m.addEntry()
	}
	return m
}

// openUp adds most of the routes and rules that a sensible person would.
func (m *maze) openUp() {
	for _, id := range m.tables {
		t := m.state.RouteTable(id)
		for _, p := range m.peerings {
			other := m.state.VPC(m.state.Peering(p).Other(t.VPC))
			if other == nil {
				continue
			}
			for _, dst := range other.Prefixes() {
				if m.chance(85) {
					m.do(m.who, network.CreateRoute{Table: id, Dst: dst, To: network.ToPeering{Peering: p}})
				}
			}
		}
	}
	for _, g := range m.groups {
		for _, world := range []string{"0.0.0.0/0", "::/0"} {
			if m.chance(60) {
				rule := network.RuleSpec{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerCIDR{CIDR: netip.MustParsePrefix(world)}}
				m.do(m.who, network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{rule}})
			}
		}
	}
}

var mazeZones = []string{"us-east-1a"}

func (m *maze) addVPC(cidr netip.Prefix) {
	id := network.VPCID(m.do(m.who, network.CreateVPC{CIDR: cidr, Amazon6: true})[0])
	v := m.state.VPC(id)
	m.vpcs = append(m.vpcs, id)
	m.tables = append(m.tables, v.MainTable)
	m.acls = append(m.acls, v.DefaultACL)
	var groups []network.GroupID
	for n := range 2 {
		g := m.do(m.who, network.CreateSecurityGroup{VPC: id, Name: "g" + itoa(n), Description: "random"})[0]
		groups = append(groups, network.GroupID(g))
	}
	m.groups = append(m.groups, groups...)
	for n := byte(1); n <= 2; n++ {
		b := cidr.Addr().As4()
		b[2] = n
		six := v.Blocks6[0].CIDR.Addr().As16()
		six[7] = n
		id := network.SubnetID(m.do(m.who, network.CreateSubnet{VPC: id, CIDR: netip.PrefixFrom(netip.AddrFrom4(b), 24),
			CIDR6: netip.PrefixFrom(netip.AddrFrom16(six), 64), Zone: mazeZones[0], Zones: mazeZones})[0])
		m.subnets = append(m.subnets, id)
		for host := range 1 + m.dice.IntN(2) {
			m.addMachine(id, byte(10+host), groups)
		}
	}
	m.addOwnTable(v)
	spec := m.spec(m.subnets[len(m.subnets)-1], 200, groups)
	m.idle = append(m.idle, network.ENIID(m.do(m.who, network.CreateENI{ENISpec: spec})[0]))
}

// addOwnTable gives the VPC's last subnet, sometimes, a table and an ACL of its
// own; the ACL begins like the default one.
func (m *maze) addOwnTable(v *network.VPC) {
	last := m.state.Subnet(m.subnets[len(m.subnets)-1])
	if m.chance(50) {
		t := network.RouteTableID(m.do(m.who, network.CreateRouteTable{VPC: v.ID})[0])
		m.do(m.who, network.AssociateTable{Table: t, Subnet: last.ID})
		m.tables = append(m.tables, t)
	}
	if m.chance(50) {
		acl := network.ACLID(m.do(m.who, network.CreateACL{VPC: v.ID})[0])
		m.do(m.who, network.ReplaceACLAssociation{Association: last.ACLAssociation, ACL: acl})
		m.acls = append(m.acls, acl)
		for n, p := range []string{"0.0.0.0/0", "::/0"} {
			for _, egress := range []bool{true, false} {
				m.do(m.who, network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 1000 + n, Egress: egress, Allow: true,
					Protocol: network.AnyProtocol, CIDR: netip.MustParsePrefix(p), Ports: network.AnyPort}})
			}
		}
	}
}

func (m *maze) spec(subnet network.SubnetID, host byte, groups []network.GroupID) network.ENISpec {
	n := m.state.Subnet(subnet)
	four, six := n.CIDR.Addr().As4(), n.CIDR6().Addr().As16()
	four[3], six[15] = host, host
	use := groups
	if m.chance(70) {
		use = []network.GroupID{pick(m, groups)}
	}
	return network.ENISpec{Subnet: subnet, Addrs: []netip.Addr{netip.AddrFrom4(four)}, Addrs6: []netip.Addr{netip.AddrFrom16(six)}, Groups: use}
}

func (m *maze) addMachine(subnet network.SubnetID, host byte, groups []network.GroupID) {
	made := m.do(m.who, network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro",
		Interfaces: []network.InterfaceSpec{{New: m.spec(subnet, host, groups)}}})
	id := network.InstanceID(made[1])
	m.do(m.who, network.ReportStarted{Instance: id})
	for e := range m.state.ENIsAt(id) {
		m.enis = append(m.enis, e.ID)
	}
}

// block is a random range that means something here, of either family.
func (m *maze) block() netip.Prefix {
	v := m.state.VPC(pick(m, m.vpcs))
	n := m.state.Subnet(pick(m, m.subnets))
	e := m.state.ENI(pick(m, m.enis))
	return pick(m, []netip.Prefix{
		v.Blocks[0].CIDR, v.Blocks6[0].CIDR, n.CIDR, n.CIDR6(),
		netip.PrefixFrom(e.Addrs[0], 32), netip.PrefixFrom(e.Addrs6[0], 128),
		netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("10.0.0.0/8"),
	})
}

// service is a random protocol and what of it.
func (m *maze) service() (network.Protocol, network.PortRange) {
	type service struct {
		p network.Protocol
		r network.PortRange
	}
	s := pick(m, []service{
		{network.AnyProtocol, network.AnyPort}, {network.AnyProtocol, network.AnyPort}, {network.TCP, network.PortRange{From: 0, To: 65535}},
		{network.TCP, network.PortRange{From: 80, To: 80}}, {network.TCP, network.PortRange{From: 1, To: 1023}},
		{network.TCP, network.PortRange{From: 1024, To: 65535}}, {network.UDP, network.PortRange{From: 53, To: 53}},
		{network.UDP, network.PortRange{From: 50, To: 65535}}, {network.ICMP, network.PortRange{From: -1, To: -1}},
		{network.ICMP, network.PortRange{From: 8, To: -1}}, {network.ICMP, network.PortRange{From: 0, To: 0}},
		{network.ICMPv6, network.PortRange{From: 128, To: -1}}, {network.ICMPv6, network.PortRange{From: -1, To: -1}},
	})
	return s.p, s.r
}

// The random changes. The model refuses some of them, which is all right.

func (m *maze) addRoute() {
	var to network.Target = network.ToENI{ENI: pick(m, m.idle)}
	if len(m.peerings) > 0 && m.chance(95) {
		to = network.ToPeering{Peering: pick(m, m.peerings)}
	}
	t, dst := pick(m, m.tables), m.block()
	if m.try(m.who, network.CreateRoute{Table: t, Dst: dst, To: to}) != nil && m.chance(20) {
		_ = m.try(m.who, network.ReplaceRoute{Table: t, Dst: dst, To: to})
	}
}

func (m *maze) cutRoute() {
	t := m.state.RouteTable(pick(m, m.tables))
	_ = m.try(m.who, network.DeleteRoute{Table: t.ID, Dst: pick(m, t.Routes).Dst})
}

func (m *maze) addRule() {
	spec := network.RuleSpec{Egress: m.chance(25), Peer: network.PeerCIDR{CIDR: m.block()}}
	if m.chance(30) {
		spec.Peer = network.PeerGroup{Group: pick(m, m.groups), Owner: m.who.Account}
	}
	spec.Protocol, spec.Ports = m.service()
	_ = m.try(m.who, network.AuthorizeRules{Group: pick(m, m.groups), Egress: spec.Egress, Rules: []network.RuleSpec{spec}})
}

func (m *maze) cutRule() {
	g := m.state.SecurityGroup(pick(m, m.groups))
	if len(g.Rules) > 0 {
		r := pick(m, g.Rules)
		_ = m.try(m.who, network.RevokeRules{Group: g.ID, Egress: r.Egress, IDs: []network.RuleID{r.ID}})
	}
}

func (m *maze) addEntry() {
	e := network.ACLEntry{Number: 1 + m.dice.IntN(99), Egress: m.chance(50), Allow: m.chance(40), CIDR: m.block()}
	e.Protocol, e.Ports = m.service()
	_ = m.try(m.who, network.CreateACLEntry{ACL: pick(m, m.acls), Entry: e})
}

func (m *maze) cutEntry() {
	acl := m.state.ACL(pick(m, m.acls))
	if len(acl.Entries) > 0 {
		e := pick(m, acl.Entries)
		_ = m.try(m.who, network.DeleteACLEntry{ACL: acl.ID, Number: e.Number, Egress: e.Egress})
	}
}

func (m *maze) movePeering() {
	if len(m.peerings) == 0 {
		return
	}
	p := m.state.Peering(pick(m, m.peerings))
	if p.Status == network.PeeringPending {
		m.do(m.who, network.AcceptPeering{Peering: p.ID})
	} else if m.chance(20) && p.Status == network.PeeringActive {
		m.do(m.who, network.DeletePeering{Peering: p.ID})
		m.peerings = append(m.peerings, network.PeeringID(m.do(m.who, network.RequestPeering{VPC: p.Requester.VPC, PeerVPC: p.Accepter.VPC})[0]))
	}
}

func (m *maze) regroup() {
	e := m.state.ENI(pick(m, m.enis))
	var own []network.GroupID
	for _, g := range m.groups {
		if m.state.SecurityGroup(g).VPC == e.VPC && m.chance(60) {
			own = append(own, g)
		}
	}
	_ = m.try(m.who, network.SetENIAttribute{ENI: e.ID, Groups: own})
}

// reassociate puts a subnet under another network ACL or route table of its VPC.
func (m *maze) reassociate() {
	n := m.state.Subnet(pick(m, m.subnets))
	if m.chance(50) {
		_ = m.try(m.who, network.ReplaceACLAssociation{Association: n.ACLAssociation, ACL: pick(m, m.acls)})
		return
	}
	if n.Table == "" {
		_ = m.try(m.who, network.AssociateTable{Table: pick(m, m.tables), Subnet: n.ID})
	} else {
		_ = m.try(m.who, network.DisassociateTable{Association: n.TableAssociation})
	}
}

// readdress gives an interface a second IPv4 address, or takes it away.
func (m *maze) readdress() {
	e := m.state.ENI(pick(m, m.enis))
	if len(e.Addrs) > 1 {
		m.do(m.who, network.UnassignAddrs{ENI: e.ID, Addrs: e.Addrs[1:]})
		return
	}
	a := e.Addrs[0].As4()
	a[3] += 100
	m.do(m.who, network.AssignAddrs{ENI: e.ID, Addrs: []netip.Addr{netip.AddrFrom4(a)}})
}

// addressesFor are those that a probe from one interface to another uses: of the
// asked one its newest.
func addressesFor(from, to *network.ENI, family int) (src, dst netip.Addr) {
	if family == 1 {
		return from.Addrs6[0], to.Addrs6[0]
	}
	return from.Addrs[0], to.Addrs[len(to.Addrs)-1]
}

// power stops a running machine, or starts a stopped one.
func (m *maze) power() {
	id := m.state.ENI(pick(m, m.enis)).Attachment.Instance
	ids := []network.InstanceID{id}
	if m.state.Instance(id).Runs() {
		m.do(m.who, network.StopInstances{Instances: ids})
		m.do(m.who, network.ReportStopped{Instance: id})
	} else {
		m.do(m.who, network.StartInstances{Instances: ids})
		m.do(m.who, network.ReportStarted{Instance: id})
	}
}

// change does a few random changes.
func (m *maze) change() {
	for range 1 + m.dice.IntN(6) {
		pick(m, []func(){m.addRoute, m.addRoute, m.cutRoute, m.addRule, m.addRule, m.cutRule, m.addEntry, m.cutEntry, m.movePeering, m.regroup, m.reassociate, m.readdress, m.power})()
	}
}
