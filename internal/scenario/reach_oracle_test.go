package scenario_test

import (
	"math/rand/v2"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/reach"
)

// TestTheAnalyzerSaysWhatTheOracleSays asks both about every pair of machines of
// many random networks, which are changed again and again. The oracle's answers
// are those that packets are held to.
func TestTheAnalyzerSaysWhatTheOracleSays(t *testing.T) {
	networks := 60
	if testing.Short() {
		networks = 10
	}
	outcomes := map[string]int{}
	for seed := range uint64(networks) {
		s := newSite(t)
		m := newMaze(s, int(seed), rand.New(rand.NewPCG(seed, 77)))
		for range 4 {
			compareVerdicts(t, m, outcomes)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			m.change()
		}
	}
	t.Logf("%v", outcomes)
	for _, why := range []string{"", "sg-denied", "acl-denied", "no-route", "blackhole", "not-in-peer-cidr", "no-such-address", scenario.Uncounted} {
		if outcomes[why] < 20 {
			t.Errorf("%d flows ended with %q: the test is vacuous", outcomes[why], why)
		}
	}
}

func compareVerdicts(t *testing.T, m *maze, outcomes map[string]int) {
	t.Helper()
	e := newReachEngine()
	if err := e.Set(m.state); err != nil {
		t.Fatal(err)
	}
	for _, from := range m.enis {
		for _, to := range m.enis {
			if from == to || !m.runs(from) {
				continue
			}
			a, b := m.state.ENI(from), m.state.ENI(to)
			for _, p := range probesBetween(a, b) {
				want := oracle{m.state}.exchange(a, p)
				got := analyzed(t, e, from, to, p)
				outcomes[want.Why]++
				if got != want {
					t.Errorf("%v > %v protocol %d ports %d > %d\n the oracle says %v\n the analyzer %v", p.src, p.dst, p.protocol, p.from, p.to, want, got)
				}
			}
		}
	}
}

// probesBetween is one packet of each kind in each family.
func probesBetween(a, b *network.ENI) []packet {
	var out []packet
	for i := range 2 {
		from, to, echo, kind := a.Addrs, b.Addrs, network.ICMP, 8
		if i == 1 {
			from, to, echo, kind = a.Addrs6, b.Addrs6, network.ICMPv6, 128
		}
		if len(from) == 0 || len(to) == 0 {
			continue
		}
		out = append(out,
			packet{protocol: network.TCP, src: from[0], dst: to[0], from: 40000, to: 80},
			packet{protocol: network.UDP, src: from[0], dst: to[0], from: 40000, to: 53},
			packet{protocol: echo, src: from[0], dst: to[0], from: kind})
	}
	return out
}

// analyzed is the analyzer's verdict in the oracle's words.
func analyzed(t *testing.T, e *reachEngine, from, to network.ENIID, p packet) linux.Cause {
	t.Helper()
	f := scenario.Flow{Kind: scenario.Ask, From: from, Target: to, Source: p.src, To: p.dst, Protocol: p.protocol}
	if p.protocol == network.TCP || p.protocol == network.UDP {
		f.Port, f.FromPort = uint16(p.to), uint16(p.from)
	}
	out, err := e.Send(f)
	if err != nil {
		t.Fatal(err)
	}
	if out.Result == scenario.Delivered {
		if r := e.index.Trace(question(f)); r.Verdict != reach.Reachable {
			t.Errorf("delivered, but %v", r.Verdict)
		}
		return linux.Cause{}
	}
	return linux.Cause{Why: out.Cause.Word, At: out.Cause.At, Direction: out.Cause.Direction, Entry: out.Cause.Rule}
}
