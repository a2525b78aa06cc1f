package space

import (
	"net/netip"
	"slices"
)

// Services is a set of protocols and ports: what a Set says of one pair of
// addresses. The zero Services is empty. Pairs of which a Set says the same often
// have the same Services, so that == finds work that has been done; Equal finds
// all that are equal.
type Services struct{ n *node }

// EveryService is all protocols and ports.
func EveryService() Services { return Services{full} }

// ServicesOf are those of boxes, whatever their addresses.
func ServicesOf(boxes ...Box) Services {
	var nodes []*node
	for _, b := range boxes {
		b.Src, b.Dst = Addrs{}, Addrs{}
		if n := family4.chain(b); n != nil {
			nodes = append(nodes, n.services())
		}
	}
	for i, n := range nodes {
		if i > 0 {
			nodes[0] = family4.combineAt(fieldProtocol, union, nodes[0], n)
		}
	}
	if nodes == nil {
		return Services{}
	}
	return Services{nodes[0]}
}

// services is what follows any addresses in a diagram that does not look at them.
func (n *node) services() *node {
	for range 2 {
		if n == full {
			return full
		}
		n = n.edges[0].to
	}
	return n
}

// Services is what s says of one pair of addresses.
func (s Set) Services(src, dst netip.Addr) Services {
	n := s.six
	if src.Is4() {
		n = s.four
	}
	if src.BitLen() != dst.BitLen() || n == nil {
		return Services{}
	}
	if n = n.find(valueOf(src)); n == nil {
		return Services{}
	}
	return Services{n.find(valueOf(dst))}
}

// Sources is the Set of these services from any of a list of addresses to
// anybody. It serves groups with thousands of members.
func Sources(from []netip.Addr, services Services) Set {
	if services.n == nil {
		return Set{}
	}
	from = slices.Clone(from)
	slices.SortFunc(from, netip.Addr.Compare)
	var four, six []edge
	to4, to6 := family4.anyDestination(services), family6.anyDestination(services)
	for _, a := range from {
		v := valueOf(a)
		if a.Is4() {
			four = pushAddress(four, edge{v, v, to4})
		} else {
			six = pushAddress(six, edge{v, v, to6})
		}
	}
	return Set{family4.newNode(fieldSrc, four), family6.newNode(fieldSrc, six)}
}

// pushAddress is push, for a list in which an address may stand twice.
func pushAddress(edges []edge, e edge) []edge {
	if n := len(edges); n > 0 && edges[n-1].hi == e.hi {
		return edges
	}
	return push(edges, e)
}

func (f family) anyDestination(s Services) *node {
	return f.newNode(fieldDst, []edge{{hi: f.last, to: s.n}})
}

// Union is what is in s or in t.
func (s Services) Union(t Services) Services { return s.with(union, t) }

// Intersect is what is in s and in t.
func (s Services) Intersect(t Services) Services { return s.with(intersection, t) }

// Subtract is what is in s and not in t.
func (s Services) Subtract(t Services) Services { return s.with(difference, t) }

// with combines below the addresses, where both families are alike.
func (s Services) with(o operation, t Services) Services {
	return Services{family4.combineAt(fieldProtocol, o, s.n, t.n)}
}

// Empty reports whether there is no service.
func (s Services) Empty() bool { return s.n == nil }

// Equal reports whether s and t are the same services.
func (s Services) Equal(t Services) bool { return equal(s.n, t.n) }

// Contains reports whether a packet's protocol and ports are in s, whatever its
// addresses.
func (s Services) Contains(p Packet) bool {
	n := s.n
	for _, v := range [...]uint64{uint64(p.Protocol), uint64(p.DstPort), uint64(p.SrcPort)} {
		if n == nil {
			return false
		}
		n = n.find(value{0, v})
	}
	return n != nil
}

// Between is the Set of these services between two ranges of addresses.
func (s Services) Between(src, dst Addrs) Set {
	if s.n == nil {
		return Set{}
	}
	in := func(f family) *node {
		if !f.holds(src) || !f.holds(dst) {
			return nil
		}
		to, from := f.addrs(dst), f.addrs(src)
		if to.hi.less(to.lo) || from.hi.less(from.lo) {
			return nil
		}
		to.to = s.n
		from.to = f.newNode(fieldDst, []edge{to})
		return f.newNode(fieldSrc, []edge{from})
	}
	return Set{in(family4), in(family6)}
}

// Witness is one packet between two addresses of one family with a service of s,
// chosen as a Set's is.
func (s Services) Witness(src, dst netip.Addr) (Packet, bool) {
	return s.Between(Only(src), Only(dst)).Witness()
}
