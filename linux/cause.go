package linux

import "strings"

// Cause is why packets were dropped, as counted in the kernel.
type Cause struct {
	// Why is one of: sg-denied, acl-denied, no-route, blackhole,
	// not-in-peer-cidr, source-not-in-vpc, spoofed, dest-check,
	// no-such-address, not-supported.
	Why       string
	At        string // the ID of what decided: an interface, ACL, route table, peering, VPC or gateway
	Direction string // egress, ingress or ""
	Entry     string // of a network ACL: the entry's number, or *
}

func (c Cause) String() string {
	s := c.Why + " at " + c.At
	if c.Direction != "" {
		s += " " + c.Direction
	}
	if c.Entry != "" {
		s += " " + c.Entry
	}
	return s
}

// counterName is the cause as the name of an nftables counter.
func (c Cause) counterName() string {
	entry := c.Entry
	if entry == "*" {
		entry = "rest"
	}
	return strings.Join([]string{c.Why, c.At, c.Direction, entry}, "/")
}

// CauseOfCounter reads a counter's name.
func CauseOfCounter(name string) (Cause, bool) {
	f := strings.Split(name, "/")
	if len(f) != 4 {
		return Cause{}, false
	}
	if f[3] == "rest" {
		f[3] = "*"
	}
	return Cause{f[0], f[1], f[2], f[3]}, true
}

// counter makes a counter for a cause.
func (u *unit) counter(f Family, c Cause) Count {
	u.Counters = append(u.Counters, Counter{f, c.counterName()})
	return Count{c.counterName()}
}

// lostName is a cause as the book knows it.
func (c Cause) lostName() string { return c.Why + " " + c.At }

// CauseOfElement says for which cause an element of a counting set counts.
// book is the compiler's.
func (b *Book) CauseOfElement(e Element) (Cause, bool) {
	if len(e.Lo) != 4 {
		return Cause{}, false
	}
	v := nativeUint32(e.Lo)
	if e.Set == lostSet {
		return b.lostCause(v)
	}
	why, ok := map[string]Cause{
		spoofedSet:   {Why: "spoofed", Direction: "egress"},
		deniedOutSet: {Why: "sg-denied", Direction: "egress"},
		deniedInSet:  {Why: "sg-denied", Direction: "ingress"},
	}[e.Set]
	if !ok || v < portBase {
		return Cause{}, false
	}
	why.At, ok = b.name(portKind, v-portBase)
	return why, ok
}

func (b *Book) lostCause(mark uint32) (Cause, bool) {
	if table := mark >> tableShift & 0x3fff; table != sinkTable {
		at, ok := b.name(tableKind, table)
		at, _, _ = strings.Cut(at, " ")
		return Cause{Why: "no-such-address", At: at}, ok
	}
	name, ok := b.name(lostKind, mark&0xffff)
	why, at, _ := strings.Cut(name, " ")
	return Cause{Why: why, At: at}, ok
}

// name finds the name of a number.
func (b *Book) name(k kind, n uint32) (string, bool) {
	for e, m := range b.numbers {
		if e.kind == k && m == n {
			return e.name, true
		}
	}
	return "", false
}

// CountingSets are the sets whose elements count drops.
func CountingSets() []Set {
	var out []Set
	for _, s := range baseUnit().Sets {
		if s.Counted {
			out = append(out, s)
		}
	}
	return out
}
