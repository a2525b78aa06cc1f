package reach_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
)

// questions are flows between random interfaces of a random network.
func questions(n *randnet.Net, dice *rand.Rand, many int) []reach.Flow {
	enis := n.ENIs()
	var out []reach.Flow
	for range many {
		f := reach.Flow{Source: enis[dice.IntN(len(enis))], Destination: enis[dice.IntN(len(enis))]}
		switch dice.IntN(5) {
		case 0:
			f.Protocol, f.Port = network.TCP, 80
		case 1:
			f.Protocol, f.Port = network.TCP, uint16(dice.IntN(65536))
		case 2:
			f.Protocol, f.Port, f.SourcePort = network.UDP, 53, uint16(dice.IntN(65536))
		case 3:
			f = reach.Ping(n.State, f.Source, f.Destination)
		case 4:
			f.Protocol = 47
		}
		if dice.IntN(2) == 0 && len(n.State.ENI(f.Destination).Addrs6) > 0 && f.Protocol != network.ICMP {
			f.DestinationAddr = n.State.ENI(f.Destination).Addrs6[0]
		}
		if f.Source != f.Destination {
			out = append(out, f)
		}
	}
	return out
}

// each asks questions of many random networks, each of them changed a few times.
func each(t *testing.T, networks int, ask func(*randnet.Net, *reach.Index, reach.Flow)) {
	t.Helper()
	if testing.Short() {
		networks = max(1, networks/5)
	}
	for seed := range uint64(networks) {
		n := randnet.New(1000 + seed)
		dice := rand.New(rand.NewPCG(seed, 3))
		for range 3 {
			x := reach.NewIndex(n.State)
			for _, f := range questions(n, dice, 40) {
				ask(n, x, f)
				if t.Failed() {
					t.Fatalf("seed %d: %+v", 1000+seed, f)
				}
			}
			n.Change()
		}
	}
}

// TestResultsAreConsistent: what a Result says in one place it says in all.
func TestResultsAreConsistent(t *testing.T) {
	verdicts := map[reach.Verdict]int{}
	each(t, 40, func(_ *randnet.Net, x *reach.Index, f reach.Flow) {
		r := x.Trace(f)
		verdicts[r.Verdict]++
		lostThere, lostBack := 0, 0
		for i, e := range r.Causes {
			if e.Way == reach.Request {
				lostThere++
				if lostBack > 0 {
					t.Errorf("cause %d is of the request, after those of the answer", i)
				}
			} else {
				lostBack++
			}
		}
		want := reach.Reachable
		if lostThere > 0 {
			want = reach.Unreachable
		} else if lostBack > 0 {
			want = reach.Unanswered
		}
		if r.Verdict != want {
			t.Errorf("%v, with %d causes on the way there and %d back", r.Verdict, lostThere, lostBack)
		}
		if len(r.Causes) > 0 && r.Causes[0].Detail {
			t.Error("the first cause is only a detail")
		}
		if (r.Verdict == reach.Unreachable) == (r.Forward.Arrived == f.Destination) {
			t.Errorf("%v, arrived at %q", r.Verdict, r.Forward.Arrived)
		}
		if r.Verdict == reach.Reachable && r.Return.Arrived != f.Source {
			t.Errorf("the answer got to %q", r.Return.Arrived)
		}
		consistentHops(t, r.Forward, false)
		consistentHops(t, r.Return, r.Verdict == reach.Unreachable)
	})
	for _, v := range []reach.Verdict{reach.Reachable, reach.Unanswered, reach.Unreachable} {
		if verdicts[v] < 20 {
			t.Errorf("%d were %v: the test is vacuous", verdicts[v], v)
		}
	}
	t.Logf("%v", verdicts)
}

// consistentHops: once a hop blocks, all others are beyond it, and none before.
func consistentHops(t *testing.T, l reach.Leg, blocked bool) {
	t.Helper()
	for i, h := range l.Hops {
		if h.Beyond && !blocked {
			t.Errorf("hop %d, %s: beyond what?", i, h.Sentence())
		}
		if !h.Beyond && blocked {
			t.Errorf("hop %d, %s: a packet does not get there", i, h.Sentence())
		}
		blocked = blocked || h.Blocked
		if h.Component == "" || h.VPC == "" || h.Sentence() == "" {
			t.Errorf("hop %d says too little: %+v", i, h)
		}
	}
}

// TestAnIndexThatIsUsedLongSaysTheSame: what it has looked up changes no answer.
func TestAnIndexThatIsUsedLongSaysTheSame(t *testing.T) {
	each(t, 20, func(n *randnet.Net, x *reach.Index, f reach.Flow) {
		old, fresh := x.Trace(f), reach.Trace(n.State, f)
		if old.Verdict != fresh.Verdict || len(old.Causes) != len(fresh.Causes) || len(old.Forward.Hops) != len(fresh.Forward.Hops) {
			t.Errorf("%v and %v: %v and %v", old.Verdict, fresh.Verdict, codes(old), codes(fresh))
		}
		for i := range old.Causes {
			if old.Causes[i].Code != fresh.Causes[i].Code || old.Causes[i].Component != fresh.Causes[i].Component {
				t.Errorf("cause %d: %+v and %+v", i, old.Causes[i], fresh.Causes[i])
			}
		}
	})
}

// TestPairsOfRandomNetworks: the fast answer is the thorough one where addresses
// overlap, middleboxes stand in the way and instances are stopped, too.
func TestPairsOfRandomNetworks(t *testing.T) {
	each(t, 20, func(n *randnet.Net, x *reach.Index, f reach.Flow) {
		like := f
		like.DestinationAddr = netip.Addr{}
		want := x.Trace(reach.Flow{Source: f.Source, Destination: f.Destination, Protocol: f.Protocol, Port: f.Port, SourcePort: f.SourcePort, ICMPType: f.ICMPType})
		if got := x.Pairs([]network.ENIID{f.Source, f.Destination}, like)[0][1]; got != want.Verdict {
			t.Errorf("%v among pairs, %v: %v", got, want.Verdict, codes(want))
		}
	})
}

// TestPlansForRandomNetworks: a plan opens its flow, and none of its changes can
// be left out.
func TestPlansForRandomNetworks(t *testing.T) {
	planned, hopeless, longest := 0, 0, 0
	each(t, 25, func(n *randnet.Net, x *reach.Index, f reach.Flow) {
		if x.Trace(f).Verdict == reach.Reachable {
			return
		}
		p := reach.Fix(n.State, f)
		if len(p.Obstacles) > 0 {
			hopeless++
			if len(p.Changes) > 0 {
				t.Errorf("%d changes beside obstacles", len(p.Changes))
			}
			return
		}
		planned, longest = planned+1, max(longest, len(p.Changes))
		after, err := p.After(n.State)
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		if r := reach.Trace(after, f); r.Verdict != reach.Reachable {
			t.Errorf("after %v it is %v: %v", p.Commands(), r.Verdict, codes(r))
		}
		for i := range p.Changes {
			less := p
			less.Changes = append(append([]reach.Change{}, p.Changes[:i]...), p.Changes[i+1:]...)
			if after, err := less.After(n.State); err == nil && reach.Trace(after, f).Verdict == reach.Reachable {
				t.Errorf("%s is not needed", p.Commands()[i])
			}
		}
	})
	t.Logf("%d plans of up to %d changes, %d hopeless", planned, longest, hopeless)
	if planned < 200 || hopeless < 50 {
		t.Error("the test is vacuous")
	}
}

// TestMoreIsNeverLess: a rule or an entry that allows something makes nothing
// unreachable, which is what gates in series promise.
func TestMoreIsNeverLess(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 5))
	kept := 0
	each(t, 15, func(n *randnet.Net, x *reach.Index, f reach.Flow) {
		if x.Trace(f).Verdict != reach.Reachable {
			return
		}
		other := n.ENIs()[dice.IntN(len(n.ENIs()))]
		p := reach.Fix(n.State, reach.Flow{Source: other, Destination: f.Destination, Protocol: network.TCP, Port: 9999})
		for i := len(p.Changes) - 1; i >= 0; i-- {
			switch p.Changes[i].Request.(type) {
			case network.AuthorizeRules, network.CreateACLEntry:
			default:
				p.Changes = append(p.Changes[:i:i], p.Changes[i+1:]...)
			}
		}
		after, err := p.After(n.State)
		if err != nil {
			return
		}
		kept++
		if r := reach.Trace(after, f); r.Verdict != reach.Reachable {
			t.Errorf("%v made it %v: %v", p.Commands(), r.Verdict, codes(r))
		}
	})
	if kept < 50 {
		t.Errorf("%d changes tried: the test is vacuous", kept)
	}
}
