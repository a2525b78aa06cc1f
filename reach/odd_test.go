package reach_test

import (
	"encoding/json"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// site is a network that a scenario has made, and the names in it.
type site struct {
	t *testing.T
	network.State
	nameOf func(string) string
}

// build plays a scenario's statements. Its first interface asks itself something,
// which is how the network gets here.
func build(t *testing.T, text string) site {
	t.Helper()
	var eni string
	for line := range strings.Lines(text) {
		if w := strings.Fields(line); eni == "" && len(w) > 2 && w[0] == "eni" && !strings.Contains(line, "detached") {
			eni = w[1]
		}
	}
	f, err := scenario.Parse(t.Name(), "# "+t.Name()+"\n"+text+"\nsend "+eni+" "+eni+" icmp\n----\nwhatever\n")
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{}
	if _, err := scenario.Run(f, a); err != nil {
		t.Fatal(err)
	}
	return site{t, a.state, a.nameOf}
}

// id finds what the scenario calls by a name.
func (s site) id(name string) string {
	s.t.Helper()
	for _, id := range s.ids() {
		if s.nameOf(id) == name {
			return id
		}
	}
	s.t.Fatalf("nothing is called %s", name)
	return ""
}

func (s site) ids() []string {
	var out []string
	collect(&out, s.ENIs(), func(r *network.ENI) string { return string(r.ID) })
	collect(&out, s.VPCs(), func(r *network.VPC) string { return string(r.ID) })
	collect(&out, s.RouteTables(), func(r *network.RouteTable) string { return string(r.ID) })
	collect(&out, s.Peerings(), func(r *network.Peering) string { return string(r.ID) })
	collect(&out, s.SecurityGroups(), func(r *network.SecurityGroup) string { return string(r.ID) })
	collect(&out, s.ACLs(), func(r *network.ACL) string { return string(r.ID) })
	collect(&out, s.Subnets(), func(r *network.Subnet) string { return string(r.ID) })
	collect(&out, s.Instances(), func(r *network.Instance) string { return string(r.ID) })
	return out
}

func collect[V any](out *[]string, rows iter.Seq[V], id func(V) string) {
	for row := range rows {
		*out = append(*out, id(row))
	}
}

func (s site) eni(name string) network.ENIID { return network.ENIID(s.id(name)) }

func (s site) tcp(from, to string, port uint16) reach.Flow {
	return reach.Flow{Source: s.eni(from), Destination: s.eni(to), Protocol: network.TCP, Port: port}
}

const pair = `vpc a 10.0.0.0/16 ipv6
subnet a1 in a 10.0.1.0/24 ipv6
subnet a2 in a 10.0.2.0/24 ipv6
sg open allow any from 0.0.0.0/0 allow any from ::/0
eni client in a1 10.0.1.10 ipv6 sg open
eni server in a2 10.0.2.10 ipv6 sg open
eni plain in a2 10.0.2.20 sg open
`

// oddResults are those that no scenario can ask for.
func oddResults(t *testing.T) []reach.Result {
	s := build(t, pair)
	client, server := s.eni("client"), s.eni("server")
	d := detachedGateway(t)
	return []reach.Result{
		reach.Trace(s.State, reach.Flow{Source: "eni-0123456789abcdef0", Destination: server, Protocol: network.TCP}),
		reach.Trace(s.State, reach.Flow{Source: client, Destination: "eni-0123456789abcdef0", Protocol: network.TCP}),
		reach.Trace(s.State, reach.Flow{Source: client, Destination: s.eni("plain"), SourceAddr: s.ENI(client).Addrs6[0]}),
		reach.Trace(d.State, reach.Flow{Source: d.eni("server"), DestinationAddr: netip.MustParseAddr("198.51.100.1"), Protocol: network.TCP, Port: 443}),
	}
}

// detachedGateway is the default VPC after its gateway has been detached.
func detachedGateway(t *testing.T) site {
	t.Helper()
	s := build(t, "vpc def default\nsubnet d1 in def 172.31.200.0/24\neni server in d1 172.31.200.10\n")
	var l network.Loader
	add := func(kind string, row any) {
		doc, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(kind, doc); err != nil {
			t.Fatal(err)
		}
	}
	for v := range s.VPCs() {
		add("vpc", v)
		for g := range s.GatewaysOf(network.Caller{Account: v.Owner, Region: v.Region}) {
			free := *g
			free.VPC = ""
			add("internet-gateway", &free)
		}
	}
	addAll(add, "subnet", s.Subnets())
	addAll(add, "eni", s.ENIs())
	addAll(add, "instance", s.Instances())
	addAll(add, "route-table", s.RouteTables())
	addAll(add, "security-group", s.SecurityGroups())
	addAll(add, "network-acl", s.ACLs())
	return site{t, l.State(1), s.nameOf}
}

func addAll[V any](add func(string, any), kind string, rows iter.Seq[V]) {
	for row := range rows {
		add(kind, row)
	}
}

func codes(r reach.Result) []reach.Code {
	var out []reach.Code
	for _, e := range r.Causes {
		out = append(out, e.Code)
	}
	return out
}

func TestWhatDoesNotExistIsTheCause(t *testing.T) {
	odd := oddResults(t)
	want := [][]reach.Code{
		{reach.NoSourceOrDestination}, {reach.NoSourceOrDestination}, {reach.NoPath},
		{reach.BadStateRoute, reach.BadStateAttachment, reach.NoSourceOrDestination},
	}
	for i, r := range odd {
		got := codes(r)
		if r.Verdict != reach.Unreachable || !slices.Equal(got, want[i][:min(len(want[i]), len(got))]) {
			t.Errorf("%d: %v: %v, want %v", i, r.Verdict, got, want[i])
		}
	}
	if d := odd[0].Causes[0]; d.Direction != reach.Egress || d.Component != "eni-0123456789abcdef0" {
		t.Errorf("%+v", d)
	}
	if d := odd[1].Causes[0]; d.Direction != reach.Ingress {
		t.Errorf("%+v", d)
	}
}

func TestAddressesAreFilledInOfOneFamily(t *testing.T) {
	s := build(t, pair)
	client, server, plain := s.ENI(s.eni("client")), s.ENI(s.eni("server")), s.eni("plain")
	four, six := client.Addrs[0], client.Addrs6[0]
	for _, c := range []struct {
		name   string
		flow   reach.Flow
		source netip.Addr
	}{
		{"both have both", reach.Flow{Destination: server.ID}, four},
		{"IPv6 asked for", reach.Flow{Destination: server.ID, DestinationAddr: server.Addrs6[0]}, six},
		{"IPv6 source", reach.Flow{Destination: server.ID, SourceAddr: six}, six},
		{"IPv4 only there", reach.Flow{Destination: plain}, four},
		{"an address", reach.Flow{DestinationAddr: server.Addrs6[0]}, six},
		{"mapped", reach.Flow{DestinationAddr: netip.AddrFrom16(server.Addrs[0].As16())}, four},
	} {
		c.flow.Source, c.flow.Protocol = client.ID, network.TCP
		r := reach.Trace(s.State, c.flow)
		if r.Verdict != reach.Reachable || r.Flow.SourceAddr != c.source || r.Flow.DestinationAddr.Is4() != c.source.Is4() {
			t.Errorf("%s: %v with %v > %v", c.name, r.Verdict, r.Flow.SourceAddr, r.Flow.DestinationAddr)
		}
	}
}

func TestPingTakesTheFamilyThatBothHave(t *testing.T) {
	s := build(t, strings.Replace(pair, "subnet a2 in a 10.0.2.0/24 ipv6", "subnet a2 in a 10.0.2.0/24 ipv6\nacl a.acl in 1 deny icmp 0.0.0.0/0", 1))
	f := reach.Ping(s.State, s.eni("client"), s.eni("server"))
	if f.Protocol != network.ICMP || f.ICMPType != 8 {
		t.Errorf("%+v", f)
	}
	if r := reach.Trace(s.State, f); r.Verdict != reach.Unreachable {
		t.Error(r.Verdict)
	}
	// An echo between IPv6 addresses is ICMPv6's.
	f.SourceAddr = s.ENI(s.eni("client")).Addrs6[0]
	r := reach.Trace(s.State, f)
	if r.Verdict != reach.Reachable || r.Flow.Protocol != network.ICMPv6 || r.Flow.ICMPType != 128 {
		t.Errorf("%v %+v", r.Verdict, r.Flow)
	}
	if r.Return.Header.DestinationPorts != (network.PortRange{From: 129, To: 0}) {
		t.Errorf("the answer is %+v", r.Return.Header)
	}
	if f := reach.Ping(s.State, "eni-0", s.eni("server")); f.Protocol != network.ICMP {
		t.Errorf("%+v", f)
	}
}

func TestHopsComeInAWSsOrder(t *testing.T) {
	s := build(t, `vpc a 10.0.0.0/16
vpc b 10.1.0.0/16
subnet a1 in a 10.0.1.0/24
subnet b1 in b 10.1.1.0/24
sg web in b allow tcp/80 from 10.0.0.0/16
eni client in a1 10.0.1.10
eni server in b1 10.1.1.10 sg web
peering ab a b active
route a.main 10.1.0.0/16 ab
route b.main 10.0.0.0/16 ab
`)
	r := reach.Trace(s.State, s.tcp("client", "server", 80))
	forward := "instance client; network-interface client egress; security-group sg:a.default egress rule; network-acl a.acl egress 100; " +
		"route-table a.main 10.1.0.0/16; vpc-peering-connection ab; network-acl b.acl ingress 100; security-group sg:web ingress rule; " +
		"network-interface server ingress; instance server"
	back := "instance server; network-interface server egress; security-group sg:web egress tracked; network-acl b.acl egress 100; " +
		"route-table b.main 10.0.0.0/16; vpc-peering-connection ab; network-acl a.acl ingress 100; security-group sg:a.default ingress tracked; " +
		"network-interface client ingress; instance client"
	if got := s.hops(r.Forward); got != strings.ReplaceAll(forward, "sg:a.default", "a.default") && got != forward {
		t.Errorf("forward\n got %s\nwant %s", got, forward)
	}
	if got := s.hops(r.Return); got != strings.ReplaceAll(back, "sg:a.default", "a.default") && got != back {
		t.Errorf("return\n got %s\nwant %s", got, back)
	}
	if r.Forward.Arrived != s.eni("server") || r.Return.Arrived != s.eni("client") {
		t.Errorf("arrived at %s and %s", r.Forward.Arrived, r.Return.Arrived)
	}
}

// hops is a leg in one line.
func (s site) hops(l reach.Leg) string {
	var out []string
	for _, h := range l.Hops {
		name := s.nameOf(h.Component)
		if h.Kind == reach.Instance {
			name = s.nameOf(string(h.ENI))
		}
		w := h.Kind.String() + " " + name
		if h.Direction != reach.NoDirection {
			w += " " + h.Direction.String()
		}
		switch {
		case h.Tracked:
			w += " tracked"
		case h.Rule.ID != "":
			w += " rule"
		case h.Kind == reach.NetworkACL:
			w += " " + itoa(h.Entry.Number)
		case h.Route.To != nil:
			w += " " + h.Route.Dst.String()
		}
		if h.Blocked {
			w += " BLOCKED"
		}
		if h.Beyond {
			w = "(" + w + ")"
		}
		out = append(out, w)
	}
	return strings.Join(out, "; ")
}

func TestHopsGoOnBeyondWhatBlocks(t *testing.T) {
	s := build(t, `vpc a 10.0.0.0/16
vpc b 10.1.0.0/16
subnet a1 in a 10.0.1.0/24
subnet b1 in b 10.1.1.0/24
eni client in a1 10.0.1.10
eni server in b1 10.1.1.10
`)
	r := reach.Trace(s.State, s.tcp("client", "server", 80))
	want := "instance client; network-interface client egress; security-group a.default egress rule; network-acl a.acl egress 100; " +
		"route-table a.main BLOCKED; (network-acl b.acl ingress 100); (security-group b.default ingress BLOCKED); " +
		"(network-interface server ingress); (instance server)"
	if got := strings.ReplaceAll(s.hops(r.Forward), "sg:", ""); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if r.Forward.Arrived != "" || r.Return.Arrived != "" {
		t.Errorf("arrived at %s and %s", r.Forward.Arrived, r.Return.Arrived)
	}
	blocked := 0
	for _, h := range append(r.Forward.Hops, r.Return.Hops...) {
		if h.Blocked {
			blocked++
		}
	}
	if n := len(r.Independent()); blocked != 3 || n != 4 {
		t.Errorf("%d hops block, for %d causes: %v", blocked, n, codes(r))
	}
	first, ok := r.First()
	if !ok || first.Code != reach.NoRouteToDestination || first.Way != reach.Request {
		t.Errorf("%+v", first)
	}
}

func TestWhoGetsItInstead(t *testing.T) {
	s := build(t, `vpc hub 172.16.0.0/16
vpc b 10.0.0.0/16
vpc c 10.0.0.0/16
subnet h1 in hub 172.16.1.0/24
subnet b1 in b 10.0.1.0/24
subnet c1 in c 10.0.1.0/24
sg open allow any from 0.0.0.0/0
eni hub in h1 172.16.1.10 sg open
eni inb in b1 10.0.1.66 sg open
eni inc in c1 10.0.1.66 sg open
peering hb hub b active
peering hc hub c active
route hub.main 10.0.0.0/16 hb
route b.main 172.16.0.0/16 hb
route c.main 172.16.0.0/16 hc
`)
	r := reach.Trace(s.State, s.tcp("hub", "inc", 80))
	if r.Verdict != reach.Unreachable || r.Forward.Arrived != s.eni("inb") {
		t.Errorf("%v, arrived at %q", r.Verdict, s.nameOf(string(r.Forward.Arrived)))
	}
	f := s.tcp("hub", "inc", 80)
	f.Destination, f.DestinationAddr = "", netip.MustParseAddr("10.0.1.66")
	if r := reach.Trace(s.State, f); r.Verdict != reach.Reachable || r.Forward.Arrived != s.eni("inb") {
		t.Errorf("by address: %v, arrived at %q", r.Verdict, s.nameOf(string(r.Forward.Arrived)))
	}
	if r := reach.Trace(s.State, s.tcp("inc", "hub", 80)); r.Verdict != reach.Unanswered {
		t.Errorf("the answer goes to b: %v", r.Verdict)
	}
	owners := reach.NewIndex(s.State).Owners(s.ENI(s.eni("inb")).Owner, f.DestinationAddr)
	if len(owners) != 2 {
		t.Errorf("%v have the address", owners)
	}
}

func TestAnErrorMessageHasNoAnswer(t *testing.T) {
	s := build(t, pair)
	r := reach.Trace(s.State, reach.Flow{Source: s.eni("client"), Destination: s.eni("server"), Protocol: network.ICMP, ICMPType: 3, ICMPCode: 3})
	if r.Verdict != reach.Reachable || len(r.Return.Hops) != 0 {
		t.Errorf("%v, %d hops back", r.Verdict, len(r.Return.Hops))
	}
}

func TestSentencesNameWhatDecided(t *testing.T) {
	s := build(t, pair)
	acl := s.id("a.acl")
	results := append(oddResults(t),
		reach.Trace(s.State, s.tcp("client", "server", 80)),
		reach.Trace(s.State, reach.Flow{Source: s.eni("client"), DestinationAddr: netip.MustParseAddr("192.0.2.1"), Protocol: 47}))
	for _, r := range results {
		for _, e := range r.Causes {
			if text := e.Sentence(); text == "" || strings.Contains(text, "%!") || strings.Contains(text, string(e.Code)) {
				t.Errorf("%s: %q", e.Code, text)
			}
		}
		for _, h := range append(r.Forward.Hops, r.Return.Hops...) {
			if text := h.Sentence(); text == "" || strings.Contains(text, "%!") {
				t.Errorf("%v: %q", h.Kind, text)
			}
		}
	}
	e := reach.Explanation{Code: reach.SubnetACLRestriction, ACL: network.ACLID(acl), Subnet: "subnet-1", Way: reach.Answer,
		Entry: network.ACLEntry{Number: 90, Protocol: network.TCP, Ports: network.PortRange{From: 80, To: 90}, CIDR: netip.MustParsePrefix("10.0.0.0/16")}}
	if got, want := e.Sentence(), "the answer is lost: "+acl+" of subnet-1: entry 90 denies tcp/80-90 10.0.0.0/16"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
