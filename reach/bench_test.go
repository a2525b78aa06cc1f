package reach_test

import (
	"net/netip"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// BenchmarkTrace asks single questions about a State as large as this is measured
// on: alone, of an Index that knows nothing, and of one that has seen most rows.
func BenchmarkTrace(b *testing.B) {
	c := newCrowd(b, 200, 10000)
	flow := func(i int) reach.Flow {
		return reach.Flow{Source: c.enis[i*7919%len(c.enis)], Destination: c.enis[i*104729%len(c.enis)], Protocol: network.TCP, Port: 443}
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			reach.Trace(c.state, flow(i))
		}
	})
	b.Run("indexed", func(b *testing.B) {
		b.ReportAllocs()
		x := reach.NewIndex(c.state)
		for i := 0; b.Loop(); i++ {
			x.Trace(flow(i))
		}
	})
}

// BenchmarkAllPairs asks between all of 1,000 interfaces, one protocol and port.
func BenchmarkAllPairs(b *testing.B) {
	c := newCrowd(b, 50, 1000)
	b.ReportAllocs()
	for b.Loop() {
		reach.NewIndex(c.state).Pairs(c.enis, reach.Flow{Protocol: network.TCP, Port: 443})
	}
}

// BenchmarkFix makes plans for flows between the departments of a large State.
func BenchmarkFix(b *testing.B) {
	c := newCrowd(b, 200, 10000)
	b.ReportAllocs()
	changes, n := 0, 0
	for i := 0; b.Loop(); i++ {
		from, to := c.enis[i*7919%len(c.enis)], c.enis[i*104729%len(c.enis)]
		changes += len(reach.Fix(c.state, reach.Flow{Source: from, Destination: to, Protocol: network.TCP, Port: 5432}).Changes)
		n++
	}
	b.ReportMetric(float64(changes)/float64(n), "changes/op")
}

// TestPairsSayWhatTraceSays: the fast answer is the thorough one.
func TestPairsSayWhatTraceSays(t *testing.T) {
	c := newCrowd(t, 12, 96)
	c.do(network.CreateACLEntry{ACL: c.state.VPC(c.vpcs[1]).DefaultACL, Entry: network.ACLEntry{Number: 5, Egress: true, Protocol: network.TCP,
		CIDR: netip.MustParsePrefix("10.0.0.0/8"), Ports: network.PortRange{From: 40000, To: 40010}}})
	seen := map[reach.Verdict]int{}
	for _, like := range []reach.Flow{
		{Protocol: network.TCP, Port: 443}, {Protocol: network.TCP, Port: 22}, {Protocol: network.TCP, Port: 9050},
		{Protocol: network.ICMP, ICMPType: 8}, {Protocol: network.TCP, Port: 8003, SourcePort: 9001},
	} {
		x := reach.NewIndex(c.state)
		pairs := x.Pairs(c.enis, like)
		for i, from := range c.enis {
			for j, to := range c.enis {
				if i == j {
					continue
				}
				f := like
				f.Source, f.Destination = from, to
				seen[pairs[i][j]]++
				if got := x.Trace(f).Verdict; got != pairs[i][j] {
					t.Fatalf("%s > %s: %v, %v among all pairs", from, to, got, pairs[i][j])
				}
			}
		}
	}
	for _, v := range []reach.Verdict{reach.Reachable, reach.Unanswered, reach.Unreachable} {
		if seen[v] == 0 {
			t.Errorf("no pair was %v: the test is vacuous", v)
		}
	}
	unknown := append(c.enis[:2:2], "eni-0123456789abcdef0")
	if pairs := reach.NewIndex(c.state).Pairs(unknown, reach.Flow{Protocol: network.TCP, Port: 443}); pairs[0][2] != reach.Unreachable || pairs[2][1] != reach.Unreachable {
		t.Errorf("%v", pairs)
	}
}
