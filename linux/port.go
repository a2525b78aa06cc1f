package linux

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"tombolo/network"
)

// compilePorts makes each open interface's own things.
func (j *job) compilePorts() {
	for _, p := range j.ports {
		j.compilePort(p)
	}
}

func (j *job) compilePort(p *port) {
	v := j.vpcs[p.vpc.ID]
	sn := j.book.number(subnetKind, string(p.subnet.ID))
	first := j.firstDevice(p)
	from := append(make([]any, 0, 9), p.eni, p.instance, p.subnet, p.number, v.table, sn, p.list, first, p.recorded)
	for _, t := range v.across {
		from = append(from, t)
	}
	across := v.across
	j.unit(string(p.eni.ID), from, func() *unit { return p.unit(v.table, sn, across, first) })
}

// closedPort keeps the link of an interface that shall carry nothing.
func (j *job) closedPort(p *port) {
	first := j.firstDevice(p)
	j.unit(closedName(p.eni.ID), []any{p.eni, p.instance, p.subnet, p.number, first}, func() *unit {
		return &unit{Objects: Objects{Links: []Link{p.link(first)}}, concern: concern{eni: p.eni.ID},
			numbers: []entry{{portKind, string(p.eni.ID)}}}
	})
}

func closedName(id network.ENIID) string { return "closed " + string(id) }

// firstDevice reports whether no running interface of the instance has a lower
// device number: that one has the default routes.
func (j *job) firstDevice(p *port) bool {
	return p.eni.Attachment.Device == j.lowest[p.instance.ID]
}

func (p *port) index() int { return portBase + int(p.number) }

// unit is what the kernel holds for one interface.
func (p *port) unit(table, subnet uint32, across []tableUse, first bool) *unit {
	e := p.eni
	u := &unit{concern: concern{eni: e.ID}}
	u.numbers = []entry{{portKind, string(e.ID)}, {tableKind, string(p.vpc.ID)}, {subnetKind, string(p.subnet.ID)}}
	u.Links = []Link{p.link(first)}
	for _, a := range e.AllAddrs() {
		f := familyOf(a)
		u.element(f, "sources", key(nil).own(uint32(p.index())).addr(a), goTo(string(p.subnet.ID)))
		u.Neighbours = append(u.Neighbours, Neighbour{p.index(), a, e.MAC})
		r := Route{Family: f, Table: fibBase + int(table), Dst: netip.PrefixFrom(a, a.BitLen()), Port: p.index()}
		if f == V4 {
			r.Source = p.subnet.Router()
		}
		u.Routes = append(u.Routes, r)
		for _, t := range across {
			r.Table, r.MTU = fibBase+int(t.number), crossRegionMTU
			u.Routes = append(u.Routes, r)
		}
		if f == V4 {
			u.Elements = append(u.Elements, Element{Family: ARP, Set: "neighbours",
				Lo: string(key(nil).own(arpMark(table, subnet)).addr(a))})
		}
	}
	for _, f := range []Family{V4, V6} {
		if f == V4 && len(e.Addrs) > 0 || f == V6 && len(e.Addrs6) > 0 {
			p.gates(u, f)
		}
	}
	if p.recorded {
		p.watch(u)
	}
	if len(e.Addrs) > 0 {
		u.Elements = append(u.Elements, Element{Family: ARP, Set: "subnets",
			Lo: string(key(nil).own(uint32(p.index()))), Mark: arpMark(table, subnet)})
	}
	return u
}

// arpMark leads an ARP question to a VPC's table, and names the subnet.
func arpMark(table, subnet uint32) uint32 { return table<<tableShift | subnet }

// gates are a port's places in the maps that lead to what judges its packets.
func (p *port) gates(u *unit, f Family) {
	own := key(nil).own(uint32(p.index()))
	if !p.eni.SourceDestCheck {
		u.element(f, "unchecked", own, goTo(uncheckedChain(p.eni.ID)))
	}
	u.element(f, "leave.groups", own, jump("leave."+p.list))
	u.element(f, "enter.groups", own, jump("enter."+p.list))
	u.element(f, "leave.acl", own, jump(aclChain(p.subnet.ACL, true)))
	u.element(f, "enter.acl", own, jump(aclChain(p.subnet.ACL, false)))
	u.Elements = append(u.Elements, Element{Family: f, Set: "macs", Lo: string(append(key(nil), own...).mac(p.eni.MAC))})
	for _, set := range []string{"ports", spoofedSet, deniedOutSet, deniedInSet} {
		u.Elements = append(u.Elements, Element{Family: f, Set: set, Lo: string(own)})
	}
}

func (u *unit) element(f Family, set string, k key, v Verdict) {
	u.Elements = append(u.Elements, Element{Family: f, Set: set, Lo: string(k), Verdict: v})
}

// link is the port's veth pair. An instance's IPv6 addresses are /128: AWS's
// routers do not announce the subnet as on-link, all traffic goes by the router.
func (p *port) link(first bool) Link {
	l := Link{ENI: p.eni.ID, Instance: p.instance.ID, Boots: p.instance.Boots, Port: p.index(),
		Device: p.eni.Attachment.Device, MAC: p.eni.MAC, Default: first}
	for _, a := range p.eni.Addrs {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(a, p.subnet.CIDR.Bits()))
	}
	for _, a := range p.eni.Addrs6 {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(a, 128))
	}
	if len(p.eni.Addrs) > 0 {
		l.Router = p.subnet.Router()
	}
	return l
}

// uncheckedChain is where packets of an interface go whose source is not its own.
func uncheckedChain(id network.ENIID) string { return "unchecked." + string(id) }

// fingerprint is a short name for a long one.
func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
