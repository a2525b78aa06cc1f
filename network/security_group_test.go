package network

import (
	"slices"
	"strings"
	"testing"
)

// rules gives a group's rules in AWS's words, in order, each with its direction.
func (w *site) rules(id GroupID) []string {
	var out []string
	for _, r := range w.SecurityGroup(id).Rules {
		dir := "in "
		if r.Egress {
			dir = "out "
		}
		out = append(out, dir+r.String())
	}
	return out
}

func (w *site) wantRules(id GroupID, want ...string) {
	w.Helper()
	got := w.rules(id)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%s has the rules\n  %s\nwant\n  %s", id, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (w *site) newGroup(c Caller, v VPCID, name string) GroupID {
	w.Helper()
	return GroupID(w.doAs(c, CreateSecurityGroup{VPC: v, Name: name, Description: "for a test"}))
}

const (
	outAll  = "out peer: 0.0.0.0/0, ALL, ALLOW"
	outAll6 = "out peer: ::/0, ALL, ALLOW"
)

// AWS: Security groups for your VPC; Default security groups for your VPCs.
func TestNewGroupLetsEverythingOutAndNothingIn(t *testing.T) {
	w := newSite(t)
	four := w.newVPC(home, "10.0.0.0/16")
	w.wantRules(w.newGroup(home, four.ID, "web"), outAll)
	six := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	w.wantRules(w.newGroup(home, six.ID, "web"), outAll, outAll6)
	w.wantRules(four.DefaultGroup, outAll, "in peer: "+string(four.DefaultGroup)+", ALL, ALLOW")
	g := w.SecurityGroup(six.DefaultGroup)
	if g.Name != "default" || g.Description != "default VPC security group" || !g.Default {
		t.Errorf("the default group is %+v", g)
	}
}

// AWS: Security group rules, "If you've modified the outbound rules for your
// security group, we do not automatically add an outbound rule for IPv6 traffic".
func TestUntouchedGroupsLetIPv6OutOnceTheVPCHasIt(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	untouched, narrowed := w.newGroup(home, v.ID, "untouched"), w.newGroup(home, v.ID, "narrowed")
	w.do(RevokeRules{Group: narrowed, Egress: true, Rules: []RuleSpec{allTo(true, PeerCIDR{anywhere})}})
	w.do(AuthorizeRules{Group: narrowed, Egress: true, Rules: []RuleSpec{tcp(443, "0.0.0.0/0")}})
	w.do(AssociateVPCBlock{VPC: v.ID})
	w.wantRules(untouched, outAll, outAll6)
	w.wantRules(narrowed, "out peer: 0.0.0.0/0, TCP, from port: 443, to port: 443, ALLOW")
	w.wantRules(v.DefaultGroup, outAll, outAll6, "in peer: "+string(v.DefaultGroup)+", ALL, ALLOW")
}

// AWS: CreateSecurityGroup, GroupName and GroupDescription.
func TestGroupNames(t *testing.T) {
	w := newSite(t)
	v, other := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	long := strings.Repeat("n", 255)
	w.newGroup(home, v.ID, "Web")
	for _, tc := range []struct {
		name, description string
		code              Code
		subject, detail   string
	}{
		{"Web", "d", GroupExists, "Web", string(v.ID)},
		{"wEB", "d", GroupExists, "wEB", string(v.ID)},
		{"  Web ", "d", GroupExists, "Web", string(v.ID)},
		{"default", "d", ReservedName, "default", ""},
		{"Default", "d", ReservedName, "Default", ""},
		{"sg-web", "d", GroupNameIsID, "sg-web", ""},
		{"", "d", Missing, "GroupName", ""},
		{" ", "d", Missing, "GroupName", ""},
		{"db", "", Missing, "GroupDescription", ""},
		{long + "n", "d", GroupText, long + "n", "GroupName"},
		{"db?", "d", GroupText, "db?", "GroupName"},
		{"db", "größe", GroupText, "größe", "GroupDescription"},
		{"db", long + "d", GroupText, long + "d", "GroupDescription"},
	} {
		w.refuses(CreateSecurityGroup{VPC: v.ID, Name: tc.name, Description: tc.description}, tc.code, tc.subject, tc.detail)
	}
	w.newGroup(home, other.ID, "Web")
	w.newGroup(home, v.ID, long)
	trimmed := w.newGroup(home, v.ID, "  db ")
	if got := w.SecurityGroup(trimmed).Name; got != "db" {
		t.Errorf("the name is %q, want it trimmed", got)
	}
	if got := w.SecurityGroupNamed(v.ID, "DB"); got == nil || got.ID != trimmed {
		t.Errorf("found %v by name", got)
	}
	w.refuses(CreateSecurityGroup{VPC: "vpc-0123456789abcdef0", Name: "a", Description: "d"}, NotFound, "vpc-0123456789abcdef0", "")
}

// AWS: DeleteSecurityGroup.
func TestGroupInUseCannotBeDeleted(t *testing.T) {
	w := newSite(t)
	v, peer := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.newPeering(home, v.ID, home, peer.ID)
	web, db, far := w.newGroup(home, v.ID, "web"), w.newGroup(home, v.ID, "db"), w.newGroup(home, peer.ID, "far")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	w.refuses(DeleteSecurityGroup{v.DefaultGroup}, DefaultUndeletable, string(v.DefaultGroup), "default")
	w.do(AuthorizeRules{Group: db, Rules: []RuleSpec{fromGroup(web)}})
	w.refuses(DeleteSecurityGroup{web}, InUse, string(web), string(db))
	// A group's own rules don't hold it.
	w.do(AuthorizeRules{Group: db, Rules: []RuleSpec{fromGroup(db)}})
	w.do(AuthorizeRules{Group: far, Rules: []RuleSpec{fromGroup(db)}})
	eni := w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Groups: []GroupID{db}}})
	w.refuses(DeleteSecurityGroup{db}, InUse, string(db), eni)
	w.do(DeleteENI{ENIID(eni)})
	w.do(DeleteSecurityGroup{db})
	w.refuses(DeleteSecurityGroup{db}, NotFound, string(db), "")
	w.do(DeleteSecurityGroup{web})
	// The rule in the peer VPC stays, stale.
	w.wantRules(far, outAll, "in peer: "+string(db)+", ALL, ALLOW")
	w.newGroup(home, v.ID, "web")
}

// AWS: Update your security groups to reference peer groups.
func TestRuleMayNameAGroupOfItsOwnVPCOrOfAnActivePeer(t *testing.T) {
	w := newSite(t)
	a, b, c := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16"), w.newVPC(stranger, "10.2.0.0/16")
	d := w.newVPC(elsewhere, "10.3.0.0/16")
	mine, near := w.newGroup(home, a.ID, "mine"), w.newGroup(home, a.ID, "near")
	far, foreign, away := w.newGroup(home, b.ID, "far"), w.newGroup(stranger, c.ID, "foreign"), w.newGroup(elsewhere, d.ID, "away")
	asks := func(g GroupID) AuthorizeRules { return AuthorizeRules{Group: mine, Rules: []RuleSpec{fromGroup(g)}} }
	w.refuses(asks("sg-0123456789abcdef0"), NotFound, "sg-0123456789abcdef0", "")
	w.refuses(asks("123456789012/sg-0123456789abcdef0"), Malformed, "123456789012/sg-0123456789abcdef0", "sg")
	w.refuses(asks(far), DifferentNetworks, string(mine), string(far))
	w.refuses(asks(foreign), NotFound, string(foreign), "")
	pending := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID}))
	w.refuses(asks(far), DifferentNetworks, string(mine), string(far))
	w.do(AcceptPeering{pending})
	ac := w.newPeering(home, a.ID, stranger, c.ID)
	w.newPeering(home, a.ID, elsewhere, d.ID)
	// Across Regions there are only CIDR blocks.
	w.refuses(asks(away), NotFound, string(away), "")
	wrong := fromGroup(foreign)
	wrong.Peer = PeerGroup{Group: foreign, Owner: home.Account}
	w.refuses(AuthorizeRules{Group: mine, Rules: []RuleSpec{wrong}}, NotFound, string(foreign), "")
	for _, g := range []GroupID{near, far, foreign} {
		w.do(asks(g))
	}
	peers := map[Peer]bool{}
	for _, r := range w.SecurityGroup(mine).Rules {
		peers[r.Peer] = true
	}
	for _, want := range []PeerGroup{
		{Group: near, Owner: home.Account},
		{Group: far, Owner: home.Account, VPC: b.ID, Peering: pending},
		{Group: foreign, Owner: stranger.Account, VPC: c.ID, Peering: ac},
	} {
		if !peers[want] {
			t.Errorf("no rule with the peer %+v in %v", want, peers)
		}
	}
}

// AWS: Update your security groups to reference peer groups, "Work with stale
// security group rules".
func TestRuleIsStaleWhileItsPeerIsGone(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	ab := w.newPeering(home, a.ID, home, b.ID)
	mine, far, gone := w.newGroup(home, a.ID, "mine"), w.newGroup(home, b.ID, "far"), w.newGroup(home, b.ID, "gone")
	w.do(AuthorizeRules{Group: mine, Rules: []RuleSpec{fromGroup(far), fromGroup(gone), fromGroup(mine), tcp(80, "10.1.0.0/16")}})
	stale := func(want ...GroupID) {
		t.Helper()
		var got []GroupID
		for g, r := range w.StaleRules(a.ID) {
			if g.ID != mine {
				t.Errorf("group %s has a stale rule", g.ID)
			}
			got = append(got, r.Peer.(PeerGroup).Group)
		}
		if !slices.Equal(got, want) {
			t.Errorf("stale are the rules from %v, want %v", got, want)
		}
	}
	stale()
	w.do(DeleteSecurityGroup{gone})
	stale(gone)
	w.do(DeletePeering{ab})
	stale(far, gone)
	w.newPeering(home, b.ID, home, a.ID)
	stale(gone)
	w.do(RevokeRules{Group: mine, Rules: []RuleSpec{fromGroup(gone)}})
	stale()
}

// AWS: DescribeSecurityGroupReferences: "the VPCs on the other side of a VPC
// peering connection that are referencing the security groups".
func TestReferencesAreThePeerVPCsThatNameAGroup(t *testing.T) {
	w := newSite(t)
	a, b, c := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16"), w.newVPC(home, "10.2.0.0/16")
	ab, _ := w.newPeering(home, a.ID, home, b.ID), w.newPeering(home, a.ID, home, c.ID)
	mine, near := w.newGroup(home, a.ID, "mine"), w.newGroup(home, a.ID, "near")
	one, two := w.newGroup(home, b.ID, "one"), w.newGroup(home, b.ID, "two")
	for _, g := range []GroupID{near, one, two} {
		w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{fromGroup(mine)}})
	}
	want := []GroupReference{{Group: mine, VPC: b.ID, Peering: ab}}
	if got := w.References(mine); !slices.Equal(got, want) {
		t.Errorf("references are %+v, want %+v", got, want)
	}
	if got := w.References(near); len(got) != 0 {
		t.Errorf("nothing refers to it, but %+v", got)
	}
}

// AWS: Amazon VPC quotas, Security groups.
func TestGroupQuota(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.newVPC(home, "10.0.0.0/16")
	// The default groups of the default VPC and of this one count.
	w.do(SetQuota{QuotaGroups, 3})
	g := w.newGroup(home, v.ID, "one")
	w.refuses(CreateSecurityGroup{VPC: v.ID, Name: "two", Description: "d"}, LimitExceeded, "123456789012/us-east-1", string(QuotaGroups))
	w.do(DeleteSecurityGroup{g})
	w.newGroup(home, v.ID, "two")
}
