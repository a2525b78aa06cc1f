package reach

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"tombolo/network"
	"tombolo/reach/space"
)

// Path is everything that one interface can ask of another and be answered.
type Path struct {
	Source, Destination network.ENIID
	// Flows are the requests that arrive and whose answers come back, from the
	// source's own addresses to the destination's. ICMP messages that have no
	// answer are there when they arrive. A port of 0 in a Flow that is traced
	// stands for all of Ephemeral.
	Flows space.Set
	// Witness is one of them.
	Witness Flow
}

// PathsTo is who can reach an interface, in order of the sources' IDs: one Path
// for every interface that gets an answer to anything. It is calculated from the
// sets of packets that gates let pass, not by trying.
func PathsTo(s network.State, to network.ENIID) []Path {
	x := newAtlas(s)
	d := x.endpoint(s.ENI(to))
	if d == nil || !d.up {
		return nil
	}
	return x.collect(x.near(d.VPC), func(e *network.ENI) (from, to *endpoint) { return x.endpoint(e), d })
}

// PathsFrom is what an interface can reach, in order of the destinations' IDs.
func PathsFrom(s network.State, from network.ENIID) []Path {
	x := newAtlas(s)
	f := x.endpoint(s.ENI(from))
	if f == nil || !f.up {
		return nil
	}
	return x.collect(x.near(f.VPC), func(e *network.ENI) (from, to *endpoint) { return f, x.endpoint(e) })
}

// PathsInto is who can reach the interfaces of a VPC from outside of it: which of
// them are open to another VPC, for whom and for what. It is in order of the
// destinations' IDs, then of the sources'.
func PathsInto(s network.State, v network.VPCID) []Path {
	x := newAtlas(s)
	var out []Path
	for e := range s.ENIsIn(v) {
		d := x.endpoint(e)
		if !d.up {
			continue
		}
		out = append(out, x.collect(x.peers(v), func(e *network.ENI) (from, to *endpoint) { return x.endpoint(e), d })...)
	}
	return out
}

// PathBetween is what one interface can ask of another; ok is false when there is
// nothing that is answered.
func PathBetween(s network.State, from, to network.ENIID) (p Path, ok bool) {
	x := newAtlas(s)
	f, d := x.endpoint(s.ENI(from)), x.endpoint(s.ENI(to))
	if f == nil || d == nil {
		return Path{}, false
	}
	return x.path(f, d)
}

// near are the interfaces of a VPC and of those that an active peering joins to
// it: no others can be at the other end, because peering is not transitive (AWS:
// VPC peering limitations). In order of ID.
func (x *atlas) near(v network.VPCID) []*network.ENI {
	return inOrder(x.around(slices.Collect(x.s.ENIsIn(v)), v))
}

// peers are the interfaces of the VPCs that an active peering joins to one, in
// order of ID.
func (x *atlas) peers(v network.VPCID) []*network.ENI { return inOrder(x.around(nil, v)) }

func (x *atlas) around(enis []*network.ENI, v network.VPCID) []*network.ENI {
	for p := range x.s.PeeringsWith(v) {
		if p.Status == network.PeeringActive {
			enis = slices.AppendSeq(enis, x.s.ENIsIn(p.Other(v)))
		}
	}
	return enis
}

func inOrder(enis []*network.ENI) []*network.ENI {
	slices.SortFunc(enis, func(a, b *network.ENI) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return enis
}

// collect is the paths of many pairs.
func (x *atlas) collect(enis []*network.ENI, ends func(*network.ENI) (from, to *endpoint)) []Path {
	var out []Path
	for _, e := range enis {
		if p, ok := x.path(ends(e)); ok {
			out = append(out, p)
		}
	}
	return out
}

// path is the Path of one pair, if anything is answered.
func (x *atlas) path(from, to *endpoint) (Path, bool) {
	flows, asked := x.flows(from, to)
	p, ok := asked.Witness()
	if !ok {
		return Path{}, false
	}
	return Path{Source: from.ID, Destination: to.ID, Flows: flows, Witness: FlowOf(from.ID, to.ID, p)}, true
}

// FlowOf is a packet as a question.
func FlowOf(from, to network.ENIID, p space.Packet) Flow {
	f := Flow{Source: from, SourceAddr: p.Src, Destination: to, DestinationAddr: p.Dst, Protocol: network.Protocol(p.Protocol)}
	switch f.Protocol {
	case network.TCP, network.UDP:
		f.Port, f.SourcePort = p.DstPort, p.SrcPort
	case network.ICMP, network.ICMPv6:
		f.ICMPType, f.ICMPCode = uint8(p.DstPort>>8), uint8(p.DstPort)
	}
	return f
}

// flows is what one endpoint can ask of another, and a part of that, between one
// pair of addresses, which hosts do ask and which is answered.
func (x *atlas) flows(from, to *endpoint) (all, asked space.Set) {
	if from == to || !from.up || !to.up {
		return all, asked
	}
	for pair := range pairs(from.ENI, to.ENI) {
		services := x.connections(from, to, pair)
		if services.Empty() {
			continue
		}
		src, dst := space.Only(pair.src), space.Only(pair.dst)
		all = all.Union(services.Between(src, dst))
		if asked.Empty() {
			asked = x.and(services, x.asking[pair.src.Is6()]).Between(src, dst)
		}
	}
	return all, asked
}

// pair is a source and a destination address.
type pair struct{ src, dst netip.Addr }

// pairs are those of the interfaces' own addresses that are of one family.
func pairs(from, to *network.ENI) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		for _, addrs := range [][2][]netip.Addr{{from.Addrs, to.Addrs}, {from.Addrs6, to.Addrs6}} {
			for _, src := range addrs[0] {
				for _, dst := range addrs[1] {
					if !yield(pair{src, dst}) {
						return
					}
				}
			}
		}
	}
}

// connections are the services that work between two addresses: the addresses alone say
// which way request and answer take, and the gates on the way what passes.
func (x *atlas) connections(from, to *endpoint, p pair) space.Services {
	forward, ok := x.way(x.forward[:0], from, to, p)
	x.forward = forward
	if !ok {
		return space.Services{}
	}
	arrives := space.EveryService()
	for _, l := range forward {
		if arrives = x.cross(arrives, l, p); arrives.Empty() {
			return arrives
		}
	}
	back := pair{p.dst, p.src}
	home, ok := x.way(x.home[:0], to, from, back)
	x.home = home
	if !ok {
		return x.and(arrives, x.silent)
	}
	answered := space.EveryService()
	for _, l := range home {
		answered = x.crossBack(answered, l, back)
	}
	return x.and(arrives, x.either(answered, x.silent))
}

// cross is what of some requests gets over a leg.
func (x *atlas) cross(s space.Services, l leg, p pair) space.Services {
	s = x.and(s, l.from.groups.pass(x, Egress, Request).at(p.dst))
	if l.from.domain != l.to.domain {
		s = x.and(s, l.from.domain.acl.pass(x, Egress, Request).at(p.dst))
		s = x.and(s, l.to.domain.acl.pass(x, Ingress, Request).at(p.src))
	}
	return x.and(s, l.to.groups.pass(x, Ingress, Request).at(p.src))
}

// crossBack is the requests of some whose answers get over a leg; p is the
// answers' pair.
func (x *atlas) crossBack(s space.Services, l leg, p pair) space.Services {
	if !x.known(l.from) {
		s = x.and(s, l.from.groups.pass(x, Egress, Answer).at(p.dst))
	}
	if l.from.domain != l.to.domain {
		s = x.and(s, l.from.domain.acl.pass(x, Egress, Answer).at(p.dst))
		s = x.and(s, l.to.domain.acl.pass(x, Ingress, Answer).at(p.src))
	}
	if !x.known(l.to) {
		s = x.and(s, l.to.groups.pass(x, Ingress, Answer).at(p.src))
	}
	return s
}

// known is whether the request, on its way, has passed an interface: its groups
// then let the answer pass (AWS: Security groups, Connection tracking).
func (x *atlas) known(e *endpoint) bool {
	for _, l := range x.forward {
		if l.from == e || l.to == e {
			return true
		}
	}
	return false
}
