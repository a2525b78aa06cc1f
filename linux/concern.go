package linux

import (
	"cmp"
	"maps"
	"slices"

	"tombolo/network"
)

// Concerns are the open interfaces whose packets a step decides about: those to
// be closed when it fails, on the way from have to want.
func Concerns(s Step, have, want *Desired) []network.ENIID {
	var is func(*port) bool
	switch s := s.(type) {
	case Plug:
		return []network.ENIID{s.Link.ENI}
	case Unplug:
		return []network.ENIID{s.Link.ENI}
	case Switch:
		is = func(p *port) bool {
			return slices.ContainsFunc(s.concerns, func(c concern) bool { return c.covers(p) })
		}
	case Forget:
		is = func(p *port) bool { return p.eni.Has(s.Addr) }
	default:
		is = func(p *port) bool { return p.index() == PortOf(s) }
	}
	all, out := map[network.ENIID]bool{}, map[network.ENIID]bool{}
	for _, ports := range []map[network.ENIID]*port{want.ports, have.ports} {
		for id, p := range ports {
			all[id] = true
			if is(p) {
				out[id] = true
			}
		}
	}
	if len(out) == 0 {
		out = all // it is no interface's own
	}
	return slices.Sorted(maps.Keys(out))
}

// PortOf is the link that a route or neighbour goes by; 0 for other steps.
func PortOf(s Step) int {
	switch s := s.(type) {
	case PutRoute:
		return s.Route.Port
	case CutRoute:
		return s.Route.Port
	case PutNeighbour:
		return s.Neighbour.Port
	case CutNeighbour:
		return s.Neighbour.Port
	}
	return 0
}

func (c concern) covers(p *port) bool {
	return c.all || c.eni == p.eni.ID || c.subnet == p.subnet.ID || c.acl == p.subnet.ACL || c.list == p.list ||
		slices.Contains(p.eni.Groups, c.group) || slices.Contains(c.vpcs, p.vpc.ID)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Endpoints are the open interfaces, in order of ID.
func (d *Desired) Endpoints() []network.ENIID { return slices.Sorted(maps.Keys(d.ports)) }
