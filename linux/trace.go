package linux

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"tombolo/network"
)

// A packet can be asked to tell its own way: the kernel reports each rule that it
// matched (nftables: meta nftrace), and a Narrator says what those rules stand for.

// TraceTable begins the names of the tables that mark packets to be traced. They
// are made for a trace and go with it.
const TraceTable = "tombolo-trace"

// TracePriority is before all of ours.
const TracePriority = arrivePriority - 50

// Trail is which packets are traced: those of one flow, there and back.
type Trail struct {
	From         network.ENIID // that asks
	To           network.ENIID // that answers; "" when it is not known
	Source, Dest netip.Addr
	Protocol     uint8
	Port         uint16 // the destination's; 0 is any, or the protocol has none
}

// Family is the trail's.
func (t Trail) Family() Family { return familyOf(t.Source) }

// TraceEvent is one report of the kernel's about one packet.
type TraceEvent struct {
	Packet  uint32 // which one
	Chain   string
	Policy  bool   // the end of a base chain: no rule decided
	Rule    int    // the number of the rule in its chain, from 0; -1 when it has gone
	Tag     string // of the rule
	Verdict Verdict
	In, Out int // links; 0 is none yet
	Mark    uint32
	Source  netip.Addr // of the packet, when the report has it
}

// TraceStep is a step of a packet's way, in the words of the network.
type TraceStep struct {
	Packet uint32
	Answer bool   // it goes back
	At     string // the ID of what decided: an interface, security group, network ACL, route table's subnet, peering…
	Says   string // what it said, for people
	Rule   string // the kernel's rule, in nft's syntax
	End    TraceEnd
}

// TraceEnd says whether the packet's way ends here.
type TraceEnd uint8

// The ends.
const (
	GoesOn TraceEnd = iota
	Arrives
	Dropped
)

func (e TraceEnd) String() string { return [...]string{"goes on", "arrives", "dropped"}[e] }

// Narrator tells what rules stand for, in the State and its compiled form that were
// in force when it was made.
type Narrator struct {
	trail  Trail
	state  network.State
	ports  map[int]network.ENIID
	chains map[string]Chain
	causes map[uint32]Cause
	seen   map[uint32]*sighting // by packet
}

// sighting is what earlier reports said about a packet: the kernel says it once for
// each of its hooks.
type sighting struct {
	answer  bool
	in, out int
}

// Narrate makes a Narrator for a trail. It reads all it needs from d and b at once.
func Narrate(t Trail, s network.State, d *Desired, b *Book) *Narrator {
	n := &Narrator{trail: t, state: s, ports: d.Ports(), chains: map[string]Chain{}, causes: map[uint32]Cause{}, seen: map[uint32]*sighting{}}
	for _, u := range d.units {
		for _, c := range u.Chains {
			if c.Family == t.Family() {
				n.chains[c.Name] = c
			}
		}
		for _, e := range u.Elements {
			if e.Set == lostSet && len(e.Lo) == 4 {
				if cause, ok := b.lostCause(nativeUint32(e.Lo)); ok {
					n.causes[nativeUint32(e.Lo)] = cause
				}
			}
		}
	}
	return n
}

// Step tells of a report; false when it is of the machinery and says nothing about
// the network.
func (n *Narrator) Step(e TraceEvent) (TraceStep, bool) {
	p := n.seen[e.Packet]
	if p == nil {
		p = &sighting{}
		n.seen[e.Packet] = p
	}
	if e.Source.IsValid() {
		p.answer = e.Source == n.trail.Dest
	}
	p.in, p.out = cmp.Or(e.In, p.in), cmp.Or(e.Out, p.out)
	e.In, e.Out = p.in, p.out
	s := TraceStep{Packet: e.Packet, Answer: p.answer, Rule: n.text(e)}
	for _, tell := range []func(TraceEvent, *TraceStep) bool{n.arrival, n.route, n.group, n.acl, n.end} {
		if tell(e, &s) {
			return s, true
		}
	}
	return TraceStep{}, false
}

// text is the rule as it was compiled; the kernel's has the same tag.
func (n *Narrator) text(e TraceEvent) string {
	for _, r := range n.chains[e.Chain].Rules {
		if r.Tag == e.Tag {
			return r.Text
		}
	}
	return ""
}

// arrival is where it came in, and whether it may bear its source.
func (n *Narrator) arrival(e TraceEvent, s *TraceStep) bool {
	s.At = string(n.ports[e.In])
	switch {
	case e.Chain == "arrive" && e.Verdict.Chain == "source":
		s.Says = "it leaves the instance"
	case e.Chain == "spoofed" && e.Verdict.Kind == Drop:
		s.Says, s.End = "the source is not the interface's own (source/destination check)", Dropped
	case e.Chain == "forward" && (e.Verdict.Kind == Accept || e.Verdict == toPassed):
		s.Says = "its flow was judged before, and nothing has changed since"
		if e.Verdict.Kind == Accept {
			s.At, s.Says, s.End = string(n.ports[e.Out]), s.Says+"; it arrives", Arrives
		}
	default:
		return false
	}
	return true
}

// route is what the subnet's route table made of the destination.
func (n *Narrator) route(e TraceEvent, s *TraceStep) bool {
	to := e.Verdict.Chain
	switch {
	case strings.HasPrefix(e.Chain, "subnet-") && e.Verdict.Kind == Goto:
		s.At = e.Chain
		if sub := n.state.Subnet(network.SubnetID(e.Chain)); sub != nil {
			if t := n.state.TableOf(sub); t != nil {
				s.At = string(t.ID)
			}
		}
	case strings.HasPrefix(e.Chain, "unchecked.") && strings.HasPrefix(to, "back."), strings.HasPrefix(e.Chain, "via.") && e.Verdict.Kind == Goto:
		s.At, s.Says = strings.TrimPrefix(strings.TrimPrefix(e.Chain, "unchecked."), "via."), "by way of this middlebox"
		return true
	default:
		return false
	}
	kind, rest, _ := strings.Cut(to, ".")
	switch {
	case kind == "same":
		s.At, s.Says = e.Chain, "the destination is in the same subnet: no route table and no network ACL is asked"
	case kind == "local":
		s.Says = "route local: to the VPC itself"
	case kind == "via":
		s.Says = "route to " + rest
	case kind == "lost":
		return false // it is judged first, and told at its end
	default:
		s.Says = "route to " + kind
	}
	return true
}

// causeWords are a cause for people.
func causeWords(why string) string {
	words := map[string]string{
		"no-route": "no route leads there", "blackhole": "the route is a blackhole", "not-in-peer-cidr": "the destination is outside the peer VPC's blocks",
		"source-not-in-vpc": "the source is outside the VPC's blocks", "dest-check": "the interface takes only what is for itself (source/destination check)",
		"no-such-address": "nobody has this address", "not-supported": "nothing passes here yet",
	}
	if text, ok := words[why]; ok {
		return text
	}
	return why
}

// group is a security group's say.
func (n *Narrator) group(e TraceEvent, s *TraceStep) bool {
	kind, list, ok := strings.Cut(e.Chain, ".")
	if !ok || kind != "leave" && kind != "enter" {
		return false
	}
	port, way := e.In, "out"
	if kind == "enter" {
		port, way = e.Out, "in"
	}
	s.At = string(n.ports[port])
	switch {
	case e.Verdict == toRefused(kind == "leave"), e.Verdict.Kind == Drop:
		s.Says = fmt.Sprintf("no rule of the security groups %s lets it %s", strings.ReplaceAll(list, ".", ", "), way)
	case e.Verdict.Kind == Goto:
		set, _, _ := strings.Cut(s.Rule[strings.IndexByte(s.Rule, '@')+1:], ".")
		if strings.HasPrefix(set, "sg-") {
			s.At = set
		}
		s.Says = "a rule lets it " + way + "; the flow is tracked"
	default:
		s.Says = "a rule for the world lets it " + way + "; the flow is not tracked"
	}
	return true
}

// acl is a network ACL's say: which entry, by its place in the chain.
func (n *Narrator) acl(e TraceEvent, s *TraceStep) bool {
	id, way, ok := strings.Cut(e.Chain, ".")
	if !ok || !strings.HasPrefix(id, "acl-") {
		return false
	}
	s.At = id
	entry := "*"
	if a := n.state.ACL(network.ACLID(id)); a != nil && e.Rule >= 0 {
		i := 0
		for _, x := range a.Entries {
			if x.Egress != (way == "egress") || familyOf(x.CIDR.Addr()) != n.trail.Family() {
				continue
			}
			if i == e.Rule {
				entry = fmt.Sprint(x.Number)
			}
			i++
		}
	}
	verb := "denies"
	if e.Verdict.Kind == Return {
		verb = "allows"
	}
	s.Says = fmt.Sprintf("%s entry %s %s", way, entry, verb)
	return true
}

// end is where a packet's way ends: see endings.
func (n *Narrator) end(e TraceEvent, s *TraceStep) bool {
	if e.Policy && e.Verdict.Kind == Drop {
		s.At, s.Says, s.End = string(n.ports[e.In]), "it is for the network itself, which does not answer", Dropped
		return true
	}
	for _, x := range endings {
		if e.Chain != x.chain && !strings.HasPrefix(e.Chain, x.chain+".") {
			continue
		}
		if e.Verdict.Kind != x.verdict.Kind {
			return false // it is counted first
		}
		s.At, s.Says, s.End = string(n.ports[e.In]), "it is dropped", Dropped
		switch x.chain {
		case "passed":
			s.At, s.Says, s.End = string(n.ports[e.Out]), "it arrives", Arrives
		case "refused.entering":
			s.At = string(n.ports[e.Out])
		case "stray":
			if cause, ok := n.causes[e.Mark&causeMask]; ok {
				s.At, s.Says = cause.At, causeWords(cause.Why)
			}
		}
		return true
	}
	if strings.HasPrefix(e.Chain, "remember.") && e.Verdict.Kind == Accept {
		s.At, s.Says, s.End = string(n.ports[e.Out]), "it arrives", Arrives
		return true
	}
	return false
}
