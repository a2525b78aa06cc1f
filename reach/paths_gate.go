package reach

import (
	"net/netip"
	"slices"

	"tombolo/network"
	"tombolo/reach/space"
)

// gate is what a component lets pass to or from a peer: the other end for a
// security group and, for a network ACL, the end outside of the subnet. Ports are
// always those of the request, also where it is the answer that passes.
type gate struct {
	one func(peer netip.Addr) space.Services // of one peer, by looking at what matches it
	all func() space.Set                     // of every peer, as the Set's source

	asked []reply
	set   space.Set
	whole bool // set has been made
}

// reply is what a gate says of one peer.
type reply struct {
	peer   netip.Addr
	passes space.Services
}

// A gate that is asked about a few peers looks at its rules for each; one that is
// asked about many pays once for all.
const few = 6

func (g *gate) at(peer netip.Addr) space.Services {
	if g.whole {
		return g.set.Services(peer, peer)
	}
	for _, r := range g.asked {
		if r.peer == peer {
			return r.passes
		}
	}
	if len(g.asked) == few {
		g.set, g.whole = g.all(), true
		return g.set.Services(peer, peer)
	}
	passes := g.one(peer)
	g.asked = append(g.asked, reply{peer, passes})
	return passes
}

// groupGate is what the rules of a set of groups allow in one direction. Answers
// ask an interface's rules only where the request has not passed it: what was let
// through is known (AWS: Security groups, Connection tracking).
func (x *atlas) groupGate(groups []network.GroupID, d Direction, way Way) *gate {
	rules := func(yield func(*network.SecurityGroup, network.Rule) bool) {
		for _, id := range groups {
			g := x.s.SecurityGroup(id)
			for _, r := range g.Rules {
				if r.Egress == (d == Egress) && !yield(g, r) {
					return
				}
			}
		}
	}
	return &gate{
		one: func(peer netip.Addr) (passes space.Services) {
			for g, r := range rules {
				if x.names(g, r.Peer, peer) {
					passes = x.either(passes, x.services(r.Protocol, r.Ports, way))
				}
			}
			return passes
		},
		all: func() space.Set {
			var sets []space.Set
			for g, r := range rules {
				what := x.services(r.Protocol, r.Ports, way)
				switch peer := r.Peer.(type) {
				case network.PeerCIDR:
					sets = append(sets, what.Between(space.In(peer.CIDR), space.Addrs{}))
				case network.PeerGroup:
					if x.s.PeerAlive(g, peer) {
						sets = append(sets, space.Sources(membersOf(x.s, peer.Group), what))
					}
				}
			}
			return space.Union(sets...)
		},
	}
}

// names is whether the peer of a rule of group g is this address.
func (x *atlas) names(g *network.SecurityGroup, peer network.Peer, a netip.Addr) bool {
	switch peer := peer.(type) {
	case network.PeerCIDR:
		return peer.CIDR.Contains(a)
	case network.PeerGroup:
		other := x.s.SecurityGroup(peer.Group)
		if other == nil {
			return false
		}
		e := x.s.ENIWith(other.VPC, a)
		return e != nil && slices.Contains(e.Groups, peer.Group) && x.s.PeerAlive(g, peer)
	}
	return false
}

// membersOf are the private addresses that a rule which names a group means
// (AWS: Security group rules, Security group referencing).
func membersOf(s network.State, id network.GroupID) []netip.Addr {
	var out []netip.Addr
	for e := range s.Members(id) {
		out = append(out, e.Addrs...)
		out = append(out, e.Addrs6...)
	}
	return out
}

// aclGate is what a network ACL lets pass in one direction, of requests or of
// answers. Entries are in ascending order and the first that matches decides, so
// that each, from the last to the first, overrides those behind it
// (AWS: Network ACL rules).
func (x *atlas) aclGate(a *network.ACL, d Direction, way Way) *gate {
	backwards := func(yield func(network.ACLEntry, space.Services) bool) {
		for _, e := range slices.Backward(a.Entries) {
			if e.Egress == (d == Egress) && !yield(e, x.services(e.Protocol, e.Ports, way)) {
				return
			}
		}
	}
	return &gate{
		one: func(peer netip.Addr) (passes space.Services) {
			for e, what := range backwards {
				switch {
				case !e.CIDR.Contains(peer):
				case e.Allow:
					passes = x.either(passes, what)
				default:
					passes = passes.Subtract(what)
				}
			}
			return passes
		},
		all: func() (passes space.Set) {
			for e, what := range backwards {
				set := what.Between(space.In(e.CIDR), space.Addrs{})
				if e.Allow {
					passes = passes.Union(set)
				} else {
					passes = passes.Subtract(set)
				}
			}
			return passes
		},
	}
}

// match is what a rule or an entry says of protocol and ports.
type match struct {
	protocol network.Protocol
	ports    network.PortRange
	way      Way
}

// services are the requests that protocol and ports of a rule or an entry match,
// or those whose answers they match.
func (x *atlas) services(protocol network.Protocol, ports network.PortRange, way Way) space.Services {
	key := match{protocol, ports, way}
	s, ok := x.matches[key]
	if !ok {
		boxes := []space.Box{matched(protocol, ports)}
		if way == Answer {
			boxes = answered(protocol, ports)
		}
		s = space.ServicesOf(boxes...)
		x.matches[key] = s
	}
	return s
}

// matched is what protocol and ports of a rule or an entry match.
func matched(protocol network.Protocol, ports network.PortRange) space.Box {
	b := space.All
	switch {
	case protocol == network.AnyProtocol:
		return b
	case protocol == network.TCP || protocol == network.UDP:
		b.DstPort = space.Ports{From: uint16(ports.From), To: uint16(ports.To)}
	case (protocol == network.ICMP || protocol == network.ICMPv6) && ports.From >= 0:
		b.DstPort = space.Ports{From: space.ICMPPort(uint8(ports.From), 0), To: space.ICMPPort(uint8(ports.From), 255)}
		if ports.To >= 0 {
			b.DstPort = space.OnlyPort(space.ICMPPort(uint8(ports.From), uint8(ports.To)))
		}
	}
	b.Protocol = space.OnlyProtocol(uint8(protocol))
	return b
}

// answered are the requests whose answers protocol and ports match: of TCP and
// UDP the ports change places, an echo request has an echo reply for an answer.
func answered(protocol network.Protocol, ports network.PortRange) []space.Box {
	b := matched(protocol, ports)
	switch protocol {
	case network.TCP, network.UDP:
		b.SrcPort, b.DstPort = b.DstPort, space.AnyPort
	case network.ICMP, network.ICMPv6:
		replies := b.DstPort
		var out []space.Box
		for _, q := range queries(protocol) {
			if reply := space.ICMPPort(q.reply, 0); replies.From <= reply && reply <= replies.To {
				b.DstPort = space.Ports{From: space.ICMPPort(q.request, 0), To: space.ICMPPort(q.request, 255)}
				out = append(out, b)
			}
		}
		return out
	}
	return []space.Box{b}
}

// query is a type of ICMP message that is answered, and the answer's.
type query struct{ request, reply uint8 }

func queries(p network.Protocol) []query {
	if p == network.ICMP {
		return []query{{echoRequest, echoReply}, {timeRequest, timeReply}, {maskRequest, maskReply}}
	}
	return []query{{echoRequest6, echoReply6}}
}

// unanswered are the services that have no answer: the ICMP messages that ask
// nothing.
func unanswered() space.Services {
	var all, asking []space.Box
	for _, p := range []network.Protocol{network.ICMP, network.ICMPv6} {
		all = append(all, matched(p, network.AnyPort))
		for _, q := range queries(p) {
			asking = append(asking, matched(p, network.PortRange{From: int(q.request), To: -1}))
		}
	}
	return space.ServicesOf(all...).Subtract(space.ServicesOf(asking...))
}
