package linux

import "net/netip"

// How a packet's mark is made up. The fabric's routing reads the table only; the
// flow cache (linux/kernel/bpf/cache.c) stamps packets that it does not know and
// reads the rest of what leaves the fabric.
const (
	sameSubnet = 1 << 31          // network ACLs are not asked
	remember   = 1 << 30          // if it passes, the packets of its flow may pass as it did
	tableShift = 16               // 14 bits: the table of the fabric's routes
	tableMask  = 0x3fff << 16     //
	stampMask  = 0x3fff << 2      // the cache's generation when it came in
	shortPath  = 2                // its way takes no more than crossRegionMTU
	outsider   = 1                // before it is routed: its source is not in the sender's VPC
	tallied    = 1                // when it has passed: it was counted
	causeMask  = 0x3fffffff       // table and, in the sink's table, the cause for which it goes nowhere, in place of all below
	fibBase    = 1000             // the kernel's number of a table is ours and this
	portBase   = 1000             // the kernel's index of a port is ours and this
	sinkPort   = portBase - 1     // the link that leads nowhere
	lastPort   = portBase + 1<<24 //
)

// TableBase and PortBase are where the fabric's own numbers of tables and links begin.
const (
	TableBase = fibBase
	PortBase  = portBase
	SinkPort  = sinkPort
)

// RouterMAC is the MAC address of the fabric's end of every link; the same on
// all, so that the IPv6 gateway has the same link-local address everywhere.
var RouterMAC = [6]byte{0x06, 0x54, 0x4f, 0x4d, 0x42, 0x4f}

// Gateway6 is the link-local address that follows from RouterMAC (RFC 4291,
// appendix A).
var Gateway6 = netip.MustParseAddr("fe80::454:4fff:fe4d:424f")

// MTU is what an interface takes (AWS: Network MTU for your EC2 instance), and
// crossRegionMTU what passes a peering between Regions.
const (
	MTU            = 9001
	crossRegionMTU = 8500
)

// arrivePriority is before conntrack's defragmentation (-400): fragments of
// two VPCs with the same addresses must not meet, so the zone comes first.
const arrivePriority = -450

// baseUnit is what does not depend on the State.
func baseUnit() *unit {
	u := &unit{concern: concern{all: true}}
	for _, f := range []Family{V4, V6} {
		u.baseSets(f)
		u.arrive(f)
		u.judge(f)
		u.edge(f)
		u.own(f)
		u.Routes = append(u.Routes, sinkRoute(f, sinkTable))
		u.Policy = append(u.Policy,
			PolicyRule{Family: f, Priority: localPriority, Table: 255},
			PolicyRule{Family: f, Priority: 32766, Table: 254})
	}
	u.Sets = append(u.Sets, bookSet)
	u.arp()
	return u
}

// sinkRoute makes a table's unknown destinations go to the sink: they leave by
// a link of which the forward chain knows that it leads nowhere, so that they
// are judged, counted and dropped there.
func sinkRoute(f Family, table uint32) Route {
	whole, _ := everything(f).prefix()
	return Route{Family: f, Table: fibBase + int(table), Dst: whole, Port: sinkPort}
}

func (u *unit) baseSets(f Family) {
	set := func(name string, data Data, fields ...Type) {
		u.Sets = append(u.Sets, Set{Family: f, Name: name, Data: data, Fields: fields})
	}
	counted := func(name string, field Type) {
		u.Sets = append(u.Sets, Set{Family: f, Name: name, Fields: []Type{field}, Counted: true})
	}
	set("sources", VerdictData, PortType, f.addrType())
	set("unchecked", VerdictData, PortType)
	set("ports", NoData, PortType)
	set("macs", NoData, PortType, MACType)
	set("leave.groups", VerdictData, PortType)
	set("leave.acl", VerdictData, PortType)
	set("enter.acl", VerdictData, PortType)
	set("enter.groups", VerdictData, PortType)
	counted(spoofedSet, PortType)
	counted(deniedOutSet, PortType)
	counted(deniedInSet, PortType)
	counted(lostSet, MarkType)
	set(EpochSet, NoData, MarkType)
	set("hops", HopsData, HopsType)
	for n := uint32(1); n < 255; n++ {
		u.Elements = append(u.Elements, Element{Family: f, Set: "hops", Lo: string([]byte{byte(n)}), Mark: n + 1})
	}
}

// The sets whose elements count drops, see Counters.
const (
	spoofedSet   = "spoofed"
	deniedOutSet = "denied.egress"
	deniedInSet  = "denied.ingress"
	lostSet      = "lost"
)

func (u *unit) chain(f Family, name string, hook *Hook, rules ...Rule) {
	u.Chains = append(u.Chains, Chain{f, name, hook, rules})
}

// arrive is where every packet comes in. An AWS network does not count hops, so
// one more is given for the one that the kernel takes; most have the default
// number, for which no table is searched.
func (u *unit) arrive(f Family) {
	rules := []Rule{}
	if f == V6 {
		// Neighbour discovery is between the instance and its link.
		rules = append(rules, rule(f, OfProtocol{58}, OfICMP{From: 135, To: 136}, accept))
	}
	u.chain(f, "arrive", &Hook{Prerouting, arrivePriority}, append(rules,
		rule(f, OfHops{64}, SetHops{65}, goTo("source")),
		rule(f, SetHopsBy{"hops"}),
		rule(f, goTo("source")))...)
	// Its source is checked, and its subnet's route table decides, and with that
	// its conntrack zone.
	rules = []Rule{
		rule(f, By{[]Field{InPort, Source}, "sources"}),
		rule(f, By{[]Field{InPort}, "unchecked"}),
	}
	if f == V6 {
		// Hosts announce themselves to multicast groups; nobody is spoofing.
		rules = append(rules, rule(f, OfPrefix{Destination, netip.MustParsePrefix("ff00::/8")}, drop))
	}
	u.chain(f, "source", nil, append(rules, rule(f, goTo("spoofed")))...)
	u.chain(f, "spoofed", nil,
		rule(f, In{Fields: []Field{InPort}, Set: spoofedSet}, drop),
		rule(f, drop))
}

// judge is what a packet meets whose flow was not judged in this direction
// since the policy last changed: the gates one after the other, in the order in
// which AWS's packet meets them. None can be skipped by another's permission.
//
// A flow that a security group tracks is not judged by that group again: at the
// end of its originator, its responder, or both (AWS: Security group connection
// tracking). The others are untracked, each packet stands for itself.
func (u *unit) judge(f Family) {
	leave, enter := By{[]Field{InPort}, "leave.groups"}, By{[]Field{OutPort}, "enter.groups"}
	u.chain(f, "judge", nil,
		// The frame's source need not be looked at more often than this: it
		// decides nothing, and to look costs more than to look at the packet.
		rule(f, In{[]Field{InPort, EtherSource}, "macs", true}, goTo("spoofed")),
		rule(f, OfDirection{Reply: true}, goTo("judge.reply")),
		rule(f, OfFlowMark{Mask: trackedByOriginator}, leave),
		rule(f, jump("edge")),
		rule(f, OfFlowMark{Mask: trackedByResponder}, enter),
		rule(f, goTo("remember.original")))
	u.chain(f, "judge.reply", nil,
		rule(f, OfFlowMark{Mask: trackedByResponder}, leave),
		rule(f, jump("edge")),
		rule(f, OfFlowMark{Mask: trackedByOriginator}, enter),
		rule(f, goTo("remember.reply")))
	// Errors about a known flow pass security groups as it does. What conntrack
	// can make nothing of belongs to no flow, and stands for itself.
	// The cache must not take their verdict for one about their flow.
	u.chain(f, "odd", nil,
		rule(f, OfMark{remember, remember}, ChangeMark{Keep: sameSubnet | tableMask}),
		rule(f, OfState{Related}, goTo("related")),
		rule(f, In{[]Field{InPort, EtherSource}, "macs", true}, goTo("spoofed")),
		rule(f, leave),
		rule(f, jump("edge")),
		rule(f, enter),
		rule(f, toPassed))
	u.chain(f, "related", nil,
		rule(f, jump("edge")),
		rule(f, toPassed))
}

// edge is the edges of the two subnets, and between them what the route table
// made of the packet: a link that is no port leads nowhere.
func (u *unit) edge(f Family) {
	u.chain(f, "edge", nil,
		rule(f, OfMark{sameSubnet, 0}, By{[]Field{InPort}, "leave.acl"}),
		rule(f, In{[]Field{OutPort}, "ports", true}, goTo("lost")),
		rule(f, OfMark{sameSubnet, 0}, By{[]Field{OutPort}, "enter.acl"}))
	u.chain(f, "lost", nil,
		// It had a way, to an address that nobody has.
		rule(f, OfMark{remember, remember}, ChangeMark{Keep: tableMask}),
		rule(f, ChangeMark{Keep: causeMask}),
		rule(f, In{Fields: []Field{Mark}, Set: lostSet}, toStray),
		rule(f, toStray))
}

// own is what the fabric itself hears and says. The network never answers for
// an instance: no unreachables, no resets, no time exceeded, no echo from the
// router. What AWS sends is packet too big (AWS: Path MTU Discovery).
func (u *unit) own(f Family) {
	hear, say := []Rule{}, []Rule{rule(f, OfProtocol{1}, OfICMP{From: 3, To: 3}, OfICMP{Code: true, From: 4, To: 4}, accept)}
	if f == V6 {
		nd := rule(f, OfProtocol{58}, OfICMP{From: 135, To: 136}, accept)
		hear = append(hear, nd)
		say = []Rule{nd, rule(f, OfProtocol{58}, OfICMP{From: 2, To: 2}, accept)}
	}
	u.chain(f, "hear", &Hook{Input, 0}, hear...)
	u.chain(f, "say", &Hook{Output, 0}, say...)
}

// arp answers for the addresses of the asker's subnet that exist, and for its
// router. ARP does not pass IP's chains, so the mark that leads its question
// to the VPC's table is set here.
func (u *unit) arp() {
	u.Sets = append(u.Sets,
		Set{Family: ARP, Name: "subnets", Fields: []Type{PortType}, Data: MarkData},
		Set{Family: ARP, Name: "neighbours", Fields: []Type{MarkType, Addr4Type}})
	u.chain(ARP, "hear", &Hook{Input, 0},
		rule(ARP, MarkBy{[]Field{InPort}, "subnets"}),
		rule(ARP, In{Fields: []Field{Mark, ARPTarget}, Set: "neighbours"}, accept))
}
