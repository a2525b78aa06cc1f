package space

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkCanonical holds every node below n to the rules that make a diagram the
// only one of its set.
func checkCanonical(t *rapid.T, f family, n *node, field int) {
	if n == nil || n == full {
		return
	}
	if field == fields {
		t.Fatalf("a node behind the last field")
	}
	if len(n.edges) == 0 {
		t.Fatalf("field %d: an empty node that is not nil", field)
	}
	if n.sum != sumOf(n.edges) {
		t.Fatalf("field %d: a wrong sum", field)
	}
	for i, e := range n.edges {
		switch {
		case e.to == nil:
			t.Fatalf("field %d: an edge to nothing", field)
		case e.hi.less(e.lo) || f.max(field).less(e.hi):
			t.Fatalf("field %d: range %v to %v", field, e.lo, e.hi)
		case i > 0 && !n.edges[i-1].hi.less(e.lo):
			t.Fatalf("field %d: edges overlap", field)
		case i > 0 && n.edges[i-1].hi.next() == e.lo && equal(n.edges[i-1].to, e.to):
			t.Fatalf("field %d: two edges that are one", field)
		}
		checkCanonical(t, f, e.to, field+1)
	}
	if e := n.edges[0]; len(n.edges) == 1 && e.to == full && e.lo == (value{}) && e.hi == f.max(field) {
		t.Fatalf("field %d: a node that excludes nothing is not full", field)
	}
}

func TestDiagramsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Of(someBoxes.Draw(t, "a")...), Of(someBoxes.Draw(t, "b")...)
		for _, s := range []Set{a, b, a.Union(b), a.Intersect(b), a.Subtract(b), Everything().Subtract(a)} {
			checkCanonical(t, family4, s.four, 0)
			checkCanonical(t, family6, s.six, 0)
		}
	})
}

func TestOrderOfBoxesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxes := someBoxes.Draw(t, "boxes")
		other := rapid.Permutation(boxes).Draw(t, "other order")
		if !slices.Equal(Of(boxes...).Boxes(), Of(other...).Boxes()) {
			t.Fatalf("the boxes in another order make another set")
		}
	})
}

// A Set that was given away must stay as it was, whatever is made of it.
func TestSetsNeverChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Of(someBoxes.Draw(t, "a")...), Of(someBoxes.Draw(t, "b")...)
		before, beforeB := a.Boxes(), b.Boxes()
		_ = Union(a, b, a.Intersect(b), b.Subtract(a), a.Subtract(b)).Boxes()
		if !slices.Equal(a.Boxes(), before) || !slices.Equal(b.Boxes(), beforeB) {
			t.Fatalf("a set changed")
		}
	})
}

func TestUnionOfManyIsTheUnionOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxes := rapid.SliceOfN(someBox, 0, 12).Draw(t, "boxes")
		var oneByOne Set
		var sets []Set
		for _, b := range boxes {
			oneByOne = oneByOne.Union(Of(b))
			sets = append(sets, Of(b))
		}
		if !Of(boxes...).Equal(oneByOne) || !Union(sets...).Equal(oneByOne) {
			t.Fatalf("all at once is another set than one by one")
		}
	})
}

func TestValuesCountAcrossSixtyFourBits(t *testing.T) {
	end := value{0, 1<<64 - 1}
	if end.next() != (value{1, 0}) || end.next().before() != end {
		t.Errorf("after %v comes %v, before that %v", end, end.next(), end.next().before())
	}
	if !end.less(value{1, 0}) || (value{1, 0}).less(end) || end.less(end) {
		t.Error("the order is wrong")
	}
}

func TestAddressesAreKept(t *testing.T) {
	for _, a := range slices.Concat(addrs4, addrs6) {
		f := family6
		if a.Is4() {
			f = family4
		}
		if got := f.addr(valueOf(a)); got != a {
			t.Errorf("%v became %v", a, got)
		}
	}
}

func TestPrefixesOfEveryLength(t *testing.T) {
	for _, text := range []string{"203.0.113.255", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"} {
		a := netip.MustParseAddr(text)
		for bits := 0; bits <= a.BitLen(); bits++ {
			p := netip.PrefixFrom(a, bits).Masked()
			r := In(p)
			if !p.Contains(r.From) || !p.Contains(r.To) {
				t.Fatalf("%v reaches to %v and %v", p, r.From, r.To)
			}
			if before := r.From.Prev(); before.IsValid() && p.Contains(before) {
				t.Fatalf("%v begins before %v", p, r.From)
			}
			if after := r.To.Next(); after.IsValid() && p.Contains(after) {
				t.Fatalf("%v ends after %v", p, r.To)
			}
			if got, ok := r.prefix(); !ok || got != p {
				t.Fatalf("%v is called %v", p, got)
			}
		}
	}
}

// The work for one address in a list of thousands must not be that for the list.
func TestOverlappingFindsThePart(t *testing.T) {
	var edges []edge
	for i := range uint64(100) {
		edges = append(edges, edge{value{0, 10 * i}, value{0, 10*i + 4}, full})
	}
	for _, c := range []struct {
		first, last uint64
		from, to    int
	}{
		{0, 0, 0, 1}, {5, 9, 1, 1}, {5, 10, 1, 2}, {4, 10, 0, 2}, {0, 2000, 0, 100}, {994, 994, 99, 100}, {995, 2000, 100, 100},
	} {
		got := overlapping(edges, []edge{{value{0, c.first}, value{0, c.last}, full}})
		if len(got) != c.to-c.from || len(got) > 0 && got[0] != edges[c.from] {
			t.Errorf("%d to %d: %v, want edges %d to %d", c.first, c.last, got, c.from, c.to)
		}
	}
	if overlapping(nil, edges) != nil || overlapping(edges, nil) != nil {
		t.Error("something overlaps nothing")
	}
}

func TestPushMergesWhatTouches(t *testing.T) {
	a, b := family4.chain(Box{Protocol: OnlyProtocol(6), DstPort: AnyPort, SrcPort: AnyPort}), family4.chain(Box{Protocol: OnlyProtocol(6), DstPort: AnyPort, SrcPort: AnyPort})
	if a == b || !equal(a, b) {
		t.Fatal("two diagrams of one box differ, or are one")
	}
	var edges []edge
	edges = push(edges, edge{value{0, 0}, value{0, 4}, a})
	edges = push(edges, edge{value{0, 5}, value{0, 9}, b})
	if len(edges) != 1 || edges[0].hi != (value{0, 9}) {
		t.Errorf("neighbours with equal ends: %v", edges)
	}
	edges = push(edges, edge{value{0, 10}, value{0, 11}, nil})
	edges = push(edges, edge{value{0, 12}, value{0, 13}, a})
	edges = push(edges, edge{value{0, 14}, value{0, 15}, full})
	if len(edges) != 3 {
		t.Errorf("a gap, and another end, are kept: %v", edges)
	}
}

func TestNodesThatDifferAreNotEqual(t *testing.T) {
	chain := func(src, dst string, protocol Protocols, to, from Ports) *node {
		b := box(src, dst, protocol, to)
		b.SrcPort = from
		return family4.chain(b)
	}
	all := []*node{
		nil, full,
		chain("10.0.0.0/8", "", AnyProtocol, AnyPort, AnyPort),
		chain("11.0.0.0/8", "", AnyProtocol, AnyPort, AnyPort),
		chain("10.0.0.0/9", "", AnyProtocol, AnyPort, AnyPort),
		chain("", "10.0.0.0/8", AnyProtocol, AnyPort, AnyPort),
		chain("10.0.0.0/8", "10.0.0.0/8", AnyProtocol, AnyPort, AnyPort),
		chain("", "", OnlyProtocol(6), AnyPort, AnyPort),
		chain("", "", OnlyProtocol(6), OnlyPort(6), AnyPort),
		chain("", "", OnlyProtocol(6), AnyPort, OnlyPort(6)),
	}
	for i, a := range all {
		for j, b := range all {
			if equal(a, b) != (i == j) {
				t.Errorf("node %d and node %d: equal %v", i, j, equal(a, b))
			}
		}
	}
}

func TestICMPTypeAndCodeAreOnePort(t *testing.T) {
	if ICMPPort(8, 0) != 2048 || ICMPPort(3, 4) != 772 || ICMPPort(255, 255) != 65535 {
		t.Error("type and code are in the wrong order")
	}
	// Every code of a type is one range, which is why the type comes first.
	echo := Of(Box{Protocol: OnlyProtocol(1), DstPort: Ports{ICMPPort(8, 0), ICMPPort(8, 255)}, SrcPort: AnyPort})
	for code := range 256 {
		p := Packet{addrs4[1], addrs4[2], 1, 7, ICMPPort(8, uint8(code))}
		if !echo.Contains(p) {
			t.Fatalf("type 8 code %d is not an echo", code)
		}
	}
	if echo.Contains(Packet{addrs4[1], addrs4[2], 1, 7, ICMPPort(9, 0)}) {
		t.Error("type 9 is an echo")
	}
}

func TestWithinIsAnIntersection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := Of(someBoxes.Draw(t, "set")...), someBox.Draw(t, "box")
		if !s.Within(b).Equal(s.Intersect(Of(b))) || !s.Covers(s.Within(b)) || !Of(b).Covers(s.Within(b)) {
			t.Fatalf("%v within %v is %v", s, b, s.Within(b))
		}
	})
}

// The work is shared between parts that are the same: a thousand sources with one
// list of ports between them cost one look at the ports.
func TestSharedPartsAreCombinedOnce(t *testing.T) {
	var sources, services []Box
	for i := range 500 {
		sources = append(sources, box(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 7), byte(i << 1)}), 32).String(), "", AnyProtocol, AnyPort))
	}
	for i := range 100 {
		services = append(services, box("", "10.0.0.0/8", OnlyProtocol(6), OnlyPort(uint16(2*i))))
	}
	who, what := Of(sources...), Of(services...)
	if n := testing.AllocsPerRun(10, func() { who.Intersect(what) }); n > 100 {
		t.Errorf("%v allocations for 500 sources of the same services", n)
	}
	if n := len(who.Intersect(what).Boxes()); n != 500*100 {
		t.Errorf("%d boxes, want %d", n, 500*100)
	}
}
