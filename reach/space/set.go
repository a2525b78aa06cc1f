package space

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Set is a set of packets. The zero Set is empty. A Set never changes.
type Set struct{ four, six *node }

// Everything is the Set of all packets.
func Everything() Set { return Set{full, full} }

// Of is the Set of the packets that are in one of the boxes. A box whose ranges
// are of two families, or run backwards, has none.
func Of(boxes ...Box) Set {
	if len(boxes) == 1 {
		return one(boxes[0])
	}
	var four, six []*node
	for _, b := range boxes {
		s := one(b)
		if s.four != nil {
			four = append(four, s.four)
		}
		if s.six != nil {
			six = append(six, s.six)
		}
	}
	return Set{family4.all(four), family6.all(six)}
}

// Union is the Set of what is in one of the sets.
func Union(sets ...Set) Set {
	four, six := make([]*node, 0, len(sets)), make([]*node, 0, len(sets))
	for _, s := range sets {
		four, six = append(four, s.four), append(six, s.six)
	}
	return Set{family4.all(four), family6.all(six)}
}

// all unites diagrams, small ones first: a thousand rules one by one would walk
// a growing diagram a thousand times.
func (f family) all(nodes []*node) *node {
	if len(nodes) == 0 {
		return nil
	}
	for len(nodes) > 1 {
		half := nodes[:0]
		for i := 0; i < len(nodes); i += 2 {
			if i+1 == len(nodes) {
				half = append(half, nodes[i])
				break
			}
			half = append(half, f.combine(union, nodes[i], nodes[i+1]))
		}
		nodes = half
	}
	return nodes[0]
}

func one(b Box) Set {
	switch {
	case b.Src == (Addrs{}) && b.Dst == (Addrs{}):
		return Set{family4.chain(b), family6.chain(b)}
	case family4.holds(b.Src) && family4.holds(b.Dst):
		return Set{four: family4.chain(b)}
	case family6.holds(b.Src) && family6.holds(b.Dst):
		return Set{six: family6.chain(b)}
	}
	return Set{}
}

// holds reports whether a range is of the family, or of any.
func (f family) holds(r Addrs) bool {
	bits := 32
	if f == family6 {
		bits = 128
	}
	return r == Addrs{} || r.From.BitLen() == bits && r.To.BitLen() == bits
}

// chain is the diagram of one box.
func (f family) chain(b Box) *node {
	ranges := [fields]edge{
		fieldSrc:      f.addrs(b.Src),
		fieldDst:      f.addrs(b.Dst),
		fieldProtocol: {lo: value{0, uint64(b.Protocol.From)}, hi: value{0, uint64(b.Protocol.To)}},
		fieldDstPort:  {lo: value{0, uint64(b.DstPort.From)}, hi: value{0, uint64(b.DstPort.To)}},
		fieldSrcPort:  {lo: value{0, uint64(b.SrcPort.From)}, hi: value{0, uint64(b.SrcPort.To)}},
	}
	n := full
	for field := fields - 1; field >= 0; field-- {
		e := ranges[field]
		if e.hi.less(e.lo) {
			return nil
		}
		e.to = n
		n = f.newNode(field, []edge{e})
	}
	return n
}

func (f family) addrs(r Addrs) edge {
	if r == (Addrs{}) {
		return edge{hi: f.last}
	}
	return edge{lo: valueOf(r.From), hi: valueOf(r.To)}
}

func valueOf(a netip.Addr) value {
	if a.Is4() {
		b := a.As4()
		return value{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return value{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (f family) addr(v value) netip.Addr {
	if f == family4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(v.lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], v.hi)
	binary.BigEndian.PutUint64(b[8:], v.lo)
	return netip.AddrFrom16(b)
}

// Union is the Set of what is in s or in t.
func (s Set) Union(t Set) Set { return s.with(union, t) }

// Intersect is the Set of what is in s and in t.
func (s Set) Intersect(t Set) Set { return s.with(intersection, t) }

// Subtract is the Set of what is in s and not in t.
func (s Set) Subtract(t Set) Set { return s.with(difference, t) }

func (s Set) with(o operation, t Set) Set {
	return Set{family4.combine(o, s.four, t.four), family6.combine(o, s.six, t.six)}
}

// Within is the part of s inside a box.
func (s Set) Within(b Box) Set { return s.Intersect(one(b)) }

// Empty reports whether no packet is in s.
func (s Set) Empty() bool { return s.four == nil && s.six == nil }

// Equal reports whether s and t have the same packets.
func (s Set) Equal(t Set) bool { return equal(s.four, t.four) && equal(s.six, t.six) }

// Covers reports whether every packet of t is in s.
func (s Set) Covers(t Set) bool { return t.Subtract(s).Empty() }

// Contains reports whether a packet is in s.
func (s Set) Contains(p Packet) bool {
	if p.Src.BitLen() != p.Dst.BitLen() {
		return false
	}
	n := s.six
	if p.Src.Is4() {
		n = s.four
	}
	for _, v := range [fields]value{valueOf(p.Src), valueOf(p.Dst), {0, uint64(p.Protocol)}, {0, uint64(p.DstPort)}, {0, uint64(p.SrcPort)}} {
		if n == nil {
			return false
		}
		n = n.find(v)
	}
	return n != nil
}

// All are the boxes of s: disjoint, sorted by source, destination, protocol,
// destination port and source port, IPv4 first, and the same for every Set with
// the same packets.
func (s Set) All() iter.Seq[Box] {
	return func(yield func(Box) bool) {
		var path [fields]edge
		for _, d := range []struct {
			family
			n *node
		}{{family4, s.four}, {family6, s.six}} {
			if !d.walk(d.n, 0, &path, func() bool { return yield(d.box(&path)) }) {
				return
			}
		}
	}
}

// Boxes is All as a list.
func (s Set) Boxes() []Box { return slices.Collect(s.All()) }

func (f family) box(path *[fields]edge) Box {
	port := func(e edge) Ports { return Ports{uint16(e.lo.lo), uint16(e.hi.lo)} }
	return Box{
		Src:      Addrs{f.addr(path[fieldSrc].lo), f.addr(path[fieldSrc].hi)},
		Dst:      Addrs{f.addr(path[fieldDst].lo), f.addr(path[fieldDst].hi)},
		Protocol: Protocols{uint8(path[fieldProtocol].lo.lo), uint8(path[fieldProtocol].hi.lo)},
		DstPort:  port(path[fieldDstPort]),
		SrcPort:  port(path[fieldSrcPort]),
	}
}

// String lists the boxes.
func (s Set) String() string {
	var out []string
	for b := range s.All() {
		out = append(out, b.String())
	}
	if out == nil {
		return "nothing"
	}
	return strings.Join(out, "\n")
}
