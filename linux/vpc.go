package linux

import (
	"maps"
	"net/netip"
	"slices"

	"tombolo/network"
)

// tableUse is a table of the fabric's routes. One that crosses Regions has its
// own path MTU; back is the table in which its senders are found, to which
// packet-too-big goes.
type tableUse struct{ number, back uint32 }

// acrossName is the book's name of the table of a VPC's addresses as seen over
// a peering between Regions.
func acrossName(v network.VPCID, p network.PeeringID) string { return string(v) + " " + string(p) }

func crossesRegions(p *network.Peering) bool { return p.Requester.Region != p.Accepter.Region }

// compileVPCs makes the tables of the VPCs with open ports and of their peers.
func (j *job) compileVPCs() {
	for _, id := range slices.Sorted(maps.Keys(j.vpcs)) {
		for _, p := range j.vpcs[id].peers {
			other := j.vpcs[p.vpc.ID]
			if other == nil {
				other = &vpcUse{vpc: p.vpc, table: j.book.number(tableKind, string(p.vpc.ID))}
				j.vpcs[p.vpc.ID] = other
			}
			if len(other.subnets) == 0 {
				// Nobody is there, which the tables that lead there shall say.
				other.peers = append(other.peers, peer{p.peering, j.vpcs[id].vpc})
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(j.vpcs)) {
		v := j.vpcs[id]
		j.tables = append(j.tables, tableUse{number: v.table})
		for _, p := range v.peers {
			if crossesRegions(p.peering) {
				n := j.book.number(tableKind, acrossName(id, p.peering.ID))
				v.across = append(v.across, tableUse{n, j.vpcs[p.vpc.ID].table})
			}
		}
		j.tables = append(j.tables, v.across...)
		j.out.tables[fibBase+int(v.table)] = id
		j.compileVPC(v)
	}
}

func (j *job) compileVPC(v *vpcUse) {
	slices.SortFunc(v.subnets, func(a, b *network.Subnet) int { return compareString(a.ID, b.ID) })
	from := []any{v.vpc, v.table}
	tables := []uint32{v.table}
	for _, n := range v.subnets {
		from = append(from, n, j.book.number(subnetKind, string(n.ID)))
	}
	for _, t := range v.across {
		from = append(from, t)
		tables = append(tables, t.number)
	}
	j.unit(string(v.vpc.ID), from, func() *unit {
		u := &unit{concern: concern{vpcs: []network.VPCID{v.vpc.ID}}}
		for _, t := range tables {
			u.table(t)
		}
		for _, n := range v.subnets {
			if !n.CIDR.IsValid() {
				continue
			}
			// The implicit router's address: ARP is answered for it, and errors
			// come from it.
			for _, t := range tables {
				u.Routes = append(u.Routes, Route{Family: V4, Table: fibBase + int(t), Dst: netip.PrefixFrom(n.Router(), 32), Local: true})
			}
			u.Elements = append(u.Elements, Element{Family: ARP, Set: "neighbours",
				Lo: string(key(nil).own(arpMark(v.table, j.number(u, subnetKind, string(n.ID)))).addr(n.Router()))})
		}
		for _, f := range []Family{V4, V6} {
			u.Sets = append(u.Sets, Set{Family: f, Name: string(v.vpc.ID), Fields: []Type{f.addrType()}, Interval: true})
			for _, s := range spansOf(f, v.vpc.Prefixes()) {
				u.Elements = append(u.Elements, s.element(f, string(v.vpc.ID), Verdict{}))
			}
		}
		return u
	})
}

// table makes a table whose unknown destinations are counted as such.
func (u *unit) table(t uint32) {
	for _, f := range []Family{V4, V6} {
		u.Routes = append(u.Routes, sinkRoute(f, t))
		u.Elements = append(u.Elements, Element{Family: f, Set: lostSet, Lo: string(key(nil).own(t << tableShift))})
	}
}

// element is a span as an element of an interval set.
func (s span) element(f Family, set string, v Verdict) Element {
	return Element{Family: f, Set: set, Lo: string(s.lo.AsSlice()), Hi: string(s.hi.AsSlice()), Single: true, Verdict: v}
}

func compareString[S ~string](a, b S) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// way is a chain at the end of a route: it says by which table the packet is
// delivered, and in which zone its flow is known. What comes from a source that
// is not in the sender's VPC goes elsewhere where that matters.
type way struct {
	chain     string
	mark      uint32
	zone      uint16
	cause     Cause  // why it goes nowhere, when it does
	outsiders string // the chain for sources outside of the VPC
}

func (w way) unit() *unit {
	u := &unit{}
	for _, f := range []Family{V4, V6} {
		var rules []Rule
		if w.outsiders != "" {
			rules = append(rules, rule(f, OfMark{outsider, outsider}, goTo(w.outsiders)))
		}
		mark := Statement(SetMark{w.mark})
		if w.cause.Why == "" {
			mark = ChangeMark{Keep: stampMask, Set: w.mark | remember}
		}
		u.chain(f, w.chain, nil, append(rules, rule(f, mark, SetZone{w.zone}, accept))...)
	}
	return u
}

// causeUnit counts what is lost for a cause.
func causeUnit(mark uint32) *unit {
	u := &unit{}
	for _, f := range []Family{V4, V6} {
		u.Elements = append(u.Elements, Element{Family: f, Set: lostSet, Lo: string(key(nil).own(mark))})
	}
	return u
}

// follow makes the chains that a unit's packets go on to.
func (j *job) follow(u *unit) {
	for _, w := range u.ways {
		if w.cause.Why != "" {
			j.unit(causeName(w), []any{w.mark}, func() *unit { return causeUnit(w.mark) })
		}
		j.unit(wayName(w), []any{w}, w.unit)
	}
}

// lead adds a way to a unit and gives the verdict that takes it.
func (u *unit) lead(w way) Verdict {
	if !slices.Contains(u.ways, w) {
		u.ways = append(u.ways, w)
	}
	return goTo(w.chain)
}
