package network

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"net/netip"
	"slices"
)

// The host bits of every subnet fit into 64: IPv4 has 32 in all, and an IPv6
// subnet is a /64.

// nth is the n-th address of p, counted from its network address.
func nth(p netip.Prefix, n uint64) netip.Addr {
	if p.Addr().Is4() {
		b := p.Addr().As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
		return netip.AddrFrom4(b)
	}
	b := p.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])+n)
	return netip.AddrFrom16(b)
}

// place is where a stands in p: nth(p, place(p, a)) is a.
func place(p netip.Prefix, a netip.Addr) uint64 { return low(a) - low(p.Addr()) }

func low(a netip.Addr) uint64 {
	b := a.As16()
	return binary.BigEndian.Uint64(b[8:])
}

// The places in a subnet that nothing else may have: the first four (network,
// router, DNS, future use) and the last, in IPv4 and IPv6 alike (AWS: Subnet CIDR
// blocks, Subnet sizing for IPv4 and for IPv6).
const reservedHead = 4

func lastPlace(p netip.Prefix) uint64 {
	return 1<<(p.Addr().BitLen()-p.Bits()) - 1
}

// Usable reports whether an interface in the subnet may have addr: it is in the
// subnet's range and not reserved.
func (n *Subnet) Usable(addr netip.Addr) bool {
	p := n.rangeOf(addr.Is4())
	if !p.IsValid() || !p.Contains(addr) || addr.Zone() != "" {
		return false
	}
	at := place(p, addr)
	return at >= reservedHead && at < lastPlace(p)
}

func (n *Subnet) rangeOf(is4 bool) netip.Prefix {
	if is4 {
		return n.CIDR
	}
	return n.CIDR6()
}

// FreeAddrs is how many IPv4 addresses of the subnet no interface has. Stopped
// instances keep theirs (AWS: Subnet, AvailableIpAddressCount).
func (s State) FreeAddrs(n *Subnet) int {
	if !n.CIDR.IsValid() {
		return 0
	}
	free := int(lastPlace(n.CIDR)) - reservedHead
	for range s.usedFrom(n.VPC, n.CIDR, 0) {
		free--
	}
	return free
}

// addressKey sorts as addresses do, so that refs lists the used addresses of a
// range in order.
func addressKey(v VPCID, a netip.Addr) string {
	return addressPrefix(v, a) + hex.EncodeToString(a.AsSlice())
}

func addressPrefix(v VPCID, a netip.Addr) string {
	if a.Is4() {
		return string(v) + "/4:"
	}
	return string(v) + "/6:"
}

// usedFrom are the places of p that interfaces of v have, in order, from the
// place first on.
func (s State) usedFrom(v VPCID, p netip.Prefix, first uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		family := addressPrefix(v, p.Addr())
		for key := range s.refs.parents(addressKey(v, nth(p, first)), family) {
			raw, _ := hex.DecodeString(key[len(family):])
			a, _ := netip.AddrFromSlice(raw)
			if !p.Contains(a) || !yield(place(p, a)) {
				return
			}
		}
	}
}

// freeAddr finds an address of the subnet that nothing has. AWS's look random,
// and clients must not count on an order, so the search starts anywhere; a few
// throws find a place in any subnet that is not nearly full, and then the first
// gap from there on is taken, which costs a step per address used in a row.
// Taken are addresses that are about to be used.
func (e *edit) freeAddr(n *Subnet, is4 bool, taken []netip.Addr) (netip.Addr, bool) {
	p := n.rangeOf(is4)
	last := lastPlace(p)
	at := uint64(0)
	for range 16 {
		at = reservedHead + e.mint.dice()%(last-reservedHead)
		if a := nth(p, at); e.ENIWith(n.VPC, a) == nil && !slices.Contains(taken, a) {
			return a, true
		}
	}
	for _, from := range []uint64{at, reservedHead} {
		if gap := e.gap(n.VPC, p, from, taken); gap < last {
			return nth(p, gap), true
		}
	}
	return netip.Addr{}, false
}

// gap is the first place of p, from the place first on, that nothing has.
func (e *edit) gap(v VPCID, p netip.Prefix, first uint64, taken []netip.Addr) uint64 {
	skip := func() {
		for slices.Contains(taken, nth(p, first)) {
			first++
		}
	}
	skip()
	for used := range e.usedFrom(v, p, first) {
		if used != first {
			break
		}
		first++
		skip()
	}
	return first
}
