package linux

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	"tombolo/flowlog"
)

// Rule is one rule of a chain: statements that are done in order, for as long as
// each of them matches.
type Rule struct {
	Statements []Statement
	Text       string // in nft's syntax
	Tag        string // identifies Text; the kernel keeps it with the rule
}

// rule makes a Rule.
func rule(f Family, statements ...Statement) Rule {
	var b strings.Builder
	for i, s := range statements {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.text(f))
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(b.String()))
	return Rule{statements, b.String(), fmt.Sprintf("%016x", h.Sum64())}
}

// Statement is a match or an action. The set is closed.
type Statement interface{ text(Family) string }

// The statements.
type (
	// OfDirection matches packets that go the conntrack entry's original way,
	// or its reply way.
	OfDirection struct{ Reply bool }
	// OfState matches packets with any of these conntrack states.
	OfState struct{ States ConntrackState }
	// OfFlowMark matches when the masked bits of the flow's mark are Value.
	OfFlowMark struct{ Mask, Value uint32 }
	// OfMark matches when the masked bits of the packet's mark are Value.
	OfMark struct{ Mask, Value uint32 }
	// OfPrefix matches an address.
	OfPrefix struct {
		Field  Field
		Prefix netip.Prefix
	}
	// OfProtocol matches the protocol above IP.
	OfProtocol struct{ Number uint8 }
	// OfPorts matches a TCP or UDP destination port.
	OfPorts struct{ From, To uint16 }
	// OfICMP matches a range of ICMP types, or of codes.
	OfICMP struct {
		Code     bool
		From, To uint8
	}
	// OfHops matches TTL or hop limit.
	OfHops struct{ Hops uint8 }
	// In matches packets whose fields are in a set.
	In struct {
		Fields []Field
		Set    string
		Not    bool
	}
	// By looks the fields up and does the verdict found.
	By struct {
		Fields []Field
		Map    string
	}
	// MarkBy sets the packet's mark to what the fields map to.
	MarkBy struct {
		Fields []Field
		Map    string
	}
	// ChangeMark clears all bits of the packet's mark but those to keep, and sets
	// some of those that it has cleared.
	ChangeMark struct{ Keep, Set uint32 }
	// SetMark sets the packet's mark.
	SetMark struct{ Value uint32 }
	// InEpoch matches while the epoch is in force.
	InEpoch struct{ Epoch uint32 }
	// SetFlowMark replaces the masked bits of the flow's mark.
	SetFlowMark struct{ Mask, Value uint32 }
	// SetZone says in which conntrack zone the packet's flow is looked up.
	SetZone struct{ Zone uint16 }
	// SetHops sets TTL or hop limit.
	SetHops struct{ Hops uint8 }
	// SetHopsBy replaces TTL or hop limit by what it maps to.
	SetHopsBy struct{ Map string }
	// Count counts the packet.
	Count struct{ Counter string }
	// Tally adds the packet to the count of its flow in a set that has room; when
	// it is full, the rule ends without a match. The key is what FlowOf reads:
	// the fate, or of a lost packet its mark, links, addresses, protocol, and
	// ports and TCP flags where the packet has them.
	Tally struct {
		Set          string
		Fate         flowlog.Fate
		Ports, Flags bool
	}
	// Verdict ends the rule.
	Verdict struct {
		Kind  VerdictKind
		Chain string // of Jump and Goto
	}
)

// ConntrackState is a set of conntrack states, with nftables' bits.
type ConntrackState uint32

// The states that rules ask for.
const (
	Invalid   ConntrackState = 1
	Related   ConntrackState = 4
	Untracked ConntrackState = 64
)

// VerdictKind is what a verdict does.
type VerdictKind uint8

// The verdicts.
const (
	Accept VerdictKind = iota
	Drop
	Return
	Jump
	Goto
)

var (
	accept = Verdict{Kind: Accept}
	drop   = Verdict{Kind: Drop}
	back   = Verdict{Kind: Return}
)

func jump(chain string) Verdict { return Verdict{Jump, chain} }
func goTo(chain string) Verdict { return Verdict{Goto, chain} }

func (s OfDirection) text(Family) string {
	if s.Reply {
		return "ct direction reply"
	}
	return "ct direction original"
}

func (s OfState) text(Family) string {
	var names []string
	for _, n := range []struct {
		bit  ConntrackState
		name string
	}{{Invalid, "invalid"}, {Related, "related"}, {Untracked, "untracked"}} {
		if s.States&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return "ct state " + strings.Join(names, ",")
}

func (s OfFlowMark) text(Family) string { return fmt.Sprintf("ct mark and %#x %#x", s.Mask, s.Value) }

func (s OfMark) text(Family) string { return fmt.Sprintf("meta mark and %#x %#x", s.Mask, s.Value) }

func (s OfPrefix) text(f Family) string { return s.Field.text(f) + " " + s.Prefix.String() }

func (s OfProtocol) text(Family) string { return "meta l4proto " + protocolText(s.Number) }

func (s OfPorts) text(Family) string {
	if s.From == s.To {
		return fmt.Sprintf("th dport %d", s.From)
	}
	return fmt.Sprintf("th dport %d-%d", s.From, s.To)
}

func (s OfICMP) text(f Family) string {
	name := [...]string{"icmp", "icmpv6", ""}[f] + " type"
	if s.Code {
		name = [...]string{"icmp", "icmpv6", ""}[f] + " code"
	}
	if s.From == s.To {
		return fmt.Sprintf("%s %d", name, s.From)
	}
	return fmt.Sprintf("%s %d-%d", name, s.From, s.To)
}

func (s In) text(f Family) string {
	not := ""
	if s.Not {
		not = "!= "
	}
	return fieldsText(f, s.Fields) + " " + not + "@" + s.Set
}

func (s By) text(f Family) string { return fieldsText(f, s.Fields) + " vmap @" + s.Map }
func (s MarkBy) text(f Family) string {
	return "meta mark set " + fieldsText(f, s.Fields) + " map @" + s.Map
}
func (s SetMark) text(Family) string { return fmt.Sprintf("meta mark set %#x", s.Value) }
func (s ChangeMark) text(Family) string {
	if s.Set == 0 {
		return fmt.Sprintf("meta mark set meta mark and %#x", s.Keep)
	}
	return fmt.Sprintf("meta mark set meta mark and %#x xor %#x", s.Keep, s.Set)
}

func (s SetZone) text(Family) string { return fmt.Sprintf("ct zone set %d", s.Zone) }
func (s Count) text(Family) string   { return "counter name " + s.Counter }
func (s SetFlowMark) text(Family) string {
	return fmt.Sprintf("ct mark set ct mark and %#x xor %#x", ^s.Mask, s.Value)
}

func (s Tally) text(f Family) string {
	fate, ports, flags := fmt.Sprintf("%#x", uint8(s.Fate)), "0", "0"
	if s.Fate == flowlog.Lost {
		fate = Mark.text(f)
	}
	if s.Ports {
		ports = "@th,0,32"
	}
	if s.Flags {
		flags = "tcp flags & (fin | syn | rst | ack)"
	}
	return "add @" + s.Set + " { " + fate + " . " + fieldsText(f, []Field{InPort, OutPort, Source, Destination, Protocol}) + " . " + ports + " . " + flags + " counter }"
}

func (s InEpoch) text(Family) string { return fmt.Sprintf("%#x @%s", s.Epoch, EpochSet) }

func (s OfHops) text(f Family) string  { return fmt.Sprintf("%s %d", Hops.text(f), s.Hops) }
func (s SetHops) text(f Family) string { return fmt.Sprintf("%s set %d", Hops.text(f), s.Hops) }

func (s SetHopsBy) text(f Family) string {
	hops := Hops.text(f)
	return hops + " set " + hops + " map @" + s.Map
}

func (s Verdict) text(Family) string { return s.String() }

func (s Verdict) String() string {
	name := [...]string{"accept", "drop", "return", "jump", "goto"}[s.Kind]
	if s.Chain != "" {
		return name + " " + s.Chain
	}
	return name
}

func fieldsText(f Family, fields []Field) string {
	var out []string
	for _, x := range fields {
		out = append(out, x.text(f))
	}
	return strings.Join(out, " . ")
}

// protocolText is the name that nft knows for a protocol, or its number.
func protocolText(n uint8) string {
	switch n {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 58:
		return "ipv6-icmp"
	}
	return fmt.Sprint(n)
}
