package reach_test

import (
	"net/netip"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// check asks one question of a network and wants one first cause, or none.
type check struct {
	name     string
	text     string // what is added to the network, which goes before it
	from, to string
	protocol network.Protocol
	port     uint16
	first    reach.Code // "" when it is reachable
	at       string     // the component's name
}

func (c check) run(t *testing.T, base string) {
	t.Helper()
	s := build(t, base+c.text)
	f := reach.Flow{Source: s.eni(c.from), Destination: s.eni(c.to), Protocol: c.protocol, Port: c.port}
	if c.protocol == network.ICMP {
		f.ICMPType = 8
	}
	r := reach.Trace(s.State, f)
	e, blocked := r.First()
	switch {
	case c.first == "" && blocked:
		t.Errorf("%s: %s", c.name, e.Sentence())
	case c.first != "" && !blocked:
		t.Errorf("%s: reachable, want %s", c.name, c.first)
	case c.first != "" && (e.Code != c.first || s.nameOf(e.Component) != c.at):
		t.Errorf("%s: %s at %s, want %s at %s", c.name, e.Code, s.nameOf(e.Component), c.first, c.at)
	}
}

// Every rule of AWS's about security groups (AWS: Security group rules; Security
// group referencing; Update your security groups to reference peer groups).
func TestSecurityGroupRules(t *testing.T) {
	const base = `vpc a 10.0.0.0/16
vpc b 10.1.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet b1 in b 10.1.1.0/24
peering ab a b active
route a.main 10.1.0.0/16 ab
route b.main 10.0.0.0/16 ab
sg web in a
sg other in a
sg db in a
sg far in b
eni web in a1 10.0.1.10 10.0.1.11 sg web
eni web2 in a1 10.0.1.20 sg web
eni other in a1 10.0.1.30 sg other
eni db in a2 10.0.2.10 sg db
eni far in b1 10.1.1.10 sg far
`
	deny, none := reach.SecurityGroupMismatch, reach.SecurityGroupHasNoRules
	for _, c := range []check{
		{"without rules nothing comes in", "", "web", "db", network.TCP, 80, none, "sg:db"},
		{"nor from a neighbour", "", "web", "web2", network.TCP, 80, none, "sg:web"},
		{"a rule for another port", "sg db allow tcp/81 from 0.0.0.0/0\n", "web", "db", network.TCP, 80, deny, "db"},
		{"a rule for the port", "sg db allow tcp/80 from 0.0.0.0/0\n", "web", "db", network.TCP, 80, "", ""},
		{"a rule for a range", "sg db allow tcp/0-65535 from 0.0.0.0/0\n", "web", "db", network.TCP, 80, "", ""},
		{"a rule for UDP", "sg db allow udp/80 from 0.0.0.0/0\n", "web", "db", network.TCP, 80, deny, "db"},
		{"a rule for everything", "sg db allow any from 0.0.0.0/0\n", "web", "db", 47, 0, "", ""},
		{"a rule for a protocol", "sg db allow 47 from 0.0.0.0/0\n", "web", "db", 47, 0, "", ""},
		{"a rule for echo", "sg db allow icmp/8 from 0.0.0.0/0\n", "web", "db", network.ICMP, 0, "", ""},
		{"a rule for echo's answers", "sg db allow icmp/0 from 0.0.0.0/0\n", "web", "db", network.ICMP, 0, deny, "db"},
		{"a rule for one address", "sg db allow tcp/80 from 10.0.1.10/32\n", "web", "db", network.TCP, 80, "", ""},
		{"a rule for the address beside it", "sg db allow tcp/80 from 10.0.1.11/32\n", "web", "db", network.TCP, 80, deny, "db"},
		{"a rule for IPv6 only", "sg db allow tcp/80 from ::/0\n", "web", "db", network.TCP, 80, deny, "db"},
		{"a rule for a group", "sg db allow tcp/80 from web\n", "web", "db", network.TCP, 80, "", ""},
		{"every member of it", "sg db allow tcp/80 from web\n", "web2", "db", network.TCP, 80, "", ""},
		{"and nobody else", "sg db allow tcp/80 from web\n", "other", "db", network.TCP, 80, deny, "db"},
		{"a rule for the group itself", "sg web allow tcp/80 from web\n", "web", "web2", network.TCP, 80, "", ""},
		{"a group across the peering", "sg far allow tcp/80 from web\n", "web", "far", network.TCP, 80, "", ""},
		{"and back", "sg web allow tcp/80 from far\n", "far", "web", network.TCP, 80, "", ""},
		{"membership is what counts", "sg db allow tcp/80 from web\neni other sg other web\n", "other", "db", network.TCP, 80, "", ""},
		{"a member no longer", "sg db allow tcp/80 from web\neni web2 sg other\n", "web2", "db", network.TCP, 80, deny, "db"},
		{"one of several groups is enough", "eni db sg db other\nsg other allow tcp/80 from web\n", "web", "db", network.TCP, 80, "", ""},
		{"none of several", "eni db sg db other\nsg other allow tcp/80 from web\n", "other", "db", network.TCP, 80, deny, "db"},
		{"nothing goes out", "sg web revoke any to 0.0.0.0/0\nsg db allow any from 0.0.0.0/0\n", "web", "db", network.TCP, 80, none, "sg:web"},
		{"only to a group", "sg web revoke any to 0.0.0.0/0\nsg web allow tcp/80 to db\nsg db allow any from 0.0.0.0/0\n", "web", "db", network.TCP, 80, "", ""},
		{"not to another", "sg web revoke any to 0.0.0.0/0\nsg web allow tcp/80 to db\nsg other allow any from 0.0.0.0/0\n", "web", "other", network.TCP, 80, deny, "web"},
		{"answers need no rule", "sg web revoke any to 0.0.0.0/0\nsg web allow tcp/80 from db\n", "db", "web", network.TCP, 80, "", ""},
		{"a revoked rule is gone", "sg db allow tcp/80 from web\nsg db revoke tcp/80 from web\n", "web", "db", network.TCP, 80, none, "sg:db"},
	} {
		c.run(t, base)
	}
}

// Every rule of AWS's about network ACLs (AWS: Network ACL basics; Network ACL
// rules; Custom network ACLs).
func TestNetworkACLRules(t *testing.T) {
	const base = `vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
sg open allow any from 0.0.0.0/0
eni client in a1 10.0.1.10 sg open
eni mate in a1 10.0.1.20 sg open
eni server in a2 10.0.2.10 sg open
`
	const guard = "acl guard in a for a2\n"
	const both = guard + "acl guard in 100 allow any 0.0.0.0/0\nacl guard out 100 allow any 0.0.0.0/0\n"
	deny := reach.SubnetACLRestriction
	for _, c := range []check{
		{"the default one allows everything", "", "client", "server", network.TCP, 80, "", ""},
		{"a custom one nothing", guard, "client", "server", network.TCP, 80, deny, "acl:guard"},
		{"neither out", guard, "server", "client", network.TCP, 80, deny, "acl:guard"},
		{"not inside a subnet", "acl guard in a for a1\n", "client", "mate", network.TCP, 80, "", ""},
		{"both directions", both, "client", "server", network.TCP, 80, "", ""},
		{"answers have to be let out", guard + "acl guard in 100 allow tcp/80 0.0.0.0/0\n", "client", "server", network.TCP, 80, deny, "acl:guard"},
		{"to their ports", guard + "acl guard in 100 allow tcp/80 0.0.0.0/0\nacl guard out 100 allow tcp/1024-65535 0.0.0.0/0\n", "client", "server", network.TCP, 80, "", ""},
		{"not only to some", guard + "acl guard in 100 allow tcp/80 0.0.0.0/0\nacl guard out 100 allow tcp/49152-65535 0.0.0.0/0\n", "client", "server", network.TCP, 80, deny, "acl:guard"},
		{"several entries may share them", both + "acl guard out 50 allow tcp/1024-40000 0.0.0.0/0\nacl guard out 60 allow tcp/40001-65535 0.0.0.0/0\nacl guard out 70 deny tcp/0-1023 0.0.0.0/0\n",
			"client", "server", network.TCP, 80, "", ""},
		{"the lower number wins", both + "acl guard in 50 deny tcp/80 10.0.1.10/32\n", "client", "server", network.TCP, 80, deny, "acl:guard"},
		{"for what it names", both + "acl guard in 50 deny tcp/80 10.0.1.10/32\n", "mate", "server", network.TCP, 80, "", ""},
		{"the higher one does not", both + "acl guard in 150 deny any 0.0.0.0/0\n", "client", "server", network.TCP, 80, "", ""},
		{"directions have numbers of their own", both + "acl guard out 50 deny tcp/80 0.0.0.0/0\n", "client", "server", network.TCP, 80, "", ""},
		{"ICMP by type", both + "acl guard in 50 deny icmp/8 0.0.0.0/0\n", "client", "server", network.ICMP, 0, deny, "acl:guard"},
		{"not the other type", both + "acl guard in 50 deny icmp/0 0.0.0.0/0\n", "client", "server", network.ICMP, 0, "", ""},
		{"the answer's type on its way out", both + "acl guard out 50 deny icmp/0 0.0.0.0/0\n", "client", "server", network.ICMP, 0, deny, "acl:guard"},
		{"protocols by number", both + "acl guard in 50 deny 47 0.0.0.0/0\n", "client", "server", 47, 0, deny, "acl:guard"},
		{"only that one", both + "acl guard in 50 deny 47 0.0.0.0/0\n", "client", "server", 50, 0, "", ""},
		{"the sender's subnet first", both + "acl a.acl out 10 deny tcp/80 0.0.0.0/0\nacl guard in 10 deny tcp/80 0.0.0.0/0\n", "client", "server", network.TCP, 80, deny, "a.acl"},
		{"replaced, it is no longer asked", both + "acl guard in 50 deny any 0.0.0.0/0\nacl a.acl for a2\n", "client", "server", network.TCP, 80, "", ""},
	} {
		c.run(t, base)
	}
}

// Every rule of AWS's about route tables and peerings (AWS: Route priority; VPC
// peering limitations; Routing for VPC peering).
func TestRoutesAndPeerings(t *testing.T) {
	const base = `vpc a 10.0.0.0/16
vpc b 10.1.0.0/16
vpc c 10.2.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet b1 in b 10.1.1.0/24
subnet c1 in c 10.2.1.0/24
table own in a for a2
sg open allow any from 0.0.0.0/0
eni a in a1 10.0.1.10 sg open
eni a2 in a2 10.0.2.10 sg open
eni b in b1 10.1.1.10 sg open
eni c in c1 10.2.1.10 sg open
peering ab a b active
peering bc b c active
route b.main 10.0.0.0/16 ab
route b.main 10.2.0.0/16 bc
route c.main 10.1.0.0/16 bc
`
	no, hole, outside := reach.NoRouteToDestination, reach.BadStateRoute, reach.PeeringNeedsAddress
	const there = "route a.main 10.1.0.0/16 ab\n"
	for _, c := range []check{
		{"the local route", "", "a", "a2", network.TCP, 80, "", ""},
		{"no route", "", "a", "b", network.TCP, 80, no, "a.main"},
		{"a route", there, "a", "b", network.TCP, 80, "", ""},
		{"each subnet has its table", there, "a2", "b", network.TCP, 80, no, "own"},
		{"the other subnet's", "route own 10.1.0.0/16 ab\n", "a2", "b", network.TCP, 80, "", ""},
		{"the answer follows its own table", there + "route b.main 10.0.0.0/16 deleted\n", "a", "b", network.TCP, 80, no, "b.main"},
		{"a route for one address", "route a.main 10.1.1.10/32 ab\n", "a", "b", network.TCP, 80, "", ""},
		{"a default route", "route a.main 0.0.0.0/0 ab\n", "a", "b", network.TCP, 80, "", ""},
		{"a route beside it", "route a.main 10.1.2.0/24 ab\n", "a", "b", network.TCP, 80, no, "a.main"},
		{"not transitive", "route a.main 10.2.0.0/16 ab\n", "a", "c", network.TCP, 80, outside, "ab"},
		{"nor with routes all the way", "route a.main 10.2.0.0/16 ab\nroute c.main 10.0.0.0/16 bc\n", "a", "c", network.TCP, 80, outside, "ab"},
		{"nor by a default route", "route a.main 0.0.0.0/0 ab\n", "a", "c", network.TCP, 80, outside, "ab"},
		{"a deleted peering is a blackhole", there + "peering ab deleted\n", "a", "b", network.TCP, 80, hole, "a.main"},
		{"that wins over a shorter route", "peering ac a c active\n" + there + "route a.main 10.0.0.0/8 ac\npeering ab deleted\n", "a", "b", network.TCP, 80, hole, "a.main"},
		{"a peering that waits, too", "peering ac a c pending\nroute a.main 10.2.0.0/16 ac\n", "a", "c", network.TCP, 80, hole, "a.main"},
		{"the longer prefix wins", "peering ac a c active\nroute c.main 10.0.0.0/16 ac\nroute a.main 10.0.0.0/8 ab\nroute a.main 10.2.1.0/24 ac\n", "a", "c", network.TCP, 80, "", ""},
		{"whatever it leads to", "peering ac a c active\nroute a.main 10.1.1.0/24 ac\n" + there, "a", "b", network.TCP, 80, outside, "ac"},
	} {
		c.run(t, base)
	}
}

// Instances and interfaces (AWS: Elastic network interfaces; Instance lifecycle).
func TestInstancesAndInterfaces(t *testing.T) {
	const base = `vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
sg open allow any from 0.0.0.0/0
eni client in a1 10.0.1.10 sg open
eni server in a2 10.0.2.10 sg open
eni second in a2 10.0.2.20 sg open
eni idle in a2 10.0.2.30 sg open detached
instance double server second
`
	for _, c := range []check{
		{"both interfaces of an instance", "", "client", "second", network.TCP, 80, "", ""},
		{"and from each", "", "second", "client", network.TCP, 80, "", ""},
		{"an interface without an instance", "", "client", "idle", network.TCP, 80, reach.UnassociatedComponent, "idle"},
		{"nor does it send", "", "idle", "client", network.TCP, 80, reach.UnassociatedComponent, "idle"},
		{"a stopped instance", "instance double stopped\n", "client", "second", network.TCP, 80, reach.BadState, "double"},
		{"nor does it send", "instance double stopped\n", "server", "client", network.TCP, 80, reach.BadState, "double"},
		{"started again", "instance double stopped\ninstance double started\n", "client", "server", network.TCP, 80, "", ""},
	} {
		c.run(t, base)
	}
}

func TestASecondaryAddressIsTheInterfacesOwn(t *testing.T) {
	s := build(t, `vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
sg open allow any from 0.0.0.0/0
eni client in a1 10.0.1.10 10.0.1.11 sg open
eni server in a2 10.0.2.10 10.0.2.11 sg open
`)
	f := s.tcp("client", "server", 80)
	f.SourceAddr, f.DestinationAddr = netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("10.0.2.11")
	if r := reach.Trace(s.State, f); r.Verdict != reach.Reachable || r.Return.Header.Destination != f.SourceAddr {
		t.Errorf("%v, answered to %v", r.Verdict, r.Return.Header.Destination)
	}
	f.SourceAddr = netip.MustParseAddr("10.0.1.12")
	r := reach.Trace(s.State, f)
	if e, _ := r.First(); e.Code != reach.SourceDestCheck || e.PacketField != "source-address" || e.Address != f.SourceAddr {
		t.Errorf("%+v", e)
	}
}
