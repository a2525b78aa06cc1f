package space

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The model: a set is a predicate on packets. On a domain small enough to look
// at every packet it says what the diagrams must say.
type model func(Packet) bool

func modelOf(boxes []Box) model {
	return func(p Packet) bool {
		return slices.ContainsFunc(boxes, func(b Box) bool { return has(b, p) })
	}
}

func has(b Box, p Packet) bool {
	in := func(r Addrs, a netip.Addr) bool { return r == Addrs{} || r.Has(a) }
	port := func(r Ports, v uint16) bool { return r.From <= v && v <= r.To }
	return p.Src.BitLen() == p.Dst.BitLen() && in(b.Src, p.Src) && in(b.Dst, p.Dst) &&
		b.Protocol.From <= p.Protocol && p.Protocol <= b.Protocol.To && port(b.DstPort, p.DstPort) && port(b.SrcPort, p.SrcPort)
}

// The domain: the ends of every field's range and a few values beside them.
var (
	addrs4    = addresses("0.0.0.0", "10.0.0.0", "10.0.0.1", "10.0.0.2", "255.255.255.255")
	addrs6    = addresses("::", "::ffff:10.0.0.1", "fd00::ffff:ffff:ffff:ffff", "fd00:0:0:1::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	protocols = []uint8{0, 6, 17, 255}
	ports     = []uint16{0, 80, 81, 65535}
)

func addresses(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// domain is every packet of the domain.
func domain() []Packet {
	var out []Packet
	for _, addrs := range [][]netip.Addr{addrs4, addrs6} {
		for _, src := range addrs {
			for _, dst := range addrs {
				for _, protocol := range protocols {
					for _, to := range ports {
						for _, from := range ports {
							out = append(out, Packet{src, dst, protocol, from, to})
						}
					}
				}
			}
		}
	}
	return out
}

func someRange[T any](t *rapid.T, from []T) (T, T) {
	a := rapid.IntRange(0, len(from)-1).Draw(t, "from")
	b := rapid.IntRange(a, len(from)-1).Draw(t, "to")
	return from[a], from[b]
}

var someBox = rapid.Custom(func(t *rapid.T) Box {
	addrs := rapid.SampledFrom([][]netip.Addr{addrs4, addrs6}).Draw(t, "family")
	address := func() Addrs {
		if rapid.IntRange(0, 3).Draw(t, "any address") == 0 {
			return Addrs{}
		}
		from, to := someRange(t, addrs)
		return Addrs{from, to}
	}
	b := Box{Src: address(), Dst: address()}
	b.Protocol.From, b.Protocol.To = someRange(t, protocols)
	b.DstPort.From, b.DstPort.To = someRange(t, ports)
	b.SrcPort.From, b.SrcPort.To = someRange(t, ports)
	return b
})

var someBoxes = rapid.SliceOfN(someBox, 0, 6)

// agree compares a Set with the model, packet by packet, and with itself.
func agree(t interface{ Fatalf(string, ...any) }, name string, s Set, m model) {
	for _, p := range domain() {
		if s.Contains(p) != m(p) {
			t.Fatalf("%s: contains %v: %v, the model says %v, in\n%v", name, p, s.Contains(p), m(p), s)
		}
	}
	checkSound(t, name, s)
}

// checkSound holds a Set to its invariants: boxes disjoint and in order, the
// witness inside, the same Set when it is made again from its boxes.
func checkSound(t interface{ Fatalf(string, ...any) }, name string, s Set) {
	boxes := s.Boxes()
	for i, b := range boxes {
		for _, c := range boxes[:i] {
			if !Of(b).Intersect(Of(c)).Empty() {
				t.Fatalf("%s: boxes overlap:\n%v\n%v", name, b, c)
			}
		}
	}
	if !slices.IsSortedFunc(boxes, compareBoxes) {
		t.Fatalf("%s: boxes are not in order:\n%v", name, s)
	}
	again := Of(boxes...)
	if !again.Equal(s) || !slices.Equal(again.Boxes(), boxes) {
		t.Fatalf("%s: made again from its boxes it is another:\n%v\n%v", name, s, again)
	}
	p, ok := s.Witness()
	if ok == s.Empty() || ok && !s.Contains(p) {
		t.Fatalf("%s: witness %v %v of\n%v", name, p, ok, s)
	}
}

func compareBoxes(a, b Box) int {
	if c := a.Src.From.Compare(b.Src.From); c != 0 {
		return c
	}
	if c := a.Dst.From.Compare(b.Dst.From); c != 0 {
		return c
	}
	for _, pair := range [][2]int{{int(a.Protocol.From), int(b.Protocol.From)}, {int(a.DstPort.From), int(b.DstPort.From)}, {int(a.SrcPort.From), int(b.SrcPort.From)}} {
		if pair[0] != pair[1] {
			return pair[0] - pair[1]
		}
	}
	return 0
}

func TestSetsAgreeWithPredicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := someBoxes.Draw(t, "a"), someBoxes.Draw(t, "b")
		inA, inB := modelOf(a), modelOf(b)
		x, y := Of(a...), Of(b...)
		agree(t, "of", x, inA)
		agree(t, "union", x.Union(y), func(p Packet) bool { return inA(p) || inB(p) })
		agree(t, "intersection", x.Intersect(y), func(p Packet) bool { return inA(p) && inB(p) })
		agree(t, "difference", x.Subtract(y), func(p Packet) bool { return inA(p) && !inB(p) })
	})
}

func TestTheAlgebraHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := Of(someBoxes.Draw(t, "a")...), Of(someBoxes.Draw(t, "b")...), Of(someBoxes.Draw(t, "c")...)
		same := func(law string, x, y Set) {
			if !x.Equal(y) {
				t.Fatalf("%s:\n%v\n---\n%v", law, x, y)
			}
			if !slices.Equal(x.Boxes(), y.Boxes()) {
				t.Fatalf("%s: equal sets with different boxes", law)
			}
		}
		same("union commutes", a.Union(b), b.Union(a))
		same("intersection commutes", a.Intersect(b), b.Intersect(a))
		same("union is associative", a.Union(b).Union(c), Union(a, b, c))
		same("intersection is associative", a.Intersect(b).Intersect(c), a.Intersect(b.Intersect(c)))
		same("intersection distributes", a.Intersect(b.Union(c)), a.Intersect(b).Union(a.Intersect(c)))
		same("De Morgan", Everything().Subtract(a.Union(b)), Everything().Subtract(a).Intersect(Everything().Subtract(b)))
		same("what is taken away and given back", a.Subtract(b).Union(a.Intersect(b)), a)
		same("twice the complement", Everything().Subtract(Everything().Subtract(a)), a)
		if a.Union(b).Covers(a) != true || a.Covers(a.Union(b)) != b.Subtract(a).Empty() {
			t.Fatalf("covers")
		}
	})
}

// FuzzSets makes boxes of any numbers whatever and looks where they begin and end.
func FuzzSets(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), uint8(1))
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{0: 1, 40: 255, 79: 7}, uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, split uint8) {
		boxes := boxesFrom(data)
		at := min(int(split), len(boxes))
		a, b := boxes[:at], boxes[at:]
		inA, inB := modelOf(a), modelOf(b)
		x, y := Of(a...), Of(b...)
		both, either, only := x.Intersect(y), x.Union(y), x.Subtract(y)
		for _, p := range corners(boxes) {
			if x.Contains(p) != inA(p) || y.Contains(p) != inB(p) {
				t.Fatalf("%v: of", p)
			}
			if both.Contains(p) != (inA(p) && inB(p)) || either.Contains(p) != (inA(p) || inB(p)) || only.Contains(p) != (inA(p) && !inB(p)) {
				t.Fatalf("%v: both %v, either %v, only %v", p, both.Contains(p), either.Contains(p), only.Contains(p))
			}
		}
		if !only.Union(both).Equal(x) || !either.Subtract(y).Equal(only) {
			t.Fatal("the algebra does not hold")
		}
		checkSound(t, "either", either)
	})
}

// boxesFrom reads up to four boxes; ranges may run backwards and mix families.
func boxesFrom(data []byte) []Box {
	next := func() byte {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return b
	}
	address := func(six bool) netip.Addr {
		if six {
			return netip.AddrFrom16([16]byte{0: 0xfd, 7: next(), 15: next()})
		}
		return netip.AddrFrom4([4]byte{10, 0, next(), next()})
	}
	var out []Box
	for len(data) > 0 && len(out) < 4 {
		kind := next()
		b := Box{Src: Addrs{address(kind&1 > 0), address(kind&2 > 0)}, Dst: Addrs{address(kind&4 > 0), address(kind&8 > 0)}}
		if kind&16 > 0 {
			b.Src = Addrs{}
		}
		if kind&32 > 0 {
			b.Dst = Addrs{}
		}
		b.Protocol = Protocols{next(), next()}
		b.DstPort = Ports{uint16(next())<<8 | uint16(next()), uint16(next())<<8 | uint16(next())}
		b.SrcPort = Ports{uint16(next()), uint16(next()) << 8}
		out = append(out, b)
	}
	return out
}

// corners are packets at the ends of the boxes' ranges and one beside them, one
// field of one box varied at a time.
func corners(boxes []Box) []Packet {
	var out []Packet
	for _, b := range boxes {
		for _, c := range boxes {
			for _, src := range ends(b.Src) {
				for _, dst := range ends(c.Dst) {
					for _, port := range []uint16{b.DstPort.From, b.DstPort.To, b.DstPort.From - 1, c.DstPort.To + 1} {
						for _, from := range []uint16{b.SrcPort.From - 1, c.SrcPort.To} {
							out = append(out, Packet{src, dst, b.Protocol.From, from, port}, Packet{src, dst, c.Protocol.To, from, port})
						}
					}
				}
			}
		}
	}
	return out
}

func ends(r Addrs) []netip.Addr {
	if r == (Addrs{}) {
		return []netip.Addr{addrs4[1], addrs6[2]}
	}
	out := []netip.Addr{r.From, r.To}
	if before := r.From.Prev(); before.IsValid() {
		out = append(out, before)
	}
	return append(out, r.To.Next())
}

func box(src, dst string, protocol Protocols, to Ports) Box {
	b := Box{Protocol: protocol, DstPort: to, SrcPort: AnyPort}
	if src != "" {
		b.Src = In(netip.MustParsePrefix(src))
	}
	if dst != "" {
		b.Dst = In(netip.MustParsePrefix(dst))
	}
	return b
}

func TestEverythingAndNothing(t *testing.T) {
	everything := Everything()
	if !Of(All).Equal(everything) || everything.Empty() || !(Set{}).Empty() || !Of().Empty() || !Union().Empty() {
		t.Error("everything or nothing is something else")
	}
	if n := len(everything.Boxes()); n != 2 {
		t.Errorf("everything has %d boxes, want one of each family", n)
	}
	if got := (Set{}).String(); got != "nothing" {
		t.Errorf("the empty set is called %q", got)
	}
	halves := Of(box("0.0.0.0/1", "", AnyProtocol, AnyPort), box("128.0.0.0/1", "", AnyProtocol, AnyPort), box("::/0", "", AnyProtocol, AnyPort))
	if !halves.Equal(everything) {
		t.Errorf("two halves are not everything:\n%v", halves)
	}
	if _, ok := (Set{}).Witness(); ok {
		t.Error("the empty set has a witness")
	}
}

func TestFamiliesAreApart(t *testing.T) {
	mapped := Packet{Src: netip.MustParseAddr("::ffff:10.0.0.1"), Dst: netip.MustParseAddr("::1"), Protocol: 6}
	if Of(box("0.0.0.0/0", "", AnyProtocol, AnyPort)).Contains(mapped) {
		t.Error("an IPv6 packet lies in an IPv4 range")
	}
	if !Of(box("", "0.0.0.0/0", AnyProtocol, AnyPort)).Union(Of(box("::/0", "", AnyProtocol, AnyPort))).Equal(Everything()) {
		t.Error("any address of a box with an IPv4 range is not just IPv4")
	}
	mixed := Box{Src: In(netip.MustParsePrefix("10.0.0.0/8")), Dst: In(netip.MustParsePrefix("::/0")), Protocol: AnyProtocol, DstPort: AnyPort, SrcPort: AnyPort}
	if !Of(mixed).Empty() {
		t.Error("a box of two families has a packet")
	}
	if Everything().Contains(Packet{Src: addrs4[0], Dst: addrs6[0]}) {
		t.Error("a packet of two families is somewhere")
	}
}

func TestBackwardRangesAreEmpty(t *testing.T) {
	for name, b := range map[string]Box{
		"source":   {Src: Addrs{addrs4[2], addrs4[1]}, Protocol: AnyProtocol, DstPort: AnyPort, SrcPort: AnyPort},
		"protocol": {Protocol: Protocols{7, 6}, DstPort: AnyPort, SrcPort: AnyPort},
		"port":     {Protocol: AnyProtocol, DstPort: Ports{81, 80}, SrcPort: AnyPort},
	} {
		if !Of(b).Empty() {
			t.Errorf("%s backwards: %v", name, Of(b))
		}
	}
}

func TestNeighboursMerge(t *testing.T) {
	tcp := OnlyProtocol(6)
	for name, c := range map[string]struct {
		set  Set
		want string
	}{
		"prefixes": {
			Of(box("10.0.0.0/25", "10.1.0.0/16", tcp, OnlyPort(80)), box("10.0.0.128/25", "10.1.0.0/16", tcp, OnlyPort(80))),
			"10.0.0.0/24 > 10.1.0.0/16 protocol 6 ports any > 80",
		},
		"ports": {
			Of(box("10.0.0.0/24", "10.1.0.0/16", tcp, Ports{80, 80}), box("10.0.0.0/24", "10.1.0.0/16", tcp, Ports{81, 90})),
			"10.0.0.0/24 > 10.1.0.0/16 protocol 6 ports any > 80-90",
		},
		"one address short of a prefix": {
			Of(box("10.0.0.0/30", "10.1.0.1/32", tcp, AnyPort)).Subtract(Of(box("10.0.0.3/32", "", AnyProtocol, AnyPort))),
			"10.0.0.0-10.0.0.2 > 10.1.0.1 protocol 6 ports any > any",
		},
		"IPv6 across 64 bits": {
			Of(box("fd00::/64", "fd01::/64", AnyProtocol, AnyPort), box("fd00:0:0:1::/64", "fd01::/64", AnyProtocol, AnyPort)),
			"fd00::/63 > fd01::/64 protocol any ports any > any",
		},
		"protocols": {
			Of(box("10.0.0.0/24", "10.1.0.0/16", Protocols{1, 6}, AnyPort)),
			"10.0.0.0/24 > 10.1.0.0/16 protocol 1-6 ports any > any",
		},
	} {
		if got := c.set.String(); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestAHoleIsCut(t *testing.T) {
	wide := Of(box("10.0.0.0/8", "10.0.0.0/8", OnlyProtocol(6), Ports{0, 1023}))
	hole := Of(box("10.0.5.0/24", "10.0.9.9/32", OnlyProtocol(6), OnlyPort(22)))
	left := wide.Subtract(hole)
	inside := Packet{netip.MustParseAddr("10.0.5.77"), netip.MustParseAddr("10.0.9.9"), 6, 40000, 22}
	if left.Contains(inside) || !wide.Covers(left) || left.Covers(wide) {
		t.Errorf("the hole is not cut:\n%v", left)
	}
	for _, p := range []Packet{
		{netip.MustParseAddr("10.0.6.0"), inside.Dst, 6, 40000, 22},
		{inside.Src, netip.MustParseAddr("10.0.9.10"), 6, 40000, 22},
		{inside.Src, inside.Dst, 6, 40000, 23},
	} {
		if !left.Contains(p) {
			t.Errorf("%v is lost", p)
		}
	}
	if !left.Union(hole).Equal(wide) || len(left.Union(hole).Boxes()) != 1 {
		t.Error("the piece does not fit back in")
	}
}

func TestWitnessIsWhatAPersonWouldSend(t *testing.T) {
	for name, c := range map[string]struct {
		box  Box
		want string
	}{
		"anything":     {box("10.0.0.4/32", "10.1.0.0/16", AnyProtocol, AnyPort), "10.0.0.4 > 10.1.0.0 protocol 6 ports 49152 > 80"},
		"one port":     {box("10.0.0.4/32", "10.1.0.5/32", OnlyProtocol(17), OnlyPort(5000)), "10.0.0.4 > 10.1.0.5 protocol 17 ports 49152 > 5000"},
		"echo request": {box("10.0.0.4/32", "10.1.0.5/32", OnlyProtocol(1), AnyPort), "10.0.0.4 > 10.1.0.5 protocol 1 ports 49152 > 2048"},
		"IPv6 echo":    {box("fd00::4/128", "fd00::5/128", OnlyProtocol(58), AnyPort), "fd00::4 > fd00::5 protocol 58 ports 49152 > 32768"},
		"protocol 50":  {box("10.0.0.4/32", "10.1.0.5/32", Protocols{50, 51}, AnyPort), "10.0.0.4 > 10.1.0.5 protocol 50 ports 49152 > 80"},
	} {
		p, ok := Of(c.box).Witness()
		if !ok || p.String() != c.want {
			t.Errorf("%s: %v, want %s", name, p, c.want)
		}
	}
	low := box("10.0.0.4/32", "10.1.0.5/32", OnlyProtocol(6), OnlyPort(80))
	low.SrcPort = Ports{0, 1023}
	if p, _ := Of(low).Witness(); p.SrcPort != 1 {
		t.Errorf("source port %d, 1 is the first of those allowed", p.SrcPort)
	}
}

func TestRangesHaveNames(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"any": Addrs{}, "10.0.0.0/8": In(netip.MustParsePrefix("10.0.0.0/8")), "10.1.2.3": Only(netip.MustParseAddr("10.1.2.3")),
		"10.0.0.1-10.0.0.2": Addrs{addrs4[2], addrs4[3]}, "fd00::/8": In(netip.MustParsePrefix("fd00::/8")),
		"6": OnlyProtocol(6), "1-6": Protocols{1, 6}, "80": OnlyPort(80), "80-90": Ports{80, 90},
	} {
		if got.String() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if In(netip.MustParsePrefix("10.9.8.7/8")) != In(netip.MustParsePrefix("10.0.0.0/8")) {
		t.Error("host bits count")
	}
	if !In(netip.MustParsePrefix("0.0.0.0/0")).Has(addrs4[4]) || In(netip.MustParsePrefix("0.0.0.0/0")).Has(addrs6[0]) {
		t.Error("a range has the wrong addresses")
	}
}

func TestAllStopsWhenAsked(t *testing.T) {
	n := 0
	for range Of(box("10.0.0.0/8", "", AnyProtocol, AnyPort), box("12.0.0.0/8", "", AnyProtocol, AnyPort), box("fd00::/8", "", AnyProtocol, AnyPort)).All() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d boxes were given", n)
	}
}

// manyRules are n rules of the kind that groups and ACLs have.
func manyRules(n int) []Box {
	var out []Box
	for i := range n {
		b := box("", "10.0.0.0/8", OnlyProtocol(6), Ports{uint16(i % 97), uint16(i%97 + 3)})
		b.Src = In(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24+i%3))
		out = append(out, b)
	}
	return out
}

func TestManyRulesStayCheap(t *testing.T) {
	a, b := Of(manyRules(1000)...), Of(box("10.1.0.0/16", "10.2.0.0/16", OnlyProtocol(6), Ports{0, 50}))
	// One address is asked for in a set of thousands: the work is that of the few
	// boxes that it meets.
	only := box("10.1.7.1/32", "", AnyProtocol, AnyPort)
	if n := testing.AllocsPerRun(100, func() { a.Within(only) }); n > 40 {
		t.Errorf("%v allocations for one source in a thousand rules", n)
	}
	if a.Intersect(b).Empty() || a.Intersect(b).Equal(b) {
		t.Error("the rules do not meet")
	}
	p := Packet{netip.MustParseAddr("10.1.7.1"), netip.MustParseAddr("10.2.0.1"), 6, 1, 70}
	if n := testing.AllocsPerRun(100, func() { a.Contains(p) }); n != 0 {
		t.Errorf("%v allocations to look for a packet", n)
	}
}

func BenchmarkOfThousandRules(b *testing.B) {
	rules := manyRules(1000)
	b.ReportAllocs()
	for b.Loop() {
		Of(rules...)
	}
}

func BenchmarkSubtractThousandRules(b *testing.B) {
	rules, from := Of(manyRules(1000)...), Of(box("10.0.0.0/9", "10.0.0.0/8", OnlyProtocol(6), AnyPort))
	b.ReportAllocs()
	for b.Loop() {
		from.Subtract(rules)
	}
}

func BenchmarkWithinThousandRules(b *testing.B) {
	rules := Of(manyRules(1000)...)
	only := box("10.1.7.1/32", "", AnyProtocol, AnyPort)
	b.ReportAllocs()
	for b.Loop() {
		rules.Within(only)
	}
}
