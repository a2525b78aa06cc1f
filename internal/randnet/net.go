package randnet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"tombolo/network"
)

// Net is one random network: a few accounts of a Site's State.
type Net struct {
	*Site
	dice     *rand.Rand
	number   int
	home     network.Caller
	vpcs     []network.VPCID
	subnets  []network.SubnetID
	enis     []network.ENIID // plugged into an instance, which may be stopped
	idle     []network.ENIID // plugged into nothing
	boxes    []network.ENIID // those of enis that are made to forward
	tables   []network.RouteTableID
	acls     []network.ACLID
	groups   []network.GroupID
	peerings []network.PeeringID
	gateways []network.GatewayID
	ops      []network.Op
}

// New is a random network with a State of its own.
func New(seed uint64) *Net { return new(Site).Add(seed) }

// Add builds one more random network beside those that are there.
func (s *Site) Add(seed uint64) *Net {
	n := &Net{Site: s, number: s.nets, dice: rand.New(rand.NewPCG(seed, 0x7042))}
	s.nets++
	n.home = n.account(0)
	n.addVPCs()
	n.addPeerings()
	n.openUp()
	for range 12 {
		n.addRoute()
		n.addRule()
	}
	for range 5 {
		n.addEntry()
	}
	for range 3 {
		n.Change()
	}
	return n
}

// ENIs are the interfaces that are plugged into an instance.
func (n *Net) ENIs() []network.ENIID { return n.enis }

// Ops are the operations that made the network, in order: Replay makes it alone.
func (n *Net) Ops() []network.Op { return slices.Clone(n.ops) }

// account is one of the callers that own parts of the network.
func (n *Net) account(which int) network.Caller {
	region := network.Region("us-east-1")
	if which == 2 {
		region = "eu-west-1"
	}
	return network.Caller{Account: network.Account(fmt.Sprintf("%d%08d%03d", 2, n.number, which)), Region: region}
}

func zonesOf(who network.Caller) []string { return []string{string(who.Region) + "a"} }

// do applies what the model must accept: if it does not, the generator is wrong.
func (n *Net) do(who network.Caller, r network.Request) []string {
	ops, made, err := n.Site.try(who, r)
	if err != nil {
		panic(fmt.Sprintf("unreachable: %T %+v: %v", r, r, err))
	}
	n.ops = append(n.ops, ops...)
	return made
}

// try applies what the model may refuse.
func (n *Net) try(who network.Caller, r network.Request) bool {
	ops, _, err := n.Site.try(who, r)
	n.ops = append(n.ops, ops...)
	return err == nil
}

func (n *Net) chance(percent int) bool { return n.dice.IntN(100) < percent }

func pick[T any](n *Net, from []T) T { return from[n.dice.IntN(len(from))] }

func callerOf(h network.Home) network.Caller {
	return network.Caller{Account: h.Owner, Region: h.Region}
}

func (n *Net) ownerOf(id network.VPCID) network.Caller { return callerOf(n.State.VPC(id).Home) }

// ranges are the VPCs' blocks: each occurs twice, so that a VPC may have two peers
// with the same addresses, and strangers share them.
var ranges = []string{"10.0.0.0/16", "10.1.0.0/16", "192.168.0.0/20", "10.0.0.0/16", "10.1.0.0/16"}

func (n *Net) addVPCs() {
	n.do(n.home, network.OpenWorld{Zones: zonesOf(n.home)})
	var blocks []netip.Prefix
	for _, i := range n.dice.Perm(len(ranges))[:3] {
		blocks = append(blocks, netip.MustParsePrefix(ranges[i]))
	}
	for i, block := range blocks {
		who := n.home
		// One VPC may be somebody else's, or in another Region.
		if i == 2 && n.chance(30) {
			who = n.account(1 + n.dice.IntN(2))
			n.do(who, network.OpenWorld{Zones: zonesOf(who)})
		}
		n.addVPC(who, block)
	}
	if n.chance(40) {
		n.useDefaultVPC()
	}
}

func (n *Net) addVPC(who network.Caller, block netip.Prefix) {
	id := network.VPCID(n.do(who, network.CreateVPC{CIDR: block, Amazon6: n.chance(90)})[0])
	first := n.blockAt(block, 1, 24)
	second := n.blockAt(block, 2, 24)
	if n.chance(20) {
		extra := netip.MustParsePrefix("100.64.0.0/24")
		if n.try(who, network.AssociateVPCBlock{VPC: id, CIDR: extra}) {
			second = extra
		}
	}
	n.populate(id, []netip.Prefix{first, second})
}

// useDefaultVPC makes the default VPC, with its gateway, part of the network.
func (n *Net) useDefaultVPC() {
	v := n.State.DefaultVPC(n.home)
	for g := range n.State.GatewaysOf(n.home) {
		n.gateways = append(n.gateways, g.ID)
	}
	// Its only subnet is there already.
	n.register(v)
	for s := range n.State.SubnetsIn(v.ID) {
		n.subnets = append(n.subnets, s.ID)
		n.addMachine(s.ID, 10)
	}
}

func (n *Net) blockAt(block netip.Prefix, place byte, bits int) netip.Prefix {
	b := block.Addr().As4()
	b[2] += place
	return netip.PrefixFrom(netip.AddrFrom4(b), bits)
}

// register notes what a VPC was made with and gives it two groups.
func (n *Net) register(v *network.VPC) {
	n.vpcs = append(n.vpcs, v.ID)
	n.tables = append(n.tables, v.MainTable)
	n.acls = append(n.acls, v.DefaultACL)
	for i := range 2 {
		g := n.do(callerOf(v.Home), network.CreateSecurityGroup{VPC: v.ID, Name: fmt.Sprintf("g%d", i), Description: "random"})[0]
		n.groups = append(n.groups, network.GroupID(g))
	}
}

func (n *Net) populate(id network.VPCID, blocks []netip.Prefix) {
	v := n.State.VPC(id)
	who := callerOf(v.Home)
	n.register(v)
	for place, block := range blocks {
		req := network.CreateSubnet{VPC: id, CIDR: block, Zone: zonesOf(who)[0], Zones: zonesOf(who)}
		if len(v.Blocks6) > 0 && n.chance(90) {
			six := v.Blocks6[0].CIDR.Addr().As16()
			six[7] = byte(place)
			req.CIDR6 = netip.PrefixFrom(netip.AddrFrom16(six), 64)
		}
		subnet := network.SubnetID(n.do(who, req)[0])
		n.subnets = append(n.subnets, subnet)
		for host := range 1 + n.dice.IntN(2) {
			n.addMachine(subnet, byte(10+host))
		}
	}
	last := n.subnets[len(n.subnets)-1]
	n.addOwnTable(v, last)
	if n.chance(40) {
		n.addBox(last)
	}
	idle := n.do(who, network.CreateENI{ENISpec: n.spec(last, 200)})[0]
	n.idle = append(n.idle, network.ENIID(idle))
	if n.chance(30) {
		n.plug(network.ENIID(idle))
	}
}

// addOwnTable gives a subnet, sometimes, a table and an ACL of its own; the ACL
// begins like the default one.
func (n *Net) addOwnTable(v *network.VPC, subnet network.SubnetID) {
	who := callerOf(v.Home)
	if n.chance(50) {
		t := network.RouteTableID(n.do(who, network.CreateRouteTable{VPC: v.ID})[0])
		n.do(who, network.AssociateTable{Table: t, Subnet: subnet})
		n.tables = append(n.tables, t)
	}
	if n.chance(50) {
		acl := network.ACLID(n.do(who, network.CreateACL{VPC: v.ID})[0])
		n.do(who, network.ReplaceACLAssociation{Association: n.State.Subnet(subnet).ACLAssociation, ACL: acl})
		n.acls = append(n.acls, acl)
		for i, p := range worlds {
			for _, egress := range []bool{true, false} {
				n.do(who, network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 1000 + i, Egress: egress, Allow: true,
					Protocol: network.AnyProtocol, CIDR: p, Ports: network.AnyPort}})
			}
		}
	}
}

var worlds = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// spec is an interface at a host number of a subnet, in one or both of its VPC's
// groups.
func (n *Net) spec(subnet network.SubnetID, host byte) network.ENISpec {
	s := n.State.Subnet(subnet)
	var groups []network.GroupID
	for _, g := range n.groups {
		if n.State.SecurityGroup(g).VPC == s.VPC {
			groups = append(groups, g)
		}
	}
	if n.chance(70) {
		groups = []network.GroupID{pick(n, groups)}
	}
	four := s.CIDR.Addr().As4()
	four[3] = host
	spec := network.ENISpec{Subnet: subnet, Addrs: []netip.Addr{netip.AddrFrom4(four)}, Groups: groups}
	if s.CIDR6().IsValid() {
		six := s.CIDR6().Addr().As16()
		six[15] = host
		spec.Addrs6 = []netip.Addr{netip.AddrFrom16(six)}
	}
	return spec
}

func (n *Net) addMachine(subnet network.SubnetID, host byte) network.ENIID {
	made := n.do(callerOf(n.State.Subnet(subnet).Home), network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro",
		Interfaces: []network.InterfaceSpec{{New: n.spec(subnet, host)}}})
	id := network.InstanceID(made[1])
	n.do(callerOf(n.State.Instance(id).Home), network.ReportStarted{Instance: id})
	var eni network.ENIID
	for e := range n.State.ENIsAt(id) {
		eni = e.ID
	}
	n.enis = append(n.enis, eni)
	return eni
}

// addBox adds a machine without source/destination check, and a route to it.
func (n *Net) addBox(subnet network.SubnetID) {
	off := false
	id := n.addMachine(subnet, 99)
	e := n.State.ENI(id)
	n.do(callerOf(e.Home), network.SetENIAttribute{ENI: id, SourceDestCheck: &off})
	n.boxes = append(n.boxes, id)
	n.addBoxRoute()
}

// plug makes an idle interface the second one of an instance of its zone.
func (n *Net) plug(id network.ENIID) {
	e := n.State.ENI(id)
	for _, other := range n.enis {
		o := n.State.ENI(other)
		if o.VPC == e.VPC && n.try(callerOf(e.Home), network.AttachENI{ENI: id, Instance: o.Attachment.Instance, Device: 1}) {
			n.idle = slices.DeleteFunc(n.idle, func(i network.ENIID) bool { return i == id })
			n.enis = append(n.enis, id)
			return
		}
	}
}

func (n *Net) addPeerings() {
	for i, a := range n.vpcs {
		for _, b := range n.vpcs[i+1:] {
			if n.chance(90) {
				n.addPeering(a, b)
			}
		}
	}
}

// addPeering asks for one and usually accepts it. VPCs that overlap get one that
// has failed.
func (n *Net) addPeering(a, b network.VPCID) {
	from, to := n.ownerOf(a), n.ownerOf(b)
	made := n.do(from, network.RequestPeering{VPC: a, PeerVPC: b, PeerOwner: to.Account, PeerRegion: to.Region})
	p := network.PeeringID(made[0])
	if !slices.Contains(n.peerings, p) {
		n.peerings = append(n.peerings, p)
	}
	if n.State.Peering(p).Status == network.PeeringPending && n.chance(88) {
		n.do(to, network.AcceptPeering{Peering: p})
	}
}

// openUp adds most of the routes and rules that a sensible person would.
func (n *Net) openUp() {
	for _, id := range n.tables {
		t := n.State.RouteTable(id)
		for _, p := range n.peerings {
			other := n.State.VPC(n.State.Peering(p).Other(t.VPC))
			if other == nil {
				continue
			}
			for _, dst := range other.Prefixes() {
				if n.chance(85) {
					n.try(n.ownerOf(t.VPC), network.CreateRoute{Table: id, Dst: dst, To: network.ToPeering{Peering: p}})
				}
			}
		}
	}
	for _, g := range n.groups {
		for _, world := range worlds {
			if n.chance(60) {
				rule := network.RuleSpec{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerCIDR{CIDR: world}}
				n.do(callerOf(n.State.SecurityGroup(g).Home), network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{rule}})
			}
		}
	}
}
