package scenario_test

import (
	"net/netip"

	"tombolo/internal/scenario"
	"tombolo/linux"
	"tombolo/network"
)

// oracle says what AWS's rules make of a request and its answer. It walks the
// State packet by packet, with loops where the plane has compiled sets, and
// shares nothing with the plane but the model's queries.
type oracle struct{ network.State }

// packet is one packet on its walk.
type packet struct {
	protocol network.Protocol
	src, dst netip.Addr
	// from and to are ports; of ICMP from is the type.
	from, to int
	// answer: security groups let it pass because they remember the question.
	answer bool
}

// exchange is what becomes of a request and its answer: the zero Cause when both
// arrive.
func (o oracle) exchange(from *network.ENI, p packet) linux.Cause {
	to, cause := o.walk(from, p)
	if cause != (linux.Cause{}) {
		return cause
	}
	back := p
	back.src, back.dst, back.from, back.to, back.answer = p.dst, p.src, p.to, p.from, true
	switch p.protocol {
	case network.ICMP:
		back.from, back.to = 0, 0
	case network.ICMPv6:
		back.from, back.to = 129, 0
	}
	_, cause = o.walk(to, back)
	return cause
}

// walk is the way of one packet: security group, and, unless it stays in its
// subnet, network ACL, route table, target, network ACL; security group
// (AWS: Reachability Analyzer, path components).
func (o oracle) walk(from *network.ENI, p packet) (*network.ENI, linux.Cause) {
	if !p.answer && !o.allowed(from, true, p) {
		return nil, linux.Cause{Why: "sg-denied", At: string(from.ID), Direction: "egress"}
	}
	home := o.Subnet(from.Subnet)
	var to *network.ENI
	if home.Contains(p.dst) {
		if to = o.living(from.VPC, p.dst); to == nil {
			return nil, o.nobody(from.VPC, p)
		}
	} else {
		if cause := o.acl(home, true, p); cause != (linux.Cause{}) {
			return nil, cause
		}
		vpc, cause := o.route(home, p)
		if cause != (linux.Cause{}) {
			return nil, cause
		}
		if to = o.living(vpc, p.dst); to != nil {
			if cause := o.acl(o.Subnet(to.Subnet), false, p); cause != (linux.Cause{}) {
				return nil, cause
			}
		} else {
			return nil, linux.Cause{Why: "no-such-address", At: string(vpc)}
		}
	}
	if !p.answer && !o.allowed(to, false, p) {
		return nil, linux.Cause{Why: "sg-denied", At: string(to.ID), Direction: "ingress"}
	}
	return to, linux.Cause{}
}

// nobody is what becomes of a packet to a neighbour that is not there: in IPv4 it
// is never sent, because nobody answers ARP for it.
func (o oracle) nobody(v network.VPCID, p packet) linux.Cause {
	if p.dst.Is4() {
		return linux.Cause{Why: scenario.Uncounted}
	}
	return linux.Cause{Why: "no-such-address", At: string(v)}
}

// living is the interface with an address, if packets can reach it.
func (o oracle) living(v network.VPCID, a netip.Addr) *network.ENI {
	e := o.ENIWith(v, a)
	if e == nil || e.Attachment == nil || !o.Instance(e.Attachment.Instance).Runs() {
		return nil
	}
	return e
}

// route is the VPC that a packet is delivered in.
func (o oracle) route(n *network.Subnet, p packet) (network.VPCID, linux.Cause) {
	table := o.TableOf(n)
	r, ok := table.Lookup(p.dst)
	switch {
	case !ok:
		return "", linux.Cause{Why: "no-route", At: string(table.ID)}
	case !o.RouteActive(n.VPC, r):
		return "", linux.Cause{Why: "blackhole", At: string(table.ID)}
	}
	to, ok := r.To.(network.ToPeering)
	if !ok {
		return n.VPC, linux.Cause{}
	}
	other := o.VPC(o.Peering(to.Peering).Other(n.VPC))
	if !other.Contains(p.dst) {
		return "", linux.Cause{Why: "not-in-peer-cidr", At: string(to.Peering)}
	}
	return other.ID, linux.Cause{}
}

// acl asks a subnet's network ACL: the lowest number that matches decides.
func (o oracle) acl(n *network.Subnet, egress bool, p packet) linux.Cause {
	denied := linux.Cause{Why: "acl-denied", At: string(n.ACL), Direction: "ingress", Entry: "*"}
	peer := p.src
	if egress {
		denied.Direction, peer = "egress", p.dst
	}
	best := network.ACLEntry{Number: 1 << 20}
	for _, e := range o.ACL(n.ACL).Entries {
		if e.Egress == egress && e.Number < best.Number && e.CIDR.Contains(peer) && matches(e.Protocol, e.Ports, p) {
			best = e
		}
	}
	if best.Allow {
		return linux.Cause{}
	}
	if best.Number < 1<<20 {
		denied.Entry = itoa(best.Number)
	}
	return denied
}

// allowed asks an interface's groups: any rule of any of them will do.
func (o oracle) allowed(e *network.ENI, egress bool, p packet) bool {
	peer := p.src
	if egress {
		peer = p.dst
	}
	for _, id := range e.Groups {
		g := o.SecurityGroup(id)
		for _, r := range g.Rules {
			if r.Egress == egress && matches(r.Protocol, r.Ports, p) && o.isPeer(g, r.Peer, peer) {
				return true
			}
		}
	}
	return false
}

func (o oracle) isPeer(g *network.SecurityGroup, peer network.Peer, a netip.Addr) bool {
	switch peer := peer.(type) {
	case network.PeerCIDR:
		return peer.CIDR.Contains(a)
	case network.PeerGroup:
		for e := range o.Members(peer.Group) {
			for _, member := range e.Groups {
				if member == peer.Group && e.Has(a) {
					return o.PeerAlive(g, peer)
				}
			}
		}
	}
	return false
}

// matches compares a rule's or an entry's protocol and ports with a packet's.
func matches(protocol network.Protocol, ports network.PortRange, p packet) bool {
	if protocol == network.AnyProtocol {
		return true
	}
	if protocol != p.protocol {
		return false
	}
	switch p.protocol {
	case network.TCP, network.UDP:
		return ports.From <= p.to && p.to <= ports.To
	case network.ICMP, network.ICMPv6:
		// All messages here have code 0.
		return ports.From == -1 || ports.From == p.from && (ports.To == -1 || ports.To == 0)
	}
	return true
}
