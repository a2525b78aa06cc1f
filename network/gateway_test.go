package network

import (
	"net/netip"
	"slices"
	"testing"
)

// AWS: AttachInternetGateway; Amazon VPC quotas: one gateway a VPC, one VPC a gateway.
func TestAGatewayAndAVPCHaveOneAnother(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	g, h := GatewayID(w.do(CreateGateway{Tags: Tags{"Name": "g"}})), GatewayID(w.do(CreateGateway{}))
	w.wantTags(string(g), Tags{"Name": "g"})
	w.refuses(DetachGateway{g, a.ID}, GatewayNotAttached, string(g), string(a.ID))
	w.do(AttachGateway{g, a.ID})
	if w.GatewayOf(a.ID) == nil || w.GatewayOf(a.ID).ID != g || w.GatewayOf(b.ID) != nil {
		t.Errorf("the gateways are %v and %v", w.GatewayOf(a.ID), w.GatewayOf(b.ID))
	}
	w.refuses(AttachGateway{g, b.ID}, GatewayAttached, string(g), string(a.ID))
	w.refuses(AttachGateway{g, a.ID}, GatewayAttached, string(g), string(a.ID))
	w.refuses(AttachGateway{h, a.ID}, GatewayTaken, string(a.ID), string(g))
	w.refuses(AttachGateway{h, "vpc-0123456789abcdef0"}, NotFound, "vpc-0123456789abcdef0", "")
	w.refuses(DetachGateway{g, b.ID}, GatewayNotAttached, string(g), string(b.ID))
	w.refuses(DetachGateway{g, "vpc-0123456789abcdef0"}, GatewayNotAttached, string(g), "vpc-0123456789abcdef0")
	w.refuses(DeleteGateway{g}, InUse, string(g), string(a.ID))
	w.refuses(DeleteVPC{a.ID}, InUse, string(a.ID), string(g))
	w.do(DetachGateway{g, a.ID})
	w.do(AttachGateway{h, a.ID})
	w.do(DeleteGateway{g})
	w.refuses(DeleteGateway{g}, NotFound, string(g), "")
	w.do(DetachGateway{h, a.ID})
	w.do(DeleteVPC{a.ID})
}

// AWS: Route tables, blackhole: a route lives while its gateway is attached to the
// table's own VPC.
func TestARouteFollowsItsGatewaysLife(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	g := GatewayID(w.do(CreateGateway{}))
	w.refuses(CreateRoute{a.MainTable, anywhere, ToGateway{g}}, DifferentNetworks, string(a.MainTable), string(g))
	w.do(AttachGateway{g, a.ID})
	w.do(CreateRoute{a.MainTable, anywhere, ToGateway{g}})
	active := func(want bool) {
		t.Helper()
		r, _ := w.RouteTable(a.MainTable).Route(anywhere)
		if got := w.RouteActive(a.ID, r); got != want {
			t.Errorf("the route is active: %v, want %v", got, want)
		}
	}
	active(true)
	w.do(DetachGateway{g, a.ID})
	active(false)
	w.do(AttachGateway{g, b.ID})
	active(false)
	w.do(DetachGateway{g, b.ID})
	w.do(AttachGateway{g, a.ID})
	active(true)
	w.do(DetachGateway{g, a.ID})
	w.do(DeleteGateway{g})
	active(false)
}

// AWS: Egress-only internet gateways: IPv6 only, of one VPC for life.
func TestEgressOnlyGateways(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	g := EgressGatewayID(w.do(CreateEgressGateway{VPC: a.ID, Tags: Tags{"k": "v"}}))
	w.wantTags(string(g), Tags{"k": "v"})
	w.refuses(CreateRoute{a.MainTable, anywhere, ToEgress{g}}, GatewayFamily, "0.0.0.0/0", string(g))
	w.refuses(CreateRoute{b.MainTable, anywhere6, ToEgress{g}}, DifferentNetworks, string(b.MainTable), string(g))
	w.do(CreateRoute{a.MainTable, anywhere6, ToEgress{g}})
	r, _ := w.RouteTable(a.MainTable).Route(anywhere6)
	if !w.RouteActive(a.ID, r) {
		t.Error("the route is a blackhole")
	}
	w.refuses(DeleteVPC{a.ID}, InUse, string(a.ID), string(g))
	w.do(DeleteEgressGateway{g})
	if w.RouteActive(a.ID, r) {
		t.Error("the route is active without its gateway")
	}
	w.do(DeleteVPC{a.ID})
}

// AWS: DetachInternetGateway, DependencyViolation.
func TestAGatewayStaysWhileAddressesAreMapped(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	eni := w.newENI(home, w.newSubnet(home, v.ID, "10.0.1.0/24").ID)
	a := AllocationID(w.do(AllocateAddress{}))
	w.refuses(AssociateAddress{Allocation: a, ENI: eni.ID}, GatewayNotAttached, string(v.ID), string(a))
	g := GatewayID(w.do(CreateGateway{}))
	w.do(AttachGateway{g, v.ID})
	id := AssociationID(w.do(AssociateAddress{Allocation: a, ENI: eni.ID}))
	w.refuses(DetachGateway{g, v.ID}, MappedAddress, string(v.ID), string(a))
	w.do(DisassociateAddress{id})
	w.do(DetachGateway{g, v.ID})
}

// public is a VPC with a gateway, two interfaces and two addresses.
type public struct {
	*site
	v      *VPC
	subnet *Subnet
	e, f   *ENI
	a, b   AllocationID
}

func newPublic(t *testing.T) public {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	w.do(AttachGateway{GatewayID(w.do(CreateGateway{})), v.ID})
	return public{w, v, n, w.newENI(home, n.ID), w.newENI(home, n.ID), AllocationID(w.do(AllocateAddress{})), AllocationID(w.do(AllocateAddress{}))}
}

// at asserts whose an address is.
func (p public) at(id AllocationID, eni *ENI, private netip.Addr) {
	p.Helper()
	a := p.Address(id)
	want := ENIID("")
	if eni != nil {
		want = eni.ID
	}
	if a.ENI != want || a.Private != private || (a.Association == "") != (eni == nil) {
		p.Errorf("%s is of %v of %s, want %v of %s", id, a.Private, a.ENI, private, want)
	}
}

// AWS: AssociateAddress: an address moves by itself, unless it is told to stay.
func TestAnAddressMoves(t *testing.T) {
	p := newPublic(t)
	first := p.do(AssociateAddress{Allocation: p.a, ENI: p.e.ID})
	p.at(p.a, p.e, p.e.Addrs[0])
	if again := p.do(AssociateAddress{Allocation: p.a, ENI: p.e.ID, Keep: true}); again != first {
		t.Errorf("a repetition gave %s, not %s", again, first)
	}
	p.refuses(AssociateAddress{Allocation: p.a, ENI: p.f.ID, Keep: true}, AddressAssociated, string(p.a), first)
	p.refuses(AssociateAddress{Allocation: p.b, ENI: p.e.ID, Keep: true}, AddressAssociated, string(p.e.ID), first)
	p.refuses(ReleaseAddress{p.a}, AddressInUse, p.Address(p.a).Public.String(), first)
	if moved := p.do(AssociateAddress{Allocation: p.a, ENI: p.f.ID}); moved == first {
		t.Error("the association is the old one")
	}
	p.at(p.a, p.f, p.f.Addrs[0])
	p.do(AssociateAddress{Allocation: p.b, ENI: p.f.ID}) // takes the place
	p.at(p.a, nil, netip.Addr{})
	p.at(p.b, p.f, p.f.Addrs[0])
	p.do(ReleaseAddress{p.a})
	p.refuses(ReleaseAddress{p.a}, NotFound, string(p.a), "")
	p.refuses(DisassociateAddress{AssociationID(first)}, NotFound, first, "eipassoc")
}

// AWS: AssignPrivateIpAddresses; UnassignPrivateIpAddresses; DeleteNetworkInterface:
// a public address follows its private one, and is free when that goes.
func TestAnAddressFollowsItsPrivateOne(t *testing.T) {
	p := newPublic(t)
	second := netip.MustParseAddr("10.0.1.77")
	p.do(AssignAddrs{ENI: p.e.ID, Addrs: []netip.Addr{second}})
	p.refuses(AssociateAddress{Allocation: p.a, ENI: p.f.ID, Private: second}, AddressNotAssigned, second.String(), string(p.f.ID))
	p.do(AssociateAddress{Allocation: p.a, ENI: p.e.ID, Private: second})
	p.at(p.a, p.e, second)
	p.do(AssignAddrs{ENI: p.f.ID, Addrs: []netip.Addr{second}, Reassign: true})
	p.at(p.a, p.f, second)
	p.do(AssociateAddress{Allocation: p.b, ENI: p.f.ID})
	p.do(UnassignAddrs{p.f.ID, []netip.Addr{second}})
	p.at(p.a, nil, netip.Addr{})
	p.at(p.b, p.f, p.f.Addrs[0])
	p.do(DeleteENI{p.f.ID})
	p.at(p.b, nil, netip.Addr{})
}

// AWS: AssociateAddress, InstanceId: an instance stands for its only interface.
func TestAnInstanceStandsForItsInterface(t *testing.T) {
	p := newPublic(t)
	i := p.newInstance(home, p.subnet.ID)
	p.do(AssociateAddress{Allocation: p.a, Instance: i})
	only := slices.Collect(p.ENIsAt(i))[0]
	p.at(p.a, only, only.Addrs[0])
	p.do(AttachENI{p.e.ID, i, 1})
	p.refuses(AssociateAddress{Allocation: p.b, Instance: i}, ManyInterfaces, string(i), "")
	p.refuses(AssociateAddress{Allocation: p.b}, Missing, "instanceId", "")
	p.do(TerminateInstances{[]InstanceID{i}})
	p.refuses(AssociateAddress{Allocation: p.b, Instance: i}, WrongState, string(i), "shutting-down associate")
	p.do(ReportEnded{Instance: i})
	p.at(p.a, nil, netip.Addr{}) // the interface went with the instance
}

// Addresses come from a range of no network, each once; one that is free again can
// be asked for (AWS: AllocateAddress, Address).
func TestWherePublicAddressesComeFrom(t *testing.T) {
	p := newPublic(t)
	got := p.Address(p.a).Public
	p.refuses(AllocateAddress{Public: got}, AddressInUse, got.String(), "public")
	p.refuses(AllocateAddress{Public: netip.MustParseAddr("8.8.8.8")}, NotFound, "8.8.8.8", "public")
	p.do(ReleaseAddress{p.a})
	p.do(AllocateAddress{Public: got})
	if a := p.AddressAt(home, got); a == nil || p.AddressAt(stranger, got) != nil {
		t.Errorf("%v is found as %v", got, a)
	}
	p.do(OpenWorld{Zones: zones})
	for range 3 {
		p.do(AllocateAddress{})
	}
	p.refuses(AllocateAddress{}, LimitExceeded, (Home{home.Account, home.Region}).World(), string(QuotaAddresses))
	p.do(SetAddressAttribute{p.b, "www.example.com."})
	if got := p.Address(p.b).PTR; got != "www.example.com." {
		t.Errorf("the name is %q", got)
	}
	p.do(SetQuota{QuotaAddresses, 6})
	p.do(AllocateAddress{})
}

// An IPv6-only subnet has nothing that an Elastic IP address could be of.
func TestNoPublicAddressWithoutAPrivateOne(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	w.do(AttachGateway{GatewayID(w.do(CreateGateway{})), v.ID})
	n := w.Subnet(SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR6: subnetOf6(v), Native6: true, Zones: zones})))
	eni, a := w.newENI(home, n.ID), AllocationID(w.do(AllocateAddress{}))
	w.refuses(AssociateAddress{Allocation: a, ENI: eni.ID}, NotFound, string(eni.ID), "private")
}
