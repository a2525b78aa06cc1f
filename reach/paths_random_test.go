package reach_test

import (
	"math/rand/v2"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// TestPathsAgreeWithTrace asks of random networks, for every pair of interfaces,
// whether flows inside and outside the calculated sets get the same answer when
// they are followed one by one: some of each kind that rules speak of, and those
// at the ends of every range in the sets and beside them.
func TestPathsAgreeWithTrace(t *testing.T) {
	networks := 50
	if testing.Short() {
		networks = 10
	}
	var asked, reachable int
	for seed := range uint64(networks) {
		n := randnet.New(seed)
		for range 3 {
			a, r := compare(t, n, seed)
			asked, reachable = asked+a, reachable+r
			if t.Failed() {
				return
			}
			n.Change()
		}
	}
	t.Logf("%d flows of %d networks, %d reachable", asked, 3*networks, reachable)
	if 4*reachable < asked || 4*(asked-reachable) < asked {
		t.Errorf("%d of %d flows were reachable: such networks prove little", reachable, asked)
	}
}

func compare(t *testing.T, n *randnet.Net, seed uint64) (asked, reachable int) {
	t.Helper()
	x := reach.NewIndex(n.State)
	dice := rand.New(rand.NewPCG(seed, 1))
	for _, to := range n.ENIs() {
		sets := map[network.ENIID]space.Set{}
		for _, p := range reach.PathsTo(n.State, to) {
			sets[p.Source] = p.Flows
			if r := x.Trace(p.Witness); r.Verdict != reach.Reachable {
				t.Errorf("seed %d: the witness %+v is %v: %v", seed, p.Witness, r.Verdict, r.Causes)
			}
		}
		for _, from := range n.ENIs() {
			if from == to {
				continue
			}
			set := sets[from]
			for _, p := range samples(dice, n.State.ENI(from), n.State.ENI(to), set) {
				want := x.Trace(reach.FlowOf(from, to, p)).Verdict == reach.Reachable
				asked++
				if want {
					reachable++
				}
				if p.Src.Is6() && p.Protocol == 1 || p.SrcPort == 0 && (p.Protocol == 6 || p.Protocol == 17) {
					continue // asked of Trace, these are other questions
				}
				if _, listed := sets[from]; !listed && quiet(p) {
					continue // a pair between which nothing is answered is not listed
				}
				if set.Contains(p) != want {
					t.Errorf("seed %d, %s to %s: %v: in the set %v, trace says %v\nset: %v", seed, from, to, p, set.Contains(p), x.Trace(reach.FlowOf(from, to, p)).Causes, set)
					return asked, reachable
				}
			}
		}
	}
	return asked, reachable
}

// quiet are ICMP messages that have no answer.
func quiet(p space.Packet) bool {
	kind := p.DstPort >> 8
	return p.Protocol == 1 && kind != 8 && kind != 13 && kind != 17 || p.Protocol == 58 && kind != 128
}

// samples are packets between two interfaces: what rules speak of, and the ends
// of the set's ranges.
func samples(dice *rand.Rand, from, to *network.ENI, set space.Set) []space.Packet {
	var out []space.Packet
	ports := []uint16{0, 1, 22, 50, 53, 79, 80, 81, 1023, 1024, 32768, 60999, 61000, 65535}
	port := func() uint16 { return ports[dice.IntN(len(ports))] }
	for i, src := range from.AllAddrs() {
		for j, dst := range to.AllAddrs() {
			if src.Is4() != dst.Is4() {
				continue
			}
			add := func(protocol uint8, to, from uint16) {
				if protocol != 6 && protocol != 17 {
					from = 0
				}
				if protocol != 6 && protocol != 17 && protocol != 1 && protocol != 58 {
					to = 0
				}
				out = append(out, space.Packet{Src: src, Dst: dst, Protocol: protocol, DstPort: to, SrcPort: from})
			}
			echo := uint8(1)
			if src.Is6() {
				echo = 58
			}
			add(6, 80, 40000)
			add(17, 53, 40000)
			add(echo, []uint16{space.ICMPPort(8, 0), space.ICMPPort(128, 0)}[min(1, int(echo)/58)], 0)
			add(6, port(), port())
			add(17, port(), port())
			add(echo, space.ICMPPort(uint8(dice.IntN(20)), uint8(dice.IntN(2))), 0)
			add(47, 0, 0)
			add(uint8(dice.IntN(256)), port(), port())
			if i+j > 0 && dice.IntN(3) > 0 {
				continue
			}
			n := 0
			for b := range set.Within(space.Box{Src: space.Only(src), Dst: space.Only(dst), Protocol: space.AnyProtocol, DstPort: space.AnyPort, SrcPort: space.AnyPort}).All() {
				if n++; n > 12 {
					break
				}
				for _, protocol := range []uint8{b.Protocol.From, b.Protocol.To, b.Protocol.From - 1, b.Protocol.To + 1} {
					add(protocol, b.DstPort.From, b.SrcPort.To)
					add(protocol, b.DstPort.To, b.SrcPort.From)
				}
				add(b.Protocol.From, b.DstPort.From-1, b.SrcPort.From)
				add(b.Protocol.From, b.DstPort.To+1, b.SrcPort.From)
				add(b.Protocol.From, b.DstPort.From, b.SrcPort.From-1)
				add(b.Protocol.From, b.DstPort.From, b.SrcPort.To+1)
			}
		}
	}
	return out
}
