package linux

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// A few values on and beside the edges of the rules.
var (
	drawnPorts     = []uint16{0, 1, 21, 22, 23, 79, 80, 81, 443, 65534, 65535}
	drawnTypes     = []int{-1, 0, 3, 8, 11, 128, 129, 255}
	drawnProtocols = []network.Protocol{network.TCP, network.UDP, network.ICMP, network.ICMPv6, network.AnyProtocol, 47, 0, 255}
)

func drawService(t *rapid.T) (network.Protocol, network.PortRange) {
	p := rapid.SampledFrom(drawnProtocols).Draw(t, "protocol")
	switch p {
	case network.TCP, network.UDP:
		a, b := rapid.SampledFrom(drawnPorts).Draw(t, "from"), rapid.SampledFrom(drawnPorts).Draw(t, "to")
		return p, network.PortRange{From: int(min(a, b)), To: int(max(a, b))}
	case network.ICMP, network.ICMPv6:
		r := network.PortRange{From: rapid.SampledFrom(drawnTypes).Draw(t, "type"), To: -1}
		if r.From >= 0 {
			r.To = rapid.SampledFrom([]int{-1, 0, 4, 255}).Draw(t, "code")
		}
		return p, r
	}
	return p, network.AnyPort
}

// drawPacket is a packet of a protocol that rules name, most often.
func drawPacket(t *rapid.T, f Family, near netip.Prefix) packet {
	p := packet{protocol: uint8(rapid.SampledFrom([]int{6, 6, 17, 1, 58, 47, 0, 255, 132}).Draw(t, "packet"))}
	p.first, p.second = rapid.SampledFrom(drawnPorts).Draw(t, "first"), rapid.SampledFrom(drawnPorts).Draw(t, "second")
	if icmp(p.protocol) {
		p.first = uint16(max(0, rapid.SampledFrom(drawnTypes).Draw(t, "type")))<<8 | rapid.SampledFrom([]uint16{0, 4, 255}).Draw(t, "code")
	}
	p.src, p.dst = drawAddr(t, f), drawAddr(t, f)
	if rapid.IntRange(0, 9).Draw(t, "near") > 0 {
		s := spanOf(near)
		around := slices.DeleteFunc([]netip.Addr{s.lo, s.hi, s.lo, s.lo.Prev(), s.hi.Next()}, func(a netip.Addr) bool { return !a.IsValid() })
		p.src = rapid.SampledFrom(around).Draw(t, "edge")
		p.dst = p.src
	}
	return p
}

// aimed is a packet beside or inside what a rule covers.
func aimed(t *rapid.T, f Family, protocol network.Protocol, ports network.PortRange, block netip.Prefix) packet {
	p := drawPacket(t, f, block)
	if protocol == network.AnyProtocol {
		return p
	}
	p.protocol = uint8(protocol)
	switch protocol {
	case network.TCP, network.UDP:
		p.second = uint16(rapid.SampledFrom([]int{ports.From, ports.To, ports.From, ports.To + 1, ports.From - 1}).Draw(t, "port"))
	case network.ICMP, network.ICMPv6:
		p.first = uint16(max(0, ports.From))<<8 | uint16(max(0, ports.To)) + rapid.SampledFrom([]uint16{0, 0, 0, 1, 256}).Draw(t, "beside")
	}
	return p
}

// has is whether a packet whose other end is peer lies in a box's element.
func (b box) has(p packet, peer netip.Addr) bool {
	e := b.element(familyOf(peer), "x")
	want := string(key(nil).proto(p.protocol).service(p.first).service(p.second).addr(peer))
	for _, part := range [][2]int{{0, 4}, {4, 8}, {8, 12}, {12, len(want)}} {
		if v := want[part[0]:part[1]]; v < e.Lo[part[0]:part[1]] || e.Hi[part[0]:part[1]] < v {
			return false
		}
	}
	return true
}

// The rules of a group become boxes that do not overlap, because nftables refuses
// that, and a packet lies in one exactly if a rule covers it.
func TestFlattenedRulesAllowWhatTheRulesAllow(t *testing.T) {
	allowed, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamily(t)
		var rules []network.RuleSpec
		var allowances []allowance
		for range rapid.IntRange(1, 8).Draw(t, "rules") {
			r := network.RuleSpec{Peer: network.PeerCIDR{CIDR: drawPrefix(t, f)}}
			r.Protocol, r.Ports = drawService(t)
			rules = append(rules, r)
			allowances = append(allowances, allowance{r.Protocol, portsOf(r.Protocol, r.Ports), []span{spanOf(r.Peer.(network.PeerCIDR).CIDR)}})
		}
		flat := boxes(allowances)
		for i, a := range flat {
			for _, b := range flat[:i] {
				if a.overlaps(b) {
					t.Fatalf("%v and %v overlap; rules %v", a, b, rules)
				}
			}
		}
		for range 20 {
			r := rapid.SampledFrom(rules).Draw(t, "rule")
			p := aimed(t, f, r.Protocol, r.Ports, r.Peer.(network.PeerCIDR).CIDR)
			want := slices.ContainsFunc(rules, func(r network.RuleSpec) bool {
				return r.Peer.(network.PeerCIDR).CIDR.Contains(p.src) && covers(r.Protocol, r.Ports, p)
			})
			if got := slices.ContainsFunc(flat, func(b box) bool { return b.has(p, p.src) }); got != want {
				t.Fatalf("%s: in a box %v, by the rules %v; rules %v, boxes %v", p, got, want, rules, flat)
			}
			if want {
				allowed++
			} else {
				denied++
			}
		}
	})
	quarters(t, allowed, denied)
}

func (b box) overlaps(x box) bool {
	return b.protocols[0] <= x.protocols[1] && x.protocols[0] <= b.protocols[1] && b.ports[0] <= x.ports[1] && x.ports[0] <= b.ports[1] &&
		b.peer.lo.Compare(x.peer.hi) <= 0 && x.peer.lo.Compare(b.peer.hi) <= 0
}

func quarters(t *testing.T, allowed, denied int) {
	t.Helper()
	if all := allowed + denied; 4*allowed < all || 4*denied < all {
		t.Errorf("%d of %d packets were allowed: neither kind may be below a quarter", allowed, all)
	}
}

// A network ACL's chain decides as its entries do: the first by number that
// matches, and the drop is counted under that entry's number.
func TestACLChainsDecideAsTheirEntriesDo(t *testing.T) {
	allowed, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFamily(t)
		a := &network.ACL{ID: "acl-1"}
		for n := range rapid.IntRange(1, 7).Draw(t, "entries") {
			e := network.ACLEntry{Number: n + 1, Egress: rapid.Bool().Draw(t, "egress"), Allow: rapid.IntRange(0, 2).Draw(t, "allow") < 2, CIDR: drawPrefix(t, f)}
			e.Protocol, e.Ports = drawService(t)
			a.Entries = append(a.Entries, e)
		}
		k := holding(&Desired{units: map[string]*unit{"acl": aclUnit(a.ID, a), "endings": meter{}.unit()}})
		for range 20 {
			e := rapid.SampledFrom(a.Entries).Draw(t, "entry")
			p := aimed(t, f, e.Protocol, e.Ports, e.CIDR)
			egress := e.Egress != (rapid.IntRange(0, 9).Draw(t, "turned") == 0)
			want := naiveACL(a, p, egress)
			j := &journey{fake: k, packet: p, f: f}
			verdict, _ := j.run(aclChain(a.ID, egress), 0)
			got := Cause{}
			if verdict == Drop && len(j.hits) == 1 {
				got, _ = CauseOfCounter(j.hits[0])
			}
			if (verdict == Return) != (want == Cause{}) || got != want {
				t.Fatalf("%s: %v by %q, the entries say %q: %v", p, verdict, got, want, a.Entries)
			}
			if verdict == Return {
				allowed++
			} else {
				denied++
			}
		}
	})
	quarters(t, allowed, denied)
}

func naiveACL(a *network.ACL, p packet, egress bool) Cause {
	peer := p.src
	if egress {
		peer = p.dst
	}
	c := Cause{Why: "acl-denied", At: string(a.ID), Direction: direction(egress), Entry: "*"}
	for _, e := range a.Entries {
		if e.Egress == egress && e.CIDR.Contains(peer) && covers(e.Protocol, e.Ports, p) {
			if e.Allow {
				return Cause{}
			}
			c.Entry = []string{"", "1", "2", "3", "4", "5", "6", "7"}[e.Number]
			return c
		}
	}
	return c
}

// An ACL or a group that is not in the State, as when it was read half, denies.
func TestWhatDoesNotExistDenies(t *testing.T) {
	k := holding(&Desired{units: map[string]*unit{"acl": aclUnit("acl-1", nil), "endings": meter{}.unit(), "list": (&groupList{name: "gone", groups: []*network.SecurityGroup{nil}}).unit()}})
	k.sets[setKey{V4, deniedInSet}] = Set{Family: V4, Name: deniedInSet, Fields: []Type{PortType}, Counted: true}
	p := packet{src: addr("10.0.0.1"), dst: addr("10.0.0.2"), protocol: 6}
	for _, chain := range []string{"acl-1.ingress", "acl-1.egress", "enter.gone", "leave.gone"} {
		if v, _ := (&journey{fake: k, packet: p}).run(chain, 0); v != Drop {
			t.Errorf("%s lets a packet pass", chain)
		}
	}
}

// Which flows are untracked (AWS: Security group connection tracking, Untracked
// connections): TCP or UDP, open to the world one way, with all answers to the
// world the other way.
func TestWhichFlowsAreUntracked(t *testing.T) {
	for _, c := range []struct {
		rules string
		in    string // of "tcp 80", "udp 53"
		want  bool
	}{
		{"in tcp 80 0.0.0.0/0, out all 0.0.0.0/0", "tcp 80", true},
		{"in tcp 80 0.0.0.0/0, out all 0.0.0.0/0", "tcp 81", false},
		{"in tcp 80 0.0.0.0/0, out tcp 0.0.0.0/0", "tcp 80", true},
		{"in tcp 80 0.0.0.0/0, out tcp 0-1000 0.0.0.0/0, out tcp 1001-65535 0.0.0.0/0", "tcp 80", true},
		{"in tcp 80 0.0.0.0/0, out tcp 1-65535 0.0.0.0/0", "tcp 80", false},
		{"in tcp 80 0.0.0.0/0, out udp 0.0.0.0/0", "tcp 80", false},
		{"in tcp 80 10.0.0.0/8, out all 0.0.0.0/0", "tcp 80", false},
		{"in tcp 80 0.0.0.0/0, out all 10.0.0.0/8", "tcp 80", false},
		{"in tcp 80 0.0.0.0/1, in tcp 80 128.0.0.0/1, out all 0.0.0.0/0", "tcp 80", false},
		{"in all 0.0.0.0/0, out all 0.0.0.0/0", "udp 53", true},
		{"in udp 53 0.0.0.0/0, out all 0.0.0.0/0", "udp 53", true},
		{"in udp 53 0.0.0.0/0, out all ::/0", "udp 53", false},
		{"in icmp 8/-1 0.0.0.0/0, out all 0.0.0.0/0", "icmp 8/0", false},
	} {
		w := newSite(t)
		g := w.SecurityGroup(w.group(w.vpc("a", "10.0.0.0/16"), "g", strings.Split(c.rules, ", ")...))
		l := &groupList{name: "l", groups: []*network.SecurityGroup{g}}
		words := strings.Fields(c.in)
		got := false
		for _, a := range l.untracked(V4, false) {
			r := portsNamed(words[1])
			got = got || a.protocol == protocolNamed(words[0]) && int(a.ports[0]) <= r.From && r.From <= int(a.ports[1])
		}
		if got != c.want {
			t.Errorf("%s: %s is untracked: %v, want %v", c.rules, c.in, got, c.want)
		}
	}
}
