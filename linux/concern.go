package linux

import (
	"cmp"
	"maps"
	"slices"

	"tombolo/network"
)

// concerned are the open interfaces whose packets the units on either side of
// a difference decide about: those to be closed when it can't be brought about.
func (d *Desired) concerned(gone, come []concern, have *Desired) []network.ENIID {
	out := map[network.ENIID]bool{}
	for _, ports := range []map[network.ENIID]*port{d.ports, have.ports} {
		for id, p := range ports {
			for _, c := range append(slices.Clone(gone), come...) {
				if c.covers(p) {
					out[id] = true
					break
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}

func (c concern) covers(p *port) bool {
	return c.all || c.eni == p.eni.ID || c.subnet == p.subnet.ID || c.acl == p.subnet.ACL || c.list == p.list ||
		slices.Contains(p.eni.Groups, c.group) || slices.Contains(c.vpcs, p.vpc.ID)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Endpoints are the open interfaces, in order of ID.
func (d *Desired) Endpoints() []network.ENIID { return slices.Sorted(maps.Keys(d.ports)) }

// PortOf is the index of an open interface's link; 0 when it is not open.
func (d *Desired) PortOf(id network.ENIID) int {
	if p := d.ports[id]; p != nil {
		return p.index()
	}
	return 0
}

// Holding are the open interfaces that have an address, in any VPC.
func (d *Desired) Holding(addr string) []network.ENIID {
	var out []network.ENIID
	for id, p := range d.ports {
		for _, a := range p.eni.AllAddrs() {
			if a.String() == addr {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}
