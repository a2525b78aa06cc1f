package network

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// mistakes are what other implementations of the API were reported to get wrong,
// each with a report of it, and a check that we don't.
var mistakes = []struct {
	report string
	check  func(w *site, v *VPC)
}{
	{"hashicorp/terraform-provider-aws#27750: a second request made a second peering", func(w *site, v *VPC) {
		b := w.newVPC(home, "10.1.0.0/16")
		for range 3 {
			w.do(RequestPeering{VPC: v.ID, PeerVPC: b.ID})
		}
		if n := len(slices.Collect(w.PeeringsWith(v.ID))); n != 1 {
			w.Errorf("%d peerings", n)
		}
	}},
	{"floci-io/floci#2654: a peering was accepted by the wrong account", func(w *site, v *VPC) {
		b := w.newVPC(stranger, "10.1.0.0/16")
		id := PeeringID(w.do(RequestPeering{VPC: v.ID, PeerVPC: b.ID, PeerOwner: stranger.Account}))
		w.refuses(AcceptPeering{id}, NotPermitted, string(id), "accept")
	}},
	{"floci-io/floci#2654: ownership was forged by naming another owner", func(w *site, v *VPC) {
		b := w.newVPC(stranger, "10.1.0.0/16")
		id := PeeringID(w.do(RequestPeering{VPC: v.ID, PeerVPC: b.ID}))
		w.wantStatus(id, PeeringFailed)
		w.refuses(AcceptPeering{id}, WrongState, string(id), "failed active")
	}},
	{"floci-io/floci#2654: a deleted peering rose again", func(w *site, v *VPC) {
		id := w.newPeering(home, v.ID, home, w.newVPC(home, "10.1.0.0/16").ID)
		w.do(DeletePeering{id})
		w.refuses(AcceptPeering{id}, WrongState, string(id), "deleted active")
		w.wantStatus(id, PeeringDeleted)
	}},
	{"localstack/localstack#8550: the VPC of another account was not found", func(w *site, v *VPC) {
		w.newPeering(home, v.ID, stranger, w.newVPC(stranger, "10.1.0.0/16").ID)
	}},
	{"hashicorp/terraform#2322: a failed peering could be deleted", func(w *site, v *VPC) {
		id := PeeringID(w.do(RequestPeering{VPC: v.ID, PeerVPC: w.newVPC(home, "10.0.0.0/16").ID}))
		w.refuses(DeletePeering{id}, WrongState, string(id), "failed deleting")
	}},
	{"stackshy/cloudemu#488: DeleteVpc took the active peering with it", func(w *site, v *VPC) {
		id := w.newPeering(home, v.ID, home, w.newVPC(home, "10.1.0.0/16").ID)
		w.refuses(DeleteVPC{v.ID}, InUse, string(v.ID), string(id))
	}},
	{"floci-io/floci#2524: a destination was stored twice", func(w *site, v *VPC) {
		id := w.newPeering(home, v.ID, home, w.newVPC(home, "10.1.0.0/16").ID)
		w.do(CreateRoute{v.MainTable, cidr("10.1.0.0/16"), ToPeering{id}})
		w.refuses(CreateRoute{v.MainTable, cidr("10.1.0.0/16"), ToPeering{id}}, RouteExists, "10.1.0.0/16", string(v.MainTable))
	}},
	{"floci-io/floci#2492: IPv6 routes had no destination", func(w *site, v *VPC) {
		id := w.newPeering(home, v.ID, home, w.newVPC(home, "10.1.0.0/16").ID)
		w.do(CreateRoute{v.MainTable, cidr("2001:db8::/32"), ToPeering{id}})
		if r, ok := w.RouteTable(v.MainTable).Route(cidr("2001:db8::/32")); !ok || r.To != (ToPeering{id}) {
			w.Errorf("the route is %+v", r)
		}
		w.do(DeleteRoute{v.MainTable, cidr("2001:db8::/32")})
	}},
	{"hashicorp/terraform#2185: a peering of other VPCs was a target", func(w *site, v *VPC) {
		id := w.newPeering(home, w.newVPC(home, "10.1.0.0/16").ID, home, w.newVPC(home, "10.2.0.0/16").ID)
		w.refuses(CreateRoute{v.MainTable, cidr("10.1.0.0/16"), ToPeering{id}}, DifferentNetworks, string(v.MainTable), string(id))
	}},
	{"floci-io/floci#2266: several sources made one rule", func(w *site, v *VPC) {
		a, b := tcp(80, "10.0.0.0/8"), tcp(80, "192.168.0.0/16")
		a.Description, b.Description = "a", "b"
		out := w.as(home, AuthorizeRules{Group: v.DefaultGroup, Rules: []RuleSpec{a, b}})
		for k, want := range []string{"a", "b"} {
			if r, _ := w.SecurityGroup(v.DefaultGroup).Rule(RuleID(out.Created[k])); r.Description != want {
				w.Errorf("rule %d is %+v", k, r)
			}
		}
	}},
	{"localstack/localstack#11512: a rule was stored twice", func(w *site, v *VPC) {
		w.do(AuthorizeRules{Group: v.DefaultGroup, Rules: []RuleSpec{tcp(80, "10.0.0.0/8")}})
		w.refuses(AuthorizeRules{Group: v.DefaultGroup, Rules: []RuleSpec{tcp(80, "10.9.9.9/8")}}, Duplicate, tcp(80, "10.0.0.0/8").String(), "")
	}},
	{"getmoto/moto#6180: one revoke took every rule", func(w *site, v *VPC) {
		w.do(AuthorizeRules{Group: v.DefaultGroup, Rules: []RuleSpec{tcp(80, "10.0.0.0/8"), tcp(81, "10.0.0.0/8")}})
		w.do(RevokeRules{Group: v.DefaultGroup, Rules: []RuleSpec{tcp(80, "10.0.0.0/8")}})
		if n := len(w.rules(v.DefaultGroup)); n != 3 {
			w.Errorf("%d rules are left", n)
		}
	}},
	{"getmoto/moto#2551: the egress rule for all protocols could not be revoked", func(w *site, v *VPC) {
		w.do(RevokeRules{Group: v.DefaultGroup, Egress: true, Rules: []RuleSpec{{Protocol: AnyProtocol, Peer: PeerCIDR{anywhere}}}})
	}},
	{"getmoto/moto#6032: a rule could not be revoked by its ID alone", func(w *site, v *VPC) {
		w.do(RevokeRules{Group: v.DefaultGroup, IDs: []RuleID{w.SecurityGroup(v.DefaultGroup).Rules[0].ID}})
	}},
	{"hashicorp/terraform-provider-aws#159: the owner of a group had to be given", func(w *site, v *VPC) {
		far := w.newVPC(stranger, "10.1.0.0/16")
		w.newPeering(home, v.ID, stranger, far.ID)
		w.do(AuthorizeRules{Group: v.DefaultGroup, Rules: []RuleSpec{fromGroup(far.DefaultGroup)}})
		rules := w.SecurityGroup(v.DefaultGroup).Rules
		if p := rules[len(rules)-1].Peer.(PeerGroup); p.Owner != stranger.Account {
			w.Errorf("the peer is %+v", p)
		}
	}},
	{"floci-io/floci#1473: an entry's number was overwritten", func(w *site, v *VPC) {
		w.refuses(CreateACLEntry{v.DefaultACL, entry(100, "10.0.0.0/8")}, EntryExists, "100", string(v.DefaultACL))
	}},
	{"stackshy/cloudemu#534: a new network ACL allowed everything", func(w *site, v *VPC) {
		w.wantEntries(w.newACL(v.ID))
	}},
	{"cloudposse/terraform-aws-vpc-peering-multi-account#117: a side had tags of its own in one account and Region", func(w *site, v *VPC) {
		id := string(w.newPeering(home, v.ID, home, w.newVPC(home, "10.1.0.0/16").ID))
		w.do(CreateTags{[]string{id}, Tags{"a": "1"}})
		w.do(CreateTags{[]string{id}, Tags{"b": "2"}})
		w.wantTags(id, Tags{"a": "1", "b": "2"})
	}},
	{"cloudposse/terraform-aws-vpc-peering-multi-account#109: an empty ID was taken for none", func(w *site, v *VPC) {
		w.refuses(RequestPeering{VPC: v.ID}, Malformed, "", "vpc")
	}},
}

func TestMistakesThatOthersMade(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.report, func(t *testing.T) {
			w := newSite(t)
			m.check(w, w.newVPC(home, "10.0.0.0/16"))
		})
	}
}

// AWS: VPC CIDR blocks, IPv4 CIDR block association restrictions: what a peering
// in each status means for another block of either of its VPCs.
func TestWhichBlocksAPeeringForbids(t *testing.T) {
	const disjoint, overlapping = "10.50.0.0/16", "10.1.64.0/20"
	for _, tc := range []struct {
		status    PeeringStatus
		requester bool // adds the block; else the accepter does
		block     string
		allowed   bool
		then      PeeringStatus
	}{
		{PeeringPending, true, disjoint, false, PeeringPending},
		{PeeringPending, true, overlapping, false, PeeringPending},
		{PeeringPending, false, disjoint, true, PeeringPending},
		{PeeringPending, false, overlapping, true, PeeringFailed},
		{PeeringActive, true, disjoint, true, PeeringActive},
		{PeeringActive, true, overlapping, false, PeeringActive},
		{PeeringActive, false, disjoint, true, PeeringActive},
		{PeeringActive, false, overlapping, false, PeeringActive},
		{PeeringDeleted, true, overlapping, true, PeeringDeleted},
		{PeeringRejected, false, overlapping, true, PeeringRejected},
		{PeeringExpired, true, overlapping, true, PeeringExpired},
	} {
		w := newSite(t)
		mine, other := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
		ask := RequestPeering{VPC: mine.ID, PeerVPC: other.ID}
		if !tc.requester {
			ask = RequestPeering{VPC: other.ID, PeerVPC: mine.ID}
		}
		id := PeeringID(w.do(ask))
		switch tc.status {
		case PeeringActive:
			w.do(AcceptPeering{id})
		case PeeringRejected:
			w.do(RejectPeering{id})
		case PeeringDeleted:
			w.do(DeletePeering{id})
		case PeeringExpired:
			w.pass(peeringExpiry)
		}
		// The block overlaps the other VPC's, never the VPC's own. Blocks of 10.0.0.0/15
		// keep some neighbours away, which is no matter of peerings.
		add := AssociateVPCBlock{VPC: mine.ID, CIDR: cidr(tc.block)}
		if !tc.allowed {
			w.refuses(add, CIDRConflict, tc.block, string(id))
		} else {
			w.do(add)
		}
		w.wantStatus(id, tc.then)
	}
}

// AWS: CreateTags; DeleteTags: a resource's tags are a map.
func TestTagsAreAMap(t *testing.T) {
	keys := rapid.SampledFrom([]string{"a", "b", "c"})
	values := rapid.SampledFrom([]string{"", "1", "2"})
	rapid.Check(t, func(rt *rapid.T) {
		w := newSite(t)
		v := string(w.newVPC(home, "10.0.0.0/16").ID)
		want := Tags{}
		for range rapid.IntRange(1, 10).Draw(rt, "ops") {
			if rapid.Bool().Draw(rt, "create") {
				tags := rapid.MapOfN(keys, values, 1, 3).Draw(rt, "tags")
				w.do(CreateTags{[]string{v}, tags})
				for k, value := range tags {
					want[k] = value
				}
			} else {
				doomed := map[string]*string{}
				for k, value := range rapid.MapOfN(keys, values, 0, 3).Draw(rt, "tags") {
					if doomed[k] = &value; rapid.Bool().Draw(rt, "whatever its value") {
						doomed[k] = nil
					}
				}
				w.do(DeleteTags{[]string{v}, doomed})
				for k, value := range want {
					if p, ok := doomed[k]; len(doomed) == 0 || ok && (p == nil || *p == value) {
						delete(want, k)
					}
				}
			}
			w.wantTags(v, want)
		}
	})
}
