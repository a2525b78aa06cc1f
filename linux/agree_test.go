package linux

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tombolo/flowlog"
	"tombolo/network"
)

// kernelAt is a fake kernel that is brought from State to State as linux/kernel
// brings a real one.
type kernelAt struct {
	*fake
	compiler *Compiler
	have     *Desired
	epochs   [2]uint16
}

func newKernel() *kernelAt {
	return &kernelAt{fake: newFake(), compiler: NewCompiler(NewBook()), have: Observed(Objects{}), epochs: [2]uint16{0, 0}}
}

// plan is the steps to a State. A change of policy begins a new epoch.
func (k *kernelAt) plan(s network.State, closed map[network.ENIID]bool) (*Desired, []Step) {
	want := k.compiler.Compile(s, closed)
	first := k.epochs == [2]uint16{}
	for _, f := range []Family{V4, V6} {
		if first {
			want.SetEpoch(f, 1)
			k.epochs[f] = 1
		} else {
			want.KeepEpoch(f, k.have)
		}
	}
	steps := Diff(k.have, want)
	if turns := Turns(steps); !first && (turns[V4] || turns[V6]) {
		for _, f := range []Family{V4, V6} {
			if turns[f] {
				k.epochs[f]++
				want.SetEpoch(f, k.epochs[f])
			}
		}
		steps = Diff(k.have, want)
	}
	return want, steps
}

func (k *kernelAt) obey(t rapid.TB, s network.State, closed map[network.ENIID]bool) {
	t.Helper()
	want, steps := k.plan(s, closed)
	if err := k.do(steps); err != nil {
		t.Fatalf("a kernel refuses: %v", err)
	}
	k.have = want
}

// tally counts what happened, so that a test which never saw anything fails.
type tally struct {
	delivered, dropped int
	causes             map[string]int
}

// enough fails if packets were too seldom delivered or dropped, or if a cause
// was never met.
func (n *tally) enough(t *testing.T, causes ...string) {
	t.Helper()
	all := n.delivered + n.dropped
	t.Logf("%d of %d delivered; dropped for %v", n.delivered, all, n.causes)
	if 4*n.delivered < all || 4*n.dropped < all {
		t.Errorf("%d of %d packets delivered: neither kind may be below a quarter", n.delivered, all)
	}
	for _, c := range causes {
		if n.causes[c] == 0 {
			t.Errorf("no packet was dropped for %s", c)
		}
	}
}

func (n *tally) count(v verdict) {
	if v.at != "" {
		n.delivered++
		return
	}
	if v.cause == "" {
		return // it was not sent, or was for a router
	}
	n.dropped++
	// Such as "acl-denied at acl-0123 egress 100".
	words := append(strings.Fields(v.cause), "", "", "", "")
	n.causes[strings.TrimSpace(words[0]+" "+words[3])]++
}

// What a kernel that holds the compiled form does with packets is what AWS does:
// the same interface, or the same cause, for first packets, for answers and for
// established flows, from one State to the next.
func TestTheCompiledFormDoesWhatAWSDoes(t *testing.T) {
	n := &tally{causes: map[string]int{}}
	causes := []string{"sg-denied egress", "sg-denied ingress", "acl-denied egress", "acl-denied ingress", "no-route", "blackhole",
		"not-in-peer-cidr", "source-not-in-vpc", "spoofed egress", "dest-check", "no-such-address", "relayed",
		"recorded as passed", "recorded as refused leaving", "recorded as lost", "recorded as refused entering"}
	unmet := func(cause string) bool { return n.causes[cause] == 0 }
	// Chance may need another round to meet every cause.
	for round := 0; round < 5 && slices.ContainsFunc(causes, unmet); round++ {
		rapid.Check(t, n.duel)
	}
	n.enough(t, causes...)
}

func (n *tally) duel(t *rapid.T) {
	d := &duel{world: newWorld(t), kernelAt: newKernel(), tally: n}
	d.oracle = &oracle{known: map[string]*acquaintance{}}
	for range rapid.IntRange(1, 4).Draw(t, "rounds") {
		d.r = dice(t, "round")
		closed := map[network.ENIID]bool{}
		if d.oneIn(4) {
			closed[one(d.world, all(d.ENIs())).ID] = true
		}
		d.obey(t, d.State, closed)
		d.oracle.follow(d.State, closed)
		d.exchange(25)
		for range 1 + d.r.IntN(2) {
			d.step()
		}
	}
}

// duel is the oracle and the fake kernel before the same packets.
type duel struct {
	*world
	*kernelAt
	oracle *oracle
	tally  *tally
	sent   []packet // that arrived, and answers to them
	ports  uint16
}

// exchange sends packets: new ones, some that were sent before, and answers.
func (d *duel) exchange(many int) {
	for _, p := range slices.Clone(d.sent) {
		d.both(p)
	}
	for range many {
		p := d.packet()
		v := d.both(p)
		if v.at == "" || odd(p) {
			continue
		}
		to := d.ENI(v.at)
		switch {
		case !to.Has(p.dst):
			d.relay(p, to)
		case d.ENI(p.from).Has(p.src):
			q := p.answer(to.ID, to.MAC)
			d.both(q)
			d.sent = append(d.sent, q, p)
		}
	}
	if len(d.sent) > 40 {
		d.sent = d.sent[len(d.sent)-40:]
	}
}

// relay sends a flow to a middlebox, which hands it on and brings an answer back.
// Its ports are its own: on the inner and on the outer leg it looks the same.
func (d *duel) relay(p packet, box *network.ENI) {
	d.ports++
	p.protocol, p.first, p.second = 17, 45000+d.ports, one(d.world, somePorts)
	if d.both(p).at != box.ID {
		return
	}
	d.tally.causes["relayed"]++
	d.both(packet{box.ID, box.MAC, p.dst, p.src, 17, p.second, p.first, 0})
	p.from, p.mac = box.ID, box.MAC
	d.both(p)
}

// both sends a packet to both and compares what became of it.
func (d *duel) both(p packet) verdict {
	want := d.oracle.send(p)
	got, err := d.send(p)
	if err != nil {
		d.Fatal(err)
	}
	at := d.links[got.at].ENI
	causes := strings.Join(got.causes(d.compiler.book), ", ")
	if at != want.at || causes != want.cause && !want.unclear {
		d.Fatalf("%s\n AWS: at %q %s\nhere: at %q %s", d.rename(p.String()), d.rename(string(want.at)), d.rename(want.cause),
			d.rename(string(at)), d.rename(causes))
	}
	if recorded := d.recorded(p, want, d.links[got.out].ENI); !want.unclear && !slices.Equal(got.tallies, recorded) {
		d.Fatalf("%s: at %q %s, and is recorded as %v, want %v", d.rename(p.String()), d.rename(string(want.at)), d.rename(want.cause), got.tallies, recorded)
	}
	d.tally.count(want)
	return want
}

// recorded is as what a packet must be recorded: once, if anybody records one of its
// interfaces, by what AWS says about it (AWS: Flow log records, action). Spoofed
// packets are none of an interface's.
func (d *duel) recorded(p packet, want verdict, to network.ENIID) []flowlog.Fate {
	words := append(strings.Fields(want.cause), "", "", "", "")
	fate := flowlog.Lost
	switch {
	case want.at != "":
		fate = flowlog.Passed
	case want.cause == "" || words[0] == "spoofed":
		return nil
	case words[3] == "egress":
		fate = flowlog.RefusedLeaving
	case words[3] == "ingress":
		fate = flowlog.RefusedEntering
	}
	watched := func(id network.ENIID) bool {
		e := d.ENI(id)
		return e != nil && d.have.ports[id] != nil && len(slices.Collect(d.FlowLogsFor(e))) > 0
	}
	if watched(p.from) || (fate == flowlog.Passed || fate == flowlog.RefusedEntering) && watched(to) {
		d.tally.causes["recorded as "+fate.String()]++
		return []flowlog.Fate{fate}
	}
	return nil
}
