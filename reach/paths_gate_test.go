package reach

import (
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach/space"
)

// asks are packets of every kind that rules treat apart, and at the ends of their
// ranges.
func asks() []space.Packet {
	var out []space.Packet
	ports := []uint16{1, 49, 50, 53, 79, 80, 81, 1023, 1024, 32768, 60999, 61000, 65535}
	for _, protocol := range []uint8{6, 17} {
		for i, to := range ports {
			out = append(out, space.Packet{Protocol: protocol, DstPort: to, SrcPort: ports[(i*5+3)%len(ports)]})
		}
	}
	for _, kind := range []uint8{0, 3, 8, 13, 17, 128, 129} {
		out = append(out, space.Packet{Protocol: 1, DstPort: space.ICMPPort(kind, 0)}, space.Packet{Protocol: 58, DstPort: space.ICMPPort(kind, 1)})
	}
	return append(out, space.Packet{Protocol: 47}, space.Packet{Protocol: 0})
}

// TestGatesSayTheSameOfOneAndOfAll compares the two ways in which a gate answers:
// by the rules that match one peer, and by the Set of all peers.
func TestGatesSayTheSameOfOneAndOfAll(t *testing.T) {
	for seed := range uint64(25) {
		s := randnet.New(seed).State
		x := newAtlas(s)
		var peers []netip.Addr
		for e := range s.ENIs() {
			peers = append(peers, e.AllAddrs()...)
		}
		peers = append(peers, netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:db8::1"))
		for e := range s.ENIs() {
			p := x.endpoint(e)
			for _, d := range []Direction{Egress, Ingress} {
				for _, way := range []Way{Request, Answer} {
					for name, g := range map[string]*gate{"groups": p.groups.pass(x, d, way), "acl": p.domain.acl.pass(x, d, way)} {
						all := g.all()
						for _, peer := range peers {
							if one := g.one(peer); !one.Equal(all.Services(peer, peer)) {
								t.Fatalf("seed %d, %s of %s, %v %v, of %v: alone\n%v\namong all\n%v", seed, name, e.ID, d, way, peer,
									Words(one.Between(space.Only(peer), space.Only(peer))), Words(all.Services(peer, peer).Between(space.Only(peer), space.Only(peer))))
							}
						}
					}
				}
			}
		}
	}
}

// TestGatesSayWhatTraceFinds compares what groups and ACLs pass, as a Set, with the
// search for a rule or an entry.
func TestGatesSayWhatTraceFinds(t *testing.T) {
	for seed := range uint64(25) {
		s := randnet.New(seed).State
		x, index := newAtlas(s), NewIndex(s)
		for e := range s.ENIs() {
			p, f := x.endpoint(e), index.face(e.ID)
			for other := range s.ENIs() {
				peer := other.AllAddrs()[len(other.AllAddrs())-1]
				for _, d := range []Direction{Egress, Ingress} {
					groups, acl := p.groups.pass(x, d, Request).at(peer), p.domain.acl.pass(x, d, Request).at(peer)
					for _, ask := range asks() {
						h := header(FlowOf("", "", withPeer(ask, peer)))
						if g, _ := index.pass(f, d, &h); (g != nil) != groups.Contains(ask) {
							t.Fatalf("seed %d, groups of %s %v, %v of %v: in the set %v", seed, e.ID, d, ask, peer, groups.Contains(ask))
						}
						if _, _, ok := f.subnet.admit(d, &h); ok != acl.Contains(ask) {
							t.Fatalf("seed %d, ACL of %s %v, %v of %v: in the set %v", seed, e.ID, d, ask, peer, acl.Contains(ask))
						}
					}
				}
			}
		}
	}
}

func withPeer(p space.Packet, peer netip.Addr) space.Packet {
	p.Src, p.Dst = peer, peer
	return p
}

// A gate that is asked about many addresses changes its way of answering on the
// way: nobody must notice.
func TestAGateThatIsAskedOftenStaysTheSame(t *testing.T) {
	calls := 0
	g := &gate{
		one: func(a netip.Addr) space.Services { return web(a) },
		all: func() space.Set {
			calls++
			var set space.Set
			for i := range 100 {
				a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
				set = set.Union(web(a).Between(space.Only(a), space.Addrs{}))
			}
			return set
		},
	}
	for range 3 {
		for i := range 50 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			if !g.at(a).Equal(web(a)) {
				t.Fatalf("%v: another answer than alone", a)
			}
		}
	}
	if calls != 1 {
		t.Errorf("all addresses were calculated %d times", calls)
	}
}

// web is a port that tells addresses apart.
func web(a netip.Addr) space.Services {
	b := space.All
	b.Protocol, b.DstPort = space.OnlyProtocol(6), space.OnlyPort(8000+uint16(a.As4()[3]))
	return space.ServicesOf(b)
}

// TestAnswersAreMatchedByTheirOwnHeaders turns packets round and asks whether an
// entry matches: it must be so for the question when it is in answered.
func TestAnswersAreMatchedByTheirOwnHeaders(t *testing.T) {
	ranges := []network.PortRange{{From: 0, To: 65535}, {From: 80, To: 80}, {From: 1, To: 1023}, {From: 1024, To: 65535}, {From: 32768, To: 60999}}
	types := []network.PortRange{{From: -1, To: -1}, {From: 0, To: -1}, {From: 0, To: 0}, {From: 8, To: -1}, {From: 14, To: 0}, {From: 129, To: 0}, {From: 128, To: -1}}
	rapid.Check(t, func(t *rapid.T) {
		protocol := rapid.SampledFrom([]network.Protocol{network.AnyProtocol, network.TCP, network.UDP, network.ICMP, network.ICMPv6, 47}).Draw(t, "protocol")
		ports := network.AnyPort
		switch protocol {
		case network.TCP, network.UDP:
			ports = rapid.SampledFrom(ranges).Draw(t, "ports")
		case network.ICMP, network.ICMPv6:
			ports = rapid.SampledFrom(types).Draw(t, "types")
		}
		asked, answers := space.ServicesOf(matched(protocol, ports)), space.ServicesOf(answered(protocol, ports)...)
		for _, ask := range asks() {
			a := netip.MustParseAddr("10.0.0.1")
			h := header(FlowOf("", "", withPeer(ask, a)))
			if covers(protocol, ports, &h) != asked.Contains(ask) {
				t.Fatalf("%v: matched %v", ask, asked.Contains(ask))
			}
			back, ok := answer(h)
			if !ok {
				if !unanswered().Contains(ask) {
					t.Fatalf("%v has no answer, and is not among what has none", ask)
				}
				continue
			}
			if unanswered().Contains(ask) {
				t.Fatalf("%v has an answer", ask)
			}
			if covers(protocol, ports, &back) != answers.Contains(ask) {
				t.Fatalf("%v: its answer is matched: %v", ask, answers.Contains(ask))
			}
		}
	})
}

func TestEntriesDecideInTheirOrder(t *testing.T) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	entry := func(number int, allow bool, from, to int) network.ACLEntry {
		return network.ACLEntry{Number: number, Allow: allow, Protocol: network.TCP, CIDR: all, Ports: network.PortRange{From: from, To: to}}
	}
	acl := &network.ACL{ID: "acl-0123456789abcdef0", Entries: []network.ACLEntry{
		entry(10, false, 22, 22), entry(20, true, 1, 100), entry(30, false, 80, 443), entry(40, true, 0, 65535),
	}}
	x := newAtlas(network.State{})
	for _, way := range []Way{Request, Answer} {
		passes := x.aclGate(acl, Ingress, way).at(netip.MustParseAddr("10.0.0.1"))
		for port, want := range map[uint16]bool{0: true, 1: true, 21: true, 22: false, 23: true, 80: true, 100: true, 101: false, 443: false, 444: true} {
			p := space.Packet{Protocol: 6, DstPort: port, SrcPort: 40000}
			if way == Answer {
				p.DstPort, p.SrcPort = 40000, port
			}
			if passes.Contains(p) != want {
				t.Errorf("%v to port %d passes: %v", way, port, !want)
			}
		}
	}
	if !x.aclGate(acl, Egress, Request).at(netip.MustParseAddr("10.0.0.1")).Empty() {
		t.Error("entries of one direction let something out in the other")
	}
}

// TestTablesFindTheLongestPrefix compares the look-up with the model's.
func TestTablesFindTheLongestPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := &network.RouteTable{ID: "rtb-0123456789abcdef0"}
		for i := range rapid.IntRange(0, 12).Draw(t, "routes") {
			a := netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 3).Draw(t, "second")), byte(rapid.IntRange(0, 3).Draw(t, "third")), 0})
			p := netip.PrefixFrom(a, rapid.SampledFrom([]int{0, 8, 9, 16, 17, 24, 32}).Draw(t, "bits")).Masked()
			if rapid.IntRange(0, 5).Draw(t, "family") == 0 {
				p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 7: byte(i)}), 8*i).Masked()
			}
			if _, taken := table.Route(p); !taken {
				table.Routes = append(table.Routes, network.Route{Dst: p, To: network.ToPeering{Peering: network.PeeringID("pcx-" + strconv.Itoa(i))}})
			}
		}
		r := newAtlas(network.State{}).routesOf(table)
		for _, text := range []string{"10.0.0.0", "10.1.2.3", "10.3.3.0", "10.128.0.1", "11.0.0.1", "fd00::1", "fd00:0:0:3::1", "2001::"} {
			a := netip.MustParseAddr(text)
			got, ok := r.lookup(a)
			want, found := table.Lookup(a)
			if ok != found || got != want {
				t.Fatalf("%v: %v %v, the model finds %v %v", a, got, ok, want, found)
			}
		}
	})
}

func TestInterfacesWithTheSameGroupsShareTheirGates(t *testing.T) {
	n := randnet.New(4)
	x := newAtlas(n.State)
	seen := map[string]*groupGates{}
	shared := 0
	for e := range n.State.ENIs() {
		ids := slices.Sorted(slices.Values(e.Groups))
		key := ""
		for _, id := range ids {
			key += string(id)
		}
		g := x.endpoint(e).groups
		if was, ok := seen[key]; ok {
			shared++
			if was != g {
				t.Errorf("%s has gates of its own", e.ID)
			}
		}
		for other, was := range seen {
			if other != key && was == g {
				t.Errorf("%s shares the gates of other groups", e.ID)
			}
		}
		seen[key] = g
	}
	if shared == 0 {
		t.Error("no two interfaces have the same groups: that proves nothing")
	}
}
