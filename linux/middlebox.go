package linux

import (
	"maps"
	"net/netip"
	"slices"

	"tombolo/network"
)

// toENI hands a span to an interface that forwards: a middlebox. What is for
// the interface itself is delivered as usual; the rest it takes only without
// the source/destination check.
func (r *router) toENI(f Family, s span, id network.ENIID, out *[]segment[Verdict]) {
	put := putter(out)
	e := r.s.ENI(id)
	var own []span
	for _, a := range e.AllAddrs() {
		if familyOf(a) == f {
			own = append(own, span{a, a})
		}
	}
	inside, outside := s.cut(union(own))
	put(inside, func() Verdict {
		if e.Subnet == r.subnet.ID {
			return r.local(sameSubnet)
		}
		return r.local(0)
	})
	switch {
	case e.SourceDestCheck:
		r.lostSpans(f, outside, Cause{Why: "dest-check", At: string(id)}, out)
	case r.out.ports[id] == nil:
		r.lostSpans(f, outside, Cause{Why: "blackhole", At: r.at()}, out)
	default:
		put(outside, func() Verdict { return goTo(viaChain(id)) })
	}
}

func (r *router) lostSpans(f Family, spans []span, c Cause, out *[]segment[Verdict]) {
	for _, s := range spans {
		r.lostByPeer(f, s, c, 0, out)
	}
}

func viaChain(id network.ENIID) string { return "via." + string(id) }

// middlebox is an interface that routes lead to, and the open interfaces of
// the subnets whose tables do.
type middlebox struct {
	port  *port
	users []*port
	table *network.RouteTable // of its own subnet
}

// reaches is whether what the middlebox sends on to an address of its VPC goes
// there by itself: its own subnet's table may lead elsewhere.
func (m *middlebox) reaches(a netip.Addr) bool {
	if m.port.subnet.Contains(a) {
		return true
	}
	r, ok := m.table.Lookup(a)
	_, local := r.To.(network.ToLocal)
	return ok && local
}

// compileMiddleboxes gives each pair of middlebox and user its own conntrack
// zone: a packet that a middlebox hands on looks the same on both of its legs,
// and each leg is a flow of its own to the interfaces at its ends.
func (j *job) compileMiddleboxes() {
	boxes := map[network.ENIID]*middlebox{}
	bySubnet := map[network.SubnetID][]*port{}
	for _, p := range j.ports {
		bySubnet[p.subnet.ID] = append(bySubnet[p.subnet.ID], p)
	}
	for _, id := range slices.Sorted(maps.Keys(bySubnet)) {
		t := j.s.TableOf(j.s.Subnet(id))
		if t == nil {
			continue
		}
		seen := map[network.ENIID]bool{}
		for _, route := range t.Routes {
			to, ok := route.To.(network.ToENI)
			p := j.out.ports[to.ENI]
			if !ok || p == nil || p.eni.SourceDestCheck || seen[to.ENI] {
				continue
			}
			seen[to.ENI] = true
			if boxes[to.ENI] == nil {
				boxes[to.ENI] = &middlebox{port: p}
			}
			boxes[to.ENI].users = append(boxes[to.ENI].users, bySubnet[id]...)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(boxes)) {
		m := boxes[id]
		m.table = j.s.TableOf(m.port.subnet)
		from := []any{m.port.eni, m.port.subnet, m.table, m.port.number}
		for _, x := range m.users {
			from = append(from, x.eni, x.number)
		}
		n := j.book.number(tableKind, string(id))
		j.tables = append(j.tables, tableUse{number: n})
		j.follow(j.unit("via "+string(id), from, func() *unit { return j.viaUnit(m) }))
	}
}

// viaUnit has the way to the middlebox, by the link that the packet came in by,
// and the way from it for what it forwards, by destination.
func (j *job) viaUnit(m *middlebox) *unit {
	id := m.port.eni.ID
	u := &unit{concern: concern{vpcs: []network.VPCID{m.port.vpc.ID}}}
	there := j.number(u, tableKind, string(id)) << tableShift
	back := j.number(u, tableKind, string(m.port.vpc.ID)) << tableShift
	u.middleboxRoutes(m.port, j.number(u, tableKind, string(id)))
	for _, f := range []Family{V4, V6} {
		u.Sets = append(u.Sets,
			Set{Family: f, Name: viaChain(id), Fields: []Type{PortType}, Data: VerdictData},
			Set{Family: f, Name: backMap(id), Fields: []Type{f.addrType()}, Data: VerdictData})
		u.chain(f, viaChain(id), nil, rule(f, By{[]Field{InPort}, viaChain(id)}), rule(f, drop))
	}
	for _, x := range m.users {
		if x.eni.ID == id {
			continue
		}
		zone := uint16(j.number(u, zoneKind, string(id)+" "+string(x.eni.ID)))
		bit := uint32(0)
		if x.subnet.ID == m.port.subnet.ID {
			bit = sameSubnet
		}
		to := u.lead(way{chain: viaChain(id) + "." + string(x.eni.ID), mark: bit | there, zone: zone})
		from := u.lead(way{chain: backMap(id) + "." + string(x.eni.ID), mark: bit | back, zone: zone})
		for _, f := range []Family{V4, V6} {
			u.element(f, viaChain(id), key(nil).own(uint32(x.index())), to)
		}
		for _, a := range x.eni.AllAddrs() {
			if m.reaches(a) {
				u.element(familyOf(a), backMap(id), key(nil).addr(a), from)
			}
		}
	}
	return u
}

func backMap(id network.ENIID) string { return "back." + string(id) }

// middleboxRoutes make everything of a table go to one interface.
func (u *unit) middleboxRoutes(p *port, table uint32) {
	for _, f := range []Family{V4, V6} {
		r := sinkRoute(f, table)
		for _, a := range p.eni.AllAddrs() {
			if familyOf(a) == f {
				r = Route{Family: f, Table: fibBase + int(table), Dst: r.Dst, Port: p.index(), Via: a}
				break
			}
		}
		u.Routes = append(u.Routes, r)
		u.Elements = append(u.Elements, Element{Family: f, Set: lostSet, Lo: string(key(nil).own(table << tableShift))})
	}
}

// compileUnchecked makes the entrance of interfaces whose source is not
// checked (AWS: source/destination checks): what they send in others' names.
func (j *job) compileUnchecked() {
	for _, p := range j.ports {
		if p.eni.SourceDestCheck {
			continue
		}
		_, isBox := j.out.units["via "+string(p.eni.ID)]
		j.unit(uncheckedChain(p.eni.ID), []any{p.eni, isBox}, func() *unit {
			u := &unit{concern: concern{eni: p.eni.ID}}
			for _, f := range []Family{V4, V6} {
				rules := []Rule{rule(f, In{[]Field{Source}, string(p.vpc.ID), true}, ChangeMark{Keep: stampMask, Set: outsider})}
				if isBox {
					rules = append(rules, rule(f, By{[]Field{Destination}, backMap(p.eni.ID)}))
				}
				u.chain(f, uncheckedChain(p.eni.ID), nil, append(rules, rule(f, goTo(string(p.subnet.ID))))...)
			}
			return u
		})
	}
}
