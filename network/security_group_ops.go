package network

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	defaultGroupName        = "default"
	defaultGroupDescription = "default VPC security group"
	maxGroupText            = 255
)

var (
	anywhere  = netip.MustParsePrefix("0.0.0.0/0")
	anywhere6 = netip.MustParsePrefix("::/0")
)

func allTo(egress bool, peer Peer) RuleSpec {
	return RuleSpec{Egress: egress, Protocol: AnyProtocol, Ports: AnyPort, Peer: peer}
}

// newGroup makes a group that lets everything out: to IPv6 too when the VPC has a
// block of it (AWS: Security groups, Security group basics).
func (e *edit) newGroup(v *VPC, name, description string) *SecurityGroup {
	g := &SecurityGroup{
		ID: GroupID(e.newID("sg")), Home: v.Home, VPC: v.ID, Name: name, Description: description, Created: e.op.At,
	}
	g.Rules = append(g.Rules, e.newRule(allTo(true, PeerCIDR{anywhere})))
	if len(v.Blocks6) > 0 {
		g.Rules = append(g.Rules, e.newRule(allTo(true, PeerCIDR{anywhere6})))
	}
	return g
}

// newDefaultGroup makes a VPC's default group, which lets its members in too
// (AWS: Default security groups for your VPCs).
func (e *edit) newDefaultGroup(v *VPC) *SecurityGroup {
	g := e.newGroup(v, defaultGroupName, defaultGroupDescription)
	g.Default = true
	g.Rules = append(g.Rules, e.newRule(allTo(false, PeerGroup{Group: g.ID, Owner: g.Owner})))
	e.putGroup(g)
	return g
}

func (e *edit) newRule(spec RuleSpec) Rule {
	return Rule{ID: RuleID(e.newID("sgr")), RuleSpec: spec}
}

func (e *edit) putGroup(g *SecurityGroup) { put(e, &e.groups, kindGroup, g) }

// openGroups6 lets those groups of a VPC reach IPv6 too whose egress rules nobody
// has changed, when the VPC gets its first IPv6 block (AWS: Security group rules,
// "If you've modified the outbound rules …, we do not automatically add an
// outbound rule for IPv6 traffic").
func (e *edit) openGroups6(v *VPC) {
	untouched := allTo(true, PeerCIDR{anywhere}).identity()
	for g := range e.SecurityGroupsIn(v.ID) {
		egress := slices.DeleteFunc(slices.Clone(g.Rules), func(r Rule) bool { return !r.Egress })
		if len(egress) != 1 || egress[0].identity() != untouched {
			continue
		}
		next := *g
		next.Rules = append(slices.Clone(g.Rules), e.newRule(allTo(true, PeerCIDR{anywhere6})))
		e.putGroup(&next)
	}
}

// apply checks the name as AWS does: at most 255 characters of a small set,
// unique in the VPC without regard to case, not "default" and not like an ID
// (AWS: CreateSecurityGroup).
func (r CreateSecurityGroup) apply(e *edit) error {
	name := strings.TrimSpace(r.Name)
	switch {
	case name == "":
		return fail(Missing, "GroupName")
	case r.Description == "":
		return fail(Missing, "GroupDescription")
	case strings.EqualFold(name, defaultGroupName):
		return fail(ReservedName, name)
	case strings.HasPrefix(strings.ToLower(name), "sg-"):
		return fail(GroupNameIsID, name)
	case !groupText(name):
		return failWith(GroupText, name, "GroupName")
	case !groupText(r.Description):
		return failWith(GroupText, r.Description, "GroupDescription")
	}
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if e.SecurityGroupNamed(v.ID, name) != nil {
		return failWith(GroupExists, name, v.ID)
	}
	if err := e.room(v.World(), QuotaGroups); err != nil {
		return err
	}
	g := e.newGroup(v, name, r.Description)
	e.putGroup(g)
	e.created(g.key())
	return e.setTags(g.key(), r.Tags)
}

// groupText reports whether AWS takes text as a name or a description: "a-z, A-Z,
// 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*" (AWS: CreateSecurityGroup).
func groupText(text string) bool {
	const marks = " ._-:/()#,@[]+=&;{}!$*"
	for _, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(marks, c) {
			return false
		}
	}
	return len(text) <= maxGroupText
}

// apply refuses a group that an interface has, or that a rule of another group of
// its VPC names. Rules in a peer VPC don't hold it: they go stale (AWS:
// DeleteSecurityGroup; Update your security groups to reference peer groups).
func (r DeleteSecurityGroup) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if g.Default {
		return failWith(DefaultUndeletable, g.ID, g.Name)
	}
	for eni := range e.Members(g.ID) {
		return failWith(InUse, g.ID, eni.ID)
	}
	for other := range e.GroupsReferring(g.ID) {
		if other.ID != g.ID && other.VPC == g.VPC {
			return failWith(InUse, g.ID, other.ID)
		}
	}
	e.dropGroup(g)
	return nil
}

// dropGroup deletes a group and the tags of its rules.
func (e *edit) dropGroup(g *SecurityGroup) {
	for _, rule := range g.Rules {
		e.dropTags(g.World(), string(rule.ID))
	}
	drop(e, &e.groups, kindGroup, g.key())
}
