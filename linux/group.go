package linux

import (
	"slices"

	"tombolo/network"
)

// groupList is the security groups of an interface: what any of them allows is
// allowed. Interfaces with the same groups share chains.
type groupList struct {
	name   string
	groups []*network.SecurityGroup // nil for one that does not exist
}

// compileGroups makes the sets of each group and the chains of each list.
func (j *job) compileGroups() {
	for id := range j.groups {
		j.compileGroup(id)
	}
	for _, l := range j.lists {
		j.compileList(l)
	}
}

func (j *job) compileGroup(id network.GroupID) {
	g := j.s.SecurityGroup(id)
	if g == nil {
		return
	}
	from := []any{g}
	for _, r := range g.Rules {
		if p, ok := r.Peer.(network.PeerGroup); ok {
			from = append(from, j.s.PeerAlive(g, p), j.membersOf(p.Group))
		}
	}
	j.unit(string(id), from, func() *unit { return j.groupUnit(g) })
}

func (j *job) compileList(l *groupList) {
	from := []any{}
	for _, g := range l.groups {
		from = append(from, g)
	}
	j.unit("list "+l.name, from, l.unit)
}

// groupSet names the set of what a group allows in one direction.
func groupSet(id network.GroupID, egress bool) string { return string(id) + "." + direction(egress) }

// groupUnit is one set per direction and family: protocol, ports, and address
// of the other end, as disjoint boxes. The ports are the first and second 16
// bits above IP; of ICMP the first are type and code.
func (j *job) groupUnit(g *network.SecurityGroup) *unit {
	u := &unit{concern: concern{group: g.ID}}
	for _, f := range []Family{V4, V6} {
		for _, egress := range []bool{true, false} {
			name := groupSet(g.ID, egress)
			u.Sets = append(u.Sets, Set{Family: f, Name: name, Interval: true,
				Fields: []Type{ProtoType, ServiceType, ServiceType, f.addrType()}})
			for _, b := range boxes(j.allowed(f, g, egress)) {
				u.Elements = append(u.Elements, b.element(f, name))
			}
		}
	}
	return u
}

// allowance is what one rule allows, in one family.
type allowance struct {
	protocol network.Protocol
	ports    [2]uint16 // or ICMP type and code as one number
	peers    []span
}

// allowed are the rules of one direction that permit anything in a family.
// A reference to a group that is gone, or no longer joined by an active
// peering, is stale and permits nothing (AWS: Work with stale security group rules).
func (j *job) allowed(f Family, g *network.SecurityGroup, egress bool) []allowance {
	var out []allowance
	for _, r := range g.Rules {
		if r.Egress != egress {
			continue
		}
		a := allowance{protocol: r.Protocol, ports: portsOf(r.Protocol, r.Ports)}
		switch p := r.Peer.(type) {
		case network.PeerCIDR:
			if familyOf(p.CIDR.Addr()) == f {
				a.peers = []span{spanOf(p.CIDR)}
			}
		case network.PeerGroup:
			if j.s.PeerAlive(g, p) {
				a.peers = j.addresses(f, p.Group)
			}
		}
		if len(a.peers) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// addresses are the private addresses of a group's members.
func (j *job) addresses(f Family, id network.GroupID) []span {
	var out []span
	for e := range j.s.Members(id) {
		for _, a := range e.AllAddrs() {
			// Members links an interface to rules that name the group, too.
			if familyOf(a) == f && slices.Contains(e.Groups, id) {
				out = append(out, span{a, a})
			}
		}
	}
	return union(out)
}

// portsOf turns a rule's ports into a range of 16-bit numbers. Protocols other
// than TCP, UDP and ICMP cover all ports whatever was sent.
func portsOf(p network.Protocol, r network.PortRange) [2]uint16 {
	switch p {
	case network.TCP, network.UDP:
		if r.From >= 0 && r.To >= 0 {
			return [2]uint16{uint16(r.From), uint16(r.To)}
		}
	case network.ICMP, network.ICMPv6:
		switch {
		case r.From >= 0 && r.To >= 0:
			return [2]uint16{uint16(r.From)<<8 | uint16(r.To), uint16(r.From)<<8 | uint16(r.To)}
		case r.From >= 0:
			return [2]uint16{uint16(r.From) << 8, uint16(r.From)<<8 | 0xff}
		}
	}
	return allPorts
}

var allPorts = [2]uint16{0, 65535}

// box is a part of the space of protocol, ports and address.
type box struct {
	protocols [2]uint8
	ports     [2]uint16
	peer      span
}

// boxes makes a union of allowances disjoint, because nftables' interval sets
// refuse overlaps. What every protocol may do comes first; each protocol then
// adds, per stretch of ports, the peers that are not in that yet.
func boxes(in []allowance) []box {
	var every []span
	byProtocol := map[uint8][]allowance{}
	for _, a := range in {
		if a.protocol == network.AnyProtocol {
			every = append(every, a.peers...)
		} else {
			byProtocol[uint8(a.protocol)] = append(byProtocol[uint8(a.protocol)], a)
		}
	}
	every = union(every)
	var out []box
	for _, s := range every {
		out = append(out, box{[2]uint8{0, 255}, allPorts, s})
	}
	for _, p := range sortedKeys(byProtocol) {
		for _, x := range stretches(byProtocol[p]) {
			for _, s := range subtract(x.peers, every) {
				out = append(out, box{[2]uint8{p, p}, x.ports, s})
			}
		}
	}
	return out
}

// stretches cuts the ports of one protocol where any rule begins or ends, and
// gives each stretch the union of the peers that may use it. Neighbours with
// the same peers are one.
func stretches(in []allowance) []allowance {
	// Most groups have no two rules with overlapping ports but equal ones.
	byPorts := map[[2]uint16][]span{}
	cuts := map[int]bool{}
	for _, a := range in {
		byPorts[a.ports] = append(byPorts[a.ports], a.peers...)
		cuts[int(a.ports[0])], cuts[int(a.ports[1])+1] = true, true
	}
	starts := sortedKeys(cuts)
	at := make(map[int]int, len(starts))
	for i, s := range starts {
		at[s] = i
	}
	peers := make([][]span, len(starts))
	for ports, spans := range byPorts {
		for i := at[int(ports[0])]; starts[i] <= int(ports[1]); i++ {
			peers[i] = append(peers[i], spans...)
		}
	}
	var out []allowance
	for i := range starts {
		if len(peers[i]) == 0 {
			continue
		}
		ports, spans := [2]uint16{uint16(starts[i]), uint16(starts[i+1] - 1)}, union(peers[i])
		if n := len(out); n > 0 && int(out[n-1].ports[1])+1 == starts[i] && slices.Equal(out[n-1].peers, spans) {
			out[n-1].ports[1] = ports[1]
			continue
		}
		out = append(out, allowance{ports: ports, peers: spans})
	}
	return out
}

// element is the box as an element of a group's set: ICMP has its type and
// code where others have the source port.
func (b box) element(f Family, set string) Element {
	first, second := allPorts, b.ports
	if b.protocols[0] == 1 || b.protocols[0] == 58 {
		first, second = b.ports, allPorts
	}
	return Element{Family: f, Set: set,
		Lo: string(key(nil).proto(b.protocols[0]).service(first[0]).service(second[0]).addr(b.peer.lo)),
		Hi: string(key(nil).proto(b.protocols[1]).service(first[1]).service(second[1]).addr(b.peer.hi))}
}

// unit is the two chains of a list: what leaves, and what enters. A packet
// that is allowed returns. When a group tracks its flow, the flow is marked.
func (l *groupList) unit() *unit {
	u := &unit{concern: concern{list: l.name}}
	for _, f := range []Family{V4, V6} {
		u.listChain(f, l, true)
		u.listChain(f, l, false)
	}
	return u
}

func (u *unit) listChain(f Family, l *groupList, egress bool) {
	chain, peer, port, denied, tracked := "leave."+l.name, Destination, InPort, deniedOutSet, "tracked.leaving"
	if !egress {
		chain, peer, port, denied, tracked = "enter."+l.name, Source, OutPort, deniedInSet, "tracked.entering"
	}
	var rules []Rule
	if open := l.untracked(f, egress); len(open) > 0 {
		set := "open." + chain
		u.Sets = append(u.Sets, Set{Family: f, Name: set, Fields: []Type{ProtoType, ServiceType}, Interval: true})
		for _, a := range open {
			u.Elements = append(u.Elements, Element{Family: f, Set: set,
				Lo: string(key(nil).proto(uint8(a.protocol)).service(a.ports[0])),
				Hi: string(key(nil).proto(uint8(a.protocol)).service(a.ports[1]))})
		}
		rules = append(rules, rule(f, In{Fields: []Field{Protocol, Second}, Set: set}, back))
	}
	for _, p := range []network.Protocol{network.TCP, network.UDP} {
		// An answer that the world may have does not make its flow tracked.
		if l.openToAll(f, p, egress) {
			rules = append(rules, rule(f, OfDirection{Reply: true}, OfProtocol{uint8(p)}, back))
		}
	}
	for _, g := range l.groups {
		if g != nil {
			rules = append(rules, rule(f, In{Fields: []Field{Protocol, First, Second, peer}, Set: groupSet(g.ID, egress)}, goTo(tracked)))
		}
	}
	rules = append(rules, rule(f, In{Fields: []Field{port}, Set: denied}, toRefused(egress)), rule(f, toRefused(egress)))
	u.chain(f, chain, nil, rules...)
}

// untracked are the TCP and UDP ports whose flows are not tracked: a rule is
// open to the world for them, and the other direction lets all ports of the
// protocol answer to the world (AWS: Security group connection tracking,
// untracked connections).
func (l *groupList) untracked(f Family, egress bool) []allowance {
	var out []allowance
	for _, p := range []network.Protocol{network.TCP, network.UDP} {
		if !l.openToAll(f, p, !egress) {
			continue
		}
		for _, a := range stretches(l.open(f, p, egress)) {
			a.protocol = p
			out = append(out, a)
		}
	}
	return out
}

// openToAll reports whether all ports of a protocol are open to the world.
func (l *groupList) openToAll(f Family, p network.Protocol, egress bool) bool {
	all := stretches(l.open(f, p, egress))
	return len(all) == 1 && all[0].ports == allPorts
}

// open are the rules for a protocol whose peer is the whole world.
func (l *groupList) open(f Family, p network.Protocol, egress bool) []allowance {
	world, _ := everything(f).prefix()
	var out []allowance
	for _, g := range l.groups {
		if g == nil {
			continue
		}
		for _, r := range g.Rules {
			c, ok := r.Peer.(network.PeerCIDR)
			if !ok || r.Egress != egress || c.CIDR != world || r.Protocol != p && r.Protocol != network.AnyProtocol {
				continue
			}
			ports := allPorts
			if r.Protocol == p {
				ports = portsOf(p, r.Ports)
			}
			out = append(out, allowance{p, ports, []span{{world.Addr(), world.Addr()}}})
		}
	}
	return out
}
