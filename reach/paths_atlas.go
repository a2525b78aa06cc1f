package reach

import (
	"net/netip"
	"slices"
	"strings"

	"tombolo/network"
	"tombolo/reach/space"
)

// atlas keeps what many pairs of interfaces have in common, so that each costs
// little more than a few look-ups: what gates pass is calculated once for all
// addresses, and what two gates pass together once for all pairs that meet the
// same parts of them.
type atlas struct {
	s       network.State
	ports   map[network.ENIID]*endpoint
	domains map[network.SubnetID]*domain
	tables  map[network.RouteTableID]*routing
	groups  map[string]*groupGates
	acls    map[network.ACLID]*aclGates
	both    map[[2]space.Services]space.Services
	any     map[[2]space.Services]space.Services
	matches map[match]space.Services
	silent  space.Services          // what has no answer
	asking  map[bool]space.Services // what hosts ask and is answered, in IPv4 and (true) in IPv6
	bridges map[network.PeeringID]*bridge
	nearby  map[network.VPCID][]network.ENIID

	// Ways are made by the ten thousand: these are used again and again.
	forward, home []leg
}

// endpoint is an interface and what decides about it.
type endpoint struct {
	*network.ENI
	domain *domain
	groups *groupGates
	up     bool // plugged into an instance that runs
}

// domain is a subnet and what decides about it.
type domain struct {
	*network.Subnet
	vpc    *network.VPC
	routes *routing
	acl    *aclGates
}

// groupGates are a set of groups: for a request going out and coming in, and for
// an answer that is nobody's here, because the request went another way.
type groupGates struct {
	ids []network.GroupID
	fourGates
}

// aclGates are a network ACL in both directions, for requests and for answers.
type aclGates struct {
	acl *network.ACL
	fourGates
}

func newAtlas(s network.State) *atlas {
	silent := unanswered()
	return &atlas{
		s: s, ports: map[network.ENIID]*endpoint{}, domains: map[network.SubnetID]*domain{}, tables: map[network.RouteTableID]*routing{},
		groups: map[string]*groupGates{}, acls: map[network.ACLID]*aclGates{}, both: map[[2]space.Services]space.Services{},
		any: map[[2]space.Services]space.Services{}, matches: map[match]space.Services{}, bridges: map[network.PeeringID]*bridge{}, nearby: map[network.VPCID][]network.ENIID{}, silent: silent,
		asking: map[bool]space.Services{
			false: space.EveryService().Subtract(silent).Subtract(space.ServicesOf(matched(network.ICMPv6, network.AnyPort))),
			true:  space.EveryService().Subtract(silent).Subtract(space.ServicesOf(matched(network.ICMP, network.AnyPort))),
		},
	}
}

func (x *atlas) endpoint(e *network.ENI) *endpoint {
	if e == nil {
		return nil
	}
	p := x.ports[e.ID]
	if p == nil {
		p = &endpoint{ENI: e, domain: x.domain(e.Subnet), groups: x.groupsOf(e)}
		if e.Attachment != nil {
			i := x.s.Instance(e.Attachment.Instance)
			p.up = i != nil && i.Runs()
		}
		x.ports[e.ID] = p
	}
	return p
}

func (x *atlas) domain(id network.SubnetID) *domain {
	p := x.domains[id]
	if p == nil {
		n := x.s.Subnet(id)
		p = &domain{Subnet: n, vpc: x.s.VPC(n.VPC)}
		p.routes, p.acl = x.routesOf(x.s.TableOf(n)), x.acls[n.ACL]
		if p.acl == nil {
			p.acl = &aclGates{acl: x.s.ACL(n.ACL)}
			x.acls[n.ACL] = p.acl
		}
		x.domains[id] = p
	}
	return p
}

// groupsOf are shared by the interfaces that have the same groups.
func (x *atlas) groupsOf(e *network.ENI) *groupGates {
	ids := e.Groups
	if !slices.IsSorted(ids) {
		ids = slices.Sorted(slices.Values(ids))
	}
	key := string(ids[0])
	if len(ids) > 1 {
		parts := make([]string, len(ids))
		for i, id := range ids {
			parts[i] = string(id)
		}
		key = strings.Join(parts, " ")
	}
	g := x.groups[key]
	if g == nil {
		g = &groupGates{ids: ids}
		x.groups[key] = g
	}
	return g
}

// pass is the gate of groups for a request, or for an answer to what they have
// not seen.
func (g *groupGates) pass(x *atlas, d Direction, way Way) *gate {
	at := g.choose(d, way)
	if *at == nil {
		*at = x.groupGate(g.ids, d, way)
	}
	return *at
}

// pass is the gate of a network ACL.
func (a *aclGates) pass(x *atlas, d Direction, way Way) *gate {
	at := a.choose(d, way)
	if *at == nil {
		*at = x.aclGate(a.acl, d, way)
	}
	return *at
}

// fourGates are one for each direction and way.
type fourGates struct{ out, in, answerOut, answerIn *gate }

func (f *fourGates) choose(d Direction, way Way) **gate {
	switch {
	case d == Egress && way == Request:
		return &f.out
	case d == Egress:
		return &f.answerOut
	case way == Request:
		return &f.in
	}
	return &f.answerIn
}

// and is what passes both.
func (x *atlas) and(a, b space.Services) space.Services {
	if a.Empty() || b.Empty() {
		return space.Services{}
	}
	key := [2]space.Services{a, b}
	r, ok := x.both[key]
	if !ok {
		r = a.Intersect(b)
		x.both[key] = r
	}
	return r
}

// either is what passes one of two.
func (x *atlas) either(a, b space.Services) space.Services {
	switch {
	case a.Empty():
		return b
	case b.Empty():
		return a
	}
	key := [2]space.Services{a, b}
	r, ok := x.any[key]
	if !ok {
		r = a.Union(b)
		x.any[key] = r
	}
	return r
}

// has is ENI.Has without making a list.
func (e *endpoint) has(a netip.Addr) bool {
	if a.Is4() {
		return slices.Contains(e.Addrs, a)
	}
	return slices.Contains(e.Addrs6, a)
}

// routing is a route table, made for many look-ups.
type routing struct {
	*network.RouteTable
	bits []int // the lengths of prefixes that occur, longest first
	at   map[netip.Prefix]network.Route
}

func (x *atlas) routesOf(t *network.RouteTable) *routing {
	r := x.tables[t.ID]
	if r != nil {
		return r
	}
	r = &routing{RouteTable: t, at: make(map[netip.Prefix]network.Route, len(t.Routes))}
	for _, route := range t.Routes {
		r.at[route.Dst] = route
		if !slices.Contains(r.bits, route.Dst.Bits()) {
			r.bits = append(r.bits, route.Dst.Bits())
		}
	}
	slices.SortFunc(r.bits, func(a, b int) int { return b - a })
	x.tables[t.ID] = r
	return r
}

// lookup is the most specific route to an address.
func (r *routing) lookup(a netip.Addr) (network.Route, bool) {
	for _, bits := range r.bits {
		if bits > a.BitLen() {
			continue
		}
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		if route, ok := r.at[p]; ok {
			return route, true
		}
	}
	return network.Route{}, false
}
