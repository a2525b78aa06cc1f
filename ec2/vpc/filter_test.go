package vpc

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/api/apitest"
	"tombolo/network"
)

// site is a world made by ops, and a call that looks at it.
type site struct {
	t    *testing.T
	call *api.Call
	n    uint64
}

func newSite(t *testing.T) *site {
	s := &site{t: t, call: &api.Call{Action: "DescribeThings", Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}}}
	s.do(network.OpenWorld{Zones: api.ZonesOf("us-east-1")})
	return s
}

// do carries out a request and gives the ID of what it made first.
func (s *site) do(r network.Request) string {
	s.t.Helper()
	s.n++
	ask := network.Op{Caller: s.call.Caller, At: time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC), Request: r}
	binary.BigEndian.PutUint64(ask.Seed[:], s.n)
	next, err := s.call.State.Apply(ask)
	if err != nil {
		s.t.Fatalf("%T: %v", r, err)
	}
	s.call.State = next
	if made := next.Outcome().Created; len(made) > 0 {
		return made[0]
	}
	return ""
}

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// furnish makes one of everything that this package describes.
func (s *site) furnish() {
	a := network.VPCID(s.do(network.CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true, Tags: network.Tags{"Name": "a", "env": ""}}))
	b := network.VPCID(s.do(network.CreateVPC{CIDR: cidr("10.1.0.0/16")}))
	s.do(network.AssociateVPCBlock{VPC: b, CIDR: cidr("10.2.0.0/16")})
	six := s.call.State.VPC(a).Blocks6[0].CIDR.Addr()
	web := network.SubnetID(s.do(network.CreateSubnet{VPC: a, CIDR: cidr("10.0.1.0/24"), CIDR6: netip.PrefixFrom(six, 64), Zone: "us-east-1b"}))
	s.do(network.SetVPCAttribute{VPC: a, DNSHostnames: new(true)})
	p := network.PeeringID(s.do(network.RequestPeering{VPC: a, PeerVPC: b, Tags: network.Tags{"Name": "ab"}}))
	s.do(network.Settle{})
	s.do(network.AcceptPeering{Peering: p})
	s.do(network.RequestPeering{VPC: b, PeerVPC: a})
	s.do(network.Settle{})
	g := network.GroupID(s.do(network.CreateSecurityGroup{VPC: a, Name: "web", Description: "web servers"}))
	h := network.GroupID(s.do(network.CreateSecurityGroup{VPC: b, Name: "peer", Description: "peers"}))
	s.do(network.AuthorizeRules{Group: g, Tags: network.Tags{"rule": "yes"}, Rules: []network.RuleSpec{
		{Protocol: network.TCP, Ports: network.PortRange{From: 80, To: 81}, Peer: network.PeerCIDR{CIDR: cidr("0.0.0.0/0")}},
		{Protocol: network.ICMPv6, Ports: network.PortRange{From: 128, To: -1}, Peer: network.PeerCIDR{CIDR: cidr("::/0")}},
		{Protocol: network.AnyProtocol, Peer: network.PeerGroup{Group: h}},
	}})
	acl := network.ACLID(s.do(network.CreateACL{VPC: a}))
	for n, entry := range []network.ACLEntry{
		{Allow: true, Protocol: network.TCP, CIDR: cidr("10.0.0.0/8"), Ports: network.PortRange{From: 80, To: 90}},
		{Egress: true, Protocol: network.ICMP, CIDR: cidr("0.0.0.0/0"), Ports: network.PortRange{From: 8, To: -1}},
	} {
		entry.Number = 100 + n
		s.do(network.CreateACLEntry{ACL: acl, Entry: entry})
	}
	s.do(network.ReplaceACLAssociation{Association: s.call.State.Subnet(web).ACLAssociation, ACL: acl})
	eni := network.ENIID(s.do(network.CreateENI{ENISpec: network.ENISpec{Subnet: web, Description: "plug", Groups: []network.GroupID{g},
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.9"), netip.MustParseAddr("10.0.1.10")}, Addrs6: []netip.Addr{six.Next().Next().Next().Next()}}}))
	s.do(network.CreateENI{ENISpec: network.ENISpec{Subnet: web, Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.11")}}})
	s.do(network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", Interfaces: []network.InterfaceSpec{{Existing: eni}}})
	table := network.RouteTableID(s.do(network.CreateRouteTable{VPC: a}))
	s.do(network.AssociateTable{Table: table, Subnet: web})
	s.do(network.CreateRoute{Table: table, Dst: cidr("10.1.0.0/16"), To: network.ToPeering{Peering: p}})
	s.do(network.CreateRoute{Table: table, Dst: cidr("2001:db8::/32"), To: network.ToENI{ENI: eni}})
	s.do(network.CreateFlowLogs{Resources: []string{string(a), string(web)}, Tags: network.Tags{"Name": "all"},
		FlowLogSpec: network.FlowLogSpec{Traffic: network.TrafficAll, Bucket: "records", Format: "${version}", Interval: 60}})
}

func TestWhatEveryFilterSees(t *testing.T) {
	s := newSite(t)
	s.furnish()
	var out strings.Builder
	apitest.Vocabulary(t, s.call, &out, "DescribeVpcs", vpcs)
	apitest.Vocabulary(t, s.call, &out, "DescribeSubnets", subnets)
	apitest.Vocabulary(t, s.call, &out, "DescribeRouteTables", routeTables)
	apitest.Vocabulary(t, s.call, &out, "DescribeVpcPeeringConnections", peerings)
	apitest.Vocabulary(t, s.call, &out, "DescribeSecurityGroups", groups)
	apitest.Vocabulary(t, s.call, &out, "DescribeSecurityGroupRules", groupRules)
	apitest.Vocabulary(t, s.call, &out, "DescribeNetworkAcls", acls)
	apitest.Vocabulary(t, s.call, &out, "DescribeNetworkInterfaces", Interfaces)
	apitest.Vocabulary(t, s.call, &out, "DescribeInternetGateways", gateways)
	apitest.Vocabulary(t, s.call, &out, "DescribeDhcpOptions", dhcpOptions)
	apitest.Vocabulary(t, s.call, &out, "DescribeFlowLogs", flowLogs)
	apitest.Vocabulary(t, s.call, &out, "DescribeTags", tagRows)
	apitest.CompareFile(t, "testdata/filters.txt", out.String())
}
