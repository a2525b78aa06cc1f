package reach_test

import (
	"maps"
	"net/netip"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// What a plan's calls say in the form of a query, of every kind of change.
func TestCallsAreQueries(t *testing.T) {
	who := network.Caller{Account: "123456789012", Region: "us-east-1"}
	one, six, off := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("2001:db8::1/128"), false
	eighty := network.PortRange{From: 80, To: 80}
	rule := func(p network.Protocol, ports network.PortRange, cidr netip.Prefix) []network.RuleSpec {
		return []network.RuleSpec{{Protocol: p, Ports: ports, Peer: network.PeerCIDR{CIDR: cidr}}}
	}
	type params = map[string]string
	for _, c := range []struct {
		request network.Request
		action  string
		params  params
	}{
		{network.RequestPeering{VPC: "vpc-1", PeerVPC: "vpc-2", PeerOwner: "210987654321", PeerRegion: "eu-west-1"}, "CreateVpcPeeringConnection",
			params{"VpcId": "vpc-1", "PeerVpcId": "vpc-2", "PeerOwnerId": "210987654321", "PeerRegion": "eu-west-1"}},
		{network.AcceptPeering{Peering: reach.NewPeering}, "AcceptVpcPeeringConnection", params{"VpcPeeringConnectionId": "pcx-new"}},
		{network.CreateRoute{Table: "rtb-1", Dst: one, To: network.ToPeering{Peering: "pcx-1"}}, "CreateRoute",
			params{"RouteTableId": "rtb-1", "DestinationCidrBlock": "10.0.0.1/32", "VpcPeeringConnectionId": "pcx-1"}},
		{network.ReplaceRoute{Table: "rtb-1", Dst: six, To: network.ToPeering{Peering: reach.NewPeering}}, "ReplaceRoute",
			params{"RouteTableId": "rtb-1", "DestinationIpv6CidrBlock": "2001:db8::1/128", "VpcPeeringConnectionId": "pcx-new"}},
		{network.AuthorizeRules{Group: "sg-1", Rules: rule(network.TCP, eighty, one)}, "AuthorizeSecurityGroupIngress",
			params{"GroupId": "sg-1", "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "80", "IpPermissions.1.ToPort": "80",
				"IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.1/32"}},
		{network.AuthorizeRules{Group: "sg-1", Egress: true, Rules: rule(47, network.AnyPort, six)}, "AuthorizeSecurityGroupEgress",
			params{"GroupId": "sg-1", "IpPermissions.1.IpProtocol": "47", "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "2001:db8::1/128"}},
		{network.CreateACLEntry{ACL: "acl-1", Entry: network.ACLEntry{Number: 80, Allow: true, Protocol: network.UDP, CIDR: one, Ports: eighty}}, "CreateNetworkAclEntry",
			params{"NetworkAclId": "acl-1", "RuleNumber": "80", "Egress": "false", "Protocol": "17", "RuleAction": "allow", "CidrBlock": "10.0.0.1/32",
				"PortRange.From": "80", "PortRange.To": "80"}},
		{network.CreateACLEntry{ACL: "acl-1", Entry: network.ACLEntry{Number: 80, Egress: true, Allow: true, Protocol: network.ICMPv6, CIDR: six,
			Ports: network.PortRange{From: 129, To: 0}}}, "CreateNetworkAclEntry",
			params{"NetworkAclId": "acl-1", "RuleNumber": "80", "Egress": "true", "Protocol": "58", "RuleAction": "allow", "Ipv6CidrBlock": "2001:db8::1/128",
				"Icmp.Type": "129", "Icmp.Code": "0"}},
		{network.SetENIAttribute{ENI: "eni-1", SourceDestCheck: &off}, "ModifyNetworkInterfaceAttribute",
			params{"NetworkInterfaceId": "eni-1", "SourceDestCheck.Value": "false"}},
		{network.StartInstances{Instances: []network.InstanceID{"i-1"}}, "StartInstances", params{"InstanceId.1": "i-1"}},
	} {
		p := reach.Plan{Changes: []reach.Change{{Caller: who, Request: c.request, Why: "it is needed"}}}
		calls := p.Calls()
		if len(calls) != 1 {
			t.Fatalf("%T: %d calls", c.request, len(calls))
		}
		got := calls[0]
		if got.Action != c.action || !maps.Equal(got.Params, c.params) {
			t.Errorf("%T:\n got %s %v\nwant %s %v", c.request, got.Action, got.Params, c.action, c.params)
		}
		if got.Caller != who || got.Why != "it is needed" {
			t.Errorf("%T: for %v, because %q", c.request, got.Caller, got.Why)
		}
		_, peering := c.request.(network.RequestPeering)
		if (got.Makes == reach.NewPeering) != peering {
			t.Errorf("%T makes %q", c.request, got.Makes)
		}
	}
}
