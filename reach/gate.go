package reach

import (
	"net/netip"

	"tombolo/network"
)

// covers compares what a rule or an entry says of protocol and ports with a
// header. Protocols other than TCP, UDP and ICMP have no ports (AWS: Security
// group rules; Network ACL rules). Of several source ports all must be covered.
func covers(protocol network.Protocol, ports network.PortRange, h *Header) bool {
	switch protocol {
	case network.AnyProtocol:
		return true
	case h.Protocol:
	default:
		return false
	}
	switch protocol {
	case network.TCP, network.UDP:
		return ports.From <= h.DestinationPorts.From && h.DestinationPorts.To <= ports.To
	case network.ICMP, network.ICMPv6:
		return ports.From == -1 || ports.From == h.DestinationPorts.From && (ports.To == -1 || ports.To == h.DestinationPorts.To)
	}
	return true
}

// pass finds the rule that lets a packet through an interface's groups: any rule
// of any of them (AWS: Security groups, "allow rules only").
func (x *Index) pass(f *face, d Direction, h *Header) (*network.SecurityGroup, *network.Rule) {
	far := h.Source
	if d == Egress {
		far = h.Destination
	}
	for _, g := range f.groups {
		for i := range g.Rules {
			r := &g.Rules[i]
			if r.Egress == (d == Egress) && covers(r.Protocol, r.Ports, h) && x.isPeer(g, r.Peer, far) {
				return g, r
			}
		}
	}
	return nil, nil
}

// isPeer is whether an address is the other end that a rule of group g names. A
// group stands for the private addresses of its members.
func (x *Index) isPeer(g *network.SecurityGroup, peer network.Peer, a netip.Addr) bool {
	switch peer := peer.(type) {
	case network.PeerCIDR:
		return peer.CIDR.Contains(a)
	case network.PeerGroup:
		other := x.refers(g, peer)
		if other == nil {
			return false
		}
		f := x.at(other.VPC, a)
		if f == nil {
			return false
		}
		for _, id := range f.Groups {
			if id == other.ID {
				return true
			}
		}
		return false
	case network.PeerPrefixList:
		return false // there are no prefix lists
	}
	panic("unreachable: the set of peers is closed")
}

// stale are the rules that would match but for their group, which is gone or no
// longer reached.
func (x *Index) stale(f *face, d Direction, h *Header) []Explanation {
	var out []Explanation
	for _, g := range f.groups {
		for _, r := range g.Rules {
			peer, ok := r.Peer.(network.PeerGroup)
			if ok && r.Egress == (d == Egress) && covers(r.Protocol, r.Ports, h) && x.refers(g, peer) == nil {
				out = append(out, Explanation{Code: UnknownPeeredGroups, Detail: true, Direction: d, Component: string(g.ID),
					VPC: f.VPC, ENI: f.ID, Group: g.ID, Rule: r})
			}
		}
	}
	return out
}

// ruled is whether any group of the interface has a rule in a direction.
func (f *face) ruled(d Direction) bool {
	for _, g := range f.groups {
		for _, r := range g.Rules {
			if r.Egress == (d == Egress) {
				return true
			}
		}
	}
	return false
}

// admit walks a network ACL: the lowest number that matches decides, and what
// none matches is denied (AWS: Network ACL rules). Where a header stands for many
// destination ports, all must be let through; the entry that is returned is the
// first that denies some of them, with those ports.
func (n *subnet) admit(d Direction, h *Header) (entry network.ACLEntry, denied network.PortRange, ok bool) {
	entries, far := n.in, h.Source
	if d == Egress {
		entries, far = n.out, h.Destination
	}
	if h.DestinationPorts.From == h.DestinationPorts.To || !ported(h.Protocol) {
		for _, e := range entries {
			if covers(e.Protocol, e.Ports, h) && e.CIDR.Contains(far) {
				return e, h.DestinationPorts, e.Allow
			}
		}
		return network.ACLEntry{Egress: d == Egress}, h.DestinationPorts, false
	}
	open := []network.PortRange{h.DestinationPorts}
	for _, e := range entries {
		if !e.CIDR.Contains(far) || e.Protocol != network.AnyProtocol && e.Protocol != h.Protocol {
			continue
		}
		matched := e.Ports
		if e.Protocol == network.AnyProtocol {
			matched = h.DestinationPorts
		}
		hit, rest := cut(open, matched)
		if len(hit) == 0 {
			continue
		}
		if !e.Allow {
			return e, hit[0], false
		}
		entry, open = e, rest
		if len(open) == 0 {
			return entry, network.PortRange{}, true
		}
	}
	return network.ACLEntry{Egress: d == Egress}, open[0], false
}

// ported is whether a protocol has ports.
func ported(p network.Protocol) bool { return p == network.TCP || p == network.UDP }

// cut divides ranges into what lies inside of r and what doesn't.
func cut(ranges []network.PortRange, r network.PortRange) (inside, outside []network.PortRange) {
	for _, o := range ranges {
		in := network.PortRange{From: max(o.From, r.From), To: min(o.To, r.To)}
		if in.From > in.To {
			outside = append(outside, o)
			continue
		}
		inside = append(inside, in)
		if o.From < in.From {
			outside = append(outside, network.PortRange{From: o.From, To: in.From - 1})
		}
		if in.To < o.To {
			outside = append(outside, network.PortRange{From: in.To + 1, To: o.To})
		}
	}
	return inside, outside
}
