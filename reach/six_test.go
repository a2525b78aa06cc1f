package reach_test

import (
	"strings"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// TestIPv6HasTheSameGates: AWS's own analyzer knows only IPv4; here both families
// are followed alike, each by its own routes, rules and entries.
func TestIPv6HasTheSameGates(t *testing.T) {
	const base = `vpc a 10.0.0.0/16 ipv6
vpc b 10.1.0.0/16 ipv6
subnet a1 in a 10.0.1.0/24 ipv6
subnet a2 in a 10.0.2.0/24 ipv6
subnet b1 in b 10.1.1.0/24 ipv6
sg web in a
sg db in b
eni client in a1 10.0.1.10 ipv6 sg web
eni mate in a2 10.0.2.10 ipv6 sg web
eni server in b1 10.1.1.10 ipv6 sg db
peering ab a b active
`
	const routes = "route a.main b.ipv6 ab\nroute b.main a.ipv6 ab\n"
	const open = routes + "sg db allow any from ::/0\n"
	for _, c := range []struct {
		name, text, to string
		protocol       network.Protocol
		first          reach.Code
		way            reach.Way
	}{
		{"no route", "route a.main 10.1.0.0/16 ab\n", "server", network.TCP, reach.NoRouteToDestination, reach.Request},
		{"no way back", "route a.main b.ipv6 ab\nsg db allow any from ::/0\n", "server", network.TCP, reach.NoRouteToDestination, reach.Answer},
		{"no rule", routes, "server", network.TCP, reach.SecurityGroupHasNoRules, reach.Request},
		{"a rule for IPv4", routes + "sg db allow any from 0.0.0.0/0\n", "server", network.TCP, reach.SecurityGroupMismatch, reach.Request},
		{"a rule for the VPC's block", routes + "sg db allow tcp/80 from a.ipv6\n", "server", network.TCP, "", 0},
		{"a rule for a group", routes + "sg db allow tcp/80 from web\n", "server", network.TCP, "", 0},
		{"echo is ICMPv6's", routes + "sg db allow icmp/8 from 0.0.0.0/0\nsg db allow icmpv6/128 from ::/0\n", "server", network.ICMPv6, "", 0},
		{"not ICMP's", routes + "sg db allow icmp/8 from 0.0.0.0/0\n", "server", network.ICMPv6, reach.SecurityGroupMismatch, reach.Request},
		{"an entry for IPv6", open + "acl b.acl in 10 deny any ::/0\n", "server", network.TCP, reach.SubnetACLRestriction, reach.Request},
		{"an entry for IPv4 is not asked", open + "acl b.acl in 10 deny any 0.0.0.0/0\n", "server", network.TCP, "", 0},
		{"an entry for the answers", open + "acl b.acl out 10 deny tcp/1024-65535 ::/0\n", "server", network.TCP, reach.SubnetACLRestriction, reach.Answer},
		{"a blackhole", open + "peering ab deleted\n", "server", network.UDP, reach.BadStateRoute, reach.Request},
		{"inside the VPC", "sg web allow any from ::/0\n", "mate", 47, "", 0},
		{"inside the VPC by the group", "sg web allow tcp/80 from web\n", "mate", network.TCP, "", 0},
	} {
		s := build(t, base+c.text)
		f := reach.Flow{Source: s.eni("client"), Destination: s.eni(c.to), DestinationAddr: s.ENI(s.eni(c.to)).Addrs6[0], Protocol: c.protocol}
		switch c.protocol {
		case network.TCP, network.UDP:
			f.Port = 80
		case network.ICMPv6:
			f.ICMPType = 128
		}
		r := reach.Trace(s.State, f)
		if e, _ := r.First(); e.Code != c.first || e.Way != c.way {
			t.Errorf("%s: %s of the %v, want %s of the %v", c.name, e.Code, e.Way, c.first, c.way)
		}
		if !r.Flow.SourceAddr.Is6() {
			t.Errorf("%s: asked from %v", c.name, r.Flow.SourceAddr)
		}
		// Its plan speaks of nothing but IPv6.
		for _, cmd := range reach.Fix(s.State, f).Commands() {
			if text := cmd.String(); strings.Contains(text, "/32") || strings.Contains(text, "--cidr-block") || strings.Contains(text, "CidrIp=") {
				t.Errorf("%s: %s", c.name, text)
			}
		}
	}
}

// TestOneFamilyMayWorkAlone: the same question, asked in both.
func TestOneFamilyMayWorkAlone(t *testing.T) {
	s := build(t, strings.Replace(pair, "allow any from 0.0.0.0/0 ", "", 1))
	server := s.ENI(s.eni("server"))
	for _, c := range []struct {
		addrs int
		want  reach.Verdict
	}{{0, reach.Unreachable}, {1, reach.Reachable}} {
		f := s.tcp("client", "server", 80)
		f.DestinationAddr = server.AllAddrs()[c.addrs]
		if r := reach.Trace(s.State, f); r.Verdict != c.want {
			t.Errorf("%v: %v, %v", f.DestinationAddr, r.Verdict, codes(r))
		}
	}
}
