package network

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// AWS: Subnet CIDR blocks, Subnet sizing for IPv4 and for IPv6: the first four
// addresses and the last can't be assigned.
func TestReservedAddresses(t *testing.T) {
	n := &Subnet{CIDR: cidr("172.31.1.0/24"), Blocks6: []Block{{CIDR: cidr("2600:1f00:0:100::/64")}}}
	for text, usable := range map[string]bool{
		"172.31.1.0": false, "172.31.1.1": false, "172.31.1.2": false, "172.31.1.3": false, "172.31.1.4": true,
		"172.31.1.199": true, "172.31.1.254": true, "172.31.1.255": false,
		"172.31.0.255": false, "172.31.2.0": false, "::ffff:172.31.1.9": false,
		"2600:1f00:0:100::": false, "2600:1f00:0:100::3": false, "2600:1f00:0:100::4": true,
		"2600:1f00:0:100:ffff:ffff:ffff:fffe": true, "2600:1f00:0:100:ffff:ffff:ffff:ffff": false,
		"2600:1f00:0:101::4": false, "2600:1f00:0:100::4%eth0": false,
	} {
		if got := n.Usable(netip.MustParseAddr(text)); got != usable {
			t.Errorf("%s is usable: %v, want %v", text, got, usable)
		}
	}
}

// AWS: Subnet, AvailableIpAddressCount: 2^(32-n) - 5, less what interfaces have.
func TestFreeAddresses(t *testing.T) {
	for block, want := range map[string]int{"10.0.0.0/28": 11, "10.0.0.0/24": 251, "10.0.0.0/20": 4091, "10.0.0.0/16": 65531} {
		w := newSite(t)
		n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, block)
		if got := w.FreeAddrs(n); got != want {
			t.Errorf("%s has %d free addresses, want %d", block, got, want)
		}
		w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Extra: 2}})
		if got := w.FreeAddrs(n); got != want-3 {
			t.Errorf("%s has %d free addresses, want %d", block, got, want-3)
		}
	}
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n := SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR6: subnetOf6(v), Native6: true, Zones: zones}))
	if got := w.FreeAddrs(w.Subnet(n)); got != 0 {
		t.Errorf("an IPv6-only subnet has %d free IPv4 addresses", got)
	}
}

// The same address may be in use in two VPCs; what counts is the VPC.
func TestFreeAddressesAreOfTheVPC(t *testing.T) {
	w := newSite(t)
	a := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/28")
	b := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/28")
	addr := netip.MustParseAddr("10.0.0.9")
	one := ENIID(w.do(CreateENI{ENISpec: ENISpec{Subnet: a.ID, Addrs: []netip.Addr{addr}}}))
	other := ENIID(w.do(CreateENI{ENISpec: ENISpec{Subnet: b.ID, Addrs: []netip.Addr{addr}}}))
	if w.ENIWith(a.VPC, addr).ID != one || w.ENIWith(b.VPC, addr).ID != other {
		t.Error("the interfaces are mixed up")
	}
	if w.FreeAddrs(a) != 10 || w.FreeAddrs(b) != 10 {
		t.Errorf("%d and %d addresses are free", w.FreeAddrs(a), w.FreeAddrs(b))
	}
}

func TestPlacesAndAddressesAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(16, 28).Draw(t, "bits")
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "base"))), bits).Masked()
		if rapid.Bool().Draw(t, "six") {
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "base6"))), 64).Masked()
		}
		n := rapid.Uint64Range(0, lastPlace(p)).Draw(t, "place")
		a := nth(p, n)
		if !p.Contains(a) || place(p, a) != n {
			t.Fatalf("place %d of %v is %v, and that is place %d", n, p, a, place(p, a))
		}
	})
}

// The order of keys must be the order of addresses, or a range would miss some.
func TestUsedAddressesComeInOrder(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n := SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.8.0/22"), CIDR6: subnetOf6(v), Zones: zones}))
	for range 40 {
		w.do(CreateENI{ENISpec: ENISpec{Subnet: n, Extra: 3, Extra6: 3}})
	}
	for _, p := range []netip.Prefix{w.Subnet(n).CIDR, w.Subnet(n).CIDR6()} {
		got := slices.Collect(w.usedFrom(v.ID, p, 0))
		want := 160
		if p.Addr().Is6() {
			want = 120
		}
		if len(got) != want || !slices.IsSorted(got) {
			t.Errorf("%v: %d places, sorted %v", p, len(got), slices.IsSorted(got))
		}
		if half := slices.Collect(w.usedFrom(v.ID, p, got[want/2])); !slices.Equal(half, got[want/2:]) {
			t.Errorf("%v: from the middle on %d places, want %d", p, len(half), want/2)
		}
	}
}

// Every address of the last few is found, wherever the search begins.
func TestTheLastGapIsFoundFromAnywhere(t *testing.T) {
	for gap := uint64(reservedHead); gap < 31; gap++ {
		w := newSite(t)
		n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/27")
		for k := uint64(reservedHead); k < 31; k++ {
			if k != gap {
				w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Addrs: []netip.Addr{nth(n.CIDR, k)}}})
			}
		}
		if got := w.newENI(home, n.ID).Addrs[0]; got != nth(n.CIDR, gap) {
			t.Errorf("got %v, want the only free address %v", got, nth(n.CIDR, gap))
		}
	}
}

// Clients must not learn to count on an order.
func TestFreeAddressesLookRandom(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/24")
	var places []uint64
	for range 20 {
		places = append(places, place(n.CIDR, w.newENI(home, n.ID).Addrs[0]))
	}
	if slices.IsSorted(places) || slices.Max(places)-slices.Min(places) < 100 {
		t.Errorf("the places are %v", places)
	}
}
