package linux

import (
	"maps"
	"reflect"
	"slices"

	"tombolo/network"
)

// follow is Compile where the State tells what was changed since the last one that
// was compiled, and that is what people change while packets flow: rules of groups
// and ACLs, routes, which groups an interface is in, peerings between VPCs of one
// Region. What it costs does not depend on how many interfaces there are, but for
// a copy of their list. It is nil where that is not known, or more changed.
func (c *Compiler) follow(s network.State, closed map[network.ENIID]bool) *Desired {
	last := c.last
	changes := s.Changes()
	// A later op that changed nothing would show no changes here.
	if s.Since() != last.s.Generation || len(changes) == 0 || !maps.Equal(closed, last.closed) || c.listening != last.heard {
		return nil
	}
	var t touched
	seen := map[string]bool{}
	for _, x := range changes {
		if x.Row != nil && seen[x.Key] {
			continue
		}
		seen[x.Key] = true
		if !t.add(last, s, x.Row) {
			return nil
		}
	}
	j := *last
	j.s, j.fresh = s, c.memo
	out := *last.out
	out.units, out.base, out.delta = maps.Clone(last.out.units), last.out, nil
	j.out = &out
	if j.ledger == nil {
		j.ledger = newLedger(last)
	}
	version := j.book.version
	j.retouch(&t)
	j.sweep()
	if j.book.version != version {
		j.out.zones = map[network.VPCID][]uint16{}
		j.zonesOfVPCs()
		j.compileBook()
	}
	c.last = &j
	return j.out
}

// touched is what an op has changed, as far as it can be followed.
type touched struct {
	groups  []network.GroupID
	acls    []network.ACLID
	tables  []*network.RouteTable
	vpcs    []network.VPCID // whose peerings changed
	members []regrouped
}

// regrouped is an interface whose groups changed.
type regrouped struct{ was, is *network.ENI }

// add notes a row that was written; false is that it can't be followed. What counts
// is the row as it is now: it may have been written again. A deleted one is nil,
// and can't be followed.
func (t *touched) add(last *job, s network.State, row any) bool {
	switch row := row.(type) {
	case *network.SecurityGroup:
		t.groups = append(t.groups, row.ID)
		return last.s.SecurityGroup(row.ID) != nil
	case *network.ACL:
		t.acls = append(t.acls, row.ID)
		return last.s.ACL(row.ID) != nil
	case *network.RouteTable:
		t.tables = append(t.tables, row)
		return last.s.RouteTable(row.ID) != nil && !forwards(last.s, row.VPC) && !forwards(s, row.VPC)
	case *network.Peering:
		is := s.Peering(row.ID)
		return is != nil && t.addPeering(last, is)
	case *network.ENI:
		was, is := last.s.ENI(row.ID), s.ENI(row.ID)
		if was == nil || is == nil {
			return false
		}
		t.members = append(t.members, regrouped{was, is})
		same := *is
		same.Groups = was.Groups
		return reflect.DeepEqual(&same, was)
	case *network.TagSet, *network.Token, *network.World, *network.KeyPair, *network.LaunchTemplate, *network.Address, *network.DHCPOptions, *network.InsightsPath, *network.InsightsAnalysis,
		*network.AccessScope, *network.AccessScopeAnalysis:
		return true // no packet meets them
	}
	return false
}

// forwards reports whether a table of the VPC leads to an interface: whose packets
// take that way rests on more than one table.
func forwards(s network.State, v network.VPCID) bool {
	for t := range s.RouteTablesIn(v) {
		for _, r := range t.Routes {
			if _, ok := r.To.(network.ToENI); ok {
				return true
			}
		}
	}
	return false
}

// addPeering follows a peering that is not active, which nothing rests on, and one
// that becomes active or ends when the tables of addresses stay: both VPCs have open
// interfaces and so a table each, and packets need no other MTU in between.
func (t *touched) addPeering(last *job, p *network.Peering) bool {
	was := last.s.Peering(p.ID)
	if p.Status != network.PeeringActive && (was == nil || was.Status != network.PeeringActive) {
		return true
	}
	for _, id := range []network.VPCID{p.Requester.VPC, p.Accepter.VPC} {
		if v := last.vpcs[id]; v == nil || len(v.subnets) == 0 {
			return false
		}
		t.vpcs = append(t.vpcs, id)
	}
	return !crossesRegions(p)
}

// retouch makes again what rests on what was touched.
func (j *job) retouch(t *touched) {
	for _, m := range t.members {
		j.regroup(m.was, m.is, &t.groups)
	}
	for _, id := range t.vpcs {
		v := *j.vpcs[id]
		v.peers = j.peersOf(id)
		j.vpcs[id] = &v
	}
	for _, id := range t.vpcs {
		for n := range j.s.SubnetsIn(id) {
			j.recompileSubnet(n)
		}
		for g := range j.s.SecurityGroupsIn(id) {
			t.groups = append(t.groups, g.ID)
		}
	}
	for _, table := range t.tables {
		for n := range j.s.SubnetsIn(table.VPC) {
			if at := j.s.TableOf(n); at != nil && at.ID == table.ID {
				j.recompileSubnet(n)
			}
		}
	}
	slices.Sort(t.groups)
	for _, id := range slices.Compact(t.groups) {
		if j.groups[id] {
			j.compileGroup(id)
			j.compileListsOf(id)
		}
	}
	for _, id := range t.acls {
		if j.acls[id] {
			j.compileACL(id)
		}
	}
}

func (j *job) recompileSubnet(n *network.Subnet) {
	if j.subnets[n.ID] {
		j.compileSubnet(n.ID)
	}
}

// regroup follows an interface into the groups that it is in now, and notes those
// whose rules speak of a group that it has left or joined.
func (j *job) regroup(was, e *network.ENI, touched *[]network.GroupID) {
	for _, id := range slices.Concat(was.Groups, e.Groups) {
		delete(j.members, id)
		for g := range j.s.GroupsReferring(id) {
			*touched = append(*touched, g.ID)
		}
	}
	old := j.out.ports[e.ID]
	if old == nil {
		return
	}
	p := *old
	p.eni, p.list = e, j.list(e)
	j.ports, j.out.ports = slices.Clone(j.ports), maps.Clone(j.out.ports)
	j.ports[slices.Index(j.ports, old)] = &p
	j.out.ports[e.ID] = &p
	j.compilePort(&p)
	j.ledger.plug(&p, 1)
	j.ledger.plug(old, -1)
	*touched = append(*touched, e.Groups...)
	j.compileList(j.lists[p.list])
	if j.ledger.lists[old.list] == 0 {
		delete(j.ledger.lists, old.list)
		delete(j.lists, old.list)
		j.remove("list " + old.list)
	}
	for _, id := range was.Groups {
		if j.ledger.groups[id] == 0 {
			delete(j.ledger.groups, id)
			delete(j.groups, id)
			j.remove(string(id))
		}
	}
}

// compileListsOf makes the chains of the lists that a group is in.
func (j *job) compileListsOf(id network.GroupID) {
	for name, l := range j.lists {
		i := slices.IndexFunc(l.groups, func(g *network.SecurityGroup) bool { return g != nil && g.ID == id })
		if i < 0 {
			continue
		}
		next := &groupList{name, slices.Clone(l.groups)}
		next.groups[i] = j.s.SecurityGroup(id)
		j.lists[name] = next
		j.compileList(next)
	}
}
