package linux

import (
	"fmt"
	"maps"
	"slices"

	"tombolo/network"
)

// compileSubnets makes the routes of each subnet with an open port, and what
// sources other than its own an interface may use.
func (j *job) compileSubnets() {
	for _, id := range slices.Sorted(maps.Keys(j.subnets)) {
		j.compileSubnet(id)
	}
	j.compileMiddleboxes()
	j.compileUnchecked()
}

func (j *job) compileSubnet(id network.SubnetID) {
	n := j.s.Subnet(id)
	r := &router{job: j, subnet: n, vpc: j.s.VPC(n.VPC), table: j.s.TableOf(n)}
	from := r.dependencies()
	j.follow(j.unit(string(id), from, r.unit))
}

// router decides where packets go that an interface of a subnet sends.
type router struct {
	*job
	subnet *network.Subnet
	vpc    *network.VPC
	table  *network.RouteTable
	u      *unit
}

// dependencies are all rows that the routes' meaning rests on.
func (r *router) dependencies() []any {
	from := []any{r.subnet, r.vpc, r.table}
	for _, p := range r.vpcs[r.vpc.ID].peers {
		from = append(from, p.peering, p.vpc)
	}
	if r.table == nil {
		return from
	}
	for _, route := range r.table.Routes {
		from = append(from, r.s.RouteActive(r.vpc.ID, route))
		switch to := route.To.(type) {
		case network.ToPeering:
			from = append(from, r.s.Peering(to.Peering))
		case network.ToENI:
			from = append(from, r.s.ENI(to.ENI), r.out.ports[to.ENI] != nil)
		}
	}
	return from
}

// unit is the subnet's chain, and for each family the map from destination to
// what happens: disjoint spans that cover the family, one of them being the
// subnet itself, of which no route table is asked.
func (r *router) unit() *unit {
	r.u = &unit{concern: concern{subnet: r.subnet.ID}}
	name := string(r.subnet.ID)
	for _, f := range []Family{V4, V6} {
		r.u.Sets = append(r.u.Sets, Set{Family: f, Name: name, Fields: []Type{f.addrType()}, Data: VerdictData, Interval: true})
		r.u.chain(f, name, nil, rule(f, By{[]Field{Destination}, name}), rule(f, drop))
		for _, s := range r.segments(f) {
			r.u.Elements = append(r.u.Elements, s.element(f, name, s.is))
		}
	}
	return r.u
}

// segments are the family's spans with what happens to packets to them.
func (r *router) segments(f Family) []segment[Verdict] {
	var choices []choice[any]
	if r.table != nil {
		for _, route := range r.table.Routes {
			if familyOf(route.Dst.Addr()) == f {
				choices = append(choices, choice[any]{route.Dst, route})
			}
		}
	}
	own := r.subnet.CIDR
	if f == V6 {
		own = r.subnet.CIDR6()
	}
	var out []segment[Verdict]
	for _, s := range flatten[any](f, choices, nil) {
		if !own.IsValid() {
			r.route(f, s, &out)
			continue
		}
		inside, outside := s.cut([]span{spanOf(own)})
		for _, x := range inside {
			out = append(out, segment[Verdict]{x, r.local(sameSubnet)})
		}
		for _, x := range outside {
			r.route(f, segment[any]{x, s.is}, &out)
		}
	}
	slices.SortFunc(out, func(a, b segment[Verdict]) int { return a.lo.Compare(b.lo) })
	return join(out)
}

// join makes one of neighbouring segments with the same verdict.
func join(in []segment[Verdict]) []segment[Verdict] {
	var out []segment[Verdict]
	for _, s := range in {
		if n := len(out); n > 0 && out[n-1].is == s.is && out[n-1].hi.Next() == s.lo {
			out[n-1].hi = s.hi
			continue
		}
		out = append(out, s)
	}
	return out
}

// route decides for a span what its route, or the lack of one, does.
func (r *router) route(f Family, s segment[any], out *[]segment[Verdict]) {
	put := putter(out)
	route, ok := s.is.(network.Route)
	if !ok {
		r.lostByPeer(f, s.span, Cause{Why: "no-route", At: r.at()}, 0, out)
		return
	}
	if !r.s.RouteActive(r.vpc.ID, route) {
		zone := uint16(0)
		if to, ok := route.To.(network.ToPeering); ok {
			if p := r.s.Peering(to.Peering); p != nil {
				zone = r.zone(r.u, p.Requester.VPC, p.Accepter.VPC)
			}
		}
		// A route whose target is gone keeps its prefix (AWS: Route tables,
		// blackhole): the packet must not fall through to a shorter one.
		r.lostByPeer(f, s.span, Cause{Why: "blackhole", At: r.at()}, zone, out)
		return
	}
	switch to := route.To.(type) {
	case network.ToLocal:
		put([]span{s.span}, func() Verdict { return r.local(0) })
	case network.ToPeering:
		p := r.s.Peering(to.Peering)
		other := r.s.VPC(p.Other(r.vpc.ID))
		var blocks []span
		if other != nil {
			blocks = spansOf(f, other.Prefixes())
		}
		inside, outside := s.cut(blocks)
		put(inside, func() Verdict { return r.peering(p, other) })
		for _, x := range outside {
			r.lostByPeer(f, x, Cause{Why: "not-in-peer-cidr", At: string(p.ID)}, r.zone(r.u, p.Requester.VPC, p.Accepter.VPC), out)
		}
	case network.ToENI:
		r.toENI(f, s.span, to.ENI, out)
	case network.ToGateway:
		r.lostByPeer(f, s.span, Cause{Why: "not-supported", At: string(to.Gateway)}, 0, out)
	case network.ToEgress:
		r.lostByPeer(f, s.span, Cause{Why: "not-supported", At: string(to.Gateway)}, 0, out)
	}
}

// putter appends spans that share a verdict, which is made only if there are any.
func putter(out *[]segment[Verdict]) func([]span, func() Verdict) {
	return func(spans []span, v func() Verdict) {
		for _, x := range spans {
			*out = append(*out, segment[Verdict]{x, v()})
		}
	}
}

func (r *router) at() string {
	if r.table == nil {
		return string(r.subnet.ID)
	}
	return string(r.table.ID)
}

// local delivers inside the VPC. Within the subnet no ACL is asked.
func (r *router) local(bit uint32) Verdict {
	name := "local." + string(r.vpc.ID)
	if bit != 0 {
		name = "same." + string(r.vpc.ID)
	}
	table := r.number(r.u, tableKind, string(r.vpc.ID))
	return r.u.lead(way{chain: name, mark: bit | table<<tableShift, zone: r.zone(r.u, r.vpc.ID, r.vpc.ID)})
}

// peering delivers to interfaces of the other VPC and to nothing else: its
// route tables are not asked, so that nothing is reached through it (AWS: VPC
// peering limitations). The source must be in this VPC: the stricter of two
// readings. The destination is in the other's blocks already.
func (r *router) peering(p *network.Peering, other *network.VPC) Verdict {
	name, short := string(other.ID), uint32(0)
	if crossesRegions(p) {
		name, short = acrossName(other.ID, p.ID), shortPath
	}
	zone := r.zone(r.u, r.vpc.ID, other.ID)
	outsiders := r.lost(Cause{Why: "source-not-in-vpc", At: string(p.ID)}, zone)
	return r.u.lead(way{
		chain: fmt.Sprintf("%s.from.%s", p.ID, r.vpc.ID),
		mark:  r.number(r.u, tableKind, name)<<tableShift | short, zone: zone, outsiders: outsiders.Chain,
	})
}

// lost sends to the sink. The zone is the flow's, so that a tracked reply that
// finds no way back is dropped for that, not for want of a security group rule.
func (r *router) lost(c Cause, zone uint16) Verdict { return r.u.lost(r.job, c, zone) }

func (u *unit) lost(j *job, c Cause, zone uint16) Verdict {
	mark := uint32(sinkTable)<<tableShift | j.number(u, lostKind, c.lostName())
	return u.lead(way{chain: fmt.Sprintf("lost.%s.%s.%d", c.Why, c.At, zone), mark: mark, zone: zone, cause: c})
}

// lostByPeer loses a span, with the VPC's own part and each peer's in the zone of
// that pair, whatever the route says: that is where the flow is known that the
// packet may be an answer of.
func (r *router) lostByPeer(f Family, s span, c Cause, otherwise uint16, out *[]segment[Verdict]) {
	rest := []span{s}
	for _, v := range r.around() {
		blocks := spansOf(f, v.Prefixes())
		var left []span
		for _, x := range rest {
			inside, outside := x.cut(blocks)
			for _, y := range inside {
				*out = append(*out, segment[Verdict]{y, r.lost(c, r.zone(r.u, r.vpc.ID, v.ID))})
			}
			left = append(left, outside...)
		}
		rest = left
	}
	for _, x := range rest {
		*out = append(*out, segment[Verdict]{x, r.lost(c, otherwise)})
	}
}

// around are the VPC itself and its peers: where flows with it can be from.
func (r *router) around() []*network.VPC {
	out := []*network.VPC{r.vpc}
	for _, p := range r.vpcs[r.vpc.ID].peers {
		out = append(out, p.vpc)
	}
	return out
}
