package network

import (
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// AWS: Resource IDs: a prefix and 17 hexadecimal digits; the older ones have 8.
func TestIDsAreToldApart(t *testing.T) {
	for id, kind := range map[string]string{
		"vpc-0123456789abcdef0": "vpc", "eni-attach-0123456789abcdef0": "eni-attach", "sgr-01234567": "sgr",
		"subnet-cidr-assoc-0123456789abcdef0": "subnet-cidr-assoc", "local": "", "": "", "-": "",
	} {
		if got := Kind(id); got != kind {
			t.Errorf("the kind of %q is %q, want %q", id, got, kind)
		}
	}
	for id, want := range map[string]bool{
		"vpc-0123456789abcdef0": true, "vpc-01234567": true, "vpc-0123456789abcdef": false, "vpc-0123456789abcdef01": false,
		"vpc-0123456789ABCDEF0": false, "vpc-0123456789abcdefg": false, "vpc-": false, "vpc": false, "": false,
		"subnet-0123456789abcdef0": false, "xvpc-01234567": false, " vpc-01234567": false, "vpc-01234567 ": false,
	} {
		if got := WellFormed(id, "vpc"); got != want {
			t.Errorf("%q is a VPC's ID: %v, want %v", id, got, want)
		}
	}
}

func TestMintedIDsAreWellFormedAndDiffer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prefix := rapid.SampledFrom([]string{"vpc", "eni-attach", "sgr", "rtbassoc"}).Draw(rt, "prefix")
		seen := map[string]bool{}
		for k := range uint64(rapid.IntRange(1, 5).Draw(rt, "ops")) {
			m := mint{}
			binary.BigEndian.PutUint64(m.seed[:], k)
			again := m
			for range rapid.IntRange(1, 5).Draw(rt, "IDs") {
				id := m.next(prefix)
				if !WellFormed(id, prefix) || Kind(id) != prefix || seen[id] {
					rt.Fatalf("minted %q", id)
				}
				if other := again.next(prefix); other != id {
					rt.Fatalf("the same seed gave %q and %q", id, other)
				}
				seen[id] = true
			}
			if mac := m.mac(); mac[0]&3 != 2 {
				rt.Fatalf("%v is not a local unicast address", mac)
			}
		}
	})
}

// Two ops with the same dice must not make the same thing twice.
func TestARepeatedSeedMakesNewIDs(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	op := w.op(home, CreateSecurityGroup{VPC: v.ID, Name: "a", Description: "d"})
	w.State, _ = w.Apply(op)
	first := w.Outcome().Created[0]
	op.Request = CreateSecurityGroup{VPC: v.ID, Name: "b", Description: "d"}
	next, err := w.Apply(op)
	if err != nil || next.Outcome().Created[0] == first {
		t.Errorf("made %v (%v), as before", next.Outcome().Created, err)
	}
	rules := map[RuleID]bool{}
	for g := range next.SecurityGroups() {
		for _, r := range g.Rules {
			if rules[r.ID] {
				t.Errorf("%s is in two groups", r.ID)
			}
			rules[r.ID] = true
		}
	}
}

// What an op says that it made, in the order that its comment promises: callers
// answer with these IDs.
func TestOpsSayWhatTheyMade(t *testing.T) {
	w := newSite(t)
	e := w.newEstate(home)
	n := w.newSubnet(home, e.vpc, "10.0.2.0/24").ID
	peer := w.newVPC(home, "10.8.0.0/16").ID
	acl := w.newACL(e.vpc)
	two := []RuleSpec{tcp(1, "10.0.0.0/8"), tcp(2, "10.0.0.0/8")}
	run := RunInstances{Min: 2, Max: 2, Interfaces: []InterfaceSpec{{New: ENISpec{Subnet: n}}}}
	for _, tc := range []struct {
		r    Request
		want string
	}{
		{CreateVPC{CIDR: cidr("10.0.0.0/16")}, "vpc"},
		{CreateSubnet{VPC: e.vpc, CIDR: cidr("10.0.9.0/24"), Zones: zones}, "subnet"},
		{AssociateVPCBlock{VPC: e.vpc, CIDR: cidr("10.99.0.0/16")}, "vpc-cidr-assoc"},
		{CreateENI{ENISpec: ENISpec{Subnet: n}}, "eni"},
		{AttachENI{e.eni, e.instance, 1}, "eni-attach"},
		{run, "r i i"},
		{CreateRouteTable{VPC: e.vpc}, "rtb"},
		{CreateRoute{e.table, cidr("10.1.0.0/16"), ToPeering{e.peering}}, ""},
		{ReplaceRoute{e.table, cidr("10.0.0.0/16"), ToENI{ENI: e.eni}}, ""},
		{AssociateTable{e.table, n}, "rtbassoc"},
		{ReplaceTableAssociation{e.tableAssoc, e.table}, "rtbassoc"},
		{RequestPeering{VPC: e.vpc, PeerVPC: peer}, "pcx"},
		{DeletePeering{e.peering}, ""},
		{CreateSecurityGroup{VPC: e.vpc, Name: "n", Description: "d"}, "sg"},
		{AuthorizeRules{Group: e.group, Rules: two}, "sgr sgr"},
		{RevokeRules{Group: e.group, IDs: []RuleID{e.rule}}, ""},
		{CreateACL{VPC: e.vpc}, "acl"},
		{CreateACLEntry{acl, entry(1, "10.0.0.0/8")}, ""},
		{ReplaceACLAssociation{e.aclAssoc, acl}, "aclassoc"},
		{CreateTags{[]string{string(e.vpc)}, Tags{"a": "b"}}, ""},
		{ImportKeyPair{Name: "new"}, "key"},
		{CreateFlowLogs{Resources: []string{string(e.subnet), string(e.eni)}, FlowLogSpec: everyPacket}, "fl fl"},
		{DeleteFlowLogs{[]FlowLogID{e.flowLog}}, ""},
		{CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: string(e.eni), Destination: string(e.instance), Protocol: TCP}}, "nip"},
		{StartInsightsAnalysis{Path: e.path}, "nia"},
		{DeleteInsightsAnalysis{e.analysis}, ""},
		{CreateAccessScope{}, "nis"},
		{StartAccessScopeAnalysis{Scope: e.scope}, "nisa"},
		{DeleteAccessScopeAnalysis{e.scopeAnalysis}, ""},
	} {
		next, err := w.Apply(w.op(home, tc.r))
		if err != nil {
			t.Errorf("%T: %v", tc.r, err)
			continue
		}
		var kinds []string
		for _, id := range next.Outcome().Created {
			if !WellFormed(id, Kind(id)) {
				t.Errorf("%T made %q", tc.r, id)
			}
			kinds = append(kinds, Kind(id))
		}
		if got := strings.Join(kinds, " "); got != tc.want {
			t.Errorf("%T made %q, want %q", tc.r, got, tc.want)
		}
		if next.Generation != w.Generation+1 {
			t.Errorf("%T: generation %d after %d", tc.r, next.Generation, w.Generation)
		}
	}
}
