package network

import (
	"net/netip"
	"slices"
	"testing"
)

func TestMACAddressesAreLocalUnicastAndUnique(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/20")
	seen := map[MAC]bool{}
	for range 500 {
		mac := w.newENI(home, n.ID).MAC
		if seen[mac] || mac[0]&1 != 0 || mac[0]&2 == 0 {
			t.Fatalf("MAC %v", mac)
		}
		seen[mac] = true
	}
}

func TestAnInterfaceCanBeFoundByWhatItHas(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n := SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.1.0/24"), CIDR6: subnetOf6(v), Zones: zones}))
	eni := w.ENI(ENIID(w.do(CreateENI{ENISpec: ENISpec{Subnet: n, Extra: 1, Extra6: 1}})))
	if len(eni.AllAddrs()) != 3 || eni.AllAddrs()[0] != eni.Addrs[0] {
		t.Fatalf("addresses %v", eni.AllAddrs())
	}
	for _, a := range eni.AllAddrs() {
		if w.ENIWith(v.ID, a) != eni || !eni.Has(a) || !w.Subnet(n).Contains(a) || !v.Contains(a) {
			t.Errorf("%v isn't found", a)
		}
	}
	foreign := netip.MustParseAddr("10.1.0.9")
	if w.ENIWith(v.ID, foreign) != nil || eni.Has(foreign) || w.Subnet(n).Contains(foreign) || v.Contains(foreign) {
		t.Errorf("%v is found", foreign)
	}
	for what, found := range map[string]bool{
		"of the caller": slices.Contains(slices.Collect(w.ENIsOf(home)), eni),
		"in the VPC":    slices.Contains(slices.Collect(w.ENIsIn(v.ID)), eni),
		"in the subnet": slices.Contains(slices.Collect(w.ENIsInSubnet(n)), eni),
		"of the group":  slices.Contains(slices.Collect(w.Members(v.DefaultGroup)), eni),
	} {
		if !found {
			t.Errorf("not found among those %s", what)
		}
	}
	if got := w.Subnet(n).Router(); got != netip.MustParseAddr("10.0.1.1") {
		t.Errorf("the router is %v", got)
	}
}

// AWS: CreateNetworkInterface; ModifyNetworkInterfaceAttribute. What belongs to
// somebody else, or is elsewhere, isn't there.
func TestNobodyElseTouchesAnInterface(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	eni, i := w.newENI(home, n.ID), w.newInstance(home, n.ID)
	at := AttachmentID(w.do(AttachENI{eni.ID, i, 1}))
	addr := []netip.Addr{netip.MustParseAddr("10.0.1.9")}
	for _, c := range []Caller{stranger, elsewhere} {
		w.refusesTo(c, CreateENI{ENISpec: ENISpec{Subnet: n.ID}}, NotFound, string(n.ID), "")
		w.refusesTo(c, DeleteENI{eni.ID}, NotFound, string(eni.ID), "")
		w.refusesTo(c, AttachENI{eni.ID, i, 2}, NotFound, string(eni.ID), "")
		w.refusesTo(c, DetachENI{Attachment: at}, NotFound, string(at), "")
		w.refusesTo(c, SetENIAttribute{ENI: eni.ID, SourceDestCheck: ptr(false)}, NotFound, string(eni.ID), "")
		w.refusesTo(c, AssignAddrs{ENI: eni.ID, Addrs: addr}, NotFound, string(eni.ID), "")
		w.refusesTo(c, UnassignAddrs{eni.ID, addr}, NotFound, string(eni.ID), "")
		w.refusesTo(c, AssignAddrs6{ENI: eni.ID, Count: 1}, NotFound, string(eni.ID), "")
		w.refusesTo(c, UnassignAddrs6{eni.ID, addr}, NotFound, string(eni.ID), "")
		w.refusesTo(c, RunInstances{Min: 1, Max: 1, Interfaces: []InterfaceSpec{{Existing: eni.ID}}}, NotFound, string(eni.ID), "")
		w.refusesTo(c, StopInstances{Instances: []InstanceID{i}}, NotFound, string(i), "")
	}
	// An own interface can't be plugged into another account's instance.
	other := w.newENI(stranger, w.newSubnet(stranger, w.newVPC(stranger, "10.0.0.0/16").ID, "10.0.1.0/24").ID)
	w.refusesTo(stranger, AttachENI{other.ID, i, 2}, NotFound, string(i), "")
	w.refusesTo(stranger, CreateENI{ENISpec: ENISpec{Subnet: other.Subnet, Groups: eni.Groups}}, NotFound, string(eni.Groups[0]), "")
}

// AWS: Attach a network interface; the limits are the instance type's.
func TestAnInstanceHasAsManyInterfacesAsItsTypeAllows(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	i := w.newInstance(home, n.ID) // four interfaces of fifteen addresses
	for device := 1; device < 4; device++ {
		w.do(AttachENI{w.newENI(home, n.ID).ID, i, device})
	}
	fifth := w.newENI(home, n.ID)
	w.refuses(AttachENI{fifth.ID, i, 4}, LimitExceeded, string(i), string(QuotaInterfaces))
	eni := slices.Collect(w.ENIsAt(i))[0]
	w.do(AssignAddrs{ENI: eni.ID, Count: 14})
	w.refuses(AssignAddrs{ENI: eni.ID, Count: 1}, LimitExceeded, string(eni.ID), string(QuotaAddrs))
	// A detached one may have as many as the largest type allows.
	w.do(AssignAddrs{ENI: fifth.ID, Count: 49})
	w.refuses(AssignAddrs{ENI: fifth.ID, Count: 1}, LimitExceeded, string(fifth.ID), string(QuotaAddrs))
	w.refuses(AssignAddrs{ENI: fifth.ID, Count: 1 << 30}, LimitExceeded, string(n.ID), string(QuotaAddrs))
}

// AWS: AssignPrivateIpAddresses, AllowReassignment.
func TestReassigningMovesSecondaryAddressesOnly(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n, m := w.newSubnet(home, v.ID, "10.0.1.0/24"), w.newSubnet(home, v.ID, "10.0.2.0/24")
	a, b := w.newENI(home, n.ID), w.newENI(home, n.ID)
	addrs := []netip.Addr{netip.MustParseAddr("10.0.1.77"), netip.MustParseAddr("10.0.1.78")}
	w.do(AssignAddrs{ENI: a.ID, Addrs: addrs})
	w.do(AssignAddrs{ENI: b.ID, Addrs: addrs[:1], Reassign: true})
	if got := w.ENI(a.ID).Addrs; !slices.Equal(got, []netip.Addr{a.Addrs[0], addrs[1]}) {
		t.Errorf("the old owner has %v", got)
	}
	if got := w.ENI(b.ID).Addrs; !slices.Equal(got, []netip.Addr{b.Addrs[0], addrs[0]}) {
		t.Errorf("the new owner has %v", got)
	}
	w.refuses(AssignAddrs{ENI: b.ID, Addrs: a.Addrs[:1], Reassign: true}, AddressInUse, a.Addrs[0].String(), string(n.ID))
	far := w.newENI(home, m.ID)
	w.refuses(AssignAddrs{ENI: far.ID, Addrs: addrs[:1], Reassign: true}, AddressOutside, addrs[0].String(), "10.0.2.0/24")
	// All or none: the second address can't be had, so the first stays.
	w.refuses(AssignAddrs{ENI: b.ID, Addrs: []netip.Addr{addrs[1], a.Addrs[0]}, Reassign: true}, AddressInUse, a.Addrs[0].String(), string(n.ID))
}

// AWS: Network interfaces, termination behavior.
func TestWhatOutlivesAnInstance(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	i := w.newInstance(home, n.ID)
	first := slices.Collect(w.ENIsAt(i))[0]
	kept, gone := w.newENI(home, n.ID), w.newENI(home, n.ID)
	w.do(AttachENI{kept.ID, i, 1})
	at := AttachmentID(w.do(AttachENI{gone.ID, i, 2}))
	w.do(SetENIAttribute{ENI: gone.ID, Attachment: at, DeleteOnTermination: ptr(true)})
	w.do(CreateTags{Resources: []string{string(gone.ID), string(kept.ID)}, Tags: Tags{"a": "b"}})
	w.do(TerminateInstances{[]InstanceID{i}})
	if w.ENI(gone.ID) == nil {
		t.Error("gone before the instance has ended")
	}
	w.do(ReportEnded{i})
	if w.ENI(first.ID) != nil || w.ENI(gone.ID) != nil || w.Tags(home, string(gone.ID)) != nil {
		t.Error("an interface outlived its instance")
	}
	if e := w.ENI(kept.ID); e == nil || e.Attachment != nil || !slices.Equal(e.Addrs, kept.Addrs) || w.Tags(home, string(kept.ID)) == nil {
		t.Errorf("the interface that stays is %+v", e)
	}
	w.do(DeleteENI{kept.ID})
}

// A route keeps its interface as target whatever becomes of it (AWS: Route table
// concepts, blackhole).
func TestARouteFollowsItsInterfacesLife(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	i, eni := w.newInstance(home, n.ID), w.newENI(home, n.ID)
	w.do(CreateRoute{v.MainTable, cidr("192.0.2.0/24"), ToENI{ENI: eni.ID}})
	active := func() bool {
		r, _ := w.RouteTable(v.MainTable).Route(cidr("192.0.2.0/24"))
		return w.RouteActive(v.ID, r)
	}
	for _, step := range []struct {
		what   string
		op     Request
		active bool
	}{
		{"attached", AttachENI{eni.ID, i, 1}, true},
		{"stopping", StopInstances{Instances: []InstanceID{i}}, false},
		{"stopped", ReportStopped{Instance: i}, false},
		{"pending", StartInstances{[]InstanceID{i}}, true},
		{"running", ReportStarted{Instance: i}, true},
		{"ending", TerminateInstances{[]InstanceID{i}}, false},
		{"ended", ReportEnded{i}, false},
		{"deleted", DeleteENI{eni.ID}, false},
	} {
		w.do(step.op)
		if got := active(); got != step.active {
			t.Errorf("%s: the route is active: %v, want %v", step.what, got, step.active)
		}
	}
}
