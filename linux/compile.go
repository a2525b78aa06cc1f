package linux

import (
	"fmt"
	"slices"
	"strings"

	"tombolo/network"
)

// Compiler turns States into Desireds. It remembers what followed from which
// rows, so that a State in which little changed costs little; the result is the
// same as a new Compiler's with the same Book.
type Compiler struct {
	book   *Book
	memo   map[string]remembered
	stamps uint64
	last   *job

	listening bool  // all interfaces' flows are recorded
	side      uint8 // into this set
	room      int
}

// remembered is a unit and what it was made from: rows, by pointer, and values.
type remembered struct {
	from []any
	unit *unit
}

// NewCompiler is a Compiler that takes its numbers from book.
func NewCompiler(book *Book) *Compiler {
	return &Compiler{book: book, memo: map[string]remembered{}, room: flowRoom}
}

// Compile is what a kernel that was empty before shall hold for s.
func Compile(s network.State) *Desired {
	d := NewCompiler(NewBook()).Compile(s, nil)
	d.SetEpoch(V4, 1)
	d.SetEpoch(V6, 1)
	return d
}

// Compile is what the kernel shall hold for s, but with the interfaces in
// closed neither sending nor receiving. Its epochs are not set.
func (c *Compiler) Compile(s network.State, closed map[network.ENIID]bool) *Desired {
	if c.last != nil {
		c.last.out.base = nil // only the latest is ever asked for
		if d := c.follow(s, closed); d != nil {
			return d
		}
	}
	c.book.begin()
	j := &job{
		Compiler: c, s: s, closed: closed, heard: c.listening,
		out:    &Desired{units: map[string]*unit{}, ports: map[network.ENIID]*port{}, zones: map[network.VPCID][]uint16{}, tables: map[int]network.VPCID{}},
		fresh:  make(map[string]remembered, len(c.memo)),
		groups: map[network.GroupID]bool{}, lists: map[string]*groupList{}, members: map[network.GroupID]uint64{},
		acls: map[network.ACLID]bool{}, subnets: map[network.SubnetID]bool{}, vpcs: map[network.VPCID]*vpcUse{}, lowest: map[network.InstanceID]int{},
	}
	j.unit("base", nil, baseUnit)
	j.gather()
	j.compileVPCs()
	j.compilePorts()
	j.compileSubnets()
	j.compileGroups()
	j.compileACLs()
	j.compilePolicy()
	j.compileMeter()
	c.book.end()
	j.compileBook()
	c.memo = j.fresh
	j.zonesOfVPCs()
	c.last = j
	return j.out
}

// job is one compilation.
type job struct {
	*Compiler
	s      network.State
	closed map[network.ENIID]bool
	heard  bool // what the compiler's listening was
	out    *Desired
	fresh  map[string]remembered

	// What the open ports need; everything else of the State has no packets.
	ports   []*port
	groups  map[network.GroupID]bool
	members map[network.GroupID]uint64 // stands for the group's members and their addresses, once asked for
	lists   map[string]*groupList
	acls    map[network.ACLID]bool
	subnets map[network.SubnetID]bool
	vpcs    map[network.VPCID]*vpcUse
	tables  []tableUse
	lowest  map[network.InstanceID]int // device number of a running interface
	metered bool                       // flows of some port are recorded
	ledger  *ledger                    // once a change was followed
}

// unit gives the unit called name: the one made before when it was made from
// the same, else a new one. make must read nothing that is not in from.
func (j *job) unit(name string, from []any, make func() *unit) *unit {
	old, ok := j.made(name)
	if !ok || !slices.Equal(old.from, from) {
		old = remembered{from, make()}
	}
	j.fresh[name] = old
	for _, e := range old.unit.numbers {
		j.book.number(e.kind, e.name)
	}
	j.out.put(name, old.unit)
	return old.unit
}

// made is the unit of a name that was made last.
func (j *job) made(name string) (remembered, bool) {
	old, ok := j.fresh[name]
	if !ok {
		old, ok = j.memo[name]
	}
	return old, ok
}

// number is a number of the book that u speaks of.
func (j *job) number(u *unit, k kind, name string) uint32 {
	u.numbers = append(u.numbers, entry{k, name})
	return j.book.number(k, name)
}

// port is an interface that carries packets.
type port struct {
	eni      *network.ENI
	instance *network.Instance
	subnet   *network.Subnet
	vpc      *network.VPC
	number   uint32
	list     string
	recorded bool // its flows are recorded
}

// vpcUse is a VPC that has ports.
type vpcUse struct {
	vpc     *network.VPC
	table   uint32
	subnets []*network.Subnet
	peers   []peer // over active peerings, in order of peering
	across  []tableUse
}

// peer is a VPC on the other side of an active peering.
type peer struct {
	peering *network.Peering
	vpc     *network.VPC
}

// gather finds the open ports and what they need.
func (j *job) gather() {
	var closed []*port
	for e := range j.s.ENIs() {
		if e.Attachment == nil {
			continue
		}
		i := j.s.Instance(e.Attachment.Instance)
		if i == nil || !i.Runs() || i.Host != "" {
			continue
		}
		p := &port{eni: e, instance: i, subnet: j.s.Subnet(e.Subnet), vpc: j.s.VPC(e.VPC)}
		if p.subnet == nil || p.vpc == nil {
			continue
		}
		p.number = j.book.number(portKind, string(e.ID))
		if low, ok := j.lowest[i.ID]; !ok || e.Attachment.Device < low {
			j.lowest[i.ID] = e.Attachment.Device
		}
		if j.closed[e.ID] {
			closed = append(closed, p)
			continue
		}
		p.list = j.list(e)
		p.recorded = j.watched(e)
		j.metered = j.metered || p.recorded
		j.ports = append(j.ports, p)
		j.out.ports[e.ID] = p
		j.acls[p.subnet.ACL] = true
		j.use(p)
	}
	for _, p := range closed {
		j.closedPort(p)
	}
}

// use notes a port's VPC and subnet.
func (j *job) use(p *port) {
	v := j.vpcs[p.vpc.ID]
	if v == nil {
		v = &vpcUse{vpc: p.vpc, table: j.book.number(tableKind, string(p.vpc.ID))}
		v.peers = j.peersOf(p.vpc.ID)
		j.vpcs[p.vpc.ID] = v
	}
	if !j.subnets[p.subnet.ID] {
		j.subnets[p.subnet.ID] = true
		v.subnets = append(v.subnets, p.subnet)
	}
}

// peersOf are the VPCs on the other sides of a VPC's active peerings.
func (j *job) peersOf(id network.VPCID) []peer {
	var out []peer
	for q := range j.s.PeeringsWith(id) {
		if q.Status != network.PeeringActive {
			continue
		}
		if other := j.s.VPC(q.Other(id)); other != nil {
			out = append(out, peer{q, other})
		}
	}
	return out
}

// membersOf is a number that stands for a group's members and their addresses.
func (j *job) membersOf(id network.GroupID) uint64 {
	n, ok := j.members[id]
	if !ok {
		for e := range j.s.Members(id) {
			n = mix(n, j.stamp(e))
		}
		j.members[id] = n
	}
	return n
}

// mix makes one number of two, for fingerprints.
func mix(a, b uint64) uint64 { return (a^b)*0x9e3779b97f4a7c15 + b>>7 }

// stamp is a number that stands for an interface row: another row, another stamp.
func (j *job) stamp(e *network.ENI) uint64 {
	name := "stamp " + string(e.ID)
	old, ok := j.memo[name]
	if !ok || old.from[0] != any(e) {
		j.stamps++
		old = remembered{[]any{e, j.stamps}, nil}
	}
	j.fresh[name] = old
	return old.from[1].(uint64)
}

// zone is the conntrack zone of flows between two VPCs, or inside of one.
// It is a pair's own: a VPC may have two peers with the same addresses.
func (j *job) zone(u *unit, a, b network.VPCID) uint16 {
	if b < a {
		a, b = b, a
	}
	return uint16(j.number(u, zoneKind, fmt.Sprintf("%s %s", a, b)))
}

// list notes an interface's groups and gives their name as a list.
func (j *job) list(e *network.ENI) string {
	ids := make([]string, 0, len(e.Groups))
	for _, g := range e.Groups {
		ids = append(ids, string(g))
		j.groups[g] = true
	}
	slices.Sort(ids)
	name := listName(ids)
	if j.lists[name] == nil {
		l := &groupList{name: name}
		for _, id := range ids {
			l.groups = append(l.groups, j.s.SecurityGroup(network.GroupID(id)))
		}
		j.lists[name] = l
	}
	return name
}

// listName names the chains of a set of groups; nftables' names have a limit
// of 255 characters, and ENIs may have 16 groups.
func listName(ids []string) string {
	name := strings.Join(ids, ".")
	if len(name) > 200 {
		return "groups." + fingerprint(name)
	}
	return name
}

// zonesOfVPCs lists the zones that a VPC's flows are in.
func (j *job) zonesOfVPCs() {
	for e, n := range j.book.numbers {
		if e.kind != zoneKind {
			continue
		}
		a, b, _ := strings.Cut(e.name, " ")
		for _, id := range []string{a, b} {
			v := network.VPCID(id)
			if network.Kind(id) == "eni" {
				if x := j.s.ENI(network.ENIID(id)); x != nil {
					v = x.VPC
				}
			}
			if !slices.Contains(j.out.zones[v], uint16(n)) {
				j.out.zones[v] = append(j.out.zones[v], uint16(n))
			}
		}
	}
}
