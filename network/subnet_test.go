package network

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// AWS: Subnet CIDR blocks: inside one block of the VPC, clear of the other subnets.
func TestWhereASubnetFits(t *testing.T) {
	for _, tt := range []struct {
		cidr   string
		code   Code
		detail string // whose range it is about: the VPC's, or the other subnet's
	}{
		{"10.0.0.0/17", 0, ""},
		{"10.0.128.0/20", CIDRConflict, "subnet"},
		{"10.0.128.0/24", CIDRConflict, "subnet"},
		{"10.0.128.0/19", CIDRConflict, "subnet"},
		{"10.0.0.0/16", CIDRConflict, "subnet"},
		{"10.0.144.0/20", 0, ""},
		{"10.1.0.0/16", CIDROutside, "vpc"},
		{"10.2.0.0/20", 0, ""},              // the second block
		{"10.2.0.0/19", CIDROutside, "vpc"}, // more than the second block
		{"172.31.0.0/20", CIDROutside, "vpc"},
	} {
		w := newSite(t)
		v := w.newVPC(home, "10.0.0.0/16")
		w.do(AssociateVPCBlock{v.ID, cidr("10.2.0.0/20")})
		taken := w.newSubnet(home, v.ID, "10.0.128.0/20")
		create := CreateSubnet{VPC: v.ID, CIDR: cidr(tt.cidr), Zones: zones}
		switch tt.detail {
		case "vpc":
			w.refuses(create, tt.code, tt.cidr, string(v.ID))
		case "subnet":
			w.refuses(create, tt.code, tt.cidr, string(taken.ID))
		default:
			w.do(create)
		}
	}
}

// AWS: Network ACL basics; Subnet route tables: a new subnet has the default ACL
// and follows the main table.
func TestANewSubnetFollowsItsVPCsDefaults(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	if n.ACL != v.DefaultACL || n.Table != "" || w.TableOf(n).ID != v.MainTable {
		t.Errorf("ACL %s, table %s", n.ACL, w.TableOf(n).ID)
	}
	if n.MapPublicIP || n.Assign6 || n.DefaultForZone || n.HostnameType != "ip-name" {
		t.Errorf("attributes %+v", n)
	}
	other := RouteTableID(w.do(CreateRouteTable{VPC: v.ID}))
	w.do(ReplaceTableAssociation{v.MainAssociation, other})
	if got := w.TableOf(n).ID; got != other {
		t.Errorf("with another main table it follows %s", got)
	}
}

// AWS: CreateSubnet, AvailabilityZone: "AWS selects one for you".
func TestAZoneIsPickedForASubnetThatNamesNone(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	seen := map[string]bool{}
	for k := range 20 {
		n := w.Subnet(SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR: cidr(fmt.Sprintf("10.0.%d.0/24", k)), Zones: zones})))
		if !slices.Contains(zones, n.Zone) {
			t.Fatalf("zone %q", n.Zone)
		}
		seen[n.Zone] = true
	}
	if len(seen) != len(zones) {
		t.Errorf("only %v were picked", seen)
	}
	w.refuses(CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.99.0/24"), Zone: "us-east-1z", Zones: zones},
		InvalidValue, "us-east-1z", "availabilityZone")
}

// AWS: AssociateSubnetCidrBlock: a /64 of the VPC's, at most one.
func TestIPv6BlocksOfSubnets(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n, m := w.newSubnet(home, v.ID, "10.0.1.0/24"), w.newSubnet(home, v.ID, "10.0.2.0/24")
	block := v.Blocks6[0].CIDR
	for text, code := range map[string]Code{
		block.String(): CIDRSize,
		netip.PrefixFrom(block.Addr(), 63).Masked().String(): CIDRSize,
		netip.PrefixFrom(block.Addr(), 65).String():          CIDRSize,
	} {
		w.refuses(AssociateSubnetBlock{n.ID, cidr(text)}, code, text, "")
	}
	w.refuses(AssociateSubnetBlock{n.ID, cidr("2001:db8::/64")}, CIDROutside, "2001:db8::/64", string(v.ID))
	w.refuses(AssociateSubnetBlock{n.ID, cidr("10.0.0.0/24")}, InvalidCIDR, "10.0.0.0/24", "ipv6CidrBlock")
	first := nth64(block, 0)
	w.do(AssociateSubnetBlock{n.ID, first})
	w.refuses(AssociateSubnetBlock{n.ID, nth64(block, 1)}, LimitExceeded, string(n.ID), string(QuotaSubnetBlocks6))
	w.refuses(AssociateSubnetBlock{m.ID, first}, CIDRConflict, first.String(), string(n.ID))
	w.do(AssociateSubnetBlock{m.ID, nth64(block, 255)})
	if got := w.Subnet(m.ID).CIDR6(); got != nth64(block, 255) {
		t.Errorf("block %v", got)
	}
	w.refuses(DisassociateVPCBlock{v.Blocks6[0].Association}, InUse, string(v.Blocks6[0].Association),
		string(min(n.ID, m.ID)))
}

// What takes a thing away says who still needs it.
func TestWhatHoldsAVPC(t *testing.T) {
	w := newSite(t)
	v, other := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	for _, made := range []struct {
		what Request
		undo func(id string) Request
	}{
		{CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.1.0/24"), Zones: zones}, func(id string) Request { return DeleteSubnet{SubnetID(id)} }},
		{CreateRouteTable{VPC: v.ID}, func(id string) Request { return DeleteRouteTable{RouteTableID(id)} }},
		{CreateACL{VPC: v.ID}, func(id string) Request { return DeleteACL{ACLID(id)} }},
		{CreateSecurityGroup{VPC: v.ID, Name: "g", Description: "d"}, func(id string) Request { return DeleteSecurityGroup{GroupID(id)} }},
	} {
		id := w.do(made.what)
		w.refuses(DeleteVPC{v.ID}, InUse, string(v.ID), id)
		w.do(made.undo(id))
	}
	p := w.newPeering(home, v.ID, home, other.ID)
	w.refuses(DeleteVPC{v.ID}, InUse, string(v.ID), string(p))
	w.refuses(DeleteVPC{other.ID}, InUse, string(other.ID), string(p))
	w.do(DeletePeering{p})
	w.do(DeleteVPC{v.ID})
	w.do(DeleteVPC{other.ID})
}

// AWS: ModifySubnetAttribute, AssignIpv6AddressOnCreation; an IPv6-only subnet
// gives an address in any case, or its interfaces would have none.
func TestAnInterfaceInAnIPv6OnlySubnetHasAnAddress(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n := SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR6: subnetOf6(v), Native6: true, Zones: zones}))
	w.do(SetSubnetAttribute{Subnet: n, Assign6: ptr(false)})
	eni := w.newENI(home, n)
	if len(eni.Addrs) != 0 || len(eni.Addrs6) != 1 {
		t.Errorf("addresses %v", eni.AllAddrs())
	}
	w.refuses(AssignAddrs{ENI: eni.ID, Count: 1}, Combination, "privateIpAddress", "ipv6Native")
	w.refuses(UnassignAddrs6{eni.ID, eni.Addrs6}, PrimaryAddress, eni.Addrs6[0].String(), string(eni.ID))
	w.do(AssignAddrs6{ENI: eni.ID, Count: 1})
	w.do(UnassignAddrs6{eni.ID, eni.Addrs6})
}

// AWS: Amazon VPC quotas, CIDR blocks per VPC; here with smaller ones.
func TestQuotasOfBlocks(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.newVPC(home, "10.0.0.0/16")
	w.do(SetQuota{QuotaBlocks, 2})
	w.do(SetQuota{QuotaBlocks6, 1})
	w.do(AssociateVPCBlock{v.ID, cidr("10.1.0.0/16")})
	w.do(AssociateVPCBlock{VPC: v.ID})
	w.refuses(AssociateVPCBlock{v.ID, cidr("10.2.0.0/16")}, LimitExceeded, string(v.ID), string(QuotaBlocks))
	w.refuses(AssociateVPCBlock{VPC: v.ID}, LimitExceeded, string(v.ID), string(QuotaBlocks6))
}
