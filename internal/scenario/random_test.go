package scenario_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"tombolo/internal/scenario"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/probe"
)

// TestRandomNetworks sends TCP, UDP and ICMP, in IPv4 and IPv6, between all
// machines of random networks, changes the networks at random and sends again.
// Each verdict is the oracle's, and the packets counted for each cause are
// exactly as many as the oracle says. Conversations that were begun
// go on as long as AWS lets them. With TOMBOLO_SOAK=1h it goes on for so long.
func TestRandomNetworks(t *testing.T) {
	testnet.Leaks(t)
	testnet.WatchMachine(t, fabricPrefixes...)
	soak, _ := time.ParseDuration(os.Getenv("TOMBOLO_SOAK")) // unset or odd: one round
	began := time.Now()
	var sum tally
	for seed := uint64(1); !t.Failed() && (seed == 1 || time.Since(began) < soak); seed++ {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) { playMazes(t, seed, &sum) })
	}
	t.Logf("%d probes answered, denied by cause: %v; %d conversations outlived their rules, %d were cut", sum.answered, sum.denied, sum.outlived, sum.cut)
	if sum.outlived == 0 || sum.cut == 0 {
		t.Errorf("%d conversations outlived their rules, %d were cut: want some of both", sum.outlived, sum.cut)
	}
	all := sum.answered
	for _, n := range sum.denied {
		all += n
	}
	if 4*sum.answered < all || 4*(all-sum.answered) < all {
		t.Errorf("%d of %d probes were answered: such networks prove little", sum.answered, all)
	}
	for _, why := range []string{"sg-denied", "acl-denied", "no-route", "blackhole", "not-in-peer-cidr", "no-such-address", scenario.Uncounted} {
		if sum.denied[why] == 0 {
			t.Errorf("no probe was denied for %s", why)
		}
	}
}

// tally is what became of all probes.
type tally struct {
	answered int
	denied   map[string]int
	outlived int // conversations that live although new ones like them are denied
	cut      int // conversations that have ended
}

func (y *tally) add(shots []*shot) {
	if y.denied == nil {
		y.denied = map[string]int{}
	}
	for _, s := range shots {
		if s.cause == (linux.Cause{}) {
			y.answered++
		} else {
			y.denied[s.cause.Why]++
		}
	}
}

const (
	mazes   = 6
	changes = 6
)

func playMazes(t *testing.T, seed uint64, sum *tally) {
	s := newSite(t)
	var all []*maze
	for n := range mazes {
		all = append(all, newMaze(s, n, rand.New(rand.NewPCG(seed, uint64(n)))))
	}
	e, err := newLinuxEngine(linux.Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var talks []*talk
	defer func() {
		for _, k := range talks {
			_ = k.flow.Close()
		}
	}()
	for round := range changes {
		if err := e.Set(s.state); err != nil {
			t.Fatal(err)
		}
		talks = e.goOn(t, talks, sum)
		for _, w := range waves() {
			e.crossFire(t, w, all, sum)
		}
		for _, m := range all {
			talks = append(talks, e.openTalks(t, m)...)
		}
		talks = e.goOn(t, talks, sum)
		if t.Failed() {
			t.Logf("seed %d, after %d changes", seed, round)
			return
		}
		for _, m := range all {
			m.change()
		}
	}
}

// shot is one probe and its expected fate.
type shot struct {
	from, to *network.ENI
	dst      netip.Addr
	cause    linux.Cause
	got      probe.Result
	err      error
}

// tries is how often a volley that disagrees is fired. A plane that is wrong is
// wrong each time; a machine that stood still for a while is not.
const tries = 3

// crossFire sends from every machine of every maze to every other one at once.
func (e *linuxEngine) crossFire(t *testing.T, w wave, all []*maze, sum *tally) {
	t.Helper()
	var shots []*shot
	for _, m := range all {
		for _, from := range m.enis {
			for _, to := range m.enis {
				if from != to && m.runs(from) {
					shots = append(shots, e.aim(w, m.state.ENI(from), m.state.ENI(to)))
				}
			}
		}
	}
	e.openServers(t, shots)
	var problems []string
	for range tries {
		problems = e.volley(t, w, shots)
		if len(problems) == 0 {
			sum.add(shots)
			return
		}
	}
	for _, p := range problems[:min(len(problems), 10)] {
		t.Errorf("%s: %s", w.name, p)
	}
}

// volley fires all shots at once and says what is not as the oracle says.
func (e *linuxEngine) volley(t *testing.T, w wave, shots []*shot) (problems []string) {
	t.Helper()
	before, err := e.plane.Counters()
	if err != nil {
		t.Fatal(err)
	}
	var flying sync.WaitGroup
	for _, s := range shots {
		flying.Go(func() { s.err = e.fire(t.Context(), w, s) })
	}
	flying.Wait()
	after, err := e.plane.Counters()
	if err != nil {
		t.Fatal(err)
	}
	return score(shots, w.repeats, before, after)
}

func (e *linuxEngine) aim(w wave, from, to *network.ENI) *shot {
	s := &shot{from: from, to: to}
	p := packet{from: 40000}
	p.src, p.dst = addressesFor(from, to, w.family)
	s.dst = p.dst
	switch w.name {
	case "tcp", "tcp6":
		p.protocol, p.to = network.TCP, 80
	case "udp", "udp6":
		p.protocol, p.to = network.UDP, 53
	case "icmp":
		p.protocol, p.from = network.ICMP, 8
	case "icmp6":
		p.protocol, p.from = network.ICMPv6, 128
	}
	s.cause = oracle{e.state}.exchange(from, p)
	return s
}

func (e *linuxEngine) openServers(t *testing.T, shots []*shot) {
	t.Helper()
	for _, s := range shots {
		m, _, err := e.machineOf(s.to.ID)
		if err != nil {
			continue // it is stopped
		}
		for port, p := range map[uint16]network.Protocol{80: network.TCP, 53: network.UDP} {
			if err := m.serve(p, port); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (e *linuxEngine) fire(ctx context.Context, w wave, s *shot) error {
	m, _, err := e.machineOf(s.from.ID)
	if err != nil {
		return err
	}
	o := probe.Options{Timeout: 10 * time.Second}
	if s.cause != (linux.Cause{}) {
		o.Timeout = 250 * time.Millisecond
	}
	s.got, err = testnet.In(m.host, func() (probe.Result, error) { return w.send(ctx, s.dst, o) })
	return err
}

// score compares verdicts one by one, and causes by how often each was counted.
// TCP repeats itself after a second, which on a busy machine passes.
func score(shots []*shot, repeats bool, before, after map[linux.Cause]uint64) (problems []string) {
	expected, maybe := map[linux.Cause]uint64{}, map[linux.Cause]uint64{}
	for _, s := range shots {
		want := probe.Answered
		if s.cause != (linux.Cause{}) {
			want = probe.Silent
			if s.cause.Why == scenario.Uncounted {
				// Who remembers the neighbour's MAC address does send.
				maybe[linux.Cause{Why: "no-such-address", At: string(s.from.VPC)}]++
			} else {
				expected[s.cause]++
			}
		}
		if s.got.Verdict != want || s.err != nil {
			problems = append(problems, fmt.Sprintf("from %s %v to %s %v: %v %v, the oracle says %v %v",
				s.from.ID, s.from.Addrs, s.to.ID, s.to.Addrs, s.got, s.err, want, s.cause))
		}
	}
	for c, n := range after {
		n -= before[c]
		most := expected[c] + maybe[c]
		if repeats && most > 0 {
			most = n
		}
		if n < expected[c] || n > most {
			problems = append(problems, fmt.Sprintf("%d packets were dropped for %v, the oracle says %d", n, c, expected[c]))
		}
	}
	for c := range expected {
		if _, counted := after[c]; !counted {
			problems = append(problems, fmt.Sprintf("no packet was dropped for %v", c))
		}
	}
	return problems
}
