package network

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func tcp(port int, from string) RuleSpec {
	return RuleSpec{Protocol: TCP, Ports: PortRange{port, port}, Peer: PeerCIDR{cidr(from)}}
}

func fromGroup(g GroupID) RuleSpec {
	return RuleSpec{Protocol: AnyProtocol, Ports: AnyPort, Peer: PeerGroup{Group: g}}
}

func newGrouped(t testing.TB) (*site, GroupID) {
	w := newSite(t)
	return w, w.newGroup(home, w.newVPC(home, "10.0.0.0/16").ID, "web")
}

// AWS: IpPermission: protocols, ports, ICMP types and codes; the last column is
// how AWS names the rule in InvalidPermission.Duplicate.
func TestRulesHaveOneFormForWhatTheyMean(t *testing.T) {
	any4 := PeerCIDR{cidr("0.0.0.0/0")}
	for _, tc := range []struct {
		spec RuleSpec
		want string
	}{
		{tcp(22, "0.0.0.0/0"), "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW"},
		{tcp(22, "10.1.2.3/16"), "peer: 10.1.0.0/16, TCP, from port: 22, to port: 22, ALLOW"},
		{tcp(22, "2001:db8::9/32"), "peer: 2001:db8::/32, TCP, from port: 22, to port: 22, ALLOW"},
		{RuleSpec{Protocol: UDP, Ports: PortRange{0, 65535}, Peer: any4}, "peer: 0.0.0.0/0, UDP, from port: 0, to port: 65535, ALLOW"},
		{RuleSpec{Protocol: AnyProtocol, Ports: PortRange{22, 80}, Peer: any4}, "peer: 0.0.0.0/0, ALL, ALLOW"},
		{RuleSpec{Protocol: 50, Ports: PortRange{22, 80}, Peer: any4}, "peer: 0.0.0.0/0, protocol: 50, ALLOW"},
		{RuleSpec{Protocol: 0, Ports: PortRange{0, 0}, Peer: any4}, "peer: 0.0.0.0/0, protocol: 0, ALLOW"},
		{RuleSpec{Protocol: ICMP, Ports: PortRange{8, 0}, Peer: any4}, "peer: 0.0.0.0/0, ICMP, type: 8, code: 0, ALLOW"},
		{RuleSpec{Protocol: ICMP, Ports: PortRange{8, -1}, Peer: any4}, "peer: 0.0.0.0/0, ICMP, type: 8, code: ALL, ALLOW"},
		{RuleSpec{Protocol: ICMPv6, Ports: AnyPort, Peer: any4}, "peer: 0.0.0.0/0, ICMPv6, type: ALL, code: ALL, ALLOW"},
	} {
		w, g := newGrouped(t)
		w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tc.spec}})
		w.wantRules(g, outAll, "in "+tc.want)
		w.refuses(AuthorizeRules{Group: g, Rules: []RuleSpec{tc.spec}}, Duplicate, tc.want, "")
		// The same rule in the other direction is another rule.
		w.do(AuthorizeRules{Group: g, Egress: true, Rules: []RuleSpec{tcp(1, "192.0.2.0/24")}})
		w.do(RevokeRules{Group: g, Rules: []RuleSpec{tc.spec}})
		w.wantRules(g, outAll, "out peer: 192.0.2.0/24, TCP, from port: 1, to port: 1, ALLOW")
	}
}

// AWS: AuthorizeSecurityGroupIngress; IpPermission.
func TestAuthorizeRefuses(t *testing.T) {
	w, g := newGrouped(t)
	any4 := PeerCIDR{cidr("0.0.0.0/0")}
	with := func(p Protocol, from, to int) []RuleSpec {
		return []RuleSpec{{Protocol: p, Ports: PortRange{from, to}, Peer: any4}}
	}
	for _, tc := range []struct {
		rules           []RuleSpec
		code            Code
		subject, detail string
	}{
		{nil, Missing, "ipPermissions", ""},
		{with(-2, 0, 0), UnknownProtocol, "-2", ""},
		{with(256, 0, 0), UnknownProtocol, "256", ""},
		{with(TCP, -1, -1), PortOutOfRange, "-1", "from"},
		{with(TCP, 0, 65536), PortOutOfRange, "65536", "to"},
		{with(UDP, 80, 22), PortsReversed, "80:22", ""},
		{with(ICMP, 256, 0), ICMPOutOfRange, "256", "type"},
		{with(ICMP, 8, -2), ICMPOutOfRange, "-2", "code"},
		{with(ICMPv6, -1, 0), ICMPCode, "0", ""},
		{[]RuleSpec{{Protocol: TCP, Ports: PortRange{22, 22}}}, Missing, "source", ""},
		{[]RuleSpec{{Protocol: TCP, Ports: PortRange{22, 22}, Peer: PeerCIDR{}}}, InvalidCIDR, "invalid Prefix", "CidrIp"},
		{[]RuleSpec{{Protocol: TCP, Ports: PortRange{22, 22}, Peer: PeerPrefixList{"pl-0123456789abcdef0"}}}, NotFound, "pl-0123456789abcdef0", ""},
		{[]RuleSpec{{Protocol: TCP, Ports: PortRange{22, 22}, Peer: PeerPrefixList{"list"}}}, Malformed, "list", "pl"},
		{[]RuleSpec{{Protocol: TCP, Ports: PortRange{22, 22}, Peer: any4, Description: "naïve"}}, GroupText, "naïve", "description"},
		{[]RuleSpec{tcp(22, "10.0.0.1/8"), tcp(22, "10.0.0.0/8")}, Repeated, "peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW", ""},
	} {
		w.refuses(AuthorizeRules{Group: g, Rules: tc.rules}, tc.code, tc.subject, tc.detail)
	}
	w.refuses(AuthorizeRules{Group: "sg-0123456789abcdef0", Rules: with(TCP, 1, 1)}, NotFound, "sg-0123456789abcdef0", "")
	w.refuses(AuthorizeRules{Group: "web", Rules: with(TCP, 1, 1)}, Malformed, "web", "sg")
	w.refusesTo(stranger, AuthorizeRules{Group: g, Rules: with(TCP, 1, 1)}, NotFound, string(g), "")
}

func TestAuthorizeIsAllOrNothing(t *testing.T) {
	w, g := newGrouped(t)
	w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "0.0.0.0/0")}})
	described := tcp(22, "0.0.0.0/0")
	described.Description = "a description does not make another rule"
	w.refuses(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(80, "0.0.0.0/0"), described}},
		Duplicate, "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW", "")
	out := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(80, "0.0.0.0/0"), tcp(443, "0.0.0.0/0")}, Tags: Tags{"Name": "web"}})
	if len(out.Created) != 2 {
		t.Fatalf("made %v", out.Created)
	}
	for _, id := range out.Created {
		if got := w.GroupOfRule(RuleID(id)); got == nil || got.ID != g {
			t.Errorf("rule %s is of %v", id, got)
		}
		if got := w.Tags(home, id)["Name"]; got != "web" {
			t.Errorf("rule %s is tagged %q", id, got)
		}
	}
}

// AWS: Amazon VPC quotas, Inbound or outbound rules per security group.
func TestRuleQuotaIsPerDirectionAndFamily(t *testing.T) {
	w, g := newGrouped(t)
	for i := range 60 {
		w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(i, "10.0.0.0/8")}})
		w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(i, "2001:db8::/32")}})
	}
	full := func(r RuleSpec) {
		t.Helper()
		w.refuses(AuthorizeRules{Group: g, Rules: []RuleSpec{r}}, LimitExceeded, string(g), string(QuotaRules))
	}
	full(tcp(60, "10.0.0.0/8"))
	full(tcp(60, "2001:db8::/32"))
	full(fromGroup(g))
	w.do(AuthorizeRules{Group: g, Egress: true, Rules: []RuleSpec{tcp(60, "10.0.0.0/8")}})
}

// AWS: RevokeSecurityGroupIngress, "For a default VPC, if the values you specify
// do not match the existing rule's values, no error is returned".
func TestRevokeOfAnUnknownRule(t *testing.T) {
	w, g := newGrouped(t)
	w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}})
	w.refuses(RevokeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8"), tcp(23, "10.0.0.0/8")}},
		RuleNotFound, string(g), "peer: 10.0.0.0/8, TCP, from port: 23, to port: 23, ALLOW")
	w.do(OpenWorld{Zones: zones})
	d := w.newGroup(home, w.DefaultVPC(home).ID, "web")
	w.do(AuthorizeRules{Group: d, Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}})
	out := w.as(home, RevokeRules{Group: d, Rules: []RuleSpec{tcp(22, "10.0.0.0/8"), tcp(23, "10.0.0.0/8")}})
	if len(out.Revoked) != 1 || len(out.Unknown) != 1 || out.Unknown[0].Ports.From != 23 {
		t.Errorf("revoked %v, unknown %v", out.Revoked, out.Unknown)
	}
	w.wantRules(d, outAll)
	generation := w.Generation
	w.do(RevokeRules{Group: d, Rules: []RuleSpec{tcp(23, "10.0.0.0/8")}})
	if w.Generation != generation {
		t.Error("revoking nothing is a change")
	}
}

func TestRevokeByID(t *testing.T) {
	w, g := newGrouped(t)
	out := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8"), tcp(80, "10.0.0.0/8")}, Tags: Tags{"a": "b"}})
	ssh := RuleID(out.Created[0])
	egress := w.SecurityGroup(g).Rules[0].ID
	w.refuses(RevokeRules{Group: g}, Missing, "ipPermissions", "")
	w.refuses(RevokeRules{Group: g, IDs: []RuleID{"sgr-0123456789abcdef0"}}, NotFound, "sgr-0123456789abcdef0", "")
	w.refuses(RevokeRules{Group: g, IDs: []RuleID{"22"}}, Malformed, "22", "sgr")
	w.refuses(RevokeRules{Group: g, IDs: []RuleID{ssh, egress}}, NotFound, string(egress), "")
	out = w.as(home, RevokeRules{Group: g, IDs: []RuleID{ssh, ssh}})
	if len(out.Revoked) != 1 || out.Revoked[0].ID != ssh {
		t.Errorf("revoked %v", out.Revoked)
	}
	w.wantRules(g, outAll, "in peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW")
	if w.Tags(home, string(ssh)) != nil {
		t.Error("the revoked rule has tags")
	}
	// Terraform revokes the egress rule that AWS adds, right after it made a group.
	w.do(RevokeRules{Group: g, Egress: true, Rules: []RuleSpec{allTo(true, PeerCIDR{anywhere})}})
	w.wantRules(g, "in peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW")
}

// AWS: ModifySecurityGroupRules.
func TestModifyRules(t *testing.T) {
	w, g := newGrouped(t)
	out := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8"), tcp(80, "10.0.0.0/8")}})
	ssh, web := RuleID(out.Created[0]), RuleID(out.Created[1])
	change := func(id RuleID, s RuleSpec) Rule { return Rule{ID: id, RuleSpec: s} }
	w.refuses(ModifyRules{Group: g}, Missing, "SecurityGroupRule", "")
	w.refuses(ModifyRules{g, []Rule{change("sgr-0123456789abcdef0", tcp(1, "10.0.0.0/8"))}}, NotFound, "sgr-0123456789abcdef0", "")
	w.refuses(ModifyRules{g, []Rule{change(ssh, tcp(80, "10.0.0.0/8"))}}, Duplicate, "peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW", "")
	w.refuses(ModifyRules{g, []Rule{change(ssh, tcp(1, "10.0.0.0/8")), change(ssh, tcp(2, "10.0.0.0/8"))}}, Repeated, "peer: 10.0.0.0/8, TCP, from port: 2, to port: 2, ALLOW", "")
	w.refuses(ModifyRules{g, []Rule{change(ssh, tcp(1, "10.0.0.0/8")), change(web, tcp(70000, "10.0.0.0/8"))}}, PortOutOfRange, "70000", "from")
	// All at once, so two rules may change places.
	w.do(ModifyRules{g, []Rule{change(ssh, tcp(80, "10.0.0.0/8")), change(web, tcp(22, "10.0.0.0/8"))}})
	if r, _ := w.SecurityGroup(g).Rule(ssh); r.Ports.From != 80 {
		t.Errorf("the rule is %v", r)
	}
	w.do(ModifyRules{g, []Rule{change(ssh, fromGroup(g))}})
	w.wantRules(g, outAll, "in peer: "+string(g)+", ALL, ALLOW", "in peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW")
}

// AWS: UpdateSecurityGroupRuleDescriptionsIngress.
func TestDescribeRulesChangesOnlyDescriptions(t *testing.T) {
	w, g := newGrouped(t)
	out := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8"), tcp(80, "10.0.0.0/8")}})
	before := w.rules(g)
	ssh := RuleID(out.Created[0])
	web := tcp(80, "10.0.0.0/8")
	web.Description = "web"
	w.do(DescribeRules{Group: g, ByID: []Rule{{ssh, RuleSpec{Description: "ssh"}}}, Rules: []RuleSpec{web}})
	var got []string
	for _, r := range w.SecurityGroup(g).Rules {
		got = append(got, r.Description)
	}
	if want := []string{"", "ssh", "web"}; !slices.Equal(got, want) {
		t.Errorf("descriptions are %q, want %q", got, want)
	}
	if !slices.Equal(w.rules(g), before) {
		t.Errorf("the rules are %q, were %q", w.rules(g), before)
	}
	w.refuses(DescribeRules{Group: g}, Missing, "ipPermissions", "")
	w.refuses(DescribeRules{Group: g, Egress: true, Rules: []RuleSpec{web}}, RuleNotFound, string(g), "peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW")
	w.refuses(DescribeRules{Group: g, Egress: true, ByID: []Rule{{ID: ssh}}}, NotFound, string(ssh), "")
	w.refuses(DescribeRules{Group: g, ByID: []Rule{{ssh, RuleSpec{Description: "ß"}}}}, GroupText, "ß", "description")
}

func TestRuleIDsAreUnique(t *testing.T) {
	w, g := newGrouped(t)
	for i := range 50 {
		w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(i, "10.0.0.0/8")}})
	}
	seen := map[RuleID]bool{}
	for group := range w.SecurityGroups() {
		for _, r := range group.Rules {
			if seen[r.ID] || !WellFormed(string(r.ID), "sgr") {
				t.Errorf("rule %s", r.ID)
			}
			seen[r.ID] = true
		}
	}
}

// anyRule draws from few rules, in several spellings of each.
func anyRule(t *rapid.T) (spec RuleSpec, meaning string) {
	type spelling struct {
		ports PortRange
		means string
	}
	protocol := rapid.SampledFrom([]Protocol{AnyProtocol, TCP, UDP, ICMP, 50}).Draw(t, "protocol")
	spellings := map[Protocol][]spelling{
		AnyProtocol: {{AnyPort, ""}, {PortRange{22, 80}, ""}},
		TCP:         {{PortRange{22, 22}, "22"}, {PortRange{0, 65535}, "all"}},
		UDP:         {{PortRange{53, 53}, "53"}},
		ICMP:        {{PortRange{8, -1}, "8"}, {PortRange{-1, -1}, "all"}},
		50:          {{PortRange{0, 0}, ""}, {AnyPort, ""}},
	}
	s := rapid.SampledFrom(spellings[protocol]).Draw(t, "ports")
	block := rapid.SampledFrom([]string{"10.0.0.0/8", "10.7.7.7/8", "2001:db8::/32", "2001:db8::9/32"}).Draw(t, "block")
	spec = RuleSpec{Protocol: protocol, Ports: s.ports, Peer: PeerCIDR{cidr(block)},
		Description: rapid.SampledFrom([]string{"", "d"}).Draw(t, "description")}
	return spec, fmt.Sprint(protocol, " ", s.means, " ", cidr(block).Masked())
}

// AWS: AuthorizeSecurityGroupIngress; RevokeSecurityGroupIngress: a group is a set
// of rules, one for each direction, protocol, ports and peer.
func TestGroupIsASetOfRules(t *testing.T) {
	done, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w, g := newGrouped(t)
		set := map[string]bool{"true -1  0.0.0.0/0": true}
		for range rapid.IntRange(1, 12).Draw(rt, "ops") {
			egress := rapid.Bool().Draw(rt, "egress")
			revoke := rapid.Bool().Draw(rt, "revoke")
			next := map[string]bool{}
			for k := range set {
				next[k] = true
			}
			var rules []RuleSpec
			legal := true
			for range rapid.IntRange(1, 3).Draw(rt, "rules") {
				spec, meaning := anyRule(rt)
				rules = append(rules, spec)
				key := fmt.Sprint(egress, " ", meaning)
				if revoke {
					// Named twice it is removed once.
					legal = legal && set[key]
					delete(next, key)
				} else {
					legal = legal && !next[key]
					next[key] = true
				}
			}
			var r Request = AuthorizeRules{Group: g, Egress: egress, Rules: rules}
			if revoke {
				r = RevokeRules{Group: g, Egress: egress, Rules: rules}
			}
			state, err := w.Apply(w.op(home, r))
			if legal != (err == nil) {
				rt.Fatalf("%T %+v on %v: %v", r, r, set, err)
			}
			if err != nil {
				refused++
				continue
			}
			done++
			w.State, set = state, next
			if got := len(w.SecurityGroup(g).Rules); got != len(set) {
				rt.Fatalf("%d rules, want %d: %v", got, len(set), w.rules(g))
			}
		}
	})
	if done < 50 || refused < 50 {
		t.Errorf("%d ops were done and %d refused: the test says little", done, refused)
	}
}

// AWS: ModifySecurityGroupRules; DeleteSecurityGroup: a rule is one thing with one
// ID and its tags, from Authorize until it is revoked or its group goes.
func TestARuleKeepsItsIDAndTagsThroughItsLife(t *testing.T) {
	w, g := newGrouped(t)
	id := RuleID(w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}, Tags: Tags{"Name": "ssh"}}))
	keeps := func() {
		t.Helper()
		if owner := w.GroupOfRule(id); owner == nil || owner.ID != g {
			t.Fatalf("rule %s is of %v", id, owner)
		}
		w.wantTags(string(id), Tags{"Name": "ssh"})
	}
	keeps()
	w.do(ModifyRules{g, []Rule{{id, tcp(2222, "192.0.2.0/24")}}})
	keeps()
	w.do(DescribeRules{Group: g, ByID: []Rule{{id, RuleSpec{Description: "ssh"}}}})
	keeps()
	w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}})
	keeps()
	w.do(ModifyRules{g, []Rule{{id, fromGroup(g)}}})
	keeps()
	if rule, _ := w.SecurityGroup(g).Rule(id); rule.Peer != (PeerGroup{Group: g, Owner: home.Account}) {
		t.Errorf("the peer is %+v", rule.Peer)
	}
	w.do(DeleteSecurityGroup{g})
	if w.GroupOfRule(id) != nil || w.Tags(home, string(id)) != nil {
		t.Error("the rule outlived its group")
	}
}

// AWS: ModifySecurityGroupRules obeys the quota too: a rule that moves to the
// other family takes a place there.
func TestModifyObeysTheQuotaOfTheOtherFamily(t *testing.T) {
	w, g := newGrouped(t)
	w.doAs(home, OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaRules, 2})
	six := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(1, "2001:db8::/32"), tcp(2, "2001:db8::/32")}}).Created
	four := w.as(home, AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(1, "10.0.0.0/8")}}).Created
	move := func(id, to string) ModifyRules {
		return ModifyRules{g, []Rule{{RuleID(id), tcp(9, to)}}}
	}
	w.refuses(move(four[0], "2001:db8:1::/48"), LimitExceeded, string(g), string(QuotaRules))
	w.do(move(six[0], "10.0.0.0/8"))
	w.refuses(move(six[1], "10.1.0.0/16"), LimitExceeded, string(g), string(QuotaRules))
	w.do(move(four[0], "2001:db8:1::/48"))
}

// Rules that name a group are the same rule whatever is said of its owner, VPC or
// peering: AWS fills these in.
func TestAGroupIsOnePeerHoweverItIsNamed(t *testing.T) {
	w, g := newGrouped(t)
	named := func(peer PeerGroup) []RuleSpec {
		return []RuleSpec{{Protocol: TCP, Ports: PortRange{1, 1}, Peer: peer}}
	}
	plain := PeerGroup{Group: g}
	owned := PeerGroup{Group: g, Owner: home.Account}
	full := PeerGroup{Group: g, Owner: home.Account, VPC: w.SecurityGroup(g).VPC, Peering: "pcx-0123456789abcdef0"}
	for _, first := range []PeerGroup{plain, owned, full} {
		w.do(AuthorizeRules{Group: g, Rules: named(first)})
		for _, again := range []PeerGroup{plain, owned, full} {
			w.refuses(AuthorizeRules{Group: g, Rules: named(again)}, Duplicate, "peer: "+string(g)+", TCP, from port: 1, to port: 1, ALLOW", "")
		}
		w.do(RevokeRules{Group: g, Rules: named(full)})
	}
	w.wantRules(g, outAll)
}
