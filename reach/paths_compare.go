package reach

import (
	"cmp"
	"iter"
	"slices"

	"tombolo/network"
	"tombolo/reach/space"
)

// Difference is what two States do not have in common between two interfaces.
type Difference struct {
	Source, Destination network.ENIID
	Opened              space.Set // what works only after
	Closed              space.Set // what worked only before
}

// Compare is what a change does: every pair of interfaces of which the one can ask
// something of the other in one State and not in the other, in order of the
// sources' IDs, then of the destinations'. Rows that are the same in both States
// are not looked at again, so that comparing costs what the change is large.
func Compare(before, after network.State) []Difference {
	c := comparison{
		before: newAtlas(before), after: newAtlas(after), states: [2]network.State{before, after},
		same: memo[network.ENIID]{}, alone: memo[network.ENIID]{}, vpcs: memo[network.VPCID]{}, groups: memo[network.GroupID]{}, members: memo[network.GroupID]{},
	}
	var out []Difference
	add := func(from, to network.ENIID) {
		was, is := c.before.worksBetween(from, to), c.after.worksBetween(from, to)
		if d := (Difference{from, to, is.Subtract(was), was.Subtract(is)}); !d.Opened.Empty() || !d.Closed.Empty() {
			out = append(out, d)
		}
	}
	for id := range c.all() {
		if c.clean(id) {
			continue
		}
		for _, other := range c.near(id) {
			add(id, other)
			if c.clean(other) {
				add(other, id) // else it has its own turn
			}
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Destination, b.Destination))
	})
	return out
}

// worksBetween is what one interface can ask of another; nothing when one of them
// is not there.
func (x *atlas) worksBetween(from, to network.ENIID) space.Set {
	f, d := x.endpoint(x.s.ENI(from)), x.endpoint(x.s.ENI(to))
	if f == nil || d == nil {
		return space.Set{}
	}
	flows, asked := x.flows(f, d)
	if asked.Empty() {
		return space.Set{}
	}
	return flows
}

// comparison is two States, and which interfaces are the same in both.
type comparison struct {
	before, after *atlas
	states        [2]network.State
	same, alone   memo[network.ENIID]   // with and without the middleboxes behind them
	vpcs          memo[network.VPCID]   // whose peerings are the same
	groups        memo[network.GroupID] // whose rules mean the same
	members       memo[network.GroupID] // that have the same members
}

// all are the interfaces of both States in order.
func (c *comparison) all() iter.Seq[network.ENIID] {
	ids := map[network.ENIID]bool{}
	for _, s := range c.states {
		for e := range s.ENIs() {
			ids[e.ID] = true
		}
	}
	return sortedKeys(ids)
}

func sortedKeys(ids map[network.ENIID]bool) iter.Seq[network.ENIID] {
	list := make([]network.ENIID, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	slices.Sort(list)
	return slices.Values(list)
}

// near are the interfaces that one may reach in either State, in order.
func (c *comparison) near(id network.ENIID) []network.ENIID {
	var out []network.ENIID
	for _, x := range []*atlas{c.before, c.after} {
		if e := x.s.ENI(id); e != nil {
			out = append(out, x.neighbours(e.VPC)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// neighbours are the IDs of near, kept.
func (x *atlas) neighbours(v network.VPCID) []network.ENIID {
	ids, ok := x.nearby[v]
	if !ok {
		for _, e := range x.near(v) {
			ids = append(ids, e.ID)
		}
		x.nearby[v] = ids
	}
	return ids
}

// clean reports whether all that decides about an interface's packets is the same
// in both States, that of the middleboxes included to which routes may lead them:
// then nothing has changed between it and another clean one.
func (c *comparison) clean(id network.ENIID) bool {
	return c.same.of(id, func() bool {
		seen := []network.ENIID{id}
		for i := 0; i < len(seen); i++ {
			if !c.alone.of(seen[i], func() bool { return c.equal(seen[i]) }) {
				return false
			}
			for _, r := range c.after.endpoint(c.states[1].ENI(seen[i])).domain.routes.Routes {
				if to, ok := r.To.(network.ToENI); ok && !slices.Contains(seen, to.ENI) {
					seen = append(seen, to.ENI)
				}
			}
		}
		return true
	})
}

// equal is clean without middleboxes. What is gone from a State is never the same.
func (c *comparison) equal(id network.ENIID) bool {
	b, a := c.before.endpoint(c.states[0].ENI(id)), c.after.endpoint(c.states[1].ENI(id))
	if b == nil || a == nil || b.ENI != a.ENI || b.up != a.up || b.domain.Subnet != a.domain.Subnet || b.domain.acl.acl != a.domain.acl.acl ||
		b.domain.vpc != a.domain.vpc || b.domain.routes.RouteTable != a.domain.routes.RouteTable {
		return false
	}
	return c.equalPeerings(a.VPC) && c.equalGroups(a.Groups)
}

// equalPeerings is also about what group references across them are worth, and
// about the blocks of the VPCs across.
func (c *comparison) equalPeerings(v network.VPCID) bool {
	return c.vpcs.of(v, func() bool {
		rows := func(s network.State) (out []*network.Peering) { return slices.Collect(s.PeeringsWith(v)) }
		was, is := rows(c.states[0]), rows(c.states[1])
		if !slices.Equal(was, is) {
			return false
		}
		return !slices.ContainsFunc(is, func(p *network.Peering) bool {
			other := p.Other(v)
			return c.states[0].VPC(other) != c.states[1].VPC(other)
		})
	})
}

// equalGroups looks at the rules of groups and at the members of those they name.
func (c *comparison) equalGroups(ids []network.GroupID) bool {
	for _, id := range ids {
		if !c.groups.of(id, func() bool { return c.equalGroup(id) }) {
			return false
		}
	}
	return true
}

func (c *comparison) equalGroup(id network.GroupID) bool {
	was, is := c.states[0].SecurityGroup(id), c.states[1].SecurityGroup(id)
	if was != is {
		return false
	}
	for _, r := range is.Rules {
		peer, ok := r.Peer.(network.PeerGroup)
		if ok && !c.members.of(peer.Group, func() bool { return c.equalMembers(peer.Group) }) {
			return false
		}
	}
	return true
}

func (c *comparison) equalMembers(id network.GroupID) bool {
	members := func(s network.State) []*network.ENI { return slices.Collect(s.Members(id)) }
	return (c.states[0].SecurityGroup(id) == nil) == (c.states[1].SecurityGroup(id) == nil) && slices.Equal(members(c.states[0]), members(c.states[1]))
}

// memo remembers an answer for each ID.
type memo[K comparable] map[K]bool

func (m memo[K]) of(id K, ask func() bool) bool {
	v, ok := m[id]
	if !ok {
		v = ask()
		m[id] = v
	}
	return v
}
