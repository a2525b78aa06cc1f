package linux

import (
	"maps"
	"slices"

	"tombolo/network"
)

// follow is Compile where the State is one op later than the last one compiled
// and that op changed nothing but the rules of groups and ACLs, which is what
// people change while packets flow: what it costs does not depend on how many
// interfaces there are. It is nil where that is not known to be so.
func (c *Compiler) follow(s network.State, closed map[network.ENIID]bool) *Desired {
	last := c.last
	changes := s.Changes()
	// A later op that changed nothing would show no changes here.
	if s.Generation != last.s.Generation+1 || len(changes) == 0 || !maps.Equal(closed, last.closed) || c.listening != last.heard {
		return nil
	}
	var groups []network.GroupID
	var acls []network.ACLID
	for _, x := range changes {
		switch row := x.Row.(type) {
		case *network.SecurityGroup:
			if last.s.SecurityGroup(row.ID) == nil {
				return nil
			}
			groups = append(groups, row.ID)
		case *network.ACL:
			if last.s.ACL(row.ID) == nil {
				return nil
			}
			acls = append(acls, row.ID)
		case *network.TagSet, *network.Token:
		default:
			return nil
		}
	}
	j := *last
	j.s, j.fresh = s, c.memo
	out := *last.out
	out.units, out.base, out.delta = maps.Clone(last.out.units), last.out, nil
	j.out = &out
	for _, id := range groups {
		if j.groups[id] {
			j.compileGroup(id)
			j.compileListsOf(id)
		}
	}
	for _, id := range acls {
		if j.acls[id] {
			j.compileACL(id)
		}
	}
	c.last = &j
	return j.out
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
