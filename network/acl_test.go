package network

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func (w *site) newACL(v VPCID) ACLID {
	w.Helper()
	return ACLID(w.do(CreateACL{VPC: v}))
}

// entries gives an ACL's entries as "100 in allow -1 0.0.0.0/0 -1--1".
func (w *site) entries(id ACLID) []string {
	var out []string
	for _, e := range w.ACL(id).Entries {
		dir, verdict := "in", "deny"
		if e.Egress {
			dir = "out"
		}
		if e.Allow {
			verdict = "allow"
		}
		out = append(out, fmt.Sprintf("%d %s %s %d %v %d-%d", e.Number, dir, verdict, e.Protocol, e.CIDR, e.Ports.From, e.Ports.To))
	}
	return out
}

func (w *site) wantEntries(id ACLID, want ...string) {
	w.Helper()
	if got := w.entries(id); !slices.Equal(got, want) {
		w.Errorf("%s has the entries %q, want %q", id, got, want)
	}
}

const (
	in100  = "100 in allow -1 0.0.0.0/0 -1--1"
	in101  = "101 in allow -1 ::/0 -1--1"
	out100 = "100 out allow -1 0.0.0.0/0 -1--1"
	out101 = "101 out allow -1 ::/0 -1--1"
)

func entry(number int, cidrBlock string) ACLEntry {
	return ACLEntry{Number: number, Allow: true, Protocol: TCP, CIDR: cidr(cidrBlock), Ports: PortRange{80, 80}}
}

// AWS: Default network ACL for a VPC; Create a network ACL.
func TestDefaultACLAllowsAllAndANewOneNothing(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	w.wantEntries(v.DefaultACL, in100, out100)
	w.wantEntries(w.newACL(v.ID))
	six := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	w.wantEntries(six.DefaultACL, in100, in101, out100, out101)
	if !w.ACL(v.DefaultACL).Default {
		t.Error("the default ACL is not marked so")
	}
}

// AWS: Default network ACL, "If you've modified your default network ACL's inbound
// rules, we do not automatically add an allow rule for inbound IPv6 traffic".
func TestDefaultACLAllowsIPv6OnceTheVPCHasItUnlessChanged(t *testing.T) {
	w := newSite(t)
	v, changed := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.do(AssociateVPCBlock{VPC: v.ID})
	w.wantEntries(v.DefaultACL, in100, in101, out100, out101)
	w.do(DeleteACLEntry{changed.DefaultACL, 100, false})
	w.do(AssociateVPCBlock{VPC: changed.ID})
	w.wantEntries(changed.DefaultACL, out100, out101)
}

// AWS: CreateNetworkAclEntry, ReplaceNetworkAclEntry, DeleteNetworkAclEntry.
func TestEntryIsNamedByItsNumberAndDirection(t *testing.T) {
	w := newSite(t)
	a := w.newACL(w.newVPC(home, "10.0.0.0/16").ID)
	out := entry(100, "10.0.0.0/8")
	out.Egress = true
	w.do(CreateACLEntry{a, entry(200, "10.0.0.0/8")})
	w.do(CreateACLEntry{a, out})
	w.do(CreateACLEntry{a, entry(100, "10.9.9.9/8")})
	w.wantEntries(a, "100 in allow 6 10.0.0.0/8 80-80", "200 in allow 6 10.0.0.0/8 80-80", "100 out allow 6 10.0.0.0/8 80-80")
	w.refuses(CreateACLEntry{a, entry(100, "192.0.2.0/24")}, EntryExists, "100", string(a))
	deny := entry(100, "192.0.2.0/24")
	deny.Allow = false
	w.do(ReplaceACLEntry{a, deny})
	w.wantEntries(a, "100 in deny 6 192.0.2.0/24 80-80", "200 in allow 6 10.0.0.0/8 80-80", "100 out allow 6 10.0.0.0/8 80-80")
	w.do(DeleteACLEntry{a, 100, false})
	w.wantEntries(a, "200 in allow 6 10.0.0.0/8 80-80", "100 out allow 6 10.0.0.0/8 80-80")
	w.refuses(DeleteACLEntry{a, 100, false}, EntryNotFound, "100", string(a))
	w.refuses(ReplaceACLEntry{a, deny}, EntryNotFound, "100", string(a))
	w.refuses(DeleteACLEntry{a, FinalEntry, false}, EntryNotFound, "32767", string(a))
}

// AWS: CreateNetworkAclEntry: what an entry may say.
func TestEntriesHaveOneFormForWhatTheyMean(t *testing.T) {
	with := func(p Protocol, block string, from, to int) ACLEntry {
		return ACLEntry{Number: 1, Allow: true, Protocol: p, CIDR: cidr(block), Ports: PortRange{from, to}}
	}
	for _, tc := range []struct {
		entry ACLEntry
		want  string
	}{
		{with(UDP, "10.9.9.9/8", 0, 65535), "1 in allow 17 10.0.0.0/8 0-65535"},
		{with(AnyProtocol, "0.0.0.0/0", 22, 80), "1 in allow -1 0.0.0.0/0 -1--1"},
		{with(50, "2001:db8::1/32", 22, 80), "1 in allow 50 2001:db8::/32 -1--1"},
		{with(ICMP, "0.0.0.0/0", 8, -1), "1 in allow 1 0.0.0.0/0 8--1"},
		{with(ICMPv6, "::/0", 128, 0), "1 in allow 58 ::/0 128-0"},
		{with(ICMPv6, "0.0.0.0/0", 128, 0), "1 in allow 58 0.0.0.0/0 -1--1"},
	} {
		w := newSite(t)
		a := w.newACL(w.newVPC(home, "10.0.0.0/16").ID)
		w.do(CreateACLEntry{a, tc.entry})
		w.wantEntries(a, tc.want)
	}
	w := newSite(t)
	a := w.newACL(w.newVPC(home, "10.0.0.0/16").ID)
	numbered := func(n int) ACLEntry { return entry(n, "0.0.0.0/0") }
	for _, tc := range []struct {
		entry           ACLEntry
		code            Code
		subject, detail string
	}{
		{numbered(0), InvalidValue, "0", "ruleNumber"},
		{numbered(32767), InvalidValue, "32767", "ruleNumber"},
		{ACLEntry{Number: 1, Protocol: TCP}, Missing, "cidrBlock", ""},
		{with(TCP, "0.0.0.0/0", -1, -1), PortOutOfRange, "-1", "from"},
		{with(TCP, "0.0.0.0/0", 80, 22), PortsReversed, "80:22", ""},
		{with(ICMP, "0.0.0.0/0", -1, 3), ICMPCode, "3", ""},
		{with(300, "0.0.0.0/0", 0, 0), UnknownProtocol, "300", ""},
	} {
		w.refuses(CreateACLEntry{a, tc.entry}, tc.code, tc.subject, tc.detail)
		w.refuses(ReplaceACLEntry{a, tc.entry}, tc.code, tc.subject, tc.detail)
	}
	w.refuses(CreateACLEntry{"acl-0123456789abcdef0", numbered(1)}, NotFound, "acl-0123456789abcdef0", "")
	w.refusesTo(stranger, CreateACLEntry{a, numbered(1)}, NotFound, string(a), "")
}

// AWS: DeleteNetworkAcl; ReplaceNetworkAclAssociation.
func TestSubnetIsUnderExactlyOneACL(t *testing.T) {
	w := newSite(t)
	v, other := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	a, far := w.newACL(v.ID), w.newACL(other.ID)
	old := n.ACLAssociation
	next := AssociationID(w.do(ReplaceACLAssociation{old, a}))
	if got := w.Subnet(n.ID); got.ACL != a || got.ACLAssociation != next || next == old {
		t.Errorf("the subnet is under %s by %s", got.ACL, got.ACLAssociation)
	}
	w.refuses(ReplaceACLAssociation{old, a}, NotFound, string(old), "")
	w.refuses(ReplaceACLAssociation{"aclassoc-", a}, Malformed, "aclassoc-", "aclassoc")
	w.refuses(ReplaceACLAssociation{next, far}, DifferentNetworks, string(far), string(n.ID))
	w.refusesTo(stranger, ReplaceACLAssociation{next, a}, NotFound, string(next), "")
	w.refuses(DeleteACL{a}, InUse, string(a), string(n.ID))
	w.refuses(DeleteACL{v.DefaultACL}, DefaultUndeletable, string(v.DefaultACL), "")
	w.do(ReplaceACLAssociation{next, v.DefaultACL})
	w.do(DeleteACL{a})
	w.refuses(DeleteACL{a}, NotFound, string(a), "")
}

// AWS: Amazon VPC quotas, Network ACLs: the rules' quota "includes the default
// deny rules", so 19 are left.
func TestACLQuotas(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.newVPC(home, "10.0.0.0/16")
	a := w.newACL(v.ID)
	for i := range 19 {
		w.do(CreateACLEntry{a, entry(i+1, "0.0.0.0/0")})
	}
	w.refuses(CreateACLEntry{a, entry(20, "0.0.0.0/0")}, LimitExceeded, string(a), string(QuotaEntries))
	w.do(CreateACLEntry{a, entry(20, "::/0")})
	out := entry(20, "0.0.0.0/0")
	out.Egress = true
	w.do(CreateACLEntry{a, out})
	w.do(SetQuota{QuotaACLs, 2})
	w.refuses(CreateACL{VPC: v.ID}, LimitExceeded, string(v.ID), string(QuotaACLs))
}

// AWS: Network ACL rules: in order of number, whatever the order of creation.
func TestEntriesAreInOrderHoweverTheyWereMade(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newSite(t)
		a := w.newACL(w.newVPC(home, "10.0.0.0/16").ID)
		have := map[string]bool{}
		for range rapid.IntRange(1, 15).Draw(rt, "ops") {
			e := entry(rapid.IntRange(1, 6).Draw(rt, "number"), "0.0.0.0/0")
			e.Egress, e.Allow = rapid.Bool().Draw(rt, "egress"), rapid.Bool().Draw(rt, "allow")
			key := fmt.Sprint(e.Number, e.Egress)
			var r Request
			var legal bool
			switch rapid.IntRange(1, 3).Draw(rt, "op") {
			case 1:
				r, legal = CreateACLEntry{a, e}, !have[key]
			case 2:
				r, legal = ReplaceACLEntry{a, e}, have[key]
			case 3:
				r, legal = DeleteACLEntry{a, e.Number, e.Egress}, have[key]
			}
			next, err := w.Apply(w.op(home, r))
			if legal != (err == nil) {
				rt.Fatalf("%T %+v: %v", r, r, err)
			}
			if err != nil {
				continue
			}
			w.State = next
			_, gone := r.(DeleteACLEntry)
			have[key] = !gone
			got := w.ACL(a).Entries
			if !slices.IsSortedFunc(got, func(x, y ACLEntry) int {
				if x.Egress != y.Egress {
					return map[bool]int{false: -1, true: 1}[x.Egress]
				}
				return cmp.Compare(x.Number, y.Number)
			}) {
				rt.Fatalf("out of order: %v", w.entries(a))
			}
			if !gone && !slices.Contains(got, e) {
				rt.Fatalf("%+v is not in %v", e, got)
			}
		}
	})
}
