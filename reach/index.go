package reach

import (
	"net/netip"

	"tombolo/network"
)

// Index answers questions about one State. It keeps what it has looked up, so it
// serves one goroutine at a time, and the second question costs less than the
// first.
type Index struct {
	s        network.State
	faces    map[network.ENIID]*face
	subnets  map[network.SubnetID]*subnet
	places   map[place]*face
	peerings map[network.PeeringID]*crossing
	joins    map[join]joint
	groups   map[network.GroupID]*network.SecurityGroup
}

// NewIndex costs nothing: rows are looked up when a question needs them.
func NewIndex(s network.State) *Index {
	return &Index{
		s: s, faces: map[network.ENIID]*face{}, subnets: map[network.SubnetID]*subnet{}, places: map[place]*face{},
		peerings: map[network.PeeringID]*crossing{}, joins: map[join]joint{}, groups: map[network.GroupID]*network.SecurityGroup{},
	}
}

// State is what the Index is of.
func (x *Index) State() network.State { return x.s }

// face is an interface with the rows that decide about its packets.
type face struct {
	*network.ENI
	instance *network.Instance // nil when it is plugged into nothing
	subnet   *subnet
	groups   []*network.SecurityGroup
}

// up is whether packets can leave and reach the interface at all.
func (f *face) up() bool { return f.instance != nil && f.instance.Runs() }

// has is ENI.Has without making a list.
func (f *face) has(a netip.Addr) bool {
	addrs := f.Addrs
	if !a.Is4() {
		addrs = f.Addrs6
	}
	for _, own := range addrs {
		if own == a {
			return true
		}
	}
	return false
}

// subnet is a subnet with what stands at its edge.
type subnet struct {
	*network.Subnet
	vpc     *network.VPC
	acl     *network.ACL
	in, out []network.ACLEntry // by number
	table   *network.RouteTable
}

// place is an address in a VPC: addresses alone name nothing, VPCs may overlap.
type place struct {
	vpc  network.VPCID
	addr netip.Addr
}

// crossing is a peering and its VPCs; nil where they no longer exist.
type crossing struct {
	*network.Peering
	requester, accepter *network.VPC
}

// other is the VPC across from v.
func (c *crossing) other(v network.VPCID) *network.VPC {
	if c.Requester.VPC == v {
		return c.accepter
	}
	return c.requester
}

// join is a pair of VPCs, joint what connects them.
type (
	join  struct{ a, b network.VPCID }
	joint struct {
		active  *network.Peering
		pending *network.Peering // asked for and not yet accepted, by either
	}
)

func (x *Index) face(id network.ENIID) *face {
	if f, ok := x.faces[id]; ok {
		return f
	}
	var f *face
	if row := x.s.ENI(id); row != nil {
		f = &face{ENI: row, subnet: x.subnet(row.Subnet)}
		if row.Attachment != nil {
			f.instance = x.s.Instance(row.Attachment.Instance)
		}
		for _, g := range row.Groups {
			f.groups = append(f.groups, x.group(g))
		}
	}
	x.faces[id] = f
	return f
}

func (x *Index) subnet(id network.SubnetID) *subnet {
	if n, ok := x.subnets[id]; ok {
		return n
	}
	row := x.s.Subnet(id)
	n := &subnet{Subnet: row, vpc: x.s.VPC(row.VPC), acl: x.s.ACL(row.ACL), table: x.s.TableOf(row)}
	// An ACL lists its ingress entries first, each direction by number.
	split := 0
	for split < len(n.acl.Entries) && !n.acl.Entries[split].Egress {
		split++
	}
	n.in, n.out = n.acl.Entries[:split], n.acl.Entries[split:]
	x.subnets[id] = n
	return n
}

// at is the interface of a VPC that has an address; nil when none has.
func (x *Index) at(v network.VPCID, a netip.Addr) *face {
	key := place{v, a}
	if f, ok := x.places[key]; ok {
		return f
	}
	var f *face
	if row := x.s.ENIWith(v, a); row != nil {
		f = x.face(row.ID)
	}
	x.places[key] = f
	return f
}

func (x *Index) group(id network.GroupID) *network.SecurityGroup {
	g, ok := x.groups[id]
	if !ok {
		g = x.s.SecurityGroup(id)
		x.groups[id] = g
	}
	return g
}

func (x *Index) peering(id network.PeeringID) *crossing {
	c, ok := x.peerings[id]
	if !ok {
		if p := x.s.Peering(id); p != nil {
			c = &crossing{p, x.s.VPC(p.Requester.VPC), x.s.VPC(p.Accepter.VPC)}
		}
		x.peerings[id] = c
	}
	return c
}

// joint is what connects two VPCs directly: peering is not transitive, so
// nothing else can.
func (x *Index) joint(a, b network.VPCID) joint {
	key := join{a, b}
	if j, ok := x.joins[key]; ok {
		return j
	}
	var j joint
	for p := range x.s.PeeringsWith(a) {
		switch {
		case p.Other(a) != b:
		case p.Status == network.PeeringActive:
			j.active = p
		case p.Status.Live() && j.pending == nil:
			j.pending = p
		}
	}
	x.joins[key] = j
	return j
}

// ask whether a group reference counts: the group exists, in the same VPC or in
// one that an active peering joins to it (AWS: Update your security groups to
// reference peer security groups; Work with stale security group rules).
func (x *Index) refers(g *network.SecurityGroup, peer network.PeerGroup) *network.SecurityGroup {
	other := x.group(peer.Group)
	if other == nil || other.VPC != g.VPC && x.joint(g.VPC, other.VPC).active == nil {
		return nil
	}
	return other
}

// Owners are the interfaces of an account that have an address, in order of ID:
// more than one where VPCs overlap.
func (x *Index) Owners(account network.Account, a netip.Addr) []network.ENIID {
	var out []network.ENIID
	for v := range x.s.VPCs() {
		if v.Owner != account || !v.Contains(a) {
			continue
		}
		if f := x.at(v.ID, a); f != nil {
			out = append(out, f.ID)
		}
	}
	return out
}
