package linux

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tombolo/flowlog"
	"tombolo/network"
)

// packet is what an interface sends: the headers that anything looks at. Of ICMP,
// first is type and code, and second, the checksum, means nothing.
type packet struct {
	from          network.ENIID
	mac           network.MAC
	src, dst      netip.Addr
	protocol      uint8
	first, second uint16
	id            uint16 // of an ICMP query
}

func (p packet) family() Family { return familyOf(p.src) }

func (p packet) String() string {
	return fmt.Sprintf("%s: %s %s > %s %d %d id %d", p.from, protocolText(p.protocol), p.src, p.dst, p.first, p.second, p.id)
}

// answer is what the receiver sends back, if that is known.
func (p packet) answer(from network.ENIID, mac network.MAC) packet {
	q := packet{from, mac, p.dst, p.src, p.protocol, p.second, p.first, p.id}
	if icmp(p.protocol) {
		q.first, q.second = p.first-8<<8, 99 // from echo request to echo reply, in IPv4
		if p.protocol == 58 {
			q.first = p.first + 1<<8
		}
	}
	return q
}

func icmp(protocol uint8) bool { return protocol == 1 || protocol == 58 }

// tuple is how conntrack knows a flow: its first packet.
type tuple struct {
	zone     uint16
	protocol uint8
	src, dst netip.Addr
	a, b     uint16
}

type flow struct {
	zone  uint16
	tuple tuple
	mark  uint32
}

// journey is a packet on its way through a fake.
type journey struct {
	*fake
	packet
	f       Family
	mark    uint32
	zone    uint16
	in      int
	out     int
	flow    *flow
	reply   bool
	state   ConntrackState
	hits    []string       // counters and counting elements that it met
	tallies []flowlog.Fate // as what it was recorded
	full    bool           // there is no room for another count
	fault   error
}

// arrival is what became of a packet: at a link, or dropped and counted.
type arrival struct {
	at, out int // out is where it was to go
	hits    []string
	tallies []flowlog.Fate
}

// send interprets what the fake holds, as the kernel would: the prerouting hook,
// conntrack, the routes, the forward hook.
func (k *fake) send(p packet) (arrival, error) {
	j := &journey{fake: k, packet: p, f: p.family()}
	for port, l := range k.links {
		if l.ENI == p.from {
			j.in = port
		}
	}
	if j.in == 0 {
		return arrival{}, nil
	}
	if !j.hook(Prerouting) {
		return arrival{hits: j.hits, tallies: j.tallies, out: j.out}, j.fault
	}
	j.track()
	r, ok := j.lookup()
	if !ok {
		return arrival{}, fmt.Errorf("%s: no table has a route for mark %#x", p, j.mark)
	}
	if r.Local {
		if j.hook(Input) {
			return arrival{}, fmt.Errorf("%s: the fabric listens", p)
		}
		return arrival{hits: j.hits, tallies: j.tallies, out: j.out}, j.fault
	}
	j.out = r.Port
	if !j.hook(Forward) || j.out == SinkPort {
		return arrival{hits: j.hits, tallies: j.tallies, out: j.out}, j.fault
	}
	if j.flow != nil {
		k.flows[j.flow.tuple] = j.flow
	}
	next := j.dst
	if r.Via.IsValid() {
		next = r.Via
	}
	l := k.links[j.out]
	if n, ok := k.neighbours[Neighbour{Port: j.out, Addr: next}.key()]; !ok || n.MAC != l.MAC {
		return arrival{}, fmt.Errorf("%s: nobody at %d is %s", p, j.out, next)
	}
	return arrival{at: j.out, hits: j.hits, tallies: j.tallies, out: j.out}, j.fault
}

// track finds the packet's flow or begins one, as conntrack does.
func (j *journey) track() {
	t := tuple{j.zone, j.protocol, j.src, j.dst, 0, 0}
	back := tuple{j.zone, j.protocol, j.dst, j.src, 0, 0}
	begins := true
	switch {
	case j.protocol == 6 || j.protocol == 17:
		t.a, t.b, back.a, back.b = j.first, j.second, j.second, j.first
	case icmp(j.protocol):
		query := map[uint8]uint16{8: 0, 13: 14, 15: 16, 17: 18}
		if j.protocol == 58 {
			query = map[uint8]uint16{128: 129}
		}
		kind := uint16(j.first >> 8)
		answers, ok := query[uint8(kind)]
		t.a, t.b, back.a = kind, j.id, j.id
		begins = ok
		if ok {
			back.b = answers
		} else {
			for q, a := range query {
				if a == kind {
					back = tuple{j.zone, j.protocol, j.dst, j.src, uint16(q), j.id}
				}
			}
		}
	}
	if f := j.flows[t]; f != nil && begins {
		j.flow = f
	} else if f := j.flows[back]; f != nil {
		j.flow, j.reply = f, true
	} else if begins {
		j.flow = &flow{zone: j.zone, tuple: t}
	} else {
		j.state = Invalid
	}
}

// lookup is the fabric's routing policy.
func (j *journey) lookup() (Route, bool) {
	rules := slices.SortedFunc(func(yield func(PolicyRule) bool) {
		for r := range j.policy {
			if r.Family == j.f && !r.FromSelf && !yield(r) {
				return
			}
		}
	}, func(a, b PolicyRule) int { return cmp.Compare(a.Priority, b.Priority) })
	skip := 0
	for _, r := range rules {
		if r.Priority < skip || j.mark&r.Mask != r.Mark {
			continue
		}
		if r.Goto != 0 {
			skip = r.Goto
			continue
		}
		best, found := Route{}, false
		for bits := j.dst.BitLen(); bits >= 0 && !found; bits-- {
			p, _ := j.dst.Prefix(bits)
			best, found = j.routes[fakeRoute{j.f, r.Table, p}]
		}
		if found {
			return best, true
		}
	}
	return Route{}, false
}

func (j *journey) hook(h HookPoint) bool {
	for _, c := range j.chains {
		if c.Family == j.f && c.Hook != nil && c.Hook.Point == h {
			v, _ := j.run(c.Name, 0)
			return v == Accept // the policy of ours is drop
		}
	}
	return false
}

// run does a chain. Return, also by its end, is to go on after the jump to it.
func (j *journey) run(chain string, depth int) (VerdictKind, bool) {
	if depth > 16 {
		j.fault = fmt.Errorf("%s: too many jumps at %s", j.packet, chain)
		return Drop, true
	}
	for _, r := range j.chains[chainKey{j.f, chain}].Rules {
		v, done := j.rule(r, depth)
		if done {
			return v, true
		}
		if v == Return {
			return Return, false
		}
	}
	return Return, false
}

// goes on is a verdict that ends a rule and not the chain.
const goesOn VerdictKind = 255

func (j *journey) rule(r Rule, depth int) (VerdictKind, bool) {
	for _, s := range r.Statements {
		if v, ok := s.(Verdict); ok {
			return j.verdict(v, depth)
		}
		if by, ok := s.(By); ok {
			if e := j.find(by.Map, by.Fields); e != nil {
				return j.verdict(e.Verdict, depth)
			}
			return goesOn, false
		}
		if !j.statement(s) {
			return goesOn, false
		}
	}
	return goesOn, false
}

func (j *journey) verdict(v Verdict, depth int) (VerdictKind, bool) {
	switch v.Kind {
	case Accept, Drop:
		return v.Kind, true
	case Jump, Goto:
		if got, done := j.run(v.Chain, depth+1); done {
			return got, true
		}
		if v.Kind == Jump {
			return goesOn, false
		}
	}
	return Return, false
}

// statement is everything but verdicts: whether it matches, or an action.
func (j *journey) statement(s Statement) bool {
	switch s := s.(type) {
	case OfDirection:
		return j.flow != nil && j.reply == s.Reply
	case OfState:
		return j.state&s.States != 0
	case OfFlowMark:
		return j.flow != nil && j.flow.mark&s.Mask == s.Value
	case OfMark:
		return j.mark&s.Mask == s.Value
	case OfPrefix:
		return s.Prefix.Contains(map[Field]netip.Addr{Source: j.src, Destination: j.dst}[s.Field])
	case OfProtocol:
		return j.protocol == s.Number
	case OfPorts:
		return s.From <= j.second && j.second <= s.To
	case OfICMP:
		v := uint8(j.first >> 8)
		if s.Code {
			v = uint8(j.first)
		}
		return s.From <= v && v <= s.To
	case OfHops:
		return s.Hops == 64
	case In:
		e := j.find(s.Set, s.Fields)
		if e != nil && j.sets[setKey{j.f, s.Set}].Counted {
			j.hits = append(j.hits, s.Set+"/"+e.Lo)
		}
		return (e != nil) != s.Not
	case SetMark:
		j.mark = s.Value
	case ChangeMark:
		j.mark = j.mark&s.Keep ^ s.Set
	case InEpoch:
		_, ok := j.elements[setKey{j.f, EpochSet}][string(key(nil).own(s.Epoch))]
		return ok
	case SetFlowMark:
		if j.flow != nil {
			j.flow.mark = j.flow.mark&^s.Mask ^ s.Value
		}
	case SetZone:
		j.zone = s.Zone
	case Count:
		j.hits = append(j.hits, s.Counter)
	case SetHops:
	case Tally:
		if j.full {
			return false
		}
		j.tallies = append(j.tallies, s.Fate)
	default:
		j.fault = fmt.Errorf("%s meets %T, which the interpreter does not know", j.packet, s)
	}
	return true
}

// find is the element that the fields are in. nftables finds any one: two are a
// fault.
func (j *journey) find(set string, fields []Field) *Element {
	var parts []string
	for _, f := range fields {
		parts = append(parts, string(j.field(f)))
	}
	want := strings.Join(parts, "")
	in := j.elements[setKey{j.f, set}]
	if !j.sets[setKey{j.f, set}].Interval {
		if e, ok := in[want]; ok {
			return &e
		}
		return nil
	}
	var found *Element
	for _, e := range in {
		at, ok := 0, true
		for _, p := range parts {
			ok = ok && e.Lo[at:at+len(p)] <= p && p <= e.Hi[at:at+len(p)]
			at += len(p)
		}
		if ok && found != nil {
			j.fault = fmt.Errorf("%s: two elements of %s match", j.packet, set)
		}
		if ok {
			found = &e
		}
	}
	return found
}

func (j *journey) field(f Field) key {
	switch f {
	case InPort:
		return key(nil).own(uint32(j.in))
	case OutPort:
		return key(nil).own(uint32(j.out))
	case EtherSource:
		return key(nil).mac(j.mac)
	case Source:
		return key(nil).addr(j.src)
	case Destination:
		return key(nil).addr(j.dst)
	case Protocol:
		return key(nil).proto(j.protocol)
	case First:
		return key(nil).service(j.first)
	case Second:
		return key(nil).service(j.second)
	}
	return key(nil).own(j.mark)
}

// causes are what the hits of an arrival count, by way of the compiler's book.
func (a arrival) causes(b *Book) []string {
	var out []string
	for _, h := range a.hits {
		set, lo, _ := strings.Cut(h, "/")
		c, ok := b.CauseOfElement(Element{Set: set, Lo: lo})
		if !ok {
			c, ok = CauseOfCounter(h)
		}
		if !ok {
			out = append(out, fmt.Sprintf("%q", h))
			continue
		}
		out = append(out, c.String())
	}
	return out
}
