package linux

import (
	"net/netip"
	"slices"
	"strconv"

	"tombolo/network"
)

// oracle says what AWS does with a packet, straight from the State, by looking at
// one row after the other. It shares no code with the compiler. Flows it knows
// as AWS does: each interface for itself.
type oracle struct {
	network.State
	closed map[network.ENIID]bool
	known  map[string]*acquaintance
}

// acquaintance is a flow between two interfaces.
type acquaintance struct {
	a, b       network.ENIID // a began it
	addrs      [2]netip.Addr
	trackedAtA bool
	trackedAtB bool
}

// verdict is where a packet ends: at an interface, or nowhere for a cause.
// A packet for the VPC's router has neither.
type verdict struct {
	at      network.ENIID
	cause   string
	unclear bool // nowhere, for one of several causes
}

func dropped(c Cause) verdict { return verdict{cause: c.String()} }

func (o *oracle) open(e *network.ENI) bool {
	return e != nil && e.Attachment != nil && !o.closed[e.ID] && o.Instance(e.Attachment.Instance).Runs()
}

// flowKey names a flow; both directions have the same. Two that ping each other
// have two flows.
func flowKey(p packet, to network.ENIID) string {
	there, here := p.side(p.from, p.src, p.first), p.side(to, p.dst, p.second)
	if icmp(p.protocol) && !query(p) || !icmp(p.protocol) && here < there {
		there, here = here, there
	}
	return strconv.Itoa(int(p.protocol)) + there + here
}

func (p packet) side(e network.ENIID, a netip.Addr, port uint16) string {
	switch {
	case icmp(p.protocol):
		port = p.id
	case p.protocol != 6 && p.protocol != 17:
		port = 0
	}
	return " " + string(e) + " " + a.String() + " " + strconv.Itoa(int(port))
}

// send is the order in which AWS's gates stand: source check, the sender's
// groups, its subnet's ACL, the route table, the receiver's ACL, its groups.
func (o *oracle) send(p packet) verdict {
	e := o.ENI(p.from)
	if !o.open(e) {
		return verdict{}
	}
	if p.mac != e.MAC || e.SourceDestCheck && !e.Has(p.src) {
		return dropped(Cause{Why: "spoofed", At: string(e.ID), Direction: "egress"})
	}
	to, why := o.deliver(e, p)
	if to == nil && why.Why == "" {
		return verdict{} // the router's own address
	}
	var known *acquaintance
	fresh := &acquaintance{a: e.ID, addrs: [2]netip.Addr{p.src, p.dst}}
	if to != nil {
		fresh.b = to.ID
		known = o.known[flowKey(p, to.ID)]
	} else if known = o.recognize(p); known != nil && (o.ambiguous(e.VPC, p.dst) || why.Why == "no-route" && !o.neighbour(e.VPC, p.dst)) {
		return verdict{unclear: true}
	}
	if odd(p) {
		fresh, known = nil, nil
	} else if known == nil && icmp(p.protocol) && !query(p) {
		fresh = nil // an answer to nothing
	}
	if known != nil {
		fresh = known
	}
	ok := o.permitted(e, p, true, fresh, known)
	if !ok {
		return dropped(Cause{Why: "sg-denied", At: string(e.ID), Direction: "egress"})
	}
	outside := to == nil || to.Subnet != e.Subnet
	if to == nil && o.Subnet(e.Subnet).Contains(p.dst) {
		outside = false
	}
	if c := o.acl(e.Subnet, p, true); outside && c.Why != "" {
		return dropped(c)
	}
	if to == nil {
		return dropped(why)
	}
	if c := o.acl(to.Subnet, p, false); outside && c.Why != "" {
		return dropped(c)
	}
	if !o.permitted(to, p, false, fresh, known) {
		return dropped(Cause{Why: "sg-denied", At: string(to.ID), Direction: "ingress"})
	}
	if fresh != nil {
		o.known[flowKey(p, to.ID)] = fresh
	}
	return verdict{at: to.ID}
}

// neighbour is whether the VPC of an address is this one or peered with it. When
// neither route nor peering is left, nothing says whose an answer was.
func (o *oracle) neighbour(v network.VPCID, a netip.Addr) bool {
	for q := range o.Peerings() {
		if other := q.Other(v); other != "" && q.Status == network.PeeringActive && o.VPC(other).Contains(a) {
			return true
		}
	}
	return o.VPC(v).Contains(a)
}

// recognize finds the flow of a packet that goes nowhere: the sender's groups
// know it nevertheless.
func (o *oracle) recognize(p packet) *acquaintance {
	for e := range o.ENIs() {
		if known := o.known[flowKey(p, e.ID)]; known != nil {
			return known
		}
	}
	return nil
}

// ambiguous is whether two VPCs with the same address have been peered with one.
// AWS's interface knows the answers to both alike; here each pair of VPCs has its
// flows, and an answer that is lost between them may count as no answer.
func (o *oracle) ambiguous(v network.VPCID, a netip.Addr) bool {
	there := map[network.VPCID]bool{}
	for q := range o.Peerings() {
		if other := q.Other(v); other != "" && o.VPC(other).Contains(a) {
			there[other] = true
		}
	}
	return len(there) > 1
}

// query and odd sort ICMP: what asks, and what belongs to no flow.
func query(p packet) bool {
	return p.protocol == 1 && p.first>>8 == 8 || p.protocol == 58 && p.first>>8 == 128
}

func odd(p packet) bool {
	return icmp(p.protocol) && !query(p) && !(p.protocol == 1 && p.first>>8 == 0) && !(p.protocol == 58 && p.first>>8 == 129)
}

// deliver is what the route tables make of a packet.
func (o *oracle) deliver(e *network.ENI, p packet) (*network.ENI, Cause) {
	n := o.Subnet(e.Subnet)
	table := o.TableOf(n)
	if n.Contains(p.dst) {
		return o.inside(e.VPC, p.dst)
	}
	r, ok := table.Lookup(p.dst)
	if !ok {
		return nil, Cause{Why: "no-route", At: string(table.ID)}
	}
	blackhole := Cause{Why: "blackhole", At: string(table.ID)}
	switch to := r.To.(type) {
	case network.ToPeering:
		q := o.Peering(to.Peering)
		if q == nil || q.Status != network.PeeringActive {
			return nil, blackhole
		}
		switch other := q.Other(e.VPC); {
		case !o.VPC(other).Contains(p.dst):
			return nil, Cause{Why: "not-in-peer-cidr", At: string(q.ID)}
		case !o.VPC(e.VPC).Contains(p.src):
			return nil, Cause{Why: "source-not-in-vpc", At: string(q.ID)}
		default:
			return o.inside(other, p.dst)
		}
	case network.ToENI:
		box := o.ENI(to.ENI)
		switch {
		case box == nil || box.Attachment == nil || !o.Instance(box.Attachment.Instance).Runs():
			return nil, blackhole
		case box.Has(p.dst):
			return o.inside(e.VPC, p.dst)
		case box.SourceDestCheck:
			return nil, Cause{Why: "dest-check", At: string(box.ID)}
		case !o.open(box):
			return nil, blackhole
		case box == e:
			return nil, Cause{} // its own packets do not come back to it
		}
		return box, Cause{}
	case network.ToGateway:
		return nil, Cause{Why: "not-supported", At: string(to.Gateway)}
	case network.ToEgress:
		return nil, Cause{Why: "not-supported", At: string(to.Gateway)}
	}
	return o.inside(e.VPC, p.dst)
}

// inside delivers within a VPC, to the interface that has the address.
func (o *oracle) inside(v network.VPCID, a netip.Addr) (*network.ENI, Cause) {
	for e := range o.ENIs() {
		if e.VPC != v || !o.open(e) {
			continue
		}
		if e.Has(a) {
			return e, Cause{}
		}
		if n := o.Subnet(e.Subnet); a.Is4() && n.Router() == a {
			return nil, Cause{} // the router of a subnet in use hears and says nothing
		}
	}
	return nil, Cause{Why: "no-such-address", At: string(v)}
}

// acl is the first entry that matches; the last denies.
func (o *oracle) acl(n network.SubnetID, p packet, egress bool) Cause {
	a := o.ACL(o.Subnet(n).ACL)
	peer := p.src
	if egress {
		peer = p.dst
	}
	entries := slices.Clone(a.Entries)
	slices.SortFunc(entries, func(a, b network.ACLEntry) int { return a.Number - b.Number })
	for _, e := range entries {
		if e.Egress != egress || !e.CIDR.Contains(peer) || !covers(e.Protocol, e.Ports, p) {
			continue
		}
		if e.Allow {
			return Cause{}
		}
		return Cause{Why: "acl-denied", At: string(a.ID), Direction: direction(egress), Entry: strconv.Itoa(e.Number)}
	}
	return Cause{Why: "acl-denied", At: string(a.ID), Direction: direction(egress), Entry: "*"}
}

// covers is whether protocol and ports of a rule or entry match a packet.
func covers(protocol network.Protocol, ports network.PortRange, p packet) bool {
	switch {
	case protocol == network.AnyProtocol:
		return true
	case int(protocol) != int(p.protocol):
		return false
	case protocol == network.TCP || protocol == network.UDP:
		return ports.From <= int(p.second) && int(p.second) <= ports.To
	case protocol == network.ICMP || protocol == network.ICMPv6:
		return ports.From < 0 || ports.From == int(p.first>>8) && (ports.To < 0 || ports.To == int(p.first&0xff))
	}
	return true
}

// permitted is whether an interface's groups let a packet pass, and notes
// whether they track its flow.
func (o *oracle) permitted(e *network.ENI, p packet, egress bool, f, known *acquaintance) bool {
	var tracked *bool
	answering := false
	if f != nil {
		// The sender at egress and the receiver at ingress are the ends.
		tracked = &f.trackedAtA
		beginner := egress == (known == nil || f.a == p.from && f.addrs[0] == p.src)
		if !beginner {
			tracked = &f.trackedAtB
		}
		answering = known != nil && !(f.a == p.from && f.addrs[0] == p.src)
		if *tracked {
			return true
		}
	}
	peer := p.src
	if egress {
		peer = p.dst
	}
	allowed := false
	for _, g := range e.Groups {
		for _, r := range o.SecurityGroup(g).Rules {
			if r.Egress == egress && covers(r.Protocol, r.Ports, p) && o.isPeer(g, r.Peer, peer) {
				allowed = true
			}
		}
	}
	if allowed && tracked != nil {
		*tracked = !o.untracked(e, p, egress, answering)
	}
	return allowed
}

func (o *oracle) isPeer(g network.GroupID, peer network.Peer, a netip.Addr) bool {
	switch x := peer.(type) {
	case network.PeerCIDR:
		return x.CIDR.Contains(a)
	case network.PeerGroup:
		other := o.SecurityGroup(x.Group)
		if other == nil || !o.joined(o.SecurityGroup(g).VPC, other.VPC) {
			return false
		}
		for e := range o.ENIs() {
			if slices.Contains(e.Groups, x.Group) && e.Has(a) {
				return true
			}
		}
	}
	return false
}

func (o *oracle) joined(a, b network.VPCID) bool {
	if a == b {
		return true
	}
	for q := range o.Peerings() {
		if q.Status == network.PeeringActive && (q.Requester.VPC == a && q.Accepter.VPC == b || q.Requester.VPC == b && q.Accepter.VPC == a) {
			return true
		}
	}
	return false
}

// untracked is AWS's rule: a TCP or UDP flow that a rule open to the world
// permits, where the other direction lets all answers out to the world (AWS:
// Security group connection tracking, Untracked connections).
func (o *oracle) untracked(e *network.ENI, p packet, egress, answering bool) bool {
	if p.protocol != 6 && p.protocol != 17 {
		return false
	}
	return o.world(e, p, egress, int(p.second)) && o.everyPort(e, p, !egress) || answering && o.everyPort(e, p, egress)
}

// world is whether a rule for this port is open to the whole family.
func (o *oracle) world(e *network.ENI, p packet, egress bool, port int) bool {
	for _, g := range e.Groups {
		for _, r := range o.SecurityGroup(g).Rules {
			c, ok := r.Peer.(network.PeerCIDR)
			if !ok || r.Egress != egress || c.CIDR.Bits() > 0 || c.CIDR.Addr().Is4() != p.src.Is4() {
				continue
			}
			if r.Protocol == network.AnyProtocol || int(r.Protocol) == int(p.protocol) && r.Ports.From <= port && port <= r.Ports.To {
				return true
			}
		}
	}
	return false
}

// everyPort looks at the first port and those where some rule ends, which
// include the lowest that no rule covers.
func (o *oracle) everyPort(e *network.ENI, p packet, egress bool) bool {
	ports := []int{0}
	for _, g := range e.Groups {
		for _, r := range o.SecurityGroup(g).Rules {
			if int(r.Protocol) == int(p.protocol) && r.Ports.To < 65535 {
				ports = append(ports, r.Ports.To+1)
			}
		}
	}
	return !slices.ContainsFunc(ports, func(port int) bool { return !o.world(e, p, egress, port) })
}

// follow is what AWS forgets when the State changes: flows of addresses that an
// interface no longer has, or that does not run.
func (o *oracle) follow(s network.State, closed map[network.ENIID]bool) {
	o.State, o.closed = s, closed
	has := func(id network.ENIID, a netip.Addr) bool {
		e := s.ENI(id)
		return e == nil || !e.SourceDestCheck || e.Has(a)
	}
	for key, f := range o.known {
		a, b := s.ENI(f.a), s.ENI(f.b)
		if !o.open(a) || !o.open(b) || !has(f.a, f.addrs[0]) || !has(f.b, f.addrs[1]) {
			delete(o.known, key)
		}
	}
}
