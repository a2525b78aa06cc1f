package linux

import (
	"net/netip"
	"slices"
)

// span is a range of addresses of one family, both ends included.
type span struct{ lo, hi netip.Addr }

func spanOf(p netip.Prefix) span {
	p = p.Masked()
	hi := p.Addr().AsSlice()
	for i := p.Bits(); i < len(hi)*8; i++ {
		hi[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(hi)
	return span{p.Addr(), last}
}

// everything is the span of a whole family.
func everything(f Family) span {
	if f == V6 {
		return spanOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	}
	return spanOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

// prefix is the span as a prefix, when it is one.
func (s span) prefix() (netip.Prefix, bool) {
	for bits := range s.lo.BitLen() + 1 {
		p := netip.PrefixFrom(s.lo, bits)
		if p.Masked() == p && spanOf(p).hi == s.hi {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// union sorts spans and joins what overlaps or touches.
func union(spans []span) []span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return a.lo.Compare(b.lo) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && (s.lo.Compare(out[n-1].hi) <= 0 || s.lo == out[n-1].hi.Next()) {
			if s.hi.Compare(out[n-1].hi) > 0 {
				out[n-1].hi = s.hi
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// cut divides s: within is the part of s that lies in the union by; without is the rest.
// Both are in order.
func (s span) cut(by []span) (within, without []span) {
	at := s.lo
	for _, b := range by {
		if b.hi.Compare(at) < 0 {
			continue
		}
		if b.lo.Compare(s.hi) > 0 {
			break
		}
		if b.lo.Compare(at) > 0 {
			without = append(without, span{at, b.lo.Prev()})
			at = b.lo
		}
		end := b.hi
		if end.Compare(s.hi) >= 0 {
			return append(within, span{at, s.hi}), without
		}
		within = append(within, span{at, end})
		at = end.Next()
	}
	return within, append(without, span{at, s.hi})
}

// subtract is what of the union from is not in the union by.
func subtract(from, by []span) []span {
	var out []span
	for _, s := range from {
		_, rest := s.cut(by)
		out = append(out, rest...)
	}
	return out
}

// spansOf are the prefixes of one family, joined.
func spansOf(f Family, prefixes []netip.Prefix) []span {
	var out []span
	for _, p := range prefixes {
		if familyOf(p.Addr()) == f {
			out = append(out, spanOf(p))
		}
	}
	return union(out)
}

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return V4
	}
	return V6
}

// choice is a prefix and what is chosen for it.
type choice[T any] struct {
	prefix netip.Prefix
	is     T
}

// segment is a span and what was chosen for it.
type segment[T any] struct {
	span
	is T
}

// flatten turns prefixes, of which the longest wins, into disjoint spans in
// order that cover the whole family: nftables' interval sets can't overlap.
// What no prefix covers gets none.
func flatten[T any](f Family, choices []choice[T], none T) []segment[T] {
	choices = slices.Clone(choices)
	slices.SortStableFunc(choices, func(a, b choice[T]) int {
		if c := a.prefix.Addr().Compare(b.prefix.Addr()); c != 0 {
			return c
		}
		return a.prefix.Bits() - b.prefix.Bits()
	})
	whole := everything(f)
	open := []segment[T]{{whole, none}} // nested: each lies in the one before
	at := whole.lo
	var out []segment[T]
	emit := func(hi netip.Addr) {
		if at.IsValid() && at.Compare(hi) <= 0 {
			out = append(out, segment[T]{span{at, hi}, open[len(open)-1].is})
		}
		at = hi.Next() // invalid after the family's last address
	}
	for _, c := range choices {
		s := spanOf(c.prefix)
		for s.lo.Compare(open[len(open)-1].hi) > 0 {
			emit(open[len(open)-1].hi)
			open = open[:len(open)-1]
		}
		if s.lo.Compare(at) > 0 {
			emit(s.lo.Prev())
		}
		open = append(open, segment[T]{s, c.is})
	}
	for ; len(open) > 0; open = open[:len(open)-1] {
		if at.IsValid() && at.Compare(open[len(open)-1].hi) <= 0 {
			emit(open[len(open)-1].hi)
		}
	}
	return out
}
