package reach_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
)

// found are the findings as lines, with what they lead through.
func (s site) found(sc reach.Scope) string {
	var out []string
	for f := range sc.Findings(s.State) {
		line := s.text([]reach.Path{f.Path})
		for _, id := range f.Through {
			line += " via " + s.nameOf(id)
		}
		if r := reach.Trace(s.State, f.Witness); r.Verdict != reach.Reachable {
			s.t.Errorf("%s: the witness %+v is %v", line, f.Witness, r.Verdict)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func resources(ids ...string) *reach.Resources { return &reach.Resources{IDs: ids} }

func types(names ...string) *reach.Resources { return &reach.Resources{Types: names} }

func cidrs(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func ports(from, to int) []network.PortRange { return []network.PortRange{{From: from, To: to}} }

func TestAScopeFindsWhatItDescribes(t *testing.T) {
	s := build(t, departments)
	finance, marketing := s.id("finance"), s.id("marketing")
	into := reach.ScopeEnd{Resources: resources(finance)}
	all := "dev > ledger: tcp 22 and 80 via df\ndev2 > ledger: tcp 80 via df\nmarket > ledger: icmp, tcp 80 via mf\nmarket2 > ledger: icmp, tcp 80 via mf"
	for name, c := range map[string]struct {
		path reach.ScopePath
		want string
	}{
		"into a VPC":         {reach.ScopePath{Destination: into}, all},
		"by ARN":             {reach.ScopePath{Destination: reach.ScopeEnd{Resources: resources("arn:aws:ec2:us-east-1:123456789012:vpc/" + finance)}}, all},
		"from a VPC":         {reach.ScopePath{Source: reach.ScopeEnd{Resources: resources(marketing)}, Destination: into}, "market > ledger: icmp, tcp 80 via mf\nmarket2 > ledger: icmp, tcp 80 via mf"},
		"from a subnet":      {reach.ScopePath{Source: reach.ScopeEnd{Resources: resources(s.id("d"))}, Destination: into}, "dev > ledger: tcp 22 and 80 via df\ndev2 > ledger: tcp 80 via df"},
		"from an instance":   {reach.ScopePath{Source: reach.ScopeEnd{Resources: resources(string(s.ENI(s.eni("dev")).Attachment.Instance))}, Destination: into}, "dev > ledger: tcp 22 and 80 via df"},
		"from an interface":  {reach.ScopePath{Source: reach.ScopeEnd{Resources: resources(s.id("dev2"))}, Destination: into}, "dev2 > ledger: tcp 80 via df"},
		"to a group":         {reach.ScopePath{Destination: reach.ScopeEnd{Resources: resources(s.id("sg:server"))}}, all},
		"by port":            {reach.ScopePath{Destination: reach.ScopeEnd{Headers: &reach.Headers{DestinationPorts: ports(0, 79)}, Resources: resources(finance)}}, "dev > ledger: tcp 22 via df"},
		"by protocol":        {reach.ScopePath{Source: reach.ScopeEnd{Headers: &reach.Headers{Protocols: []network.Protocol{network.ICMP}}}, Destination: into}, "market > ledger: icmp via mf\nmarket2 > ledger: icmp via mf"},
		"by address":         {reach.ScopePath{Source: reach.ScopeEnd{Headers: &reach.Headers{Sources: cidrs("10.0.1.11/32", "192.168.1.11/32")}}, Destination: into}, "dev2 > ledger: tcp 80 via df\nmarket2 > ledger: icmp, tcp 80 via mf"},
		"to an address":      {reach.ScopePath{Source: reach.ScopeEnd{Headers: &reach.Headers{Destinations: cidrs("172.31.1.0/24")}}}, all},
		"by client port":     {reach.ScopePath{Source: reach.ScopeEnd{Headers: &reach.Headers{SourcePorts: ports(1024, 65535)}, Resources: resources(s.id("dev2"))}, Destination: into}, "dev2 > ledger: tcp 80 from client ports 1024-65535 via df"},
		"through a peering":  {reach.ScopePath{Destination: into, Through: []reach.Resources{*resources(s.id("mf"))}}, "market > ledger: icmp, tcp 80 via mf\nmarket2 > ledger: icmp, tcp 80 via mf"},
		"through any":        {reach.ScopePath{Destination: into, Through: []reach.Resources{*types("AWS::EC2::VPCPeeringConnection")}}, all},
		"through a gateway":  {reach.ScopePath{Through: []reach.Resources{*types("AWS::EC2::InternetGateway")}}, ""},
		"through two":        {reach.ScopePath{Through: []reach.Resources{*resources(s.id("mf")), *resources(s.id("df"))}}, ""},
		"through its ACL":    {reach.ScopePath{Through: []reach.Resources{*resources(s.id("finance.acl"))}}, all},
		"instances":          {reach.ScopePath{Source: reach.ScopeEnd{Resources: types("AWS::EC2::Instance")}, Destination: into}, all},
		"what is not there":  {reach.ScopePath{Source: reach.ScopeEnd{Resources: resources("vpc-0123456789abcdef0")}}, ""},
		"a type without any": {reach.ScopePath{Source: reach.ScopeEnd{Resources: types("AWS::EC2::InternetGateway")}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if got := s.found(reach.Scope{Match: []reach.ScopePath{c.path}}); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAScopeLeavesOutWhatItExcludes(t *testing.T) {
	s := build(t, departments)
	into := reach.ScopePath{Destination: reach.ScopeEnd{Resources: resources(s.id("finance"))}}
	web := reach.ScopePath{Destination: reach.ScopeEnd{Headers: &reach.Headers{Protocols: []network.Protocol{network.TCP}, DestinationPorts: ports(80, 80)}}}
	ofMarketing := reach.ScopePath{Source: reach.ScopeEnd{Resources: resources(s.id("marketing"))}}
	for name, c := range map[string]struct {
		scope reach.Scope
		want  string
	}{
		"a service":  {reach.Scope{Match: []reach.ScopePath{into}, Exclude: []reach.ScopePath{web}}, "dev > ledger: tcp 22 via df\nmarket > ledger: icmp via mf\nmarket2 > ledger: icmp via mf"},
		"a source":   {reach.Scope{Match: []reach.ScopePath{into}, Exclude: []reach.ScopePath{ofMarketing}}, "dev > ledger: tcp 22 and 80 via df\ndev2 > ledger: tcp 80 via df"},
		"both":       {reach.Scope{Match: []reach.ScopePath{into}, Exclude: []reach.ScopePath{web, ofMarketing}}, "dev > ledger: tcp 22 via df"},
		"everything": {reach.Scope{Match: []reach.ScopePath{into}, Exclude: []reach.ScopePath{{}}}, ""},
		"no match":   {reach.Scope{Exclude: []reach.ScopePath{web}}, ""},
		"two matches": {reach.Scope{Match: []reach.ScopePath{web, ofMarketing}, Exclude: []reach.ScopePath{{Source: reach.ScopeEnd{Resources: resources(s.id("market2"))}}, {Destination: reach.ScopeEnd{Resources: resources(s.id("market2"))}}, {Source: reach.ScopeEnd{Resources: resources(s.id("development"))}, Destination: reach.ScopeEnd{Resources: resources(s.id("development"))}}}},
			"dev > ledger: tcp 80 via df\ndev2 > ledger: tcp 80 via df\nmarket > ledger: icmp, tcp 80 via mf"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if got := s.found(c.scope); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAScopeKnowsMiddleboxes(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet am in a 10.0.9.0/24
table there in a for a1
table back in a for a2
sg open allow any from 0.0.0.0/0
eni client in a1 10.0.1.10 sg open
eni server in a2 10.0.2.10 sg open
eni box in am 10.0.9.9 sg open unchecked
route there 10.0.2.0/24 box
route back 10.0.1.0/24 box
`)
	through := reach.ScopePath{Destination: reach.ScopeEnd{Resources: resources(s.id("server"))}, Through: []reach.Resources{*resources(s.id("box"))}}
	want := "box > server: everything\nclient > server: everything via box"
	if got := s.found(reach.Scope{Match: []reach.ScopePath{through}}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// A Scope that matches everything finds the same as Paths.
func TestAScopeOfEverythingIsAllPaths(t *testing.T) {
	for seed := range uint64(12) {
		n := randnet.New(seed)
		want := allPaths(n.State)
		seen := 0
		for f := range (reach.Scope{Match: []reach.ScopePath{{}}}).Findings(n.State) {
			set, ok := want[ends{f.Source, f.Destination}]
			if !ok || !f.Flows.Equal(set) {
				t.Fatalf("seed %d: %s to %s: found\n%v\nthe path is\n%v", seed, f.Source, f.Destination, f.Flows, set)
			}
			seen++
		}
		if seen != len(want) {
			t.Errorf("seed %d: %d findings, %d paths", seed, seen, len(want))
		}
	}
}

func TestFindingsStopWhenAsked(t *testing.T) {
	s, n := build(t, departments), 0
	for range (reach.Scope{Match: []reach.ScopePath{{}}}).Findings(s.State) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d findings", n)
	}
}

// What a caller is told of is its own, of the Region that it asks in.
func TestFindingsOfACallerAreItsOwn(t *testing.T) {
	s := build(t, departments)
	every := reach.Scope{Match: []reach.ScopePath{{}}}
	count := func(c network.Caller) (n int) {
		for f := range every.FindingsOf(s.State, c) {
			if a, b := s.ENI(f.Source), s.ENI(f.Destination); !a.In(c) || !b.In(c) {
				t.Errorf("%v is told of %s and %s", c, f.Source, f.Destination)
			}
			n++
		}
		return n
	}
	all := 0
	for range every.Findings(s.State) {
		all++
	}
	home := s.ENI(s.eni("ledger")).Home
	if got := count(network.Caller{Account: home.Owner, Region: home.Region}); got != all || all == 0 {
		t.Errorf("the owner is told of %d, there are %d", got, all)
	}
	if got := count(network.Caller{Account: "999999999999", Region: home.Region}) + count(network.Caller{Account: home.Owner, Region: "eu-west-1"}); got != 0 {
		t.Errorf("others are told of %d", got)
	}
}

func TestTheTypesOfResourcesAreAWSs(t *testing.T) {
	for _, name := range reach.ResourceTypes() {
		if !strings.HasPrefix(name, "AWS::EC2::") {
			t.Errorf("%q is no type of AWS's", name)
		}
	}
	if !slices.Contains(reach.ResourceTypes(), "AWS::EC2::VPCPeeringConnection") {
		t.Error("a peering is no type")
	}
}
