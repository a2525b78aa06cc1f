package linux

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// asks is whether an ARP question is heard at all: the chain's mark, and the
// neighbours that are in that subnet. The kernel then answers if the table of the
// mark has a route to the address that leads elsewhere.
func (k *fake) asks(from network.ENIID, about netip.Addr) (heard, routed bool) {
	for port, l := range k.links {
		if l.ENI != from {
			continue
		}
		m, ok := k.elements[setKey{ARP, "subnets"}][string(key(nil).own(uint32(port)))]
		if !ok {
			return false, false
		}
		_, heard = k.elements[setKey{ARP, "neighbours"}][string(key(nil).own(m.Mark).addr(about))]
		r, ok := (&journey{fake: k, packet: packet{dst: about}, mark: m.Mark}).lookup()
		return heard, ok && (r.Local || r.Dst.Bits() == 32 && r.Port != port)
	}
	return false, false
}

// ARP is answered for the router and for what exists in the asker's own subnet,
// and for nothing else, not even the same address in another VPC.
func TestARPIsHeardForWhatExistsInTheSubnet(t *testing.T) {
	answered, silent := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		k := newKernel()
		k.obey(t, w.State, nil)
		open := &oracle{State: w.State}
		var all4 []netip.Addr
		for e := range w.ENIs() {
			all4 = append(all4, e.Addrs...)
		}
		for n := range w.Subnets() {
			all4 = append(all4, n.Router())
			all4 = append(all4, n.Router().Next(), n.CIDR.Addr())
		}
		for e := range w.ENIs() {
			n := w.Subnet(e.Subnet)
			for _, a := range all4 {
				want := a == n.Router()
				for x := range w.ENIsInSubnet(n.ID) {
					want = want || open.open(x) && x.Has(a)
				}
				want = want && open.open(e)
				heard, routed := k.asks(e.ID, a)
				if heard != want || want && !routed && !e.Has(a) {
					t.Fatalf("%s asks for %s: heard %v, routed %v, want %v", w.rename(string(e.ID)), a, heard, routed, want)
				}
				if want {
					answered++
				} else {
					silent++
				}
			}
		}
	})
	if answered < 1000 || silent < 1000 {
		t.Errorf("%d questions were to be answered, %d not", answered, silent)
	}
}

// What leaves or enters the fabric itself: neighbour discovery and packet too
// big, nothing else. A network that answers for an instance would be seen.
func TestTheFabricItselfSaysOnlyWhatARouterMust(t *testing.T) {
	k := holding(Compile(network.State{}))
	for _, c := range []struct {
		name     string
		f        Family
		protocol uint8
		kind     uint16 // ICMP type and code
		hear     bool
		say      bool
	}{
		{"fragmentation needed", V4, 1, 3<<8 | 4, false, true},
		{"network unreachable", V4, 1, 3 << 8, false, false},
		{"administratively prohibited", V4, 1, 3<<8 | 13, false, false},
		{"time exceeded", V4, 1, 11 << 8, false, false},
		{"redirect", V4, 1, 5 << 8, false, false},
		{"echo request", V4, 1, 8 << 8, false, false},
		{"echo reply", V4, 1, 0, false, false},
		{"a TCP segment", V4, 6, 80, false, false},
		{"packet too big", V6, 58, 2 << 8, false, true},
		{"neighbour solicitation", V6, 58, 135 << 8, true, true},
		{"neighbour advertisement", V6, 58, 136 << 8, true, true},
		{"unreachable", V6, 58, 1 << 8, false, false},
		{"time exceeded", V6, 58, 3 << 8, false, false},
		{"router advertisement", V6, 58, 134 << 8, false, false},
		{"redirect", V6, 58, 137 << 8, false, false},
		{"echo request", V6, 58, 128 << 8, false, false},
	} {
		p := packet{protocol: c.protocol, first: c.kind}
		heard := (&journey{fake: k, packet: p, f: c.f}).hook(Input)
		said := (&journey{fake: k, packet: p, f: c.f}).hook(Output)
		if heard != c.hear || said != c.say {
			t.Errorf("%s (%s): heard %v, said %v; want %v, %v", c.name, c.f, heard, said, c.hear, c.say)
		}
	}
}

// An AWS network does not count hops: each value that the kernel will take one
// from has one more, and the default goes without a search.
func TestAHopIsGivenBackBeforeTheKernelTakesOne(t *testing.T) {
	k := holding(Compile(network.State{}))
	for _, f := range []Family{V4, V6} {
		hops := k.elements[setKey{f, "hops"}]
		for n := 1; n < 255; n++ {
			if e, ok := hops[string([]byte{byte(n)})]; !ok || e.Mark != uint32(n)+1 {
				t.Errorf("%s: %d hops become %d", f, n, e.Mark)
			}
		}
		// 0 is nobody's business, and 255 can't be more.
		if len(hops) != 254 {
			t.Errorf("%s: %d values", f, len(hops))
		}
	}
}
