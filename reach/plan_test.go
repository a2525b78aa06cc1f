package reach_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

func TestAChangeNamesTheRealPeering(t *testing.T) {
	const pcx network.PeeringID = "pcx-0123456789abcdef0"
	to := network.ToPeering{Peering: reach.NewPeering}
	dst := netip.MustParsePrefix("10.0.0.1/32")
	for _, c := range []struct {
		name string
		r    network.Request
		want network.Request
	}{
		{"accept", network.AcceptPeering{Peering: reach.NewPeering}, network.AcceptPeering{Peering: pcx}},
		{"accept another", network.AcceptPeering{Peering: "pcx-1"}, network.AcceptPeering{Peering: "pcx-1"}},
		{"route", network.CreateRoute{Table: "rtb-1", Dst: dst, To: to}, network.CreateRoute{Table: "rtb-1", Dst: dst, To: network.ToPeering{Peering: pcx}}},
		{"replaced route", network.ReplaceRoute{Table: "rtb-1", Dst: dst, To: to}, network.ReplaceRoute{Table: "rtb-1", Dst: dst, To: network.ToPeering{Peering: pcx}}},
		{"route elsewhere", network.CreateRoute{Table: "rtb-1", Dst: dst, To: network.ToLocal{}}, network.CreateRoute{Table: "rtb-1", Dst: dst, To: network.ToLocal{}}},
		{"nothing about it", network.RequestPeering{VPC: "vpc-1", PeerVPC: "vpc-2"}, network.RequestPeering{VPC: "vpc-1", PeerVPC: "vpc-2"}},
	} {
		if got := (reach.Change{Request: c.r}).With(pcx); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestCommandsOfEveryKindOfChange: what is printed is what a person pastes.
func TestCommandsOfEveryKindOfChange(t *testing.T) {
	who := network.Caller{Account: "123456789012", Region: "us-east-1"}
	off := false
	one, six := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("2001:db8::1/128")
	rule := func(p network.Protocol, ports network.PortRange, cidr netip.Prefix) []network.RuleSpec {
		return []network.RuleSpec{{Protocol: p, Ports: ports, Peer: network.PeerCIDR{CIDR: cidr}}}
	}
	eighty := network.PortRange{From: 80, To: 80}
	for _, c := range []struct {
		request  network.Request
		command  string
		resource string // of Terraform
		action   string // of the API
	}{
		{network.RequestPeering{VPC: "vpc-1", PeerVPC: "vpc-2"},
			"PCX=$(aws ec2 create-vpc-peering-connection --vpc-id vpc-1 --peer-vpc-id vpc-2 --query VpcPeeringConnection.VpcPeeringConnectionId --output text)",
			"aws_vpc_peering_connection", "CreateVpcPeeringConnection"},
		{network.AcceptPeering{Peering: reach.NewPeering}, `aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id "$PCX"`,
			"aws_vpc_peering_connection_accepter", "AcceptVpcPeeringConnection"},
		{network.CreateRoute{Table: "rtb-1", Dst: one, To: network.ToPeering{Peering: "pcx-1"}},
			"aws ec2 create-route --route-table-id rtb-1 --destination-cidr-block 10.0.0.1/32 --vpc-peering-connection-id pcx-1", "aws_route", "CreateRoute"},
		{network.ReplaceRoute{Table: "rtb-1", Dst: six, To: network.ToPeering{Peering: reach.NewPeering}},
			`aws ec2 replace-route --route-table-id rtb-1 --destination-ipv6-cidr-block 2001:db8::1/128 --vpc-peering-connection-id "$PCX"`, "aws_route", "ReplaceRoute"},
		{network.AuthorizeRules{Group: "sg-1", Rules: rule(network.TCP, eighty, one)},
			"aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=tcp,FromPort=80,ToPort=80,IpRanges=[{CidrIp=10.0.0.1/32}]'",
			"aws_vpc_security_group_ingress_rule", "AuthorizeSecurityGroupIngress"},
		{network.AuthorizeRules{Group: "sg-1", Egress: true, Rules: rule(47, network.AnyPort, six)},
			"aws ec2 authorize-security-group-egress --group-id sg-1 --ip-permissions 'IpProtocol=47,Ipv6Ranges=[{CidrIpv6=2001:db8::1/128}]'",
			"aws_vpc_security_group_egress_rule", "AuthorizeSecurityGroupEgress"},
		{network.CreateACLEntry{ACL: "acl-1", Entry: network.ACLEntry{Number: 80, Allow: true, Protocol: network.UDP, CIDR: one, Ports: eighty}},
			"aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 80 --protocol 17 --rule-action allow --cidr-block 10.0.0.1/32 --port-range From=80,To=80",
			"aws_network_acl_rule", "CreateNetworkAclEntry"},
		{network.CreateACLEntry{ACL: "acl-1", Entry: network.ACLEntry{Number: 80, Egress: true, Allow: true, Protocol: network.ICMPv6, CIDR: six, Ports: network.PortRange{From: 129, To: 0}}},
			"aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 80 --protocol 58 --rule-action allow --ipv6-cidr-block 2001:db8::1/128 --icmp-type-code Type=129,Code=0",
			"aws_network_acl_rule", "CreateNetworkAclEntry"},
		{network.CreateACLEntry{ACL: "acl-1", Entry: network.ACLEntry{Number: 80, Allow: true, Protocol: 47, CIDR: one, Ports: network.AnyPort}},
			"aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 80 --protocol 47 --rule-action allow --cidr-block 10.0.0.1/32",
			"aws_network_acl_rule", "CreateNetworkAclEntry"},
		{network.SetENIAttribute{ENI: "eni-1", SourceDestCheck: &off},
			"aws ec2 modify-network-interface-attribute --network-interface-id eni-1 --no-source-dest-check", "source_dest_check = false", "ModifyNetworkInterfaceAttribute"},
		{network.StartInstances{Instances: []network.InstanceID{"i-1"}}, "aws ec2 start-instances --instance-ids i-1", "aws_ec2_instance_state", "StartInstances"},
	} {
		p := reach.Plan{Changes: []reach.Change{{Caller: who, Request: c.request, Why: "it is needed"}}}
		if got := p.Commands()[0].String(); got != c.command {
			t.Errorf("\n got %s\nwant %s", got, c.command)
		}
		if hcl := p.HCL(); !strings.Contains(hcl, c.resource) || !strings.HasPrefix(hcl, "# it is needed\n") {
			t.Errorf("%T:\n%s", c.request, hcl)
		}
		var doc struct {
			Changes []struct{ Action, Why, Account, Region, Command string }
		}
		text, err := json.Marshal(p)
		if err == nil {
			err = json.Unmarshal(text, &doc)
		}
		if err != nil || len(doc.Changes) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		if d := doc.Changes[0]; d.Action != c.action || d.Why != "it is needed" || d.Account != "123456789012" || d.Region != "us-east-1" || d.Command != c.command {
			t.Errorf("%s", text)
		}
	}
}

func TestAPlanThatIsRefusedChangesNothing(t *testing.T) {
	s := build(t, pair)
	who := network.Caller{Account: s.ENI(s.eni("client")).Owner, Region: s.ENI(s.eni("client")).Region}
	p := reach.Plan{Changes: []reach.Change{
		{Caller: who, Request: network.CreateACLEntry{ACL: network.ACLID(s.id("a.acl")), Entry: network.ACLEntry{Number: 50, Allow: true,
			Protocol: network.AnyProtocol, CIDR: netip.MustParsePrefix("10.0.0.0/8"), Ports: network.AnyPort}}},
		{Caller: who, Request: network.AcceptPeering{Peering: "pcx-0123456789abcdef0"}},
	}}
	after, err := p.After(s.State)
	if err == nil || after.Generation != s.Generation {
		t.Errorf("%v, generation %d of %d", err, after.Generation, s.Generation)
	}
	p.Changes = p.Changes[:1]
	if after, err = p.After(s.State); err != nil || after.Generation == s.Generation {
		t.Errorf("%v, generation %d of %d", err, after.Generation, s.Generation)
	}
}

// TestAFullGroupIsLeftAlone: a rule goes where there is room, and where there is
// none the plan says so.
func TestAFullGroupIsLeftAlone(t *testing.T) {
	s := build(t, `vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
sg one in a
sg two in a
eni client in a1 10.0.1.10
eni server in a2 10.0.2.10 sg one two
eni mate in a2 10.0.2.11 sg two
`)
	full := func(state network.State, id network.GroupID) network.State {
		g := state.SecurityGroup(id)
		r := network.AuthorizeRules{Group: id}
		for i := range state.Quota(network.Caller{Account: g.Owner, Region: g.Region}, network.QuotaRules) {
			r.Rules = append(r.Rules, network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: i + 1, To: i + 1},
				Peer: network.PeerCIDR{CIDR: netip.MustParsePrefix("192.0.2.0/24")}})
		}
		after, err := reach.Plan{Changes: []reach.Change{{Caller: network.Caller{Account: g.Owner, Region: g.Region}, Request: r}}}.After(state)
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	one, two := network.GroupID(s.id("sg:one")), network.GroupID(s.id("sg:two"))
	f := s.tcp("client", "server", 8080)
	for _, c := range []struct {
		name  string
		state network.State
		group network.GroupID
	}{
		{"the one with fewer members", s.State, one},
		{"the other, when that is full", full(s.State, one), two},
		{"none", full(full(s.State, one), two), ""},
	} {
		p := reach.Fix(c.state, f)
		if c.group == "" {
			if len(p.Changes) != 0 || len(p.Obstacles) != 1 || !strings.Contains(p.Obstacles[0].Redesign, "full") {
				t.Errorf("%s: %+v", c.name, p)
			}
			continue
		}
		if len(p.Changes) != 1 || p.Changes[0].Request.(network.AuthorizeRules).Group != c.group {
			t.Errorf("%s: %v", c.name, p.Commands())
		}
	}
}
