package randnet

import (
	"net/netip"

	"tombolo/network"
)

// Change does a few random operations. The model refuses some of them, which is
// all right.
func (n *Net) Change() {
	changes := []func(){
		n.addRoute, n.addRoute, n.cutRoute, n.addRule, n.addRule, n.cutRule, n.addEntry, n.cutEntry, n.movePeering,
		n.regroup, n.reassociate, n.readdress, n.power, n.addBoxRoute, n.localAgain, n.recheck, n.openAgain, n.replug,
	}
	for range 1 + n.dice.IntN(6) {
		pick(n, changes)()
	}
}

// block is a random range that means something here, of either family.
func (n *Net) block() netip.Prefix {
	v, s, e := n.State.VPC(pick(n, n.vpcs)), n.State.Subnet(pick(n, n.subnets)), n.State.ENI(pick(n, n.enis))
	blocks := append(v.Prefixes(), s.CIDR, worlds[0], worlds[1], netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.1.0/24"))
	if s.CIDR6().IsValid() {
		blocks = append(blocks, s.CIDR6())
	}
	for _, a := range e.AllAddrs() {
		blocks = append(blocks, netip.PrefixFrom(a, a.BitLen()))
	}
	return pick(n, blocks)
}

// service is a protocol and what of it.
type service struct {
	protocol network.Protocol
	ports    network.PortRange
}

var services = []service{
	{network.AnyProtocol, network.AnyPort}, {network.AnyProtocol, network.AnyPort}, {network.TCP, network.PortRange{From: 0, To: 65535}},
	{network.TCP, network.PortRange{From: 80, To: 80}}, {network.TCP, network.PortRange{From: 1, To: 1023}},
	{network.TCP, network.PortRange{From: 1024, To: 65535}}, {network.UDP, network.PortRange{From: 53, To: 53}},
	{network.UDP, network.PortRange{From: 50, To: 65535}}, {network.UDP, network.PortRange{From: 32768, To: 60999}},
	{network.ICMP, network.PortRange{From: -1, To: -1}}, {network.ICMP, network.PortRange{From: 8, To: -1}},
	{network.ICMP, network.PortRange{From: 8, To: 0}}, {network.ICMP, network.PortRange{From: 8, To: 1}}, {network.ICMP, network.PortRange{From: 0, To: 0}}, {network.ICMPv6, network.PortRange{From: 128, To: -1}},
	{network.ICMPv6, network.PortRange{From: -1, To: -1}}, {47, network.AnyPort},
}

func (n *Net) addRoute() {
	t, dst := n.State.RouteTable(pick(n, n.tables)), n.block()
	var to network.Target
	switch {
	case len(n.peerings) > 0 && n.chance(85):
		to = network.ToPeering{Peering: pick(n, n.peerings)}
	case len(n.gateways) > 0 && n.chance(50):
		to = network.ToGateway{Gateway: pick(n, n.gateways)}
	case len(n.idle) > 0:
		to = network.ToENI{ENI: pick(n, n.idle)}
	default:
		to = network.ToENI{ENI: pick(n, n.enis)}
	}
	n.route(t, dst, to)
}

// route makes a route, or, sometimes, changes the one that is there.
func (n *Net) route(t *network.RouteTable, dst netip.Prefix, to network.Target) {
	who := callerOf(t.Home)
	if !n.try(who, network.CreateRoute{Table: t.ID, Dst: dst, To: to}) && n.chance(25) {
		n.try(who, network.ReplaceRoute{Table: t.ID, Dst: dst, To: to})
	}
}

// addBoxRoute leads a subnet of a middlebox's VPC, the world or something else to
// it, and sometimes to a machine that takes nothing but its own.
func (n *Net) addBoxRoute() {
	from := n.enis
	if len(n.boxes) > 0 && n.chance(80) {
		from = n.boxes
	}
	box := n.State.ENI(pick(n, from))
	for _, id := range n.tables {
		if t := n.State.RouteTable(id); t.VPC == box.VPC && n.chance(70) {
			n.route(t, n.inside(box.VPC), network.ToENI{ENI: box.ID})
		}
	}
}

// inside is the range of a VPC's subnet or block, or now and then any.
func (n *Net) inside(v network.VPCID) netip.Prefix {
	if n.chance(25) {
		return n.block()
	}
	blocks := n.State.VPC(v).Prefixes()
	for s := range n.State.SubnetsIn(v) {
		blocks = append(blocks, s.CIDR, s.CIDR)
		if s.CIDR6().IsValid() {
			blocks = append(blocks, s.CIDR6())
		}
	}
	return pick(n, blocks)
}

// localAgain restores the local routes of a table, so that not all traffic ends
// at middleboxes.
func (n *Net) localAgain() {
	t := n.State.RouteTable(pick(n, n.tables))
	for _, r := range t.Routes {
		if _, local := r.To.(network.ToLocal); local {
			continue
		}
		if r.Origin == network.OriginTable {
			n.try(callerOf(t.Home), network.ReplaceRoute{Table: t.ID, Dst: r.Dst, To: network.ToLocal{}})
		} else if _, box := r.To.(network.ToENI); box {
			n.try(callerOf(t.Home), network.DeleteRoute{Table: t.ID, Dst: r.Dst})
		}
	}
}

func (n *Net) cutRoute() {
	t := n.State.RouteTable(pick(n, n.tables))
	n.try(callerOf(t.Home), network.DeleteRoute{Table: t.ID, Dst: pick(n, t.Routes).Dst})
}

func (n *Net) addRule() {
	g := n.State.SecurityGroup(pick(n, n.groups))
	s := pick(n, services)
	spec := network.RuleSpec{Egress: n.chance(25), Protocol: s.protocol, Ports: s.ports, Peer: network.PeerCIDR{CIDR: n.block()}}
	if n.chance(30) {
		other := n.State.SecurityGroup(pick(n, n.groups))
		spec.Peer = network.PeerGroup{Group: other.ID, Owner: other.Owner}
	}
	n.try(callerOf(g.Home), network.AuthorizeRules{Group: g.ID, Egress: spec.Egress, Rules: []network.RuleSpec{spec}})
}

func (n *Net) cutRule() {
	g := n.State.SecurityGroup(pick(n, n.groups))
	if len(g.Rules) > 0 {
		r := pick(n, g.Rules)
		n.try(callerOf(g.Home), network.RevokeRules{Group: g.ID, Egress: r.Egress, IDs: []network.RuleID{r.ID}})
	}
}

// openAgain puts back what an open network has and changes take away.
func (n *Net) openAgain() { n.openUpAgain(pick(n, n.groups)) }

func (n *Net) openUpAgain(id network.GroupID) {
	who := callerOf(n.State.SecurityGroup(id).Home)
	for _, world := range worlds {
		rule := network.RuleSpec{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerCIDR{CIDR: world}}
		n.try(who, network.AuthorizeRules{Group: id, Rules: []network.RuleSpec{rule}})
		n.try(who, network.AuthorizeRules{Group: id, Egress: true, Rules: []network.RuleSpec{rule}})
	}
}

func (n *Net) addEntry() {
	acl := n.State.ACL(pick(n, n.acls))
	s := pick(n, services)
	n.try(callerOf(acl.Home), network.CreateACLEntry{ACL: acl.ID, Entry: network.ACLEntry{
		Number: 1 + n.dice.IntN(99), Egress: n.chance(50), Allow: n.chance(40), Protocol: s.protocol, Ports: s.ports, CIDR: n.block()}})
}

func (n *Net) cutEntry() {
	acl := n.State.ACL(pick(n, n.acls))
	for range 2 {
		if len(acl.Entries) > 0 {
			e := pick(n, acl.Entries)
			if e.Number < 100 || n.chance(15) {
				n.try(callerOf(acl.Home), network.DeleteACLEntry{ACL: acl.ID, Number: e.Number, Egress: e.Egress})
			}
		}
	}
}

// movePeering accepts a pending peering; an active one it sometimes deletes, and
// mostly asks for again.
func (n *Net) movePeering() {
	if len(n.peerings) == 0 {
		return
	}
	p := n.State.Peering(pick(n, n.peerings))
	switch {
	case p.Status == network.PeeringPending:
		n.try(callerOf(p.Accepter.Home), network.AcceptPeering{Peering: p.ID})
	case p.Status == network.PeeringActive && n.chance(35):
		n.do(callerOf(p.Requester.Home), network.DeletePeering{Peering: p.ID})
		if n.chance(70) {
			n.addPeering(p.Requester.VPC, p.Accepter.VPC)
		}
	}
}

func (n *Net) regroup() {
	e := n.State.ENI(pick(n, n.enis))
	var own []network.GroupID
	for _, g := range n.groups {
		if n.State.SecurityGroup(g).VPC == e.VPC && n.chance(60) {
			own = append(own, g)
		}
	}
	n.try(callerOf(e.Home), network.SetENIAttribute{ENI: e.ID, Groups: own})
}

// reassociate puts a subnet under another network ACL or route table of its VPC.
func (n *Net) reassociate() {
	s := n.State.Subnet(pick(n, n.subnets))
	who := callerOf(s.Home)
	switch {
	case n.chance(50):
		n.try(who, network.ReplaceACLAssociation{Association: s.ACLAssociation, ACL: pick(n, n.acls)})
	case s.Table == "":
		n.try(who, network.AssociateTable{Table: pick(n, n.tables), Subnet: s.ID})
	default:
		n.try(who, network.DisassociateTable{Association: s.TableAssociation})
	}
}

// readdress gives an interface a second IPv4 address, or takes it away.
func (n *Net) readdress() {
	e := n.State.ENI(pick(n, n.enis))
	if len(e.Addrs) > 1 {
		n.do(callerOf(e.Home), network.UnassignAddrs{ENI: e.ID, Addrs: e.Addrs[1:]})
		return
	}
	a := e.Addrs[0].As4()
	a[3] ^= 0x40
	n.try(callerOf(e.Home), network.AssignAddrs{ENI: e.ID, Addrs: []netip.Addr{netip.AddrFrom4(a)}})
}

// power stops a running machine, or starts a stopped one.
func (n *Net) power() {
	id := n.State.ENI(pick(n, n.enis)).Attachment.Instance
	i := n.State.Instance(id)
	who, ids := callerOf(i.Home), []network.InstanceID{id}
	if i.Runs() && n.chance(60) {
		n.do(who, network.StopInstances{Instances: ids})
		n.do(who, network.ReportStopped{Instance: id})
	} else if !i.Runs() {
		n.do(who, network.StartInstances{Instances: ids})
		n.do(who, network.ReportStarted{Instance: id})
	}
}

// recheck switches the source/destination check of an interface.
func (n *Net) recheck() {
	from := n.enis
	if len(n.boxes) > 0 && n.chance(60) {
		from = n.boxes
	}
	e := n.State.ENI(pick(n, from))
	check := !e.SourceDestCheck
	n.do(callerOf(e.Home), network.SetENIAttribute{ENI: e.ID, SourceDestCheck: &check})
}

// replug unplugs a second interface, or plugs an idle one in.
func (n *Net) replug() {
	if len(n.idle) > 0 && n.chance(50) {
		n.plug(pick(n, n.idle))
		return
	}
	for i, id := range n.enis {
		e := n.State.ENI(id)
		if e.Attachment.Device == 0 {
			continue
		}
		if n.try(callerOf(e.Home), network.DetachENI{Attachment: e.Attachment.ID}) {
			n.enis = append(n.enis[:i:i], n.enis[i+1:]...)
			n.idle = append(n.idle, id)
		}
		return
	}
}
