package space

import (
	"slices"
	"sort"
)

// value is one value of a field: an address, a protocol or a port.
type value struct{ hi, lo uint64 }

func (v value) less(w value) bool { return v.hi < w.hi || v.hi == w.hi && v.lo < w.lo }

func (v value) next() value {
	v.lo++
	if v.lo == 0 {
		v.hi++
	}
	return v
}

func (v value) before() value {
	if v.lo == 0 {
		v.hi--
	}
	v.lo--
	return v
}

// node is the set of what can follow at one field. What is empty is nil, and
// what excludes nothing, at any field, is full: no other node says the same.
type node struct {
	edges []edge // sorted, disjoint; neighbours that touch differ
	sum   uint64 // equal nodes have equal sums
}

// edge is a range of the field, inclusive, and what can follow it.
type edge struct {
	lo, hi value
	to     *node
}

// full is behind the last field, and wherever nothing more has to be asked.
var full = &node{sum: 0x9e3779b97f4a7c15}

// The fields in the order in which a diagram asks for them. Addresses come first
// because they tell most packets apart.
const (
	fieldSrc = iota
	fieldDst
	fieldProtocol
	fieldDstPort
	fieldSrcPort
	fields
)

// family says which addresses a diagram is about, by their greatest.
type family struct{ last value }

var (
	family4 = family{value{0, 1<<32 - 1}}
	family6 = family{value{1<<64 - 1, 1<<64 - 1}}
)

// last is the greatest value of a field.
func (f family) max(field int) value {
	switch field {
	case fieldProtocol:
		return value{0, 255}
	case fieldDstPort, fieldSrcPort:
		return value{0, 65535}
	}
	return f.last
}

// newNode is the canonical node with these edges, which it copies.
func (f family) newNode(field int, edges []edge) *node {
	switch {
	case len(edges) == 0:
		return nil
	case len(edges) > 1:
		return &node{edges: slices.Clone(edges), sum: sumOf(edges)}
	case edges[0].to == full && edges[0].lo == (value{}) && edges[0].hi == f.max(field):
		return full
	}
	// Most nodes have one edge: one allocation for both.
	n := &struct {
		node
		one [1]edge
	}{}
	n.one[0] = edges[0]
	n.edges, n.sum = n.one[:], sumOf(edges)
	return &n.node
}

func sumOf(edges []edge) uint64 {
	sum := uint64(len(edges))
	for _, e := range edges {
		for _, v := range [...]uint64{e.lo.hi, e.lo.lo, e.hi.hi, e.hi.lo, e.to.sum} {
			sum = (sum ^ v) * 0xff51afd7ed558ccd
			sum ^= sum >> 32
		}
	}
	return sum
}

func equal(a, b *node) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.sum != b.sum || len(a.edges) != len(b.edges) {
		return false
	}
	for i, e := range a.edges {
		if e.lo != b.edges[i].lo || e.hi != b.edges[i].hi || !equal(e.to, b.edges[i].to) {
			return false
		}
	}
	return true
}

// push appends a range, or lengthens the last one when that says the same.
func push(edges []edge, e edge) []edge {
	if e.to == nil {
		return edges
	}
	if n := len(edges); n > 0 && edges[n-1].hi.next() == e.lo && equal(edges[n-1].to, e.to) {
		edges[n-1].hi = e.hi
		return edges
	}
	return append(edges, e)
}

// operation is what two diagrams are combined to.
type operation uint8

const (
	union operation = iota
	intersection
	difference
)

// simple is the result where it needs no look inside.
func (o operation) simple(a, b *node) (*node, bool) {
	switch o {
	case union:
		switch {
		case a == nil || b == full:
			return b, true
		case b == nil || a == full || a == b:
			return a, true
		}
	case intersection:
		switch {
		case a == nil || b == nil:
			return nil, true
		case a == full:
			return b, true
		case b == full || a == b:
			return a, true
		}
	case difference:
		switch {
		case a == nil || b == full || a == b:
			return nil, true
		case b == nil:
			return a, true
		}
	}
	return nil, false
}

// combiner combines two diagrams. Parts that occur in many places are combined
// once.
type combiner struct {
	family
	operation
	done    map[[2]*node]*node
	scratch [fields][]edge
	whole   [fields][1]edge // full, opened
}

func (f family) combine(o operation, a, b *node) *node { return f.combineAt(fieldSrc, o, a, b) }

// combineAt combines what two diagrams say from a field on.
func (f family) combineAt(field int, o operation, a, b *node) *node {
	if r, ok := o.simple(a, b); ok {
		return r
	}
	c := combiner{family: f, operation: o}
	return c.at(field, a, b)
}

func (c *combiner) at(field int, a, b *node) *node {
	if r, ok := c.simple(a, b); ok {
		return r
	}
	// The first field has one pair only, and below it most have one edge each,
	// which costs less than to remember it.
	remember := field > fieldSrc && len(a.edges)+len(b.edges) > 2
	if remember {
		if r, ok := c.done[[2]*node{a, b}]; ok {
			return r
		}
	}
	left, right := c.open(field, a), c.open(field, b)
	if c.operation == intersection {
		left, right = overlapping(left, right), overlapping(right, left)
	}
	r := c.newNode(field, c.sweep(field, left, right))
	if remember {
		if c.done == nil {
			c.done = map[[2]*node]*node{}
		}
		c.done[[2]*node{a, b}] = r
	}
	return r
}

// open is a node's edges, also of full, which has none.
func (c *combiner) open(field int, n *node) []edge {
	if n == full {
		c.whole[field][0] = edge{hi: c.max(field), to: full}
		return c.whole[field][:]
	}
	return n.edges
}

// overlapping is the part of edges that others reach from first to last: a
// question about one address looks at one edge of thousands.
func overlapping(edges, others []edge) []edge {
	if len(edges) == 0 || len(others) == 0 {
		return nil
	}
	first, last := others[0].lo, others[len(others)-1].hi
	from := sort.Search(len(edges), func(i int) bool { return !edges[i].hi.less(first) })
	to := from + sort.Search(len(edges)-from, func(i int) bool { return last.less(edges[from+i].lo) })
	return edges[from:to]
}

// sweep goes through both lists from the least value to the greatest.
func (c *combiner) sweep(field int, left, right []edge) []edge {
	out := c.scratch[field][:0]
	end := c.max(field)
	var at value
	for len(left) > 0 || len(right) > 0 {
		a, untilA := head(left, at, end)
		b, untilB := head(right, at, end)
		until := untilA
		if untilB.less(until) {
			until = untilB
		}
		if a != nil || b != nil {
			out = push(out, edge{at, until, c.at(field+1, a, b)})
		}
		if until == end {
			break
		}
		at = until.next()
		left, right = behind(left, at), behind(right, at)
	}
	c.scratch[field] = out
	return out
}

// head is what a list says of the value at, and until where it says the same.
func head(edges []edge, at, end value) (*node, value) {
	switch {
	case len(edges) == 0:
		return nil, end
	case at.less(edges[0].lo):
		return nil, edges[0].lo.before()
	}
	return edges[0].to, edges[0].hi
}

// behind drops the edge that at has passed.
func behind(edges []edge, at value) []edge {
	if len(edges) > 0 && edges[0].hi.less(at) {
		return edges[1:]
	}
	return edges
}

// walk calls f with every path of a diagram, in order, until f says no.
func (f family) walk(n *node, field int, path *[fields]edge, visit func() bool) bool {
	if n == nil {
		return true
	}
	if field == fields {
		return visit()
	}
	if n == full {
		path[field] = edge{hi: f.max(field)}
		return f.walk(full, field+1, path, visit)
	}
	for _, e := range n.edges {
		path[field] = e
		if !f.walk(e.to, field+1, path, visit) {
			return false
		}
	}
	return true
}

// find is what a node says of one value.
func (n *node) find(v value) *node {
	if n == full {
		return full
	}
	i := sort.Search(len(n.edges), func(i int) bool { return !n.edges[i].hi.less(v) })
	if i == len(n.edges) || v.less(n.edges[i].lo) {
		return nil
	}
	return n.edges[i].to
}
