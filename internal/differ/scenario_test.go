package differ_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tombolo/linux"
	"tombolo/network"
	"tombolo/reach"
)

// writer writes a State as a scenario (see package scenario). What that language
// has no words for is said in a comment.
type writer struct {
	s     network.State
	out   strings.Builder
	names map[string]string
	count map[string]int
	said  map[network.RuleID]bool
}

// scenarioOf is a State and one question about it, with what the analyzer says.
func scenarioOf(s network.State, q *shot) string {
	w := &writer{s: s, names: map[string]string{}, count: map[string]int{}, said: map[network.RuleID]bool{}}
	w.say("# Packets and the analyzer disagree: %s", strings.ReplaceAll(q.String(), "\n", "\n#"))
	for v := range s.VPCs() {
		if !w.dull(v) {
			w.vpc(v)
		}
	}
	for g := range s.SecurityGroups() {
		if !g.Default && w.names[string(g.VPC)] != "" {
			w.say("sg %s in %s", w.name("g", g.ID), w.names[string(g.VPC)])
		}
	}
	w.machines()
	w.peerings()
	for g := range s.SecurityGroups() {
		w.rules(g)
	}
	for a := range s.ACLs() {
		w.entries(a)
	}
	for t := range s.RouteTables() {
		w.routes(t, "")
	}
	w.stopped()
	w.question(q)
	return w.out.String()
}

// peerings says first what has ended: while it lived, routes led to it, and rules
// could name the other VPC's groups.
func (w *writer) peerings() {
	for p := range w.s.Peerings() {
		if p.Status != network.PeeringDeleted {
			continue
		}
		w.peering(p, "active")
		for g := range w.s.SecurityGroups() {
			w.across(g, p)
		}
		for t := range w.s.RouteTables() {
			w.routes(t, p.ID)
		}
		w.say("peering %s deleted", w.names[string(p.ID)])
	}
	for p := range w.s.Peerings() {
		if p.Status != network.PeeringDeleted {
			w.peering(p, strings.TrimSuffix(p.Status.String(), "-acceptance"))
		}
	}
}

func (w *writer) peering(p *network.Peering, state string) {
	w.say("peering %s %s %s %s", w.name("p", p.ID), w.names[string(p.Requester.VPC)], w.names[string(p.Accepter.VPC)], state)
}

func (w *writer) say(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// name gives a thing its name.
func (w *writer) name(kind string, id any) string {
	key := fmt.Sprint(id)
	if w.names[key] == "" {
		w.count[kind]++
		w.names[key] = fmt.Sprintf("%s%d", kind, w.count[kind])
	}
	return w.names[key]
}

// dull is a default VPC in which nothing happens.
func (w *writer) dull(v *network.VPC) bool {
	for range w.s.ENIsIn(v.ID) {
		return false
	}
	return v.Default
}

func (w *writer) vpc(v *network.VPC) {
	name := w.name("v", v.ID)
	line := "vpc " + name
	for _, b := range v.Blocks {
		line += " " + b.CIDR.String()
	}
	if len(v.Blocks6) > 0 {
		line += " ipv6"
	}
	w.say("%s account %s region %s", line, v.Owner, v.Region)
	w.names[string(v.MainTable)], w.names[string(v.DefaultACL)], w.names[string(v.DefaultGroup)] = name+".main", name+".acl", name+".default"
	for n := range w.s.SubnetsIn(v.ID) {
		line := fmt.Sprintf("subnet %s in %s %s", w.name("s", n.ID), name, n.CIDR)
		if n.CIDR6().IsValid() {
			line += " ipv6"
		}
		w.say("%s", line)
	}
	for t := range w.s.RouteTablesIn(v.ID) {
		if t.ID == v.MainTable {
			continue
		}
		line := fmt.Sprintf("table %s in %s for", w.name("t", t.ID), name)
		for n := range w.s.SubnetsWith(t.ID) {
			line += " " + w.names[string(n.ID)]
		}
		w.say("%s", strings.TrimSuffix(line, " for"))
	}
	for a := range w.s.ACLsIn(v.ID) {
		if a.Default {
			continue
		}
		line := fmt.Sprintf("acl %s in %s for", w.name("a", a.ID), name)
		for n := range w.s.SubnetsUnder(a.ID) {
			line += " " + w.names[string(n.ID)]
		}
		w.say("%s", strings.TrimSuffix(line, " for"))
	}
}

func (w *writer) machines() {
	for e := range w.s.ENIs() {
		line := fmt.Sprintf("eni %s in %s", w.name("e", e.ID), w.names[string(e.Subnet)])
		for _, a := range e.Addrs {
			line += " " + a.String()
		}
		if len(e.Addrs6) > 0 {
			line += " ipv6"
		}
		line += " sg"
		for _, g := range e.Groups {
			line += " " + w.names[string(g)]
		}
		if !e.SourceDestCheck {
			line += " unchecked"
		}
		if e.Attachment == nil {
			line += " detached"
		}
		w.say("%s", line)
	}
	for i := range w.s.Instances() {
		line := "instance " + w.name("i", i.ID)
		enis := slices.SortedFunc(w.s.ENIsAt(i.ID), func(a, b *network.ENI) int { return a.Attachment.Device - b.Attachment.Device })
		for _, e := range enis {
			line += " " + w.names[string(e.ID)]
		}
		if len(enis) > 0 {
			w.say("%s", line)
		}
	}
}

func (w *writer) stopped() {
	for i := range w.s.Instances() {
		if !i.Runs() && i.State == network.InstanceStopped {
			w.say("instance %s stopped", w.names[string(i.ID)])
		}
	}
}

// across says a group's rules that name groups over a peering.
func (w *writer) across(g *network.SecurityGroup, p *network.Peering) {
	for _, r := range g.Rules {
		peer, ok := r.Peer.(network.PeerGroup)
		if !ok || w.said[r.ID] {
			continue
		}
		if other := w.s.SecurityGroup(peer.Group); other != nil && p.Other(g.VPC) == other.VPC {
			w.rule(g, r)
		}
	}
}

func (w *writer) rule(g *network.SecurityGroup, r network.Rule) {
	w.said[r.ID] = true
	w.say("sg %s allow %s", w.names[string(g.ID)], w.ruleText(r))
}

func (w *writer) ruleText(r network.Rule) string {
	direction, peer := "from", ""
	if r.Egress {
		direction = "to"
	}
	switch p := r.Peer.(type) {
	case network.PeerCIDR:
		peer = w.prefix(p.CIDR)
	case network.PeerGroup:
		peer = w.names[string(p.Group)]
	}
	return strings.Join([]string{protocol(r.Protocol, r.Ports), direction, peer}, " ")
}

// rules says what a group has and, of what it was born with, has not.
func (w *writer) rules(g *network.SecurityGroup) {
	name := w.names[string(g.ID)]
	if name == "" {
		return
	}
	born := map[string]bool{"any to 0.0.0.0/0": true}
	if len(w.s.VPC(g.VPC).Blocks6) > 0 {
		born["any to ::/0"] = true
	}
	if g.Default {
		born["any from "+name] = true
	}
	for _, r := range g.Rules {
		text := w.ruleText(r)
		if !born[text] && !w.said[r.ID] {
			w.rule(g, r)
		}
		delete(born, text)
	}
	for _, rule := range slices.Sorted(maps.Keys(born)) {
		w.say("sg %s revoke %s", name, rule)
	}
}

func (w *writer) entries(a *network.ACL) {
	name := w.names[string(a.ID)]
	if name == "" {
		return
	}
	born := map[string]bool{}
	if a.Default {
		born = map[string]bool{"in 100": true, "out 100": true}
		if len(w.s.VPC(a.VPC).Blocks6) > 0 {
			born["in 101"], born["out 101"] = true, true
		}
	}
	for _, e := range a.Entries {
		place, verdict := fmt.Sprintf("in %d", e.Number), "deny"
		if e.Egress {
			place = fmt.Sprintf("out %d", e.Number)
		}
		if e.Allow {
			verdict = "allow"
		}
		if !born[place] {
			w.say("acl %s %s %s %s %s", name, place, verdict, protocol(e.Protocol, e.Ports), w.prefix(e.CIDR))
		}
		delete(born, place)
	}
	for _, place := range slices.Sorted(maps.Keys(born)) {
		w.say("acl %s %s deleted", name, place)
	}
}

// routes says a table's routes: those to one peering that will be deleted, or all
// others.
func (w *writer) routes(t *network.RouteTable, only network.PeeringID) {
	name := w.names[string(t.ID)]
	if name == "" {
		return
	}
	for _, r := range t.Routes {
		switch to := r.To.(type) {
		case network.ToLocal:
		case network.ToPeering:
			if ended := w.s.Peering(to.Peering).Status == network.PeeringDeleted; ended && only == to.Peering || !ended && only == "" {
				w.say("route %s %s %s", name, w.prefix(r.Dst), w.names[string(to.Peering)])
			}
		case network.ToENI:
			if only != "" {
				continue
			}
			w.say("route %s %s %s", name, w.prefix(r.Dst), w.names[string(to.ENI)])
		default:
			if only == "" {
				w.say("# route %s %s to a gateway", name, w.prefix(r.Dst))
			}
		}
	}
}

// prefix is a CIDR; of IPv6, whose addresses are Amazon's choice, the name of what
// has it.
func (w *writer) prefix(p netip.Prefix) string {
	if p.Addr().Is4() || p.Bits() == 0 {
		return p.String()
	}
	for v := range w.s.VPCs() {
		for _, b := range v.Blocks6 {
			if b.CIDR == p {
				return w.names[string(v.ID)] + ".ipv6"
			}
		}
	}
	for n := range w.s.Subnets() {
		if n.CIDR6() == p {
			return w.names[string(n.ID)] + ".ipv6"
		}
	}
	for e := range w.s.ENIs() {
		if e.Has(p.Addr()) {
			return w.names[string(e.ID)] + ".ipv6"
		}
	}
	return p.String()
}

func protocol(p network.Protocol, r network.PortRange) string {
	names := map[network.Protocol]string{network.AnyProtocol: "any", network.TCP: "tcp", network.UDP: "udp", network.ICMP: "icmp", network.ICMPv6: "icmpv6"}
	name := names[p]
	if name == "" {
		name = fmt.Sprint(p)
	}
	switch {
	case r.From < 0 || p == network.TCP && r == network.PortRange{From: 0, To: 65535}:
		return name
	case p == network.ICMP || p == network.ICMPv6:
		return strings.TrimSuffix(fmt.Sprintf("%s/%d/%d", name, r.From, r.To), "/-1")
	case r.From == r.To:
		return fmt.Sprintf("%s/%d", name, r.From)
	}
	return fmt.Sprintf("%s/%d-%d", name, r.From, r.To)
}

func (w *writer) question(q *shot) {
	f := q.flow
	from, to := w.s.ENI(f.Source), w.s.ENI(f.Destination)
	src, dst := w.names[string(f.Source)], f.DestinationAddr.String()
	if to != nil && to.Has(f.DestinationAddr) {
		dst = w.endpoint(to, f.DestinationAddr)
	}
	what := protocol(f.Protocol, network.AnyPort)
	if f.Protocol == network.TCP || f.Protocol == network.UDP {
		what += fmt.Sprintf("/%d", f.Port)
	}
	if from.Has(f.SourceAddr) {
		line := fmt.Sprintf("send %s %s %s", w.endpoint(from, f.SourceAddr), dst, what)
		if f.SourcePort > 0 {
			line += fmt.Sprintf(" sport %d", f.SourcePort)
		}
		w.say("\n%s\n----", line)
	} else {
		w.say("\npacket %s %s %s from %v\n----", src, dst, what, f.SourceAddr)
	}
	yes, no := "delivered", "no reply"
	if !from.Has(f.SourceAddr) {
		yes, no = "arrived", "dropped"
	}
	switch c := q.expect.cause; {
	case q.expect.ok:
		w.say("%s: %s", no, w.cause(c, f))
	case q.result.Verdict == reach.Reachable || !from.Has(f.SourceAddr) && q.result.Verdict == reach.Unanswered:
		w.say("%s", yes)
	default:
		w.say("%s", no)
	}
}

func (w *writer) tableOf(id network.ENIID) string {
	e := w.s.ENI(id)
	if e == nil {
		return ""
	}
	return string(w.s.TableOf(w.s.Subnet(e.Subnet)).ID)
}

// cause is what drops a packet, in the words of scenarios.
func (w *writer) cause(c linux.Cause, f reach.Flow) string {
	name := w.names[c.At]
	if strings.HasPrefix(c.At, "acl-") && !strings.HasSuffix(name, ".acl") {
		name = "acl:" + name
	}
	text := c.Why + " at " + name
	if c.Direction != "" {
		text += " " + c.Direction
	}
	if c.Entry != "" {
		text += " rule " + c.Entry
	}
	switch c.Why {
	case "no-route", "blackhole", "not-in-peer-cidr":
		heading := f.DestinationAddr
		if c.At == w.tableOf(f.Destination) && c.At != w.tableOf(f.Source) {
			heading = f.SourceAddr // a table that only the answer meets
		}
		if heading.Is6() {
			for e := range w.s.ENIs() {
				if e.Has(heading) {
					return text + " for " + w.names[string(e.ID)] + ".ipv6"
				}
			}
		}
		text += " for " + heading.String()
	}
	return text
}

func (w *writer) endpoint(e *network.ENI, a netip.Addr) string {
	name := w.names[string(e.ID)]
	if a.Is6() {
		return name + ".ipv6"
	}
	if i := slices.Index(e.Addrs, a); i > 0 {
		return fmt.Sprintf("%s/%d", name, i+1)
	}
	return name
}
