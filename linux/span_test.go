package linux

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// Addresses and prefixes out of a small corner of each family, so that they meet;
// and the family's ends, where arithmetic fails.
func drawAddr(t *rapid.T, f Family) netip.Addr {
	raw := make([]byte, f.Bytes())
	switch rapid.IntRange(0, 9).Draw(t, "where") {
	case 0: // the family's first
	case 1:
		for i := range raw {
			raw[i] = 0xff
		}
	default:
		raw[0] = rapid.SampledFrom([]byte{0, 10, 10, 10, 11, 255}).Draw(t, "first")
		raw[1] = rapid.SampledFrom([]byte{0, 1, 2, 255}).Draw(t, "second")
		raw[len(raw)-1] = rapid.Byte().Draw(t, "last")
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

func drawPrefix(t *rapid.T, f Family) netip.Prefix {
	bits := rapid.SampledFrom([]int{16, 24, 9, 15, 17, 31, 12, 23, 16, 24, 14, 8, f.Bytes()*8 - 1, f.Bytes() * 8, 1, 0}).Draw(t, "bits")
	p, _ := drawAddr(t, f).Prefix(bits)
	return p
}

func drawFamily(t *rapid.T) Family { return rapid.SampledFrom([]Family{V4, V6}).Draw(t, "family") }

func (s span) has(a netip.Addr) bool { return s.lo.Compare(a) <= 0 && a.Compare(s.hi) <= 0 }

func anyHas(spans []span, a netip.Addr) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.has(a) })
}

// tidy is whether spans are in order and apart.
func tidy(spans []span) bool {
	for i, s := range spans {
		if s.hi.Less(s.lo) || i > 0 && !spans[i-1].hi.Less(s.lo) {
			return false
		}
	}
	return true
}

// edges are the addresses around the ends of spans, where off-by-ones are seen.
func edges(t *rapid.T, f Family, spans ...span) []netip.Addr {
	out := []netip.Addr{everything(f).lo, everything(f).hi}
	for range 10 {
		out = append(out, drawAddr(t, f))
	}
	for _, s := range spans {
		for _, a := range []netip.Addr{s.lo, s.hi, s.lo.Prev(), s.hi.Next()} {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	return out
}

func TestASpanIsItsPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamily(t)
		p := drawPrefix(t, f)
		s := spanOf(p)
		if q, ok := s.prefix(); !ok || q != p {
			t.Fatalf("%s is the span %v, which is the prefix %s", p, s, q)
		}
		for _, a := range edges(t, f, s) {
			if s.has(a) != p.Contains(a) {
				t.Fatalf("%s in %s: %v, in its span %v", a, p, p.Contains(a), s.has(a))
			}
		}
		if q, ok := (span{s.lo, s.lo.Next()}).prefix(); s.lo.Next().IsValid() && ok != (q.Bits() == f.Bytes()*8-1) {
			t.Fatalf("two addresses are the prefix %s", q)
		}
	})
	if _, ok := (span{addr("10.0.0.1"), addr("10.0.0.2")}).prefix(); ok {
		t.Error("two addresses across a boundary are a prefix")
	}
}

func TestSpansAreJoinedCutAndSubtractedAsSetsAre(t *testing.T) {
	in, out := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamily(t)
		var a, b []span
		for range rapid.IntRange(0, 6).Draw(t, "a") {
			a = append(a, spanOf(drawPrefix(t, f)))
		}
		for range rapid.IntRange(0, 6).Draw(t, "b") {
			b = append(b, spanOf(drawPrefix(t, f)))
		}
		whole := spanOf(drawPrefix(t, f))
		ua, ub := union(a), union(b)
		within, without := whole.cut(ub)
		minus := subtract(ua, ub)
		for _, list := range [][]span{ua, ub, within, without, minus} {
			if !tidy(list) {
				t.Fatalf("not in order or not apart: %v", list)
			}
		}
		for i := 1; i < len(ua); i++ {
			if ua[i-1].hi.Next() == ua[i].lo {
				t.Fatalf("neighbours are not joined: %v", ua)
			}
		}
		for _, x := range edges(t, f, append(append([]span{whole}, a...), b...)...) {
			isA, isB := anyHas(a, x), anyHas(b, x)
			if anyHas(ua, x) != isA || anyHas(minus, x) != (isA && !isB) ||
				anyHas(within, x) != (whole.has(x) && isB) || anyHas(without, x) != (whole.has(x) && !isB) {
				t.Fatalf("%s: in a %v, in b %v; union %v, a without b %v; %v cut to %v and %v", x, isA, isB, ua, minus, whole, within, without)
			}
			if isA && !isB {
				in++
			} else {
				out++
			}
		}
	})
	if all := in + out; 8*in < all || 4*out < all {
		t.Errorf("%d of %d addresses were in: too few", in, in+out)
	}
}

// flatten's spans cover the family, do not overlap, and say of each address what
// the longest prefix says.
func TestFlattenedPrefixesAreTheLongestPrefix(t *testing.T) {
	routed, unrouted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamily(t)
		var choices []choice[int]
		table := network.RouteTable{}
		var spans []span
		for i := range rapid.IntRange(0, 10).Draw(t, "prefixes") {
			p := drawPrefix(t, f)
			if _, twice := table.Route(p); twice {
				continue // a table has each destination once
			}
			choices = append(choices, choice[int]{p, i + 1})
			table.Routes = append(table.Routes, network.Route{Dst: p, To: network.ToLocal{}})
			spans = append(spans, spanOf(p))
		}
		got := flatten(f, choices, 0)
		var flat []span
		for _, s := range got {
			flat = append(flat, s.span)
		}
		if !tidy(flat) || len(union(flat)) != 1 || union(flat)[0] != everything(f) {
			t.Fatalf("%v is not the whole family once", flat)
		}
		for _, a := range edges(t, f, spans...) {
			want := 0
			if r, ok := table.Lookup(a); ok {
				for _, c := range choices {
					if c.prefix == r.Dst {
						want = c.is
					}
				}
				routed++
			} else {
				unrouted++
			}
			for _, s := range got {
				if s.has(a) && s.is != want {
					t.Fatalf("%s goes to %d, the longest prefix of %v says %d", a, s.is, choices, want)
				}
			}
		}
	})
	if all := routed + unrouted; 4*routed < all || 4*unrouted < all {
		t.Errorf("%d of %d addresses had a route", routed, all)
	}
}

// A subnet's map covers each family once, and what it does with an address is
// what the subnet's table says.
func TestASubnetsMapIsItsRouteTable(t *testing.T) {
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		d := Compile(w.State)
		for n := range w.Subnets() {
			u := d.units[string(n.ID)]
			if u == nil {
				continue // nobody is in it
			}
			for _, f := range []Family{V4, V6} {
				w.checkRoutes(n, f, u, kinds)
			}
		}
	})
	t.Logf("%v", kinds)
	for _, k := range []string{"same", "local", "pcx", "lost.no-route", "lost.blackhole", "lost.not-in-peer-cidr", "via"} {
		if kinds[k] == 0 {
			t.Errorf("no address was %s", k)
		}
	}
}

func (w *world) checkRoutes(n *network.Subnet, f Family, u *unit, kinds map[string]int) {
	var spans []span
	verdicts := map[span]string{}
	for _, e := range u.Elements {
		if e.Family == f && e.Set == string(n.ID) {
			lo, _ := netip.AddrFromSlice([]byte(e.Lo))
			hi, _ := netip.AddrFromSlice([]byte(e.Hi))
			spans = append(spans, span{lo, hi})
			verdicts[span{lo, hi}] = e.Verdict.Chain
		}
	}
	if !tidy(spans) || len(union(spans)) != 1 || union(spans)[0] != everything(f) {
		w.Fatalf("%s: %v is not the whole family once", n.ID, spans)
	}
	for _, s := range spans {
		for _, a := range []netip.Addr{s.lo, s.hi} {
			got := verdicts[s]
			want := w.wayOf(n, a)
			if len(got) < len(want) || got[:len(want)] != want {
				w.Fatalf("%s to %s: %s, want %s", w.rename(string(n.ID)), a, w.rename(got), w.rename(want))
			}
			for _, k := range []string{"same", "local", "pcx", "lost.no-route", "lost.blackhole", "lost.not-in-peer-cidr", "via"} {
				if len(want) >= len(k) && want[:len(k)] == k {
					kinds[k]++
				}
			}
		}
	}
}

// wayOf is how the chain's name begins to which an address must lead.
func (w *world) wayOf(n *network.Subnet, a netip.Addr) string {
	if n.Contains(a) {
		return "same." + string(n.VPC)
	}
	table := w.TableOf(n)
	r, ok := table.Lookup(a)
	if !ok {
		return "lost.no-route." + string(table.ID)
	}
	if !w.RouteActive(n.VPC, r) {
		return "lost.blackhole." + string(table.ID)
	}
	switch to := r.To.(type) {
	case network.ToPeering:
		if !w.VPC(w.Peering(to.Peering).Other(n.VPC)).Contains(a) {
			return "lost.not-in-peer-cidr." + string(to.Peering)
		}
		return string(to.Peering) + ".from." + string(n.VPC)
	case network.ToENI:
		switch box := w.ENI(to.ENI); {
		case box.Has(a):
			return "local." + string(n.VPC)
		case box.SourceDestCheck:
			return "lost.dest-check." + string(box.ID)
		}
		return viaChain(to.ENI)
	}
	return "local." + string(n.VPC)
}
