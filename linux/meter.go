package linux

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tombolo/flowlog"
	"tombolo/network"
)

// A packet that the fabric judges ends in one of four chains: passed,
// refused.leaving, refused.entering, and stray, where what has no way ends. While
// nobody records flows each of them is its verdict and nothing else, and an
// established flow does not even come there. When somebody does, they first add
// the packet to the count of its flow. So every packet is counted once, by the
// rule that decides about it, and its count holds for both of its interfaces.
type ending struct {
	chain   string
	fate    flowlog.Fate
	verdict Verdict
}

var endings = []ending{
	{"passed", flowlog.Passed, accept},
	{"refused.leaving", flowlog.RefusedLeaving, drop},
	{"stray", flowlog.Lost, drop},
	{"refused.entering", flowlog.RefusedEntering, drop},
}

// The chains by name, for the gates.
var (
	toPassed          = goTo("passed")
	toRefusedLeaving  = goTo("refused.leaving")
	toStray           = goTo("stray")
	toRefusedEntering = goTo("refused.entering")
)

func toRefused(egress bool) Verdict {
	if egress {
		return toRefusedLeaving
	}
	return toRefusedEntering
}

// The sets of recorded interfaces, and of what was not recorded for want of room.
const (
	watchedSet    = "watched"
	skippedOutSet = "skipped.leaving"
	skippedInSet  = "skipped.entering"
)

// flowRoom is how many counts there may be at a time, for each family. A flow has
// one for each direction and combination of TCP flags. It bounds the kernel's
// memory to about 30 MB a family.
const flowRoom = 1 << 16

// meter is how flows are recorded: not at all, or into one of two sets by turns.
// Only the set that nothing is added to any more is read and emptied, so that no
// packet is counted twice or not at all (see Compiler.Alternate).
type meter struct {
	on   bool
	side uint8
	room int
}

func flowSet(side uint8) string { return [...]string{"flows.0", "flows.1"}[side&1] }

// compileMeter makes the endings.
func (j *job) compileMeter() {
	m := meter{on: j.metered, side: j.side, room: j.room}
	if !m.on {
		m = meter{}
	}
	j.out.meter = m
	j.unit("endings", []any{m}, m.unit)
}

func (m meter) unit() *unit {
	u := &unit{concern: concern{all: true}}
	for _, f := range []Family{V4, V6} {
		if m.on {
			u.flowSets(f, m.room)
		}
		for _, e := range endings {
			if m.on {
				e.record(u, f, m)
			} else {
				u.chain(f, e.chain, nil, rule(f, e.verdict))
			}
		}
	}
	return u
}

func (u *unit) flowSets(f Family, room int) {
	u.Sets = append(u.Sets,
		Set{Family: f, Name: watchedSet, Fields: []Type{PortType}},
		Set{Family: f, Name: skippedOutSet, Fields: []Type{PortType}, Counted: true},
		Set{Family: f, Name: skippedInSet, Fields: []Type{PortType}, Counted: true})
	for side := range uint8(2) {
		u.Sets = append(u.Sets, Set{Family: f, Name: flowSet(side), Room: room,
			Fields: []Type{MarkType, PortType, PortType, f.addrType(), f.addrType(), ProtoType, MarkType, ProtoType}})
	}
}

// record makes the chains of an ending for flows to be recorded. A count for which
// there is no room is itself counted, at the interfaces that should have had it.
func (e ending) record(u *unit, f Family, m meter) {
	to := []Statement{goTo(e.chain + ".count")}
	if e.fate == flowlog.Passed {
		// The cache must count what it carries of the flow.
		to = append([]Statement{ChangeMark{Keep: ^uint32(tallied), Set: tallied}}, to...)
	}
	at := func(x Field) Rule {
		return rule(f, append([]Statement{In{Fields: []Field{x}, Set: watchedSet}}, to...)...)
	}
	rules := []Rule{at(InPort)}
	if e.enters() {
		rules = append(rules, at(OutPort))
	}
	u.chain(f, e.chain, nil, append(rules, rule(f, e.verdict))...)
	add := func(t Tally) Rule {
		t.Set, t.Fate = flowSet(m.side), e.fate
		return rule(f, t, e.verdict)
	}
	full := rule(f, goTo(e.chain+".skip"))
	u.chain(f, e.chain+".count", nil,
		rule(f, OfProtocol{6}, goTo(e.chain+".tcp")),
		rule(f, OfProtocol{17}, goTo(e.chain+".udp")),
		add(Tally{}), full)
	u.chain(f, e.chain+".tcp", nil, add(Tally{Ports: true, Flags: true}), full)
	u.chain(f, e.chain+".udp", nil, add(Tally{Ports: true}), full)
	u.chain(f, e.chain+".skip", nil,
		rule(f, In{Fields: []Field{InPort}, Set: skippedOutSet}),
		rule(f, In{Fields: []Field{OutPort}, Set: skippedInSet}),
		rule(f, e.verdict))
}

// enters reports whether the packets come to the interface that they leave the
// fabric by, so that it has a record of them too.
func (e ending) enters() bool { return e.fate == flowlog.Passed || e.fate == flowlog.RefusedEntering }

// counts reports whether a chain is one of those that endings are made of: to
// change it changes no judgement.
func (c Chain) counts() bool {
	return slices.ContainsFunc(endings, func(e ending) bool {
		return c.Name == e.chain || strings.HasPrefix(c.Name, e.chain+".")
	})
}

// counts is the same of an element.
func (e Element) counts() bool {
	return e.Set == watchedSet || e.Set == skippedOutSet || e.Set == skippedInSet
}

// watch is a port's places in what is recorded.
func (p *port) watch(u *unit) {
	own := string(key(nil).own(uint32(p.index())))
	for _, f := range []Family{V4, V6} {
		for _, set := range []string{watchedSet, skippedOutSet, skippedInSet} {
			u.Elements = append(u.Elements, Element{Family: f, Set: set, Lo: own})
		}
	}
}

// watched reports whether an interface's packets are recorded.
func (j *job) watched(e *network.ENI) bool {
	if j.listening {
		return true
	}
	for range j.s.FlowLogsFor(e) {
		return true
	}
	return false
}

// Listen makes the compiler record all interfaces from its next Compile on, or
// only those that flow logs are for.
func (c *Compiler) Listen(to flowlog.Audience) { c.listening = to == flowlog.OfEverything }

// Room bounds the counts that the kernel keeps at a time.
func (c *Compiler) Room(counts int) { c.room = counts }

// Alternate is the Desired that was compiled last, but with packets counted in the
// other of the two sets. It is nil when nothing is recorded.
func (c *Compiler) Alternate() *Desired {
	if c.last == nil || !c.last.out.meter.on {
		return nil
	}
	c.side ^= 1
	j, out := *c.last, *c.last.out
	c.last.out.base = nil
	out.units, out.base, out.delta = maps.Clone(c.last.out.units), c.last.out, nil
	j.out, j.fresh = &out, c.memo
	j.compileMeter()
	c.last = &j
	return j.out
}

// Metered reports whether flows are recorded in d, and into which set.
func (d *Desired) Metered() (set string, ok bool) { return flowSet(d.meter.side), d.meter.on }

// OtherFlowSet is the set that flows are not recorded in, while they are.
func (d *Desired) OtherFlowSet() string { return flowSet(d.meter.side ^ 1) }

// SkippedSets are the sets whose elements count what was not recorded: of
// packets that leave interfaces, and of those that enter.
func SkippedSets() (leaving, entering string) { return skippedOutSet, skippedInSet }

// Flow is what a count's key says.
type Flow struct {
	Fate             flowlog.Fate
	Mark             uint32 // of a packet that was lost: see Book.Causes
	In, Out          int    // the links
	Source, Dest     netip.Addr
	Protocol         uint8
	SourcePort, Port uint16
	Flags            uint8
}

// FlowOf reads the key of a count.
func FlowOf(f Family, raw []byte) (Flow, bool) {
	n := f.Bytes()
	if len(raw) != 24+2*n {
		return Flow{}, false
	}
	own := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	src, _ := netip.AddrFromSlice(raw[12 : 12+n])
	dst, _ := netip.AddrFromSlice(raw[12+n : 12+2*n])
	rest := raw[12+2*n:]
	out := Flow{Fate: flowlog.Fate(own(0)), In: int(own(4)), Out: int(own(8)), Source: src, Dest: dst, Protocol: rest[0],
		SourcePort: binary.BigEndian.Uint16(rest[4:]), Port: binary.BigEndian.Uint16(rest[6:]), Flags: rest[8]}
	if m := own(0); m > uint32(flowlog.RefusedEntering) {
		out.Fate, out.Mark = flowlog.Lost, m
	}
	return out, true
}

// Causes tells from a packet's mark why it was lost, as b knows it now; "" when it
// does not.
func (b *Book) Causes() func(mark uint32) string {
	known := &Book{numbers: map[entry]uint32{}}
	for e, n := range b.numbers {
		if e.kind == lostKind || e.kind == tableKind {
			known.numbers[e] = n
		}
	}
	told := map[uint32]string{}
	return func(mark uint32) string {
		text, ok := told[mark]
		if !ok {
			if c, ok := known.lostCause(mark); ok {
				text = c.String()
			}
			told[mark] = text
		}
		return text
	}
}

// Ports are the interfaces that carry packets, by the index of their link.
func (d *Desired) Ports() map[int]network.ENIID {
	out := make(map[int]network.ENIID, len(d.ports))
	for id, p := range d.ports {
		out[p.index()] = id
	}
	return out
}

// PortOfKey is the index of the link that is the key of a set of links.
func PortOfKey(raw []byte) (int, bool) {
	if len(raw) != 4 {
		return 0, false
	}
	return int(binary.NativeEndian.Uint32(raw)), true
}

// CountsFlows reports whether a set is one that flows are counted in.
func (s Set) CountsFlows() bool { return s.Name == flowSet(0) || s.Name == flowSet(1) }
