package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"tombolo/network"
)

// maxChanges bounds a plan: the way through every middlebox needs a few.
const maxChanges = 64

// Fix finds the smallest set of changes that opens f, and never opens more than
// it must: rules and entries are for the flow's own addresses and ports, routes
// for single addresses. It takes the first cause, makes what removes it in a draft
// of the State, and asks again, until the flow is reachable there; then it leaves
// out whatever turns out not to have been needed.
func Fix(s network.State, f Flow) Plan {
	p := Plan{Flow: f}
	d := draft{State: s}
	for len(p.Changes) <= maxChanges {
		x := NewIndex(d.State)
		r := x.Trace(p.Flow)
		if p.Flow = r.Flow; p.Flow.Destination == "" {
			p.Flow.Destination = r.Destination
		}
		if r.Verdict == Reachable {
			return p.least(s)
		}
		changes, obstacle := x.repair(r, r.Causes[0])
		for i, c := range changes {
			changes[i] = c.instead(d.peering)
			if err := d.make(changes[i]); err != nil {
				obstacle = &Obstacle{r.Causes[0], fmt.Sprintf("%T is refused: %v", c.Request, err)}
				break
			}
		}
		if obstacle != nil {
			return Plan{Flow: p.Flow, Obstacles: x.obstacles(r, *obstacle)}
		}
		p.Changes = append(p.Changes, changes...)
	}
	return Plan{Flow: p.Flow, Obstacles: []Obstacle{{Redesign: "the way is longer than any plan"}}}
}

// least leaves out the changes without which the flow is reachable all the same.
func (p Plan) least(s network.State) Plan {
	for i := len(p.Changes) - 1; i >= 0; i-- {
		less := p
		less.Changes = append(append([]Change{}, p.Changes[:i]...), p.Changes[i+1:]...)
		if after, err := less.After(s); err == nil && Trace(after, p.Flow).Verdict == Reachable {
			p = less
		}
	}
	return p
}

// obstacles are all that r's causes tell of, the one that was met first.
func (x *Index) obstacles(r Result, first Obstacle) []Obstacle {
	out := []Obstacle{first}
	for _, e := range r.Independent() {
		_, o := x.repair(r, e)
		if o != nil && !slices.ContainsFunc(out, func(known Obstacle) bool { return known.Redesign == o.Redesign }) {
			out = append(out, *o)
		}
	}
	return out
}

// repair is what removes one cause.
func (x *Index) repair(r Result, e Explanation) ([]Change, *Obstacle) {
	switch e.Code {
	case SecurityGroupHasNoRules, SecurityGroupMismatch:
		return x.allow(e)
	case SubnetACLRestriction:
		return x.admission(r, e)
	case BadState:
		return x.revive(e)
	case SourceDestCheck:
		off := false
		return []Change{{callerOf(x.face(e.ENI).Home), network.SetENIAttribute{ENI: e.ENI, SourceDestCheck: &off},
			fmt.Sprintf("%s must handle packets of other addresses", e.ENI)}}, nil
	case BadStateRoute:
		if changes, o, done := x.reviveTarget(r, e); done {
			return changes, o
		}
		return x.lead(r, e)
	case NoRouteToDestination, MoreSpecificRoute, CannotRoute, PeeringNeedsAddress, NoSourceOrDestination, NoPossibleDestination,
		GatewayRejectsSpoofed, GatewayPrivateAddress, GatewaySharedAddress, GatewayNeedsPublicIP:
		return x.lead(r, e)
	case DisconnectedVPCs:
		changes, _, o := x.join(x.s.VPC(e.SourceVPC), x.s.VPC(e.DestinationVPC), e)
		return changes, o
	}
	return nil, x.obstacle(e)
}

// obstacle says what would have to be different where no change helps.
func (x *Index) obstacle(e Explanation) *Obstacle {
	redesign := map[Code]string{
		NoPath:                "give both ends an address of one family: an IPv6 block for the VPC and subnet, an IPv6 address for the interface",
		UnassociatedComponent: fmt.Sprintf("attach %s to a running instance", e.ENI),
		ENIAddressRestriction: fmt.Sprintf("use an address that %s has, or assign it %v", e.ENI, e.Address),
		NoPossibleDestination: fmt.Sprintf("lay the routes so that what %s forwards does not come back to it", e.Component),
		GatewayRejectsSpoofed: "send from an address of the VPC",
		GatewayNeedsPublicIP:  "nothing leads to the internet here: reach for an address in a VPC",
		GatewayPrivateAddress: fmt.Sprintf("no known interface has %v: make one, in this VPC or in one that can be peered with it", e.Address),
		GatewaySharedAddress:  fmt.Sprintf("no known interface has %v: make one, in this VPC or in one that can be peered with it", e.Address),
	}[e.Code]
	if e.Code == NoPossibleDestination && e.Gateway != "" {
		redesign = "nothing leads to the internet here: reach for an address in a VPC"
	}
	if redesign == "" {
		redesign = fmt.Sprintf("give %v to an interface, or ask for another address", e.Address)
	}
	if !e.Address.IsValid() && e.Code == NoSourceOrDestination {
		redesign = "name an interface that exists"
	}
	return &Obstacle{e, redesign}
}

func callerOf(h network.Home) network.Caller {
	return network.Caller{Account: h.Owner, Region: h.Region}
}

// allow adds a rule to one of an interface's groups: to that with the fewest
// members, because the rule holds for them all.
func (x *Index) allow(e Explanation) ([]Change, *Obstacle) {
	var best *network.SecurityGroup
	fewest := 0
	for _, g := range x.face(e.ENI).groups {
		n := 0
		for range x.s.Members(g.ID) {
			n++
		}
		if full := x.full(g, e); !full && (best == nil || n < fewest) {
			best, fewest = g, n
		}
	}
	if best == nil {
		return nil, &Obstacle{e, fmt.Sprintf("the security groups of %s are full: give it one more, or merge rules", e.ENI)}
	}
	rule := network.RuleSpec{Protocol: e.Protocol, Ports: rulePorts(e.Protocol, e.Ports), Peer: network.PeerCIDR{CIDR: single(e.Address)},
		Egress: e.Direction == Egress}
	return []Change{{callerOf(best.Home), network.AuthorizeRules{Group: best.ID, Egress: rule.Egress, Rules: []network.RuleSpec{rule}},
		fmt.Sprintf("a security group of %s must allow %s", e.ENI, RuleText(rule))}}, nil
}

// full is whether a group has no room for one more rule.
func (x *Index) full(g *network.SecurityGroup, e Explanation) bool {
	n := 0
	for _, r := range g.Rules {
		far, ok := r.Peer.(network.PeerCIDR)
		if r.Egress == (e.Direction == Egress) && (!ok || far.CIDR.Addr().Is4() == e.Address.Is4()) {
			n++
		}
	}
	return n >= x.s.Quota(callerOf(g.Home), network.QuotaRules)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// rulePorts are a header's ports as rules have them.
func rulePorts(p network.Protocol, ports network.PortRange) network.PortRange {
	if ported(p) || p == network.ICMP || p == network.ICMPv6 {
		return ports
	}
	return network.AnyPort
}

// admission adds an entry to an ACL, below the one that denies.
func (x *Index) admission(r Result, e Explanation) ([]Change, *Obstacle) {
	h := r.Forward.Header
	if e.Way == Answer {
		h = r.Return.Header
	}
	acl := x.s.ACL(e.ACL)
	n, ok := freeNumber(acl, e.Entry.Number, e.Direction == Egress)
	if !ok {
		return nil, &Obstacle{e, fmt.Sprintf("renumber the entries of %s: there is no free number below %d", e.ACL, e.Entry.Number)}
	}
	entry := network.ACLEntry{Number: n, Egress: e.Direction == Egress, Allow: true, Protocol: h.Protocol,
		CIDR: single(e.Address), Ports: rulePorts(h.Protocol, h.DestinationPorts)}
	return []Change{{callerOf(acl.Home), network.CreateACLEntry{ACL: e.ACL, Entry: entry},
		fmt.Sprintf("%s must let %s %s %v", e.ACL, TrafficText(entry.Protocol, entry.Ports), inOut(e.Direction), e.Address)}}, nil
}

func inOut(d Direction) string {
	if d == Egress {
		return "out to"
	}
	return "in from"
}

// lastNumber is the highest that an entry can have (AWS: Network ACL rules).
const lastNumber = 32766

// freeNumber is one that comes before the entry that denies, 0 being the last,
// "*". It leaves room on both sides where it can.
func freeNumber(a *network.ACL, denying int, egress bool) (int, bool) {
	below := 0 // the entry before the one that denies
	for _, e := range a.Entries {
		if e.Egress == egress && (denying == 0 || e.Number < denying) {
			below = max(below, e.Number)
		}
	}
	if denying == 0 {
		if next := below/10*10 + 10; below == 0 {
			return 100, true
		} else if next <= lastNumber {
			return next, true
		}
		denying = lastNumber + 1
	}
	if ten := (denying - 1) / 10 * 10; ten > below {
		return ten, true
	}
	for n := denying - 1; n > 0; n-- {
		if !a.Has(network.ACLEntry{Number: n, Egress: egress}) {
			return n, true
		}
	}
	return 0, false
}

// revive starts a stopped instance or accepts a peering that waits.
func (x *Index) revive(e Explanation) ([]Change, *Obstacle) {
	if e.Peering != "" {
		c := x.peering(e.Peering)
		if c == nil || c.Status != network.PeeringPending {
			return nil, &Obstacle{e, fmt.Sprintf("wait: %s is %s", e.Peering, e.State)}
		}
		return []Change{accept(c.Peering, c.ID)}, nil
	}
	i := x.s.Instance(e.Instance)
	if i.State != network.InstanceStopped {
		return nil, &Obstacle{e, fmt.Sprintf("%s is %s: use another instance, or wait until it can be started", i.ID, e.State)}
	}
	return []Change{{callerOf(i.Home), network.StartInstances{Instances: []network.InstanceID{i.ID}},
		fmt.Sprintf("%s is stopped", i.ID)}}, nil
}

func accept(p *network.Peering, id network.PeeringID) Change {
	return Change{callerOf(p.Accepter.Home), network.AcceptPeering{Peering: id}, fmt.Sprintf("the owner of %s must accept the peering", p.Accepter.VPC)}
}

// reviveTarget brings a blackhole back to life where its target can be: a peering
// to the right VPC that waits, a middlebox that is stopped. A way around the
// middlebox would open more than was asked for.
func (x *Index) reviveTarget(r Result, e Explanation) (c []Change, o *Obstacle, done bool) {
	switch to := e.Route.To.(type) {
	case network.ToPeering:
		p, goal := x.peering(to.Peering), x.goal(r, e.Way)
		if p == nil || p.Status != network.PeeringPending || goal == nil || p.Other(e.VPC) != goal.VPC {
			return nil, nil, false
		}
		return []Change{accept(p.Peering, p.ID)}, nil, true
	case network.ToENI:
		box := x.face(to.ENI)
		if box == nil || box.instance == nil {
			return nil, &Obstacle{e, fmt.Sprintf("%s routes to %s, which is attached to nothing: attach it, or replace the route", e.RouteTable, to.ENI)}, true
		}
		c, o = x.revive(box.down())
		return c, o, true
	}
	return nil, nil, false
}

// goal is where a packet should get to.
func (x *Index) goal(r Result, w Way) *face {
	if w == Answer {
		return x.face(r.Flow.Source)
	}
	return x.face(r.Destination)
}

// lead makes a route to the goal by a peering of the two VPCs, which it makes if
// there is none. A longer prefix wins, so other destinations go on as they did.
func (x *Index) lead(r Result, e Explanation) ([]Change, *Obstacle) {
	goal, table := x.goal(r, e.Way), x.s.RouteTable(e.RouteTable)
	if goal == nil || table == nil || goal.VPC == table.VPC {
		return nil, x.obstacle(e)
	}
	h := r.Forward.Header
	if e.Way == Answer {
		h = r.Return.Header
	}
	here, there := x.s.VPC(table.VPC), x.s.VPC(goal.VPC)
	if !here.Contains(h.Source) {
		return nil, &Obstacle{e, fmt.Sprintf("a peering carries only what comes from its VPC's addresses: send from one of %s, or hide the sender behind one (NAT)", here.ID)}
	}
	if !there.Contains(h.Destination) {
		return nil, x.obstacle(e)
	}
	changes, pcx, o := x.join(here, there, e)
	if o != nil {
		return nil, o
	}
	dst, to := single(h.Destination), network.ToPeering{Peering: pcx}
	c := Change{callerOf(table.Home), network.CreateRoute{Table: table.ID, Dst: dst, To: to},
		fmt.Sprintf("%s must lead %v into %s", table.ID, dst, there.ID)}
	if _, exists := table.Route(dst); exists {
		c.Request = network.ReplaceRoute{Table: table.ID, Dst: dst, To: to}
	}
	return append(changes, c), nil
}

// join is what makes an active peering of two VPCs, and its ID.
func (x *Index) join(a, b *network.VPC, e Explanation) ([]Change, network.PeeringID, *Obstacle) {
	j := x.joint(a.ID, b.ID)
	switch {
	case j.active != nil:
		return nil, j.active.ID, nil
	case j.pending != nil && j.pending.Status == network.PeeringPending:
		return []Change{accept(j.pending, j.pending.ID)}, j.pending.ID, nil
	case j.pending != nil:
		return nil, "", &Obstacle{e, fmt.Sprintf("wait: %s is %v", j.pending.ID, j.pending.Status)}
	}
	if o := overlap(a, b, e); o != nil {
		return nil, "", o
	}
	r := network.RequestPeering{VPC: a.ID, PeerVPC: b.ID}
	if b.Owner != a.Owner {
		r.PeerOwner = b.Owner
	}
	if b.Region != a.Region {
		r.PeerRegion = b.Region
	}
	why := fmt.Sprintf("only a peering of their own joins %s and %s: it is not transitive", a.ID, b.ID)
	p := network.Peering{Accepter: network.PeeringSide{Home: b.Home, VPC: b.ID}}
	return []Change{{callerOf(a.Home), r, why}, accept(&p, NewPeering)}, NewPeering, nil
}

// overlap is why two VPCs can never be peered (AWS: VPC peering limitations).
func overlap(a, b *network.VPC, e Explanation) *Obstacle {
	if b.ID < a.ID {
		a, b = b, a // both directions say the same
	}
	for _, p := range a.Prefixes() {
		for _, q := range b.Prefixes() {
			if p.Overlaps(q) {
				return &Obstacle{e, fmt.Sprintf("%s (%v) and %s (%v) overlap and can never be peered, and no third VPC can join them: "+
					"peering is not transitive. One of them needs other addresses", a.ID, p, b.ID, q)}
			}
		}
	}
	return nil
}
