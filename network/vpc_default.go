package network

import (
	"net/netip"
	"slices"
)

// What a VPC has from the start: a default network ACL that allows everything
// (AWS: Default network ACL for a VPC) and a default security group that allows
// everything out, and in from its own members (AWS: Default security groups for
// your VPCs).

var (
	anywhere  = netip.MustParsePrefix("0.0.0.0/0")
	anywhere6 = netip.MustParsePrefix("::/0")
)

// The numbers of a default network ACL's entries.
const (
	defaultEntry  = 100
	defaultEntry6 = 101
)

func (e *edit) newDefaultACL(v *VPC) *ACL {
	a := &ACL{ID: ACLID(e.newID("acl")), Home: v.Home, VPC: v.ID, Default: true, Created: e.op.At}
	for _, egress := range []bool{false, true} {
		a.Entries = append(a.Entries, allowAll(egress, anywhere))
		if len(v.Blocks6) > 0 {
			a.Entries = append(a.Entries, allowAll(egress, anywhere6))
		}
	}
	e.putACL(a)
	return a
}

func allowAll(egress bool, cidr netip.Prefix) ACLEntry {
	number := defaultEntry
	if cidr.Addr().Is6() {
		number = defaultEntry6
	}
	return ACLEntry{Number: number, Egress: egress, Allow: true, Protocol: AnyProtocol, CIDR: cidr, Ports: AnyPort}
}

func (e *edit) newDefaultGroup(v *VPC) *SecurityGroup {
	g := &SecurityGroup{
		ID: GroupID(e.newID("sg")), Home: v.Home, VPC: v.ID, Created: e.op.At,
		Name: defaultGroupName, Description: "default VPC security group", Default: true,
	}
	members := e.newRule(allTo(false, PeerGroup{Group: g.ID, Owner: g.Owner}))
	g.Rules = append([]Rule{members}, e.egressRules(v)...)
	e.putGroup(g)
	return g
}

// egressRules are what every new group of a VPC allows: everything out, in each
// family that the VPC has (AWS: Security group rules).
func (e *edit) egressRules(v *VPC) []Rule {
	out := []Rule{e.newRule(allTo(true, PeerCIDR{anywhere}))}
	if len(v.Blocks6) > 0 {
		out = append(out, e.newRule(allTo(true, PeerCIDR{anywhere6})))
	}
	return out
}

func allTo(egress bool, peer Peer) RuleSpec {
	return RuleSpec{Egress: egress, Protocol: AnyProtocol, Ports: AnyPort, Peer: peer}
}

// openACL6 lets a VPC's default ACL allow IPv6 too when the VPC gets its first
// IPv6 block, in each direction whose entries nobody has changed (AWS: Default
// network ACL, "If you've modified your default network ACL's inbound rules, we
// do not automatically add an allow rule for inbound IPv6 traffic").
func (e *edit) openACL6(v *VPC) {
	next := *e.ACL(v.DefaultACL)
	var entries []ACLEntry
	for _, egress := range []bool{false, true} {
		side := slices.DeleteFunc(slices.Clone(next.Entries), func(entry ACLEntry) bool { return entry.Egress != egress })
		if len(side) == 1 && side[0] == allowAll(egress, anywhere) {
			side = append(side, allowAll(egress, anywhere6))
		}
		entries = append(entries, side...)
	}
	next.Entries = entries
	e.putACL(&next)
}

// openGroups6 lets those groups of a VPC reach IPv6 too whose egress rules nobody
// has changed, when the VPC gets its first IPv6 block (AWS: Security group rules,
// "If you've modified the outbound rules …, we do not automatically add an
// outbound rule for IPv6 traffic").
func (e *edit) openGroups6(v *VPC) {
	for g := range e.SecurityGroupsIn(v.ID) {
		egress := slices.DeleteFunc(slices.Clone(g.Rules), func(r Rule) bool { return !r.Egress })
		if len(egress) != 1 {
			continue
		}
		only := egress[0].RuleSpec
		only.Description = ""
		if only != allTo(true, PeerCIDR{anywhere}) {
			continue
		}
		next := *g
		next.Rules = append(slices.Clone(g.Rules), e.newRule(allTo(true, PeerCIDR{anywhere6})))
		e.putGroup(&next)
	}
}
