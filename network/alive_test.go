package network

import (
	"net/netip"
	"slices"
	"testing"
)

// AWS: Update your security groups to reference peer groups: what a rule that
// names a group permits, by what lies between the two groups.
func TestWhichReferencesAreAlive(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(w *site, a VPCID) GroupID // gives the group referred to
		alive bool
	}{
		{"of the same VPC", func(w *site, a VPCID) GroupID { return w.newGroup(home, a, "g") }, true},
		{"of a VPC alone", func(w *site, a VPCID) GroupID {
			return w.VPC(w.newVPC(home, "10.1.0.0/16").ID).DefaultGroup
		}, false},
		{"of a VPC with a pending peering", func(w *site, a VPCID) GroupID {
			b := w.newVPC(home, "10.1.0.0/16")
			w.do(RequestPeering{VPC: a, PeerVPC: b.ID})
			return b.DefaultGroup
		}, false},
		{"of an active peer that asked", func(w *site, a VPCID) GroupID {
			b := w.newVPC(home, "10.1.0.0/16")
			w.newPeering(home, b.ID, home, a)
			return b.DefaultGroup
		}, true},
		{"of an active peer that was asked", func(w *site, a VPCID) GroupID {
			b := w.newVPC(home, "10.1.0.0/16")
			w.newPeering(home, a, home, b.ID)
			return b.DefaultGroup
		}, true},
		{"of another account's active peer", func(w *site, a VPCID) GroupID {
			b := w.newVPC(stranger, "10.1.0.0/16")
			w.newPeering(home, a, stranger, b.ID)
			return b.DefaultGroup
		}, true},
		{"of a peer's peer", func(w *site, a VPCID) GroupID {
			b, c := w.newVPC(home, "10.1.0.0/16"), w.newVPC(home, "10.2.0.0/16")
			w.newPeering(home, a, home, b.ID)
			w.newPeering(home, b.ID, home, c.ID)
			return c.DefaultGroup
		}, false},
		{"of a former peer", func(w *site, a VPCID) GroupID {
			b := w.newVPC(home, "10.1.0.0/16")
			w.do(DeletePeering{w.newPeering(home, a, home, b.ID)})
			return b.DefaultGroup
		}, false},
		{"of a peer joined anew", func(w *site, a VPCID) GroupID {
			b := w.newVPC(home, "10.1.0.0/16")
			w.do(DeletePeering{w.newPeering(home, a, home, b.ID)})
			w.newPeering(home, b.ID, home, a)
			return b.DefaultGroup
		}, true},
		{"that is gone", func(w *site, a VPCID) GroupID {
			g := w.newGroup(home, a, "g")
			w.do(DeleteSecurityGroup{g})
			return g
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newSite(t)
			a := w.newVPC(home, "10.0.0.0/16")
			g := tc.build(w, a.ID)
			if got := w.PeerAlive(w.SecurityGroup(a.DefaultGroup), PeerGroup{Group: g}); got != tc.alive {
				t.Errorf("alive: %v, want %v", got, tc.alive)
			}
		})
	}
}

// AWS: Route tables, state: what each kind of target needs to live.
func TestWhichTargetsLive(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.DefaultVPC(home)
	igw := slices.Collect(w.GatewaysOf(home))[0]
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	loose, i := w.newENI(home, n.ID), w.newInstance(home, n.ID)
	plugged := slices.Collect(w.ENIsAt(i))[0]
	alive := func(want bool, targets ...Target) {
		t.Helper()
		for _, to := range targets {
			if got := w.RouteActive(v.ID, Route{Dst: anywhere, To: to}); got != want {
				t.Errorf("a route to %+v is active: %v, want %v", to, got, want)
			}
		}
	}
	alive(true, ToLocal{}, ToGateway{igw.ID}, ToENI{ENI: plugged.ID}, ToENI{plugged.ID, i})
	alive(false, ToENI{ENI: loose.ID}, ToENI{ENI: "eni-0123456789abcdef0"}, ToPeering{"pcx-0123456789abcdef0"}, ToGateway{"igw-0123456789abcdef0"})
	if got, ok := w.RouteTable(v.MainTable).Lookup(netip.MustParseAddr("8.8.8.8")); !ok || got.To != (ToGateway{igw.ID}) {
		t.Errorf("the default VPC's default route is %+v", got)
	}
	w.do(StopInstances{Instances: []InstanceID{i}})
	alive(false, ToENI{ENI: plugged.ID})
	w.do(ReportStopped{Instance: i})
	alive(false, ToENI{ENI: plugged.ID})
	w.do(StartInstances{[]InstanceID{i}})
	alive(true, ToENI{ENI: plugged.ID})
}

func TestOtherSideOfAPeering(t *testing.T) {
	p := Peering{Requester: PeeringSide{VPC: "vpc-a"}, Accepter: PeeringSide{VPC: "vpc-b"}}
	for v, want := range map[VPCID]VPCID{"vpc-a": "vpc-b", "vpc-b": "vpc-a", "vpc-c": "", "": ""} {
		if got := p.Other(v); got != want {
			t.Errorf("across from %q is %q, want %q", v, got, want)
		}
	}
	live := map[PeeringStatus]bool{PeeringInitiating: true, PeeringPending: true, PeeringProvisioning: true, PeeringActive: true}
	for s := PeeringInitiating; s <= PeeringDeleted; s++ {
		if s.Live() != live[s] {
			t.Errorf("%v is live: %v", s, s.Live())
		}
	}
}

func TestOverlapAndWithin(t *testing.T) {
	for _, tc := range []struct {
		a, b           string
		overlaps, lies bool // a lies within b
	}{
		{"10.0.0.0/16", "10.0.0.0/16", true, true},
		{"10.0.1.0/24", "10.0.0.0/16", true, true},
		{"10.0.0.0/16", "10.0.1.0/24", true, false},
		{"10.1.0.0/16", "10.0.0.0/16", false, false},
		{"0.0.0.0/0", "10.0.0.0/8", true, false},
		{"10.0.0.0/8", "::/0", false, false},
		{"2001:db8:1::/48", "2001:db8::/32", true, true},
		{"2001:db8::/32", "2001:db9::/32", false, false},
	} {
		a, b := cidr(tc.a), cidr(tc.b)
		if overlap([]netip.Prefix{a}, []netip.Prefix{b}) != tc.overlaps || overlap([]netip.Prefix{b}, []netip.Prefix{a}) != tc.overlaps {
			t.Errorf("%v and %v overlap: want %v", a, b, tc.overlaps)
		}
		if within(a, b) != tc.lies {
			t.Errorf("%v lies in %v: want %v", a, b, tc.lies)
		}
	}
	if overlap(nil, []netip.Prefix{anywhere}) {
		t.Error("nothing overlaps something")
	}
}

// Lists can be left early: a reader that wants one row pays for one.
func TestListsCanBeLeftEarly(t *testing.T) {
	w := furnished(t)
	e := slices.Collect(w.VPCsOf(home))[0]
	count := 0
	for range w.SecurityGroups() {
		count++
		break
	}
	for range w.PeeringsOf(home) {
		count++
		break
	}
	for range w.TagSetsOf(home) {
		count++
		break
	}
	for range w.SecurityGroupsIn(e.ID) {
		count++
		break
	}
	if count != 4 {
		t.Errorf("%d lists gave a row, want 4", count)
	}
	for range (State{}).VPCs() {
		t.Error("an empty State has a VPC")
	}
	for range (State{}).TagSetsOf(home) {
		t.Error("an empty State has tags")
	}
	for range (State{}).PeeringsOf(home) {
		t.Error("an empty State has a peering")
	}
}
