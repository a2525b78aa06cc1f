package network

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// SecurityGroup is a set of rules that allow; what none allows is dropped.
// It is stateful and works at the interface.
type SecurityGroup struct {
	ID GroupID
	Home
	VPC         VPCID
	Name        string
	Description string
	Default     bool   // the VPC's default group
	Rules       []Rule // both directions, in the order they were made
	Created     time.Time
}

// Rule allows one kind of traffic from or to one peer.
type Rule struct {
	ID RuleID
	RuleSpec
}

// RuleSpec is a rule without its ID. Description is not part of its identity.
type RuleSpec struct {
	Egress      bool
	Protocol    Protocol
	Ports       PortRange // TCP and UDP: ports; ICMP: From is the type, To the code, -1 is any; else -1, -1
	Peer        Peer
	Description string
}

// Protocol is an IP protocol number, or AnyProtocol.
type Protocol int16

// The protocols that rules treat apart.
const (
	AnyProtocol Protocol = -1
	ICMP        Protocol = 1
	TCP         Protocol = 6
	UDP         Protocol = 17
	ICMPv6      Protocol = 58
)

// PortRange is From to To, inclusive.
type PortRange struct{ From, To int }

// AnyPort is the PortRange of protocols that have none.
var AnyPort = PortRange{-1, -1}

// Peer is the other end of a rule. The set is closed.
type Peer interface{ peer() string }

// The peers.
type (
	// PeerCIDR is a range of addresses of either family.
	PeerCIDR struct{ CIDR netip.Prefix }
	// PeerGroup is every interface of a security group, by its private
	// addresses. VPC and Peering are set when the group is in a peer VPC.
	PeerGroup struct {
		Group   GroupID
		Owner   Account
		VPC     VPCID
		Peering PeeringID
	}
	// PeerPrefixList is a managed prefix list. There are none yet.
	PeerPrefixList struct{ List PrefixListID }
)

func (PeerCIDR) peer() string         { return "" }
func (p PeerGroup) peer() string      { return string(p.Group) }
func (p PeerPrefixList) peer() string { return string(p.List) }

func (g *SecurityGroup) key() string { return string(g.ID) }

func (g *SecurityGroup) links() []string {
	out := []string{g.World(), string(g.VPC), groupNameKey(g.VPC, g.Name)}
	for _, r := range g.Rules {
		out = append(out, string(r.ID))
		if id := r.Peer.peer(); id != "" {
			out = append(out, id)
		}
	}
	return out
}

// groupNameKey is alike for names that AWS takes for the same.
func groupNameKey(v VPCID, name string) string {
	return string(v) + "/" + strings.ToLower(strings.TrimSpace(name))
}

func (g *SecurityGroup) uses() []use { return []use{{g.World(), QuotaGroups}} }

// Rule is the group's rule with this ID.
func (g *SecurityGroup) Rule(id RuleID) (Rule, bool) {
	for _, r := range g.Rules {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// SecurityGroup finds one by ID; nil when there is none.
func (s State) SecurityGroup(id GroupID) *SecurityGroup { return lookup(s.groups, id) }

// SecurityGroups are all groups of all accounts, in order of ID.
func (s State) SecurityGroups() iter.Seq[*SecurityGroup] { return s.groups.all() }

// SecurityGroupsOf are the groups of the caller's account and Region.
func (s State) SecurityGroupsOf(c Caller) iter.Seq[*SecurityGroup] {
	return those(s, s.groups, Home{c.Account, c.Region}.World(), "sg-")
}

// SecurityGroupsIn are the groups of a VPC.
func (s State) SecurityGroupsIn(id VPCID) iter.Seq[*SecurityGroup] {
	return those(s, s.groups, string(id), "sg-")
}

// SecurityGroupNamed is the group of a VPC with this name, in any case; nil when
// there is none.
func (s State) SecurityGroupNamed(v VPCID, name string) *SecurityGroup {
	return lookup(s.groups, s.refs.first(groupNameKey(v, name), "sg-"))
}

// GroupsReferring are the groups with a rule that names group id as its peer.
func (s State) GroupsReferring(id GroupID) iter.Seq[*SecurityGroup] {
	return those(s, s.groups, string(id), "sg-")
}

// GroupOfRule is the group that has a rule; nil when none has it.
func (s State) GroupOfRule(id RuleID) *SecurityGroup {
	return lookup(s.groups, s.refs.first(string(id), "sg-"))
}

// PeerAlive reports whether a rule of group g that names peer permits anything:
// a referenced group must exist, in g's own VPC or in one that an active peering
// joins to it. A rule that fails this is stale (AWS: Working with stale rules).
func (s State) PeerAlive(g *SecurityGroup, peer PeerGroup) bool {
	other := s.SecurityGroup(peer.Group)
	if other == nil {
		return false
	}
	return other.VPC == g.VPC || s.ActivePeering(g.VPC, other.VPC) != nil
}

// StaleRules are the rules of a VPC's groups whose peer group is gone or no
// longer reached: they stay, permit nothing, and count again once the VPCs are
// peered anew (AWS: Work with stale security group rules).
func (s State) StaleRules(v VPCID) iter.Seq2[*SecurityGroup, Rule] {
	return func(yield func(*SecurityGroup, Rule) bool) {
		for g := range s.SecurityGroupsIn(v) {
			for _, r := range g.Rules {
				if peer, ok := r.Peer.(PeerGroup); ok && !s.PeerAlive(g, peer) && !yield(g, r) {
					return
				}
			}
		}
	}
}

// GroupReference is a VPC across a peering that refers to a security group.
type GroupReference struct {
	Group   GroupID
	VPC     VPCID
	Peering PeeringID
}

// References are the peer VPCs with a rule that names group id, each once, in
// order (AWS: DescribeSecurityGroupReferences).
func (s State) References(id GroupID) []GroupReference {
	g := s.SecurityGroup(id)
	if g == nil {
		return nil
	}
	var out []GroupReference
	for other := range s.GroupsReferring(id) {
		if other.VPC == g.VPC {
			continue
		}
		if p := s.ActivePeering(g.VPC, other.VPC); p != nil {
			out = append(out, GroupReference{id, other.VPC, p.ID})
		}
	}
	slices.SortFunc(out, func(a, b GroupReference) int { return strings.Compare(string(a.VPC), string(b.VPC)) })
	return slices.Compact(out)
}

// CreateSecurityGroup makes a group without ingress rules that allows all
// egress. Created: the group.
type CreateSecurityGroup struct {
	VPC         VPCID
	Name        string
	Description string
	Tags        Tags
}

// DeleteSecurityGroup deletes a group that nothing uses.
type DeleteSecurityGroup struct{ Group GroupID }

// AuthorizeRules adds rules of one direction, all or none. Created: the rules.
type AuthorizeRules struct {
	Group  GroupID
	Egress bool
	Rules  []RuleSpec // Egress in them is ignored
	Tags   Tags       // of every rule made
}

// RevokeRules removes rules of one direction, named by value or by ID.
// The outcome's Revoked and Unknown say which.
type RevokeRules struct {
	Group  GroupID
	Egress bool
	Rules  []RuleSpec
	IDs    []RuleID
}

// ModifyRules changes rules in place, all or none.
type ModifyRules struct {
	Group GroupID
	Rules []Rule // Egress and the ID say which; the rest is new
}

// DescribeRules changes the descriptions of rules of one direction; each is
// named by ID, or by value.
type DescribeRules struct {
	Group  GroupID
	Egress bool
	ByID   []Rule
	Rules  []RuleSpec
}
