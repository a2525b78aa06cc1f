package network

import (
	"net/netip"
	"slices"
	"testing"
)

// AWS: VPC CIDR blocks, IPv4 CIDR block association restrictions.
func TestWhatMayBeAddedDependsOnThePrimaryBlock(t *testing.T) {
	for _, tt := range []struct {
		primary, added string
		allowed        bool
	}{
		{"10.0.0.0/16", "10.1.0.0/16", true},
		{"10.0.0.0/16", "10.200.0.0/16", true},
		{"10.0.0.0/16", "172.16.0.0/16", false},
		{"10.0.0.0/16", "172.31.0.0/16", false},
		{"10.0.0.0/16", "192.168.1.0/24", false},
		{"10.0.0.0/16", "198.19.0.0/20", false},
		{"10.0.0.0/16", "100.64.0.0/16", true},
		{"10.0.0.0/16", "203.0.112.0/20", true},
		{"10.1.0.0/16", "10.0.128.0/20", false}, // the VPC is in 10.0.0.0/15
		{"10.2.0.0/16", "10.0.128.0/20", true},
		{"172.16.0.0/16", "172.17.0.0/16", true},
		{"172.16.0.0/16", "172.31.0.0/20", false},
		{"172.31.0.0/16", "172.30.0.0/16", true},
		{"172.16.0.0/16", "10.0.0.0/16", false},
		{"172.16.0.0/16", "192.168.0.0/24", false},
		{"172.16.0.0/16", "198.19.0.0/16", false},
		{"192.168.0.0/20", "192.168.16.0/20", true},
		{"192.168.0.0/20", "10.0.0.0/16", false},
		{"192.168.0.0/20", "172.16.0.0/16", false},
		{"192.168.0.0/20", "198.19.0.0/16", false},
		{"192.168.0.0/20", "100.64.0.0/16", true},
		{"198.19.0.0/20", "198.19.16.0/20", true},
		{"198.19.0.0/20", "10.0.0.0/16", false},
		{"198.19.0.0/20", "192.168.0.0/24", false},
		{"198.19.0.0/20", "100.64.0.0/16", true},
		{"100.64.0.0/16", "100.65.0.0/16", true},
		{"100.64.0.0/16", "10.0.0.0/16", false},
		{"100.64.0.0/16", "198.19.0.0/16", false},
		{"203.0.112.0/20", "203.0.128.0/20", true},
		{"203.0.112.0/20", "172.16.0.0/16", false},
		{"203.0.112.0/20", "198.19.0.0/16", false},
	} {
		w := newSite(t)
		v := w.newVPC(home, tt.primary)
		add := AssociateVPCBlock{v.ID, cidr(tt.added)}
		if !tt.allowed {
			w.refuses(add, CIDRRestricted, tt.added, string(v.ID))
			continue
		}
		w.do(add)
		if got := w.VPC(v.ID).Prefixes(); !slices.Equal(got, []netip.Prefix{cidr(tt.primary), cidr(tt.added)}) {
			t.Errorf("%s and %s make %v", tt.primary, tt.added, got)
		}
	}
}

// AWS: VPC CIDR blocks: "if any of the VPC's blocks is in 10.0.0.0/15", not only the primary.
func TestASecondaryBlockRestrictsToo(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.5.0.0/16")
	w.do(AssociateVPCBlock{v.ID, cidr("10.1.0.0/16")})
	w.refuses(AssociateVPCBlock{v.ID, cidr("10.0.0.0/20")}, CIDRRestricted, "10.0.0.0/20", string(v.ID))
}

// Decision 0043.
func TestBlocksNoVPCMayHave(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	for _, block := range []string{
		"0.0.0.0/16", "127.0.0.0/16", "169.254.0.0/16", "169.254.64.0/20", "224.0.0.0/16", "240.0.0.0/20", "255.255.0.0/16",
	} {
		w.refuses(CreateVPC{CIDR: cidr(block)}, CIDRSize, block, "")
		w.refuses(AssociateVPCBlock{v.ID, cidr(block)}, CIDRSize, block, "")
	}
}

// AWS: CreateVpc, "We modify the specified CIDR block to its canonical form".
func TestHostBitsOfBlocksAreCleared(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("100.68.0.18/18")})))
	if got := v.Blocks[0].CIDR; got != cidr("100.68.0.0/18") {
		t.Errorf("VPC block %v", got)
	}
	w.do(AssociateVPCBlock{v.ID, cidr("100.70.1.1/16")})
	if got := w.VPC(v.ID).Blocks[1].CIDR; got != cidr("100.70.0.0/16") {
		t.Errorf("second block %v", got)
	}
	n := w.newSubnet(home, v.ID, "100.68.1.77/24")
	if n.CIDR != cidr("100.68.1.0/24") {
		t.Errorf("subnet %v", n.CIDR)
	}
}

// AWS: VPC CIDR blocks; Subnet CIDR blocks: /16 to /28.
func TestBlocksAreFrom16To28(t *testing.T) {
	for bits := 0; bits <= 32; bits++ {
		w := newSite(t)
		block := netip.PrefixFrom(netip.MustParseAddr("10.64.0.0"), bits).Masked()
		legal := bits >= 16 && bits <= 28
		if legal {
			w.do(CreateVPC{CIDR: block})
		} else {
			w.refuses(CreateVPC{CIDR: block}, CIDRSize, block.String(), "")
		}
		v := w.newVPC(home, "10.64.0.0/16")
		if legal {
			w.do(CreateSubnet{VPC: v.ID, CIDR: block, Zones: zones})
		} else {
			w.refuses(CreateSubnet{VPC: v.ID, CIDR: block, Zones: zones}, CIDRSize, block.String(), "")
		}
	}
}

func TestAmazonBlocksAreUniqueOverAllAccounts(t *testing.T) {
	w := newSite(t)
	seen := map[netip.Prefix]bool{}
	for k := range 60 {
		c := []Caller{home, stranger, elsewhere}[k%3]
		v := w.VPC(VPCID(w.doAs(c, CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
		block := v.Blocks6[0].CIDR
		if seen[block] || block.Bits() != 56 || block != block.Masked() || !cidr("2600:1f00::/24").Contains(block.Addr()) {
			t.Fatalf("block %d is %v", k, block)
		}
		seen[block] = true
	}
	// The same dice give another block when theirs is taken.
	next := func() netip.Prefix {
		e := edit{State: w.State, mint: mint{seed: Seed{1, 2, 3}}}
		return e.amazonBlock()
	}
	first := next()
	e := edit{State: w.State}
	e.putVPC(&VPC{ID: "vpc-00000000000000001", Home: Home{"1", "mars"}, Blocks6: []Block{{CIDR: first}}})
	w.State = e.State
	if second := next(); second == first {
		t.Errorf("%v was given twice", first)
	}
}

// AWS: Amazon VPC quotas, VPCs per Region.
func TestAVPCMoreThanTheQuotaIsRefused(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaVPCs, 2})
	v := w.newVPC(home, "10.0.0.0/16")
	w.refuses(CreateVPC{CIDR: cidr("10.1.0.0/16")}, LimitExceeded, "123456789012/us-east-1", string(QuotaVPCs))
	w.newVPC(elsewhere, "10.1.0.0/16")
	w.newVPC(stranger, "10.1.0.0/16")
	w.do(DeleteVPC{v.ID})
	w.newVPC(home, "10.1.0.0/16")
}

// AWS: Amazon VPC quotas.
func TestQuotasOfSubnetsAndInterfaces(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaSubnets, 2})
	w.do(SetQuota{QuotaENIs, 3})
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	w.newSubnet(home, v.ID, "10.0.2.0/24")
	w.refuses(CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.3.0/24"), Zones: zones}, LimitExceeded, string(v.ID), string(QuotaSubnets))
	w.newENI(home, n.ID)
	spec := []InterfaceSpec{{New: ENISpec{Subnet: n.ID}}}
	w.refuses(RunInstances{Min: 3, Max: 3, Interfaces: spec}, LimitExceeded, "123456789012/us-east-1", string(QuotaENIs))
	out := w.as(home, RunInstances{Min: 1, Max: 3, Interfaces: spec})
	if len(out.Created) != 3 {
		t.Errorf("created %v, want a reservation and the two instances that find room", out.Created)
	}
	w.refuses(CreateENI{ENISpec: ENISpec{Subnet: n.ID}}, LimitExceeded, "123456789012/us-east-1", string(QuotaENIs))
}

func TestADeletedDefaultVPCCanBeMadeAgain(t *testing.T) {
	w := newSite(t)
	first := VPCID(w.do(OpenWorld{Zones: zones}))
	// There is no op yet that detaches an internet gateway.
	e := edit{State: w.State}
	for n := range w.SubnetsIn(first) {
		drop(&e, &e.subnets, kindSubnet, n.key())
	}
	drop(&e, &e.gateways, kindGateway, e.refs.first(string(first), "igw-"))
	w.State = e.State
	w.do(DeleteVPC{first})
	if v := w.DefaultVPC(home); v != nil {
		t.Fatalf("the default VPC is %s", v.ID)
	}
	second := VPCID(w.do(CreateDefaultVPC{Zones: zones}))
	if v := w.DefaultVPC(home); v == nil || v.ID != second || second == first || !v.DNSHostnames {
		t.Errorf("the default VPC is %+v, want a new one like the first", v)
	}
	if n := len(slices.Collect(w.SubnetsIn(second))); n != len(zones) {
		t.Errorf("it has %d subnets, want one in each zone", n)
	}
	main := w.RouteTable(w.VPC(second).MainTable)
	if r, ok := main.Route(cidr("0.0.0.0/0")); !ok || !w.RouteActive(second, r) {
		t.Errorf("the main table has routes %v", main.Routes)
	}
}

// AWS: Default VPCs: the /16 has room for sixteen default subnets.
func TestADefaultSubnetNeedsRoom(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(OpenWorld{Zones: zones})))
	for k := range 14 {
		w.do(CreateSubnet{VPC: v.ID, CIDR: netip.PrefixFrom(nth(v.Blocks[0].CIDR, uint64(k+2)*4096), 28), Zones: zones})
	}
	w.do(DeleteSubnet{w.defaultSubnetOf(zones[0])})
	w.do(CreateSubnet{VPC: v.ID, CIDR: cidr("172.31.0.0/28"), Zones: zones})
	w.refuses(CreateDefaultSubnet{Zone: zones[0]}, AddressesExhausted, string(v.ID), "")
}

func (w *site) defaultSubnetOf(zone string) SubnetID {
	for n := range w.Subnets() {
		if n.DefaultForZone && n.Zone == zone {
			return n.ID
		}
	}
	return ""
}

// An IPv6 block is in the tables as an IPv4 one is, and gone from them again.
func TestEveryTableHasALocalRouteToEveryBlock(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	table := RouteTableID(w.do(CreateRouteTable{VPC: v.ID}))
	second := AssociationID(w.do(AssociateVPCBlock{v.ID, cidr("10.9.0.0/16")}))
	six := AssociationID(w.do(AssociateVPCBlock{VPC: v.ID}))
	want := func(n int) {
		t.Helper()
		for _, id := range []RouteTableID{v.MainTable, table} {
			for _, block := range w.VPC(v.ID).Prefixes() {
				if r, ok := w.RouteTable(id).Route(block); !ok || r.To != (ToLocal{}) {
					t.Errorf("%s has %v for %v", id, r, block)
				}
			}
			if got := len(w.RouteTable(id).Routes); got != n {
				t.Errorf("%s has %d routes, want %d", id, got, n)
			}
		}
	}
	want(4)
	w.do(DisassociateVPCBlock{second})
	w.do(DisassociateVPCBlock{six})
	want(2)
}

// AWS: Default network ACL; Security group rules: what somebody has changed is
// left alone when the VPC gets IPv6, each direction of the ACL by itself.
func TestChangedDefaultsDoNotLearnIPv6(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	in := ACLEntry{Number: 90, Protocol: AnyProtocol, CIDR: cidr("10.0.0.0/8"), Ports: AnyPort}
	w.do(CreateACLEntry{v.DefaultACL, in})
	w.do(AuthorizeRules{Group: v.DefaultGroup, Egress: true, Rules: []RuleSpec{tcp(443, "192.0.2.0/24")}})
	w.do(AssociateVPCBlock{VPC: v.ID})
	var numbers []int
	for _, entry := range w.ACL(v.DefaultACL).Entries {
		numbers = append(numbers, entry.Number)
	}
	if !slices.Equal(numbers, []int{90, 100, 100, 101}) {
		t.Errorf("entries %v, want IPv6 added to the egress ones only", numbers)
	}
	if got := len(w.SecurityGroup(v.DefaultGroup).Rules); got != 3 {
		t.Errorf("the group has %d rules, want none added", got)
	}
}
