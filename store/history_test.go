package store

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tombolo/network"
)

var (
	caller  = network.Caller{Account: FirstAccount, Region: "us-east-1"}
	partner = network.Caller{Account: "210987654321", Region: "us-west-2"}
)

// epoch is when the requests of these tests are made.
var epoch = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)

// past is a State being made by one request after another.
type past struct {
	t      testing.TB
	states []network.State
}

func (p *past) now() network.State {
	if len(p.states) == 0 {
		return network.State{}
	}
	return p.states[len(p.states)-1]
}

// do applies r and returns the n-th thing that it created.
func (p *past) do(c network.Caller, token string, r network.Request, n int) string {
	p.t.Helper()
	i := len(p.states)
	op := network.Op{Caller: c, At: epoch.Add(time.Duration(i) * time.Second), Token: token, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], uint64(i)+1)
	next, err := p.now().Apply(op)
	if err != nil {
		p.t.Fatalf("request %d, %T: %v", i, r, err)
	}
	p.states = append(p.states, next)
	if n < 0 || n >= len(next.Outcome().Created) {
		return ""
	}
	return next.Outcome().Created[n]
}

// block is a CIDR block.
func block(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// history makes rows of every kind, in most of the shapes that they have, and
// changes and deletes some. It returns the State after each request.
func history(t testing.TB) []network.State {
	t.Helper()
	p := &past{t: t}
	zones := []string{"us-east-1a", "us-east-1b"}
	p.do(caller, "", network.OpenWorld{Zones: zones}, 0)
	a := network.VPCID(p.do(caller, "", network.CreateVPC{CIDR: block("10.0.0.0/16"), Amazon6: true, Tags: network.Tags{"Name": "marketing <&> \"ö\"", "empty": ""}}, 0))
	p.do(caller, "", network.AssociateVPCBlock{VPC: a, CIDR: block("10.3.0.0/16")}, 0)
	b := network.VPCID(p.do(partner, "", network.CreateVPC{CIDR: block("10.1.0.0/16"), Tenancy: "default"}, 0))
	six := p.now().VPC(a).Blocks6[0].CIDR
	one := network.SubnetID(p.do(caller, "", network.CreateSubnet{VPC: a, CIDR: block("10.0.1.0/24"), CIDR6: netip.PrefixFrom(six.Addr(), 64), Zone: "us-east-1a", Zones: zones}, 0))
	gone := network.SubnetID(p.do(caller, "", network.CreateSubnet{VPC: a, CIDR: block("10.0.2.0/24"), Zone: "us-east-1b", Zones: zones, Tags: network.Tags{"Name": "gone"}}, 0))
	p.do(caller, "", network.DeleteSubnet{Subnet: gone}, 0)
	pcx := network.PeeringID(p.do(caller, "", network.RequestPeering{VPC: a, PeerVPC: b, PeerOwner: partner.Account, PeerRegion: partner.Region}, 0))
	p.do(caller, "", network.Settle{}, 0)
	p.do(partner, "", network.AcceptPeering{Peering: pcx}, 0)
	p.do(caller, "", network.Settle{}, 0)
	web := network.GroupID(p.do(caller, "", network.CreateSecurityGroup{VPC: a, Name: "web", Description: "the web"}, 0))
	p.do(caller, "", network.AuthorizeRules{Group: web, Rules: []network.RuleSpec{
		{Protocol: network.TCP, Ports: network.PortRange{From: 80, To: 443}, Peer: network.PeerCIDR{CIDR: block("0.0.0.0/0")}, Description: "web"},
		{Protocol: network.ICMPv6, Ports: network.PortRange{From: -1, To: -1}, Peer: network.PeerCIDR{CIDR: block("::/0")}},
		{Protocol: network.AnyProtocol, Ports: network.AnyPort, Peer: network.PeerGroup{Group: web, Owner: caller.Account}},
	}}, 0)
	table := network.RouteTableID(p.do(caller, "token", network.CreateRouteTable{VPC: a}, 0))
	p.do(caller, "", network.CreateRoute{Table: table, Dst: block("10.1.0.0/16"), To: network.ToPeering{Peering: pcx}}, 0)
	p.do(caller, "", network.AssociateTable{Table: table, Subnet: one}, 0)
	acl := network.ACLID(p.do(caller, "", network.CreateACL{VPC: a}, 0))
	p.do(caller, "", network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 100, Allow: true, Protocol: network.TCP, CIDR: block("10.0.0.0/8"), Ports: network.PortRange{From: 22, To: 22}}}, 0)
	p.do(caller, "", network.ImportKeyPair{Name: "laptop", Type: "ed25519", Fingerprint: "ab:cd", Public: "ssh-ed25519 AAAA"}, 0)
	i := network.InstanceID(p.do(caller, "", network.RunInstances{
		Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 2, MaxAddrs: 2, KeyName: "laptop", UserData: []byte("#!/bin/sh\n\x00\xff"),
		Interfaces: []network.InterfaceSpec{{New: network.ENISpec{Subnet: one, Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.99")}, Extra: 1, Extra6: 1, Groups: []network.GroupID{web}}, DeleteOnTermination: true}},
		Metadata:   network.MetadataOptions{Tokens: "required", Endpoint: "enabled", Hops: 2}, Stored: map[string]string{"EbsOptimized": "true"}, Tags: network.Tags{"Name": "web"},
	}, 1))
	p.do(caller, "", network.ReportStarted{Instance: i}, 0)
	eni := network.ENIID(p.do(caller, "", network.CreateENI{ENISpec: network.ENISpec{Subnet: one, Description: "spare", Groups: []network.GroupID{web}}}, 0))
	p.do(caller, "", network.CreateRoute{Table: table, Dst: block("192.0.2.0/24"), To: network.ToENI{ENI: eni}}, 0)
	return p.states
}

// rows is what a reader sees of a State, as text.
func rows(s network.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "generation %d\n", s.Generation)
	put := func(row any) {
		doc, err := network.Change{Row: row}.Doc()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s\n", doc)
	}
	for _, c := range []network.Caller{caller, partner} {
		if w := s.World(c); w != nil {
			put(w)
		}
		for g := range s.GatewaysOf(c) {
			put(g)
		}
		for k := range s.KeyPairsOf(c) {
			put(k)
		}
		for tags := range s.TagSetsOf(c) {
			put(tags)
		}
	}
	for v := range s.VPCs() {
		put(v)
	}
	for n := range s.Subnets() {
		put(n)
	}
	for r := range s.RouteTables() {
		put(r)
	}
	for g := range s.SecurityGroups() {
		put(g)
	}
	for a := range s.ACLs() {
		put(a)
	}
	for e := range s.ENIs() {
		put(e)
	}
	for i := range s.Instances() {
		put(i)
	}
	for p := range s.Peerings() {
		put(p)
	}
	return b.String()
}
