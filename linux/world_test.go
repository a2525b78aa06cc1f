package linux

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"tombolo/network"
)

// world is a random network that random ops change. Four VPCs: a and c have the
// same block, d is in another Region, b is in the middle.
type world struct {
	*site
	r   *rand.Rand
	box network.ENIID // in subnet a2, may forward for subnet a1
}

// dice draws randomness for one thing; what rapid makes smaller is how many are drawn.
func dice(t *rapid.T, label string) *rand.Rand {
	// A drawn integer would most often be a small one, and worlds the same.
	seed := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, label)
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed), 0))
}

func newWorld(t *rapid.T) *world {
	w := &world{site: newSite(t), r: dice(t, "world")}
	a, b, c := w.vpc6("a", "10.0.0.0/16"), w.vpc6("b", "10.1.0.0/16"), w.vpc("c", "10.0.0.0/16")
	var d network.VPCID
	for i, v := range []network.VPCID{a, b} {
		for k := 1; k <= 2; k++ {
			n := w.subnet(v, fmt.Sprintf("%c%d", 'a'+i, k), fmt.Sprintf("10.%d.%d.0/24", i, k))
			w.servers(n, 2)
		}
	}
	w.servers(w.subnet(c, "c1", "10.0.1.0/24"), 1)
	w.in(elsewhere, func() {
		d = w.vpc("d", "10.3.0.0/16")
		w.servers(w.subnet(d, "d1", "10.3.1.0/24"), 1)
	})
	for e := range w.ENIsInSubnet(network.SubnetID(w.ids["subnet-a2"])) {
		w.box = e.ID
	}
	off(w.site, w.box)
	// The box forwards for a1; a2 keeps the main table, which never leads to it.
	to := network.RouteTableID(w.call(w.do(network.CreateRouteTable{VPC: a}), "a1"))
	w.do(network.AssociateTable{Table: to, Subnet: network.SubnetID(w.ids["subnet-a1"])})
	for _, p := range [][2]network.VPCID{{a, b}, {b, c}, {b, d}} {
		id := w.peering(w.rename(string(p[0]))[4:]+w.rename(string(p[1]))[4:], p[0], p[1])
		if !w.oneIn(8) {
			w.accept(id)
		}
	}
	for range 8 {
		w.change(w.connect)
	}
	for range w.r.IntN(12) {
		w.step()
	}
	return w
}

func (w *world) servers(n network.SubnetID, many int) {
	v := w.VPC(w.Subnet(n).VPC)
	for i := range many {
		a := w.Subnet(n).CIDR.Addr().As4()
		a[3] = byte(10 + i)
		name := fmt.Sprintf("%s-%d", w.rename(string(n))[7:], i)
		g := network.GroupID(w.call(w.do(network.CreateSecurityGroup{VPC: v.ID, Name: name, Description: name}), name))
		for range 1 + w.r.IntN(3) {
			_, _ = w.try(network.AuthorizeRules{Group: g, Egress: w.oneIn(4), Rules: []network.RuleSpec{w.rule()}})
		}
		if w.oneIn(2) {
			open := network.RuleSpec{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerCIDR{CIDR: cidr("0.0.0.0/0")}}
			_, _ = w.try(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{open}})
		}
		groups := []network.GroupID{g}
		if w.oneIn(3) {
			groups = append(groups, v.DefaultGroup)
		}
		w.server(n, name, netip.AddrFrom4(a).String(), groups...)
	}
}

func (w *world) oneIn(n int) bool { return w.r.IntN(n) == 0 }

func one[T any](w *world, pool []T) T { return pool[w.r.IntN(len(pool))] }

func all[T any](s iter.Seq[T]) []T { return slices.Collect(s) }

// step changes one thing; an op that is refused changes nothing.
func (w *world) step() {
	w.change(one(w, []func() network.Request{w.permit, w.permit, w.revoke, w.revoke, w.entry, w.entry, w.unentry, w.underACL,
		w.connect, w.connect, w.disconnect, w.peer, w.unpeer, w.regroup, w.check, w.address, w.unaddress, w.power, w.power, w.block, w.record, w.record}))
}

// change does an op for its owner.
func (w *world) change(make func() network.Request) {
	r := make()
	if r == nil {
		return
	}
	if _, err := w.try(r); err != nil {
		w.in(elsewhere, func() { _, _ = w.try(r) })
	}
	for _, i := range all(w.Instances()) {
		// What is asked of instances is done at once.
		switch i.State {
		case network.InstancePending:
			_, _ = w.try(network.ReportStarted{Instance: i.ID, Boot: i.Boots})
		case network.InstanceStopping:
			_, _ = w.try(network.ReportStopped{Instance: i.ID, Boot: i.Boots})
		}
	}
}

// Few ports and blocks, so that rules meet packets and each other.
var (
	somePorts  = []uint16{22, 80, 81, 443, 33000, 65535, 0}
	someBlocks = []string{"0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.1.0/24", "10.1.2.0/24", "10.1.1.10/32", "10.0.2.8/29", "::/0", "10.3.1.0/24"}
)

func (w *world) cidr() netip.Prefix {
	if enis := all(w.ENIs()); len(enis) > 0 && w.oneIn(6) {
		a := one(w, one(w, enis).AllAddrs())
		p, _ := a.Prefix(one(w, []int{a.BitLen(), a.BitLen() - 4, a.BitLen() / 2}))
		return p
	}
	return cidr(one(w, someBlocks))
}

func (w *world) protocol() (network.Protocol, network.PortRange) {
	switch p := one(w, []network.Protocol{-1, -1, 6, 6, 6, 17, 1, 1, 58, 47}); p {
	case network.TCP, network.UDP:
		from, to := int(one(w, somePorts)), int(one(w, somePorts))
		if w.oneIn(3) {
			from, to = 0, 65535
		}
		return p, network.PortRange{From: min(from, to), To: max(from, to)}
	case network.ICMP:
		return p, one(w, []network.PortRange{{From: -1, To: -1}, {From: 8, To: -1}, {From: 8, To: 0}, {From: 0, To: 0}, {From: 3, To: 4}})
	case network.ICMPv6:
		return p, one(w, []network.PortRange{{From: -1, To: -1}, {From: 128, To: -1}, {From: 129, To: 0}})
	default:
		return p, network.AnyPort
	}
}

func (w *world) rule() network.RuleSpec {
	r := network.RuleSpec{Peer: network.PeerCIDR{CIDR: w.cidr()}}
	r.Protocol, r.Ports = w.protocol()
	if groups := all(w.SecurityGroups()); w.oneIn(3) {
		r.Peer = network.PeerGroup{Group: one(w, groups).ID}
	}
	return r
}

func (w *world) permit() network.Request {
	return network.AuthorizeRules{Group: one(w, all(w.SecurityGroups())).ID, Egress: w.oneIn(3), Rules: []network.RuleSpec{w.rule()}}
}

func (w *world) revoke() network.Request {
	g := one(w, all(w.SecurityGroups()))
	if len(g.Rules) == 0 {
		return nil
	}
	r := one(w, g.Rules)
	return network.RevokeRules{Group: g.ID, Egress: r.Egress, IDs: []network.RuleID{r.ID}}
}

func (w *world) entry() network.Request {
	e := network.ACLEntry{Number: 1 + w.r.IntN(120), Egress: w.oneIn(2), Allow: !w.oneIn(3), CIDR: w.cidr()}
	e.Protocol, e.Ports = w.protocol()
	return network.CreateACLEntry{ACL: one(w, all(w.ACLs())).ID, Entry: e}
}

func (w *world) unentry() network.Request {
	a := one(w, all(w.ACLs()))
	if len(a.Entries) == 0 {
		return nil
	}
	e := one(w, a.Entries)
	return network.DeleteACLEntry{ACL: a.ID, Number: e.Number, Egress: e.Egress}
}

func (w *world) underACL() network.Request {
	n := one(w, all(w.Subnets()))
	if len(all(w.ACLsIn(n.VPC))) < 2 {
		return network.CreateACL{VPC: n.VPC}
	}
	if w.oneIn(2) {
		return network.ReplaceACLAssociation{Association: n.ACLAssociation, ACL: w.VPC(n.VPC).DefaultACL}
	}
	return network.ReplaceACLAssociation{Association: n.ACLAssociation, ACL: one(w, all(w.ACLsIn(n.VPC))).ID}
}

// connect makes or changes a route, most often one that makes sense.
func (w *world) connect() network.Request {
	t := one(w, all(w.RouteTables()))
	peerings := all(w.PeeringsWith(t.VPC))
	if len(peerings) == 0 || t.ID == network.RouteTableID(w.ids["rtb-a1"]) && w.oneIn(2) {
		return network.CreateRoute{Table: network.RouteTableID(w.ids["rtb-a1"]), Dst: one(w, []netip.Prefix{cidr("0.0.0.0/0"), cidr("10.0.2.0/24"), cidr("::/0"), cidr("10.1.2.0/24")}),
			To: network.ToENI{ENI: one(w, []network.ENIID{w.box, w.box, one(w, all(w.ENIsIn(t.VPC))).ID})}}
	}
	p := one(w, peerings)
	other := w.VPC(p.Other(t.VPC))
	dst := one(w, other.Prefixes())
	if w.oneIn(4) {
		dst = cidr(one(w, someBlocks))
	}
	if _, ok := t.Route(dst); ok {
		return network.ReplaceRoute{Table: t.ID, Dst: dst, To: via(p.ID)}
	}
	return network.CreateRoute{Table: t.ID, Dst: dst, To: via(p.ID)}
}

func (w *world) disconnect() network.Request {
	t := one(w, all(w.RouteTables()))
	return network.DeleteRoute{Table: t.ID, Dst: one(w, t.Routes).Dst}
}

func (w *world) peer() network.Request {
	for _, p := range all(w.Peerings()) {
		if p.Status == network.PeeringPending {
			return network.AcceptPeering{Peering: p.ID}
		}
	}
	a, b := one(w, all(w.VPCs())), one(w, all(w.VPCs()))
	return network.RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerRegion: b.Region}
}

func (w *world) unpeer() network.Request {
	if w.oneIn(2) {
		return nil // peerings are worth more than that
	}
	return network.DeletePeering{Peering: one(w, all(w.Peerings())).ID}
}

func (w *world) regroup() network.Request {
	e := one(w, all(w.ENIs()))
	var groups []network.GroupID
	for range 1 + w.r.IntN(2) {
		groups = append(groups, one(w, all(w.SecurityGroupsIn(e.VPC))).ID)
	}
	return network.SetENIAttribute{ENI: e.ID, Groups: groups}
}

func (w *world) check() network.Request {
	on := w.oneIn(2)
	return network.SetENIAttribute{ENI: one(w, []network.ENIID{w.box, one(w, all(w.ENIs())).ID}), SourceDestCheck: &on}
}

func (w *world) address() network.Request {
	e := one(w, all(w.ENIs()))
	if w.oneIn(2) {
		return network.AssignAddrs6{ENI: e.ID, Count: 1}
	}
	a := e.Addrs[0].As4()
	a[3] = byte(one(w, []int{10, 11, 20, 21}))
	return network.AssignAddrs{ENI: e.ID, Addrs: []netip.Addr{netip.AddrFrom4(a)}, Reassign: true}
}

func (w *world) unaddress() network.Request {
	e := one(w, all(w.ENIs()))
	if len(e.Addrs) < 2 {
		return nil
	}
	return network.UnassignAddrs{ENI: e.ID, Addrs: e.Addrs[1:]}
}

func (w *world) power() network.Request {
	i := one(w, all(w.Instances()))
	if i.State == network.InstanceStopped {
		return network.StartInstances{Instances: []network.InstanceID{i.ID}}
	}
	if w.oneIn(2) {
		return nil
	}
	return network.StopInstances{Instances: []network.InstanceID{i.ID}}
}

// record has some packets recorded, or no longer.
func (w *world) record() network.Request {
	if logs := all(w.FlowLogs()); len(logs) > 0 && w.oneIn(2) {
		return network.DeleteFlowLogs{FlowLogs: []network.FlowLogID{one(w, logs).ID}}
	}
	e := one(w, all(w.ENIs()))
	return network.CreateFlowLogs{Resources: []string{one(w, []string{string(e.ID), string(e.Subnet), string(e.VPC)})}, FlowLogSpec: recording}
}

var recording = network.FlowLogSpec{Traffic: network.TrafficAll, Bucket: "records", Format: "${version}", Interval: 60}

func (w *world) block() network.Request {
	return network.AssociateVPCBlock{VPC: one(w, all(w.VPCs())).ID, CIDR: cidr(one(w, []string{"10.5.0.0/16", "10.6.0.0/16"}))}
}

// packet is what some interface might send to some address.
func (w *world) packet() packet {
	e := one(w, all(w.ENIs()))
	p := packet{from: e.ID, mac: e.MAC, src: one(w, e.AllAddrs()), id: uint16(w.r.IntN(3))}
	for p.dst = w.destination(); p.dst.Is4() != p.src.Is4() || p.dst == p.src; p.dst = w.destination() {
		if e = one(w, all(w.ENIs())); w.oneIn(4) {
			p.from, p.mac, p.src = e.ID, e.MAC, one(w, e.AllAddrs())
		}
	}
	// Others' names are used with ports of their own: two flows that look alike
	// are one to conntrack.
	if w.oneIn(12) {
		from := w.ENI(p.from)
		if box := w.ENI(w.box); box != nil && w.oneIn(2) {
			from = box
		}
		if lie := w.destination(); lie.Is4() == p.dst.Is4() && lie != p.dst && !from.Has(lie) {
			p.from, p.mac = from.ID, from.MAC
			p.src, p.protocol, p.first, p.second = lie, 17, uint16(40000+w.r.IntN(1000)), one(w, somePorts)
			return p
		}
	}
	switch p.protocol = one(w, []uint8{6, 6, 6, 17, 17, 1, 1, 47}); p.protocol {
	case 6, 17:
		p.first, p.second = one(w, []uint16{33000, 33001, 33002}), one(w, somePorts)
	case 1:
		p.first, p.second = one(w, []uint16{8 << 8, 8 << 8, 8 << 8, 3<<8 | 4, 0, 11 << 8, 5 << 8}), 12345
		if !p.src.Is4() {
			p.protocol, p.first = 58, one(w, []uint16{128 << 8, 128 << 8, 129 << 8, 1<<8 | 4})
		}
	default:
		p.first, p.second = uint16(w.r.Uint32()), uint16(w.r.Uint32())
	}
	return p
}

func (w *world) destination() netip.Addr {
	if w.oneIn(10) {
		return addr(one(w, []string{"10.0.1.1", "10.0.1.99", "10.1.77.1", "10.2.0.9", "8.8.8.8", "2001:db8::9", "10.5.1.1", "10.3.9.9"}))
	}
	return one(w, one(w, all(w.ENIs())).AllAddrs())
}
